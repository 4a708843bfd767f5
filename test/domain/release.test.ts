import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changedMeanwhile, judgeRelease, ownersValues } from '../../domain/release.ts';
import type { Governor, WorkloadState } from '../../domain/workload.ts';

const ours = 'pre-scale.web.sale/run-1';
const other = { id: 'pre-scale.web.launch/run-1', floor: 5, reason: 'launch' };
const baseline = '{"fields":{"ceiling":{"set":13,"was":10},"floor":{"set":6,"was":3}},"replicas":3,"uid":"uid-1"}';

function aGovernor(of: Partial<Governor> = {}): Governor {
  return {
    kind: 'horizontalPodAutoscaler',
    workloadKind: 'Deployment',
    namespace: 'shop',
    name: 'web-hpa',
    uid: 'uid-1',
    hasAnnotations: true,
    hasLabels: true,
    fields: { floor: 3, ceiling: 10 },
    marks: {},
    ignored: false,
    ...of,
  };
}
const self = aGovernor({ kind: 'workload', name: 'web', uid: 'uid-0', fields: { floor: 6 } });

function stateOf(...autoscalers: readonly Governor[]): WorkloadState {
  return {
    ref: { name: 'web', namespace: 'shop', kind: 'Deployment', object: 'web' },
    uid: 'uid-0',
    generation: 1,
    observedGeneration: 1,
    paused: false,
    wantedReplicas: 6,
    replicas: 6,
    updatedReplicas: 6,
    readyReplicas: 6,
    availableReplicas: 6,
    terminatingReplicas: 0,
    conditions: [],
    selector: 'app=web',
    self,
    autoscalers,
  };
}
function held(claims: unknown, fields = { floor: 6, ceiling: 13 }): Governor {
  return aGovernor({ fields, marks: { baseline, held: 'true', claims: JSON.stringify(claims) } });
}

describe('judging whether a claim has gone', () => {
  const waiting: readonly (readonly [name: string, governor: Governor, reason: string])[] = [
    [
      'while the claim is on the object',
      held([{ id: ours, floor: 6, reason: 'sale' }, other]),
      'the claim still stands on HorizontalPodAutoscaler shop/web-hpa',
    ],
    [
      'while the floor winds down',
      held([]),
      'winding down: the floor of HorizontalPodAutoscaler shop/web-hpa is 6, before the hold it was 3',
    ],
    [
      'while the owner’s maximum is still to come back',
      aGovernor({
        fields: { floor: 3, ceiling: 13 },
        marks: { ...held([]).marks, baseline: baseline.replace('"floor":{"set":6', '"floor":{"set":3') },
      }),
      'the floor of HorizontalPodAutoscaler shop/web-hpa is back; its maximum of before, 10, comes back when the count is no longer above it',
    ],
    [
      'while the claims cannot be read',
      held('edited'),
      'headroom.dev/claims of HorizontalPodAutoscaler shop/web-hpa cannot be read',
    ],
  ];
  for (const [name, governor, reason] of waiting) {
    it(`waits ${name}`, () => assert.deepEqual(judgeRelease(stateOf(governor), ours), { kind: 'waiting', reason }));
  }

  it('sees it gone, but not restored, while others hold the workload', () => {
    assert.deepEqual(judgeRelease(stateOf(held([other])), ours), { kind: 'gone', restored: false, otherClaims: 1 });
  });
  it('sees it restored when no mark is left', () => {
    assert.deepEqual(judgeRelease(stateOf(aGovernor()), ours), { kind: 'gone', restored: true, otherClaims: 0 });
  });
  it('looks at the workload itself too, also where an autoscaler governs it', () => {
    const state = { ...stateOf(aGovernor()), self: { ...self, marks: { baseline } } };
    assert.equal(judgeRelease(state, ours).kind, 'waiting');
  });
});

describe('reading what the owner wants', () => {
  it('reads the baseline while a hold lives', () => {
    assert.deepEqual(ownersValues(stateOf(held([other]))), { uid: 'uid-1', floor: 3, ceiling: 10 });
  });
  it('reads the workload where nothing else governs, and of two autoscalers the HPA', () => {
    assert.deepEqual(ownersValues(stateOf()), { uid: 'uid-0', floor: 6, ceiling: null });
    const keda = (uid: string) => aGovernor({ kind: 'scaledObject', uid });
    assert.equal(ownersValues(stateOf(keda('uid-2'), aGovernor())).uid, 'uid-1');
    assert.equal(ownersValues(stateOf(keda('uid-2'), keda('uid-3'))).uid, 'uid-0');
  });
});

describe('saying what changed meanwhile', () => {
  const before = { uid: 'uid-1', floor: 3, ceiling: 10 };
  it('says nothing when all is as it was', () => assert.deepEqual(changedMeanwhile(before, { ...before }), []));
  it('names each value', () => {
    assert.deepEqual(changedMeanwhile(before, { uid: 'uid-1', floor: 4, ceiling: 12 }), [
      'the floor was 3 and is 4: somebody else set it meanwhile',
      'the ceiling was 10 and is 12: somebody else set it meanwhile',
    ]);
  });
  it('does not compare the values of another object', () => {
    assert.deepEqual(changedMeanwhile(before, { uid: 'uid-2', floor: 9, ceiling: null }), [
      'another object governs the workload now',
    ]);
  });
});
