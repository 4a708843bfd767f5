import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planCapacity } from '../../domain/capacity-plan.ts';
import type { Claim } from '../../domain/claim.ts';
import { planEmergency } from '../../domain/emergency.ts';
import { standingKey } from '../../domain/hold-standing.ts';
import type { FakeCluster } from '../fakes/cluster.ts';
import { aWorld, HPA, POLICY, REF } from './world.ts';

const SELF = { kind: 'workload', namespace: 'shop', name: 'web' } as const;
const KEDA = { kind: 'scaledObject', namespace: 'shop', name: 'web-so' } as const;
const CALL = { signal: new AbortController().signal, caller: 'test' };

const emergency = (floor: number): Claim => ({
  id: 'emergency-scale-up.web/r1',
  floor,
  freezeScaleIn: true,
  inConflict: true,
  reason: 'slow',
});
const sale = (floor: number): Claim => ({ id: 'pre-scale.web.sale/r1', floor, reason: 'sale' });

/** The runbook's own cluster: an HPA of 3 to 10 and a ScaledObject on one Deployment of three pods. */
function torn({ floor = 1, ceiling = 8 }: { readonly floor?: number; readonly ceiling?: number } = {}) {
  const world = aWorld();
  const { cluster, activities, run } = world;
  cluster.addAutoscaler({ kind: KEDA.kind, name: KEDA.name, target: REF, floor, ceiling });
  let generation = 0;
  const apply = (claims: readonly Claim[], { skipSteps = true } = {}) => {
    generation += 1;
    const calm = { fresh: true, reappliedAtMs: [], silent: false, cluster: null };
    return run.act(() => activities.applyHold({ workload: 'web', claims, generation, skipSteps, ...calm }));
  };
  return { ...world, apply };
}

function fieldsOf(cluster: FakeCluster, id: typeof HPA | typeof KEDA | typeof SELF) {
  return (cluster.snapshot(id) as { readonly fields: { readonly floor: number; readonly ceiling: number } }).fields;
}
const boundsOf = (cluster: FakeCluster) => [fieldsOf(cluster, HPA).floor, fieldsOf(cluster, HPA).ceiling];
const countOf = (cluster: FakeCluster) => fieldsOf(cluster, SELF).floor;

async function standingOf(report: ReturnType<ReturnType<typeof torn>['apply']>) {
  const found = await report;
  assert.ok(found.kind === 'standing', JSON.stringify(found));
  return found.standing;
}

describe('holding in a conflict', () => {
  it('raises the HPA up to the maximum of the other, frozen, in one write, and says what it is worth and what repairs it', async () => {
    const { cluster, apply } = torn();
    const standing = await standingOf(apply([emergency(12)]));
    assert.deepEqual([standing.floor, standing.ceiling, standing.frozen, standing.held], [8, 10, true, true]);
    assert.deepEqual([countOf(cluster), cluster.written.length], [8, 1]);
    assert.match(
      standing.conflict ?? '',
      /only .*web-hpa can hold it, and never above 8.*the repair: delete one of them/,
    );
  });

  it('goes back to the count and the values of before while the conflict is still there', async () => {
    const { cluster, apply } = torn();
    const before = [HPA, KEDA, SELF].map((id) => cluster.snapshot(id));
    await apply([emergency(6)]);
    const falling = await standingOf(apply([]));
    assert.deepEqual([falling.held, falling.waitingFor], [true, 'the count to fall from 6 to what it was, 3']);
    assert.deepEqual([boundsOf(cluster), countOf(cluster)], [[3, 3], 3], 'nobody but the maximum brings it down');
    assert.equal((await standingOf(apply([]))).held, false);
    assert.deepEqual(
      [HPA, KEDA, SELF].map((id) => cluster.snapshot(id)),
      before,
    );
    assert.deepEqual(await apply([]), { kind: 'idle' });
  });

  it('goes down by the steps of the policy', async () => {
    const { cluster, apply } = torn();
    await apply([emergency(8)]);
    const standing = await standingOf(apply([], { skipSteps: false }));
    assert.deepEqual([standing.floor, countOf(cluster), standing.waitingFor], [7, 7, 'the next step down']);
  });

  it('leaves a count that somebody set above the floor', async () => {
    const { cluster, apply } = torn({ ceiling: 20 });
    await apply([emergency(6)]);
    cluster.setField(SELF, 'floor', 9);
    assert.equal((await standingOf(apply([]))).held, false);
    assert.deepEqual([boundsOf(cluster), countOf(cluster)], [[3, 10], 9]);
  });

  it('follows the maximum of the other down at once, and up again', async () => {
    const { cluster, apply } = torn({ ceiling: 20 });
    assert.equal((await standingOf(apply([emergency(12)]))).floor, 12);
    for (const [ceiling, floor] of [
      [7, 7],
      [2, 3],
      [9, 9],
    ] as const) {
      cluster.setField(KEDA, 'ceiling', ceiling);
      const standing = await standingOf(apply([emergency(12)], { skipSteps: false }));
      assert.equal(standing.floor, floor, `beside a maximum of ${ceiling}`);
    }
  });

  it('never takes the maximum under the minimum of the other', async () => {
    const { cluster, apply } = torn({ floor: 5 });
    await apply([emergency(8)]);
    await apply([]);
    assert.deepEqual([countOf(cluster), boundsOf(cluster)], [5, [3, 5]]);
    assert.equal((await standingOf(apply([]))).held, false);
  });

  it('goes on from the object when the ledger has lost everything, and home when no claim is left', async () => {
    const { cluster, activities, run, apply } = torn();
    const before = cluster.snapshot(HPA);
    await apply([emergency(6)]);
    assert.deepEqual(await run.act(() => activities.readHold('web')), { claims: [emergency(6)], generation: 1 });
    await apply([]);
    await apply([]);
    assert.deepEqual(cluster.snapshot(HPA), before);
  });

  it('holds for others too while it stands there, and tells them that nothing is', async () => {
    const { cluster, apply } = torn();
    assert.equal((await apply([sale(5)])).kind, 'blocked');
    await apply([sale(5), emergency(8)]);
    const standing = await standingOf(apply([sale(5)]));
    assert.deepEqual([standing.floor, standing.frozen, boundsOf(cluster)[0]], [5, undefined, 5]);
  });

  it('holds as ever when the other is gone, and what it claims in full', async () => {
    const { cluster, apply } = torn();
    const before = cluster.snapshot(HPA);
    await apply([emergency(12)]);
    cluster.remove(KEDA);
    const standing = await standingOf(apply([emergency(12)]));
    assert.deepEqual([standing.floor, standing.conflict], [12, undefined]);
    cluster.followsFloors = false;
    cluster.setField(SELF, 'floor', 3);
    await apply([]);
    assert.deepEqual(cluster.snapshot(HPA), before);
  });

  it('holds the other when the HPA is gone', async () => {
    const { cluster, apply } = torn({ ceiling: 20 });
    const before = cluster.snapshot(KEDA);
    await apply([emergency(6)]);
    cluster.remove(HPA);
    assert.equal((await standingOf(apply([emergency(6)]))).floor, 6);
    assert.equal(fieldsOf(cluster, KEDA).floor, 6);
    await apply([]);
    assert.deepEqual(cluster.snapshot(KEDA), before);
  });

  it('leaves the marks of a ScaledObject that was held before, of which KEDA’s webhook refuses every change', async () => {
    const { cluster, activities, run, apply } = torn({ ceiling: 20 });
    cluster.remove(HPA);
    await apply([sale(5)]);
    const held = cluster.snapshot(KEDA);
    cluster.addAutoscaler({ kind: HPA.kind, name: HPA.name, target: REF, floor: 1, ceiling: 10 });
    await apply([sale(5), emergency(7)]);
    assert.deepEqual([boundsOf(cluster)[0], cluster.snapshot(KEDA)], [7, held]);
    assert.equal((await apply([sale(6)])).kind, 'standing');
    const { claims } = await run.act(() => activities.readHold('web'));
    assert.deepEqual(claims, [sale(6)], 'of what stands on both the word that was written last');
  });

  it('takes of two HPAs the one whose rival leaves more room, and stays there', async () => {
    const { cluster, apply } = torn();
    cluster.remove(KEDA);
    cluster.addAutoscaler({ kind: HPA.kind, name: 'other-hpa', target: REF, floor: 1, ceiling: 6 });
    const other = { ...HPA, name: 'other-hpa' };
    for (const floor of [8, 9]) {
      const standing = await standingOf(apply([emergency(floor)]));
      assert.deepEqual([standing.floor, fieldsOf(cluster, other as typeof HPA).floor], [floor, floor]);
    }
  });
});

describe('watching over a hold in a conflict', () => {
  it('answers when the maximum of the other has changed, and when the other is gone', async () => {
    for (const edit of [
      (cluster: FakeCluster) => cluster.setField(KEDA, 'ceiling', 9),
      (cluster: FakeCluster) => cluster.remove(KEDA),
    ]) {
      const { cluster, activities, run, apply } = torn();
      const stands = standingKey(await standingOf(apply([emergency(6)])));
      const calm = { fresh: false, reappliedAtMs: [], silent: false, cluster: null, skipSteps: false };
      const request = { workload: 'web', claims: [emergency(6)], generation: 1, stands, ...calm };
      let turns = 20;
      const later = () => ((turns -= 1) > 0 ? setImmediate(later) : edit(cluster));
      setImmediate(later);
      assert.deepEqual(await run.act(() => activities.guardHold(request)), { lost: [], silent: false });
      assert.equal(turns, 0);
    }
  });
});

describe('planning an emergency in a conflict', () => {
  async function plan({ ceiling = 8, keda = true, factor = 2 } = {}) {
    const { cluster, activities, run } = torn({ ceiling });
    if (!keda) {
      cluster.remove(HPA);
      cluster.addAutoscaler({ kind: KEDA.kind, name: 'other-so', target: REF, floor: 1, ceiling: 20 });
    }
    const resolved = await run.act(() => activities.resolveEmergencyPolicy('web'));
    assert.ok('emergency' in resolved);
    const state = await cluster.readWorkload(REF, CALL);
    const event = { name: 'slow', startMs: 0, endMs: 3_600_000 };
    const request = { workload: 'web', requestedBy: 'kim', factor };
    return { event, state, decision: planEmergency({ request, resolved, survey: { kind: 'found', state }, event }) };
  }

  it('puts the claim on the HPA, within the maximum of the other, and says so with the repair', async () => {
    const { decision } = await plan({ factor: 3 });
    assert.ok(decision.kind === 'plan');
    const { governor, target, conflict, ceilingReplicas } = decision.plan;
    assert.deepEqual([governor.name, target.replicas, target.clampedFrom, ceilingReplicas], ['web-hpa', 8, 9, 12]);
    assert.deepEqual(target.ceiling, { from: 10, to: 10 });
    assert.equal(conflict?.maximum, 8);
    assert.match(conflict.reason, /web-hpa and ScaledObject shop\/web-so target the same workload.*the repair/);
  });

  const refusals: readonly (readonly [string, Parameters<typeof plan>[0], RegExp])[] = [
    [
      'where the other lets no more stand than there is',
      { ceiling: 3 },
      /of more than the 3 replicas of now nothing would stay: .*the maximum of the other is 3.*delete or retarget one/,
    ],
    ['where no HPA is among them', { keda: false }, /2 autoscalers target web: .*delete or retarget one/],
  ];
  for (const [name, given, why] of refusals) {
    it(`refuses ${name}`, async () => {
      const { decision } = await plan(given);
      assert.match(decision.kind === 'refuse' ? decision.reasons.join('\n') : 'a plan', why);
    });
  }

  it('is the only procedure that goes on there', async () => {
    const { event, state } = await plan();
    for (const procedure of ['preScale', 'stepScale', 'holdCapacity'] as const) {
      const target = { kind: 'replicas', replicas: 6 } as const;
      const rest = { leadMs: 0, policy: POLICY, faults: [], warnings: [] };
      const request = { workload: 'web', event, target };
      const decision = planCapacity({ procedure, request, survey: { kind: 'found', state }, ...rest });
      assert.match(decision.kind === 'refuse' ? decision.reasons.join('\n') : 'a plan', /2 autoscalers target web/);
    }
  });
});
