import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Call } from '../../activities/ports.ts';
import { describeWorkloadPort } from '../contracts/workload-port.ts';
import { FakeCluster } from '../fakes/cluster.ts';

describeWorkloadPort('the fake cluster', async () => {
  const cluster = new FakeCluster();
  return {
    port: cluster,
    addWorkload: async (given) => cluster.addWorkload(given),
    addAutoscaler: async ({ ownedBy, ...given }) => cluster.addAutoscaler({ ...given, owned: ownedBy !== undefined }),
    remove: async (id) => cluster.remove(id),
    setField: async (id, field, value, manager) => cluster.setField(id, field, value, manager),
    annotate: async (id, key, value) => cluster.annotate(id, key, value),
    ignoreEverything: async (ignored) => {
      cluster.ignoresEverything = ignored;
    },
    snapshot: async (id) => cluster.snapshot(id),
    close: async () => {},
  };
});

describe('the weather of the fake cluster', () => {
  const call: Call = { signal: new AbortController().signal, caller: 'fake/test' };
  async function scaled() {
    const cluster = new FakeCluster();
    const ref = cluster.addWorkload({ name: 'web', replicas: 3 });
    cluster.addAutoscaler({ kind: 'horizontalPodAutoscaler', name: 'web-hpa', target: ref, floor: 3, ceiling: 20 });
    const read = () => cluster.readWorkload(ref, call);
    const [hpa] = (await read()).autoscalers;
    assert.ok(hpa);
    const raise = (to: number) =>
      cluster.changeGovernor({ ...hpa, fields: [{ field: 'floor', from: 3, to }], marks: [] }, call);
    return { cluster, ref, read, raise, id: hpa };
  }

  it('lets the HPA lift the count to its floor and clamp it to its ceiling', async () => {
    const { cluster, read, raise, id } = await scaled();
    await raise(6);
    assert.deepEqual([(await read()).wantedReplicas, (await read()).availableReplicas], [6, 6]);
    cluster.setField(id, 'floor', 2);
    assert.equal((await read()).wantedReplicas, 6, 'no metric lowers it');
    cluster.setField(id, 'ceiling', 4);
    assert.equal((await read()).wantedReplicas, 4);
  });

  it('clamps the count by both of two autoscalers that stop each other', async () => {
    const { cluster, ref, read, raise } = await scaled();
    cluster.addAutoscaler({ kind: 'scaledObject', name: 'web-so', target: ref, floor: 1, ceiling: 5 });
    await raise(6);
    assert.equal((await read()).wantedReplicas, 5);
  });

  it('leaves the count alone when told so', async () => {
    const { cluster, read, raise } = await scaled();
    cluster.followsFloors = false;
    await raise(6);
    assert.equal((await read()).wantedReplicas, 3);
  });

  it('keeps new pods unavailable when told so', async () => {
    const { cluster, ref, read, raise } = await scaled();
    cluster.startsPods = false;
    await raise(6);
    assert.deepEqual([(await read()).replicas, (await read()).availableReplicas], [6, 3]);
    cluster.setAvailable(ref, 5);
    assert.equal((await read()).availableReplicas, 5);
  });

  it('lets somebody else write first', async () => {
    const { cluster, raise, id } = await scaled();
    cluster.raceNextWrite((other) => other.setField(id, 'floor', 4));
    assert.equal(await raise(6), 'raced');
    assert.deepEqual(cluster.written, []);
  });

  it('fails at the call it was told to, before or after the work is done', async () => {
    const { cluster, read, raise } = await scaled();
    cluster.brew({ method: 'changeGovernor', call: 1, type: 'apiUnavailable' });
    cluster.brew({ method: 'changeGovernor', call: 2, type: 'apiThrottled', afterwards: true, retryAfterMs: 5_000 });
    await assert.rejects(raise(6), { type: 'apiUnavailable' });
    assert.equal((await read()).autoscalers[0]?.fields.floor, 3);
    await assert.rejects(raise(6), { type: 'apiThrottled', nextRetryDelay: 5_000 });
    assert.equal((await read()).autoscalers[0]?.fields.floor, 6);
    assert.equal(await raise(6), 'raced', 'the third call has fair weather');
  });
});
