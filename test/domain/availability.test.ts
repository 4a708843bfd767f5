import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { findLowFloor, judgeAvailability } from '../../domain/availability.ts';
import { TROUBLE_KINDS, type PodTrouble } from '../../domain/troubles.ts';
import type { Governor, WorkloadState } from '../../domain/workload.ts';
import { aGovernor, aState, condition } from './availability-builders.ts';

const anHpa = aGovernor({ kind: 'horizontalPodAutoscaler', name: 'server-hpa' });
const aScaledObject = aGovernor({ kind: 'scaledObject', name: 'server-keda' });

function aTrouble(of: Partial<PodTrouble> = {}): PodTrouble {
  return { kind: 'unschedulable', reason: 'Unschedulable', message: 'm', count: 1, examples: ['web-1'], ...of };
}
function judge(of: Partial<WorkloadState>, target = 6, troubles: readonly PodTrouble[] = []) {
  return judgeAvailability({ state: aState(of), target, troubles });
}
function reasonsOf(...given: Parameters<typeof judge>): readonly string[] {
  const verdict = judge(...given);
  return verdict.kind === 'available' ? [] : verdict.reasons;
}

describe('judging whether what is there is held', () => {
  const hpa = aGovernor({ kind: 'horizontalPodAutoscaler', name: 'server-hpa', fields: { floor: 3, ceiling: 20 } });

  it('finds no fault when the governor’s floor is the target or more', () => {
    assert.equal(findLowFloor(aState({ autoscalers: [hpa] }), 3), undefined);
    assert.equal(findLowFloor(aState({ self: aGovernor({ fields: { floor: 6 } }) }), 5), undefined);
  });
  it('names the governor whose floor is lower, though the pods may be there', () => {
    assert.match(findLowFloor(aState({ autoscalers: [hpa] }), 4) ?? '', /server-hpa is 3 and not yet 4/);
  });
  it('takes an absent floor for none, and two autoscalers for no hold at all', () => {
    assert.match(findLowFloor(aState({ autoscalers: [aScaledObject] }), 1) ?? '', /is 0 and not yet 1/);
    assert.match(findLowFloor(aState({ autoscalers: [hpa, aScaledObject] }), 1) ?? '', /stop each other/);
  });

  const baseline = '{"uid":"u","replicas":3,"brought":6,"fields":{}}';
  const held = { ...hpa, uid: 'h', fields: { floor: 6, ceiling: 20 }, marks: { baseline } };
  const rows: readonly (readonly [string, Partial<Governor>, number, RegExp | undefined])[] = [
    ['holds on its HPA', {}, 6, undefined],
    ['holds less than is wanted', {}, 7, /floor of .*server-hpa is 6 and not yet 7/],
    [
      'holds no more than the other lets stand',
      { fields: { ceiling: 5 } },
      6,
      /^6 replicas are not held: .*never above 5/,
    ],
  ];
  for (const [name, of, target, why] of rows)
    it(`sees that a hold beside another autoscaler ${name}`, () => {
      const found = findLowFloor(aState({ autoscalers: [held, { ...aScaledObject, ...of }] }), target);
      if (why === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', why);
    });
});

describe('judging whether the pods are available', () => {
  it('answers available when so many are, the spec wants so many, and the controller has seen it', () => {
    assert.deepEqual(judge({}), { kind: 'available' });
    assert.deepEqual(judge({ availableReplicas: 4 }, 4), { kind: 'available' });
  });

  const waiting: readonly {
    name: string;
    of: Partial<WorkloadState>;
    target?: number;
    troubles?: PodTrouble[];
    reasons: string[];
  }[] = [
    {
      name: 'waits for the controller to see the newest generation, whatever the counts say',
      of: { generation: 8 },
      reasons: ['the Deployment controller has not seen the newest change yet'],
    },
    {
      name: 'waits while the spec wants fewer, although enough pods are still there',
      of: { wantedReplicas: 3, autoscalers: [anHpa] },
      reasons: [
        'spec.replicas is 3 of 6: HorizontalPodAutoscaler tensafe/server-hpa governs it and has not raised the count yet',
      ],
    },
    {
      name: 'names two autoscalers that stop each other',
      of: { wantedReplicas: 3, autoscalers: [anHpa, aScaledObject] },
      reasons: [
        'spec.replicas is 3 of 6: HorizontalPodAutoscaler tensafe/server-hpa and ScaledObject tensafe/server-keda stop each other; remove one',
      ],
    },
    {
      name: 'says that no autoscaler raises the count of a workload without one',
      of: { wantedReplicas: 3, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 },
      reasons: ['spec.replicas is 3 of 6: no autoscaler governs it, and nobody has set the count yet'],
    },
    {
      name: 'says that a rollout is under way',
      of: { availableReplicas: 5, updatedReplicas: 2, readyReplicas: 5 },
      reasons: ['a rollout is under way: 2 of 6 pods are of the newest template', '1 pod not ready yet'],
    },
    {
      name: 'says that pods are not created yet when nothing else explains it',
      of: { replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 },
      reasons: ['2 pods not created yet'],
    },
    {
      name: 'tells ready from available',
      of: { availableReplicas: 4 },
      reasons: ['2 pods ready, but not for minReadySeconds yet'],
    },
    {
      name: 'says that pods still terminating hold room and quota',
      of: { replicas: 5, updatedReplicas: 5, readyReplicas: 5, availableReplicas: 5, terminatingReplicas: 2 },
      reasons: ['1 pod not created yet', '2 pods still terminating, holding room and quota'],
    },
    {
      name: 'quotes the refusal of a Deployment, where no pod exists that could be Pending',
      of: {
        replicas: 3,
        updatedReplicas: 3,
        readyReplicas: 3,
        availableReplicas: 3,
        conditions: [
          condition(
            'ReplicaFailure',
            'True',
            'FailedCreate',
            'pods "server-x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3',
          ),
        ],
      },
      reasons: ['pods are refused: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3'],
    },
    {
      name: 'passes over a refusal that is over',
      of: {
        availableReplicas: 5,
        conditions: [condition('ReplicaFailure', 'False', 'FailedCreate', 'exceeded quota')],
      },
      reasons: ['1 pod ready, but not for minReadySeconds yet'],
    },
    {
      name: 'quotes a trouble with its count and examples',
      of: { availableReplicas: 0, readyReplicas: 0 },
      troubles: [
        aTrouble({
          message: '0/5 nodes are available: 5 Insufficient cpu.',
          count: 6,
          examples: ['a', 'b', 'c', 'd', 'e'],
        }),
      ],
      reasons: [
        '6 pods without a node: Unschedulable: 0/5 nodes are available: 5 Insufficient cpu. (a, b, c, d, e, …)',
      ],
    },
  ];
  for (const { name, of, target = 6, troubles = [], reasons } of waiting) {
    it(name, () => {
      const verdict = judge(of, target, troubles);
      assert.equal(verdict.kind, 'waiting');
      assert.deepEqual(reasonsOf(of, target, troubles), reasons);
    });
  }

  it('gives the counts with the reasons', () => {
    const verdict = judge({ availableReplicas: 2 });
    assert.ok(verdict.kind === 'waiting');
    assert.deepEqual([verdict.available, verdict.wanted], [2, 6]);
  });

  it('tells one refusal once, though the condition and the events both have it', () => {
    const conditions = [
      condition(
        'ReplicaFailure',
        'True',
        'FailedCreate',
        'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3',
      ),
    ];
    const troubles = [
      aTrouble({
        kind: 'notCreated',
        reason: 'FailedCreate',
        message: 'exceeded quota: q, requested: pods=1, used: pods=4',
        examples: [],
      }),
    ];
    assert.deepEqual(reasonsOf({ availableReplicas: 3, readyReplicas: 3, conditions }, 6, troubles), [
      'pods refused on creation: FailedCreate: exceeded quota: q, requested: pods=1, used: pods=4',
    ]);
  });

  it('tells a refusal of another kind beside those that the events have', () => {
    const conditions = [
      condition('ReplicaFailure', 'True', 'FailedCreate', 'admission webhook "w" denied the request'),
    ];
    const troubles = [
      aTrouble({ kind: 'notCreated', reason: 'FailedCreate', message: 'exceeded quota: q', examples: [] }),
    ];
    assert.equal(reasonsOf({ availableReplicas: 3, readyReplicas: 3, conditions }, 6, troubles).length, 2);
  });

  it('tells of terminating pods once', () => {
    const leaving = [aTrouble({ kind: 'terminating', reason: '', message: '', count: 2, examples: ['a', 'b'] })];
    const of = { availableReplicas: 5, readyReplicas: 5, terminatingReplicas: 2 };
    assert.deepEqual(reasonsOf(of, 6, leaving), ['2 pods still terminating, holding room and quota (a, b)']);
    assert.equal(reasonsOf(of, 6, [aTrouble()]).length, 2);
  });

  it('gives the earliest source first, whatever the order found', () => {
    const troubles = TROUBLE_KINDS.map((kind) =>
      aTrouble({ kind, reason: kind, message: '', examples: [] }),
    ).toReversed();
    const reasons = reasonsOf({ availableReplicas: 0 }, 6, troubles).slice(0, TROUBLE_KINDS.length);
    assert.deepEqual(
      reasons.map((reason) => reason.split(': ').at(-1)),
      TROUBLE_KINDS,
    );
  });

  it('never answers available with fewer than the target, in spec or status', () => {
    const count = fc.nat(8);
    fc.assert(
      fc.property(count, count, count, fc.nat(2), (wantedReplicas, availableReplicas, target, lag) => {
        const verdict = judge({ wantedReplicas, availableReplicas, observedGeneration: 7 - lag }, target);
        const isThere = wantedReplicas >= target && availableReplicas >= target && lag === 0;
        assert.equal(verdict.kind, isThere ? 'available' : 'waiting');
      }),
    );
  });
});
