import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { restoreFromObject } from '../../worker/restore.ts';
import { aWorld, HPA, POLICY, REF } from '../activities/world.ts';

const CALM = { fresh: true, reappliedAtMs: [], silent: false, cluster: null };
const HOLD = { workload: 'web', claims: [{ id: 'pre-scale.web.sale/r1', floor: 6, reason: 'sale' }], skipSteps: false };

async function aHeldWorld() {
  const world = aWorld();
  const owners = world.cluster.snapshot(HPA);
  await world.run.act(() => world.activities.applyHold({ ...HOLD, generation: 4, ...CALM }));
  return { ...world, owners };
}

describe('giving a hold back without Temporal', () => {
  it('puts the owner’s exact values back at once, from the annotation alone, and says what it wrote', async () => {
    const { cluster, owners } = await aHeldWorld();
    const answer = await restoreFromObject(cluster, POLICY);
    assert.deepEqual(answer, {
      kind: 'restored',
      written: ['HorizontalPodAutoscaler shop/web-hpa: floor 6 → 3, ceiling 12 → 10'],
      waitingFor: [],
    });
    assert.deepEqual(cluster.snapshot(HPA), owners);
  });

  it('brings the count back too where another autoscaler lets nobody scale in, and says what it waits for', async () => {
    const world = aWorld();
    const { cluster, run, activities } = world;
    cluster.addAutoscaler({ kind: 'scaledObject', name: 'web-so', target: REF, floor: 1, ceiling: 8 });
    const owners = cluster.snapshot(HPA);
    const claims = HOLD.claims.map((claim) => ({ ...claim, inConflict: true as const }));
    await run.act(() => activities.applyHold({ ...HOLD, claims, generation: 4, ...CALM }));
    const self = { kind: 'workload', namespace: 'shop', name: 'web' } as const;
    cluster.followsFloors = false;
    const { waitingFor } = { waitingFor: [], ...(await restoreFromObject(cluster, POLICY)) };
    assert.match(waitingFor.join(), /web-hpa: the count to fall from 6 to what it was, 3/);
    cluster.followsFloors = true;
    await restoreFromObject(cluster, POLICY);
    assert.deepEqual(cluster.snapshot(HPA), owners);
    assert.deepEqual((cluster.snapshot(self) as Record<string, unknown>)['fields'], { floor: 3 });
  });

  it('writes nothing where nothing is held', async () => {
    const { cluster } = aWorld();
    assert.deepEqual(await restoreFromObject(cluster, POLICY), { kind: 'restored', written: [], waitingFor: [] });
    assert.equal(cluster.written.length, 0);
  });

  it('leaves what somebody else has set, and reads again when somebody wrote in between', async () => {
    const { cluster } = await aHeldWorld();
    cluster.raceNextWrite((other) => other.setField(HPA, 'floor', 8, 'kubectl-edit'));
    const answer = await restoreFromObject(cluster, POLICY);
    assert.equal(answer.kind, 'restored');
    const { fields, annotations } = cluster.snapshot(HPA) as Record<string, unknown>;
    assert.deepEqual({ fields, annotations }, { fields: { floor: 8, ceiling: 10 }, annotations: null });
  });

  it('refuses an object that is not to be touched, and one whose marks cannot be read', async () => {
    const { cluster } = await aHeldWorld();
    cluster.annotate(HPA, 'headroom.dev/baseline', '{');
    const unreadable = await restoreFromObject(cluster, POLICY);
    assert.match(
      unreadable.kind === 'refused' ? unreadable.reasons.join() : '',
      /headroom.dev\/baseline cannot be read/,
    );
    cluster.annotate(HPA, 'headroom.dev/ignore', 'true');
    const ignored = await restoreFromObject(cluster, POLICY);
    assert.match(ignored.kind === 'refused' ? ignored.reasons.join() : '', /headroom.dev\/ignore=true is set/);
  });

  it('gives up when somebody writes again and again, and names the suspect', async () => {
    const { cluster } = await aHeldWorld();
    const rewrite = (write: number) =>
      cluster.raceNextWrite((other) => other.annotate(HPA, 'headroom.dev/generation', String(write)));
    for (let write = 10; write < 20; write += 1) rewrite(write);
    const answer = await restoreFromObject(cluster, POLICY);
    assert.match(answer.kind === 'refused' ? answer.reasons.join() : '', /is a ledger at work/);
  });
});
