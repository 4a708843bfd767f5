import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planCapacityHold, type CapacityHoldRequest } from '../../domain/capacity-hold.ts';
import { readCapacityHoldRequest } from '../../domain/capacity-hold-request.ts';
import type { CapacityPlan } from '../../domain/capacity-plan.ts';
import { frozen } from '../../domain/freeze.ts';
import { canonicalJson } from '../../domain/json.ts';
import type { ResolvedPolicy } from '../../domain/policy.ts';
import type { AutoscalerFacts, Governor, WorkloadState } from '../../domain/workload.ts';
import { POLICY } from '../activities/world.ts';
import { aGovernor, aState } from './availability-builders.ts';

const HOUR_MS = 3_600_000;
type Mode = CapacityHoldRequest['mode'];

const hpa = (of: Partial<Governor> = {}) =>
  aGovernor({ kind: 'horizontalPodAutoscaler', name: 'web-hpa', fields: { floor: 3, ceiling: 10 }, ...of });
const scaledObject = (autoscaler: AutoscalerFacts, floor = 3) =>
  aGovernor({ kind: 'scaledObject', name: 'web-so', fields: { floor, ceiling: 10 }, autoscaler });

function decide(mode: Mode, state: Partial<WorkloadState>, policy: ResolvedPolicy = POLICY) {
  return planCapacityHold({
    request: { workload: 'web', mode, forMs: HOUR_MS, requestedBy: 'alice' },
    policy,
    survey: { kind: 'found', state: aState({ wantedReplicas: 4, autoscalers: [hpa()], ...state }) },
    event: { name: 'maintenance', startMs: 0, endMs: HOUR_MS },
  });
}
function planOf(mode: Mode, state: Partial<WorkloadState>, policy?: ResolvedPolicy): CapacityPlan {
  const decision = decide(mode, state, policy);
  return decision.kind === 'plan' ? decision.plan : assert.fail(decision.reasons.join('; '));
}

describe('planning a hold of an autoscaler', () => {
  it('leaves floor and maximum alone when it freezes', () => {
    const { target, hold } = planOf('freeze', {});
    assert.deepEqual(
      [target.replicas, target.floor, target.ceiling, hold],
      [4, { from: 3, to: 3 }, { from: 10, to: 10 }, { mode: 'freeze' }],
    );
  });
  it('pins the count of now when it pauses, also while others hold more than the owner', () => {
    const marks = {
      baseline: canonicalJson({ uid: 'u', replicas: 3, fields: { floor: { was: 3, set: 8 } } }),
      claims: '[]',
      generation: '1',
      held: 'true',
    };
    const held = hpa({ fields: { floor: 8, ceiling: 10 }, marks });
    const { target } = planOf('pause', { wantedReplicas: 8, autoscalers: [held] });
    assert.deepEqual([target.replicas, target.floor], [8, { from: 3, to: 8 }]);
  });
  it('needs nobody’s approval, whatever policy asks for elsewhere', () => {
    const strict = {
      ...POLICY,
      approval: { ...POLICY.approval, preScale: 'always', emergencyScaleUp: 'always' },
    } as const;
    assert.equal(planOf('freeze', {}, strict).approval.rule, 'never');
  });
  it('freezes a workload that runs jobs: it takes nothing away', () => {
    const jobs = { ...POLICY, workload: { ...POLICY.workload, jobs: true } };
    assert.equal(planOf('freeze', {}, jobs).hold?.mode, 'freeze');
  });

  const refusals: readonly (readonly [name: string, mode: Mode, state: Partial<WorkloadState>, word: RegExp])[] = [
    ['nothing to freeze', 'freeze', { autoscalers: [] }, /has no autoscaler.*nothing to freeze; --mode pause/],
    ['nothing to pause', 'pause', { autoscalers: [], wantedReplicas: 0 }, /at 0 replicas, which nothing can hold/],
    ['an HPA that is switched off', 'freeze', { wantedReplicas: 0 }, /at 0 replicas, where an HPA is switched off/],
    ['the same, to pause', 'pause', { wantedReplicas: 0 }, /at 0 replicas, where an HPA is switched off/],
    ['a count above the limit, to pause', 'pause', { wantedReplicas: 13 }, /13 replicas are above the limit of web/],
    [
      'somebody’s pause',
      'freeze',
      { autoscalers: [scaledObject({ paused: 'autoscaling.keda.sh/paused=true', inForce: null })] },
      /obeys no floor: it is paused by autoscaling.keda.sh\/paused=true; remove the annotation/,
    ],
    ['two autoscalers', 'freeze', { autoscalers: [hpa(), scaledObject({})] }, /2 autoscalers target web/],
  ];
  for (const [name, mode, state, word] of refusals)
    it(`refuses ${name}, once`, () => {
      const decision = decide(mode, state);
      assert.equal(decision.kind, 'refuse');
      assert.equal(decision.reasons.length, 1, decision.reasons.join('; '));
      assert.match(decision.reasons[0] ?? '', word);
    });

  it('freezes above the limit too: it asks for no count', () => {
    assert.equal(planOf('freeze', { wantedReplicas: 13 }).target.replicas, 13);
  });

  const frozenHpa = hpa();
  const warnings: readonly (readonly [name: string, mode: Mode, state: Partial<WorkloadState>, word: RegExp])[] = [
    [
      'a KEDA that is too old to freeze',
      'freeze',
      {
        autoscalers: [scaledObject({ version: '2.17.2', inForce: { floor: 3, ceiling: 10, frozen: false } })],
      },
      /KEDA 2.17.2 cannot freeze scale-in/,
    ],
    [
      'an owner’s own freeze',
      'freeze',
      { autoscalers: [{ ...frozenHpa, fields: { ...frozenHpa.fields, freeze: frozen(frozenHpa) ?? null } }] },
      /is off already, not by headroom: that stays/,
    ],
    [
      'a count under the floor',
      'pause',
      {
        wantedReplicas: 2,
        autoscalers: [scaledObject({ idleReplicas: 2, inForce: { floor: 3, ceiling: 10, frozen: false } })],
      },
      /its count is 2, under its floor: the hold brings it to 3/,
    ],
  ];
  for (const [name, mode, state, word] of warnings)
    it(`warns of ${name}`, () => assert.match(planOf(mode, state).warnings.join('; '), word));

  it('warns of nothing in an ordinary case', () => {
    for (const mode of ['freeze', 'pause'] as const) assert.deepEqual(planOf(mode, {}).warnings, []);
    const ours = frozen(frozenHpa) ?? null;
    const marks = {
      baseline: canonicalJson({ uid: 'u', replicas: 4, fields: { freeze: { set: ours } } }),
      claims: '[]',
      generation: '1',
      held: 'true',
    };
    const held = { ...frozenHpa, fields: { ...frozenHpa.fields, freeze: ours }, marks };
    assert.deepEqual(planOf('freeze', { autoscalers: [held] }).warnings, [], 'a freeze of ours');
  });
});

describe('reading a request for a hold', () => {
  const good = { workload: 'web', mode: 'freeze', forMs: HOUR_MS, requestedBy: 'alice' };
  it('takes a whole one', () => assert.deepEqual(readCapacityHoldRequest(good), { request: good, faults: [] }));
  it('takes no hold without an end, nor one of more than a week', () => {
    for (const forMs of [undefined, 0, -1, 1.5, '2h', 7 * 24 * HOUR_MS + 1]) {
      const { faults } = readCapacityHoldRequest({ ...good, forMs });
      assert.match(faults.join(), /^forMs is .*; give whole milliseconds above 0, at most 7d/, String(forMs));
    }
    assert.deepEqual(readCapacityHoldRequest({ ...good, forMs: 7 * 24 * HOUR_MS }).faults, []);
  });
  it('names every fault, and can be shown all the same', () => {
    const { request, faults } = readCapacityHoldRequest({ workload: 'web', mode: 'stop', forMs: 'x', reason: 7 });
    assert.deepEqual(
      faults.map((fault) => fault.split(' ')[0]),
      ['requestedBy', 'mode', 'forMs', 'reason'],
    );
    assert.deepEqual([request.workload, request.requestedBy], ['web', '?']);
    for (const input of [null, undefined, 'web', []])
      assert.match(readCapacityHoldRequest(input).faults.join(), /^the input is .*; give \{"workload"/);
  });
});
