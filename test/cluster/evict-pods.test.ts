import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createEvictionActivities, type EvictPodsRequest } from '../../activities/evictions.ts';
import type { EvictionPort } from '../../activities/ports.ts';
import type { NodeIdentity } from '../../domain/gpu-node.ts';
import { call } from '../contracts/node-world.ts';
import { anActivity } from '../harness/activity.ts';
import { eventually } from '../harness/eventually.ts';
import { openRealNodes } from './real-nodes.ts';

const mark = { owner: 'drain-gpu-node.evict/1', requestedBy: 'ann', atMs: 1_000, untilMs: null };

describe('emptying a node of a real cluster', () => {
  let cluster: Awaited<ReturnType<typeof openRealNodes>>;
  before(async () => {
    cluster = await openRealNodes();
  });
  after(() => cluster.close());
  const drain = async (node: NodeIdentity, more: Partial<EvictPodsRequest> = {}) => {
    const pods = await cluster.evictions.readPodsOn(node.name, call);
    return anActivity().act(() =>
      createEvictionActivities(cluster).evictPods({ node, pods, deadlineMs: Date.now() + 60_000, ...more }),
    );
  };
  const left = async ({ name }: NodeIdentity) => (await cluster.evictions.readPodsOn(name, call)).length;

  it('keeps the disruption budget all the way, and leaves nothing', async () => {
    const node = await cluster.addNode('budget');
    await cluster.addDeployment('guarded', 12);
    await cluster.addPodsBudget('guarded', 'guarded', { maxUnavailable: 2 });
    await cluster.addNode('elsewhere');
    assert.equal(await cluster.nodes.cordon(node, mark, call), 'cordoned');
    const watch = { least: Infinity, ended: new AbortController() };
    const watching = assert.rejects(
      cluster.evictions.watchNode(
        node.name,
        ({ budgets }) => {
          for (const { name, currentHealthy } of budgets)
            if (name === 'guarded') watch.least = Math.min(watch.least, currentHealthy);
        },
        { ...call, signal: watch.ended.signal },
      ),
    );
    assert.deepEqual(await drain(node), { kind: 'empty', evicted: 12 });
    watch.ended.abort();
    await watching;
    assert.equal(await left(node), 0);
    assert.ok(watch.least >= 10, `never below what it needs; seen ${watch.least}`);
    assert.equal(await cluster.nodes.uncordon(node, mark.owner, call), 'uncordoned');
    await cluster.remove('guarded');
  });

  it('waits for each replacement before the next pod of a controller, where it is asked to', async () => {
    const own = await openRealNodes();
    try {
      const node = await own.addNode('slowly');
      await own.addDeployment('slowly', 4);
      await own.addNode('elsewhere');
      await own.nodes.cordon(node, mark, call);
      const pods = await own.evictions.readPodsOn(node.name, call);
      const [pod] = pods;
      assert.ok(pod?.owner);
      const owner = { ...pod.owner, namespace: own.namespace };
      const wasComplete: boolean[] = [];
      const evictions: EvictionPort = {
        ...own.evictions,
        async evict(asked, call) {
          wasComplete.push(await own.evictions.isComplete(owner, call));
          return own.evictions.evict(asked, call);
        },
      };
      const report = await anActivity().act(() =>
        createEvictionActivities({ evictions }).evictPods({
          node,
          pods,
          deadlineMs: Date.now() + 60_000,
          oneByOne: true,
        }),
      );
      assert.deepEqual(report, { kind: 'empty', evicted: 4 });
      assert.deepEqual(wasComplete, [true, true, true, true]);
    } finally {
      await own.close();
    }
  });

  it('leaves the pods that a Deployment puts back on the cordoned node to the next judgement', async () => {
    const node = await cluster.addNode('stubborn');
    await cluster.addDeployment('stubborn', 2, { nodeName: node.name });
    await cluster.nodes.cordon(node, mark, call);
    assert.deepEqual(await drain(node), { kind: 'empty', evicted: 2 });
    await eventually('both are back', async () => (await left(node)) === 2);
    await cluster.remove('stubborn');
  });

  it('names what a finalizer keeps, at the deadline', async () => {
    const node = await cluster.addNode('kept');
    const pod = await cluster.addPod(node.name, 'kept', { finalizers: ['example.com/wait'] });
    await cluster.nodes.cordon(node, mark, call);
    const report = await drain(node, { deadlineMs: Date.now() + 1_500 });
    assert.ok(report.kind === 'held', report.kind);
    assert.deepEqual(report.held, [
      {
        pod,
        why: 'is terminating and kept by example.com/wait; whoever set the finalizer has to remove it',
        budget: null,
        forever: false,
      },
    ]);
    await cluster.release(pod);
    assert.deepEqual(await drain(node), { kind: 'empty', evicted: 0 });
  });

  it('ends where the name is another node’s, without touching its pods', async () => {
    const was = await cluster.addNode('again');
    await cluster.removeNode(was.name);
    const now = await cluster.addNode('again');
    await cluster.addPod(now.name, 'again');
    await cluster.nodes.cordon(now, mark, call);
    assert.deepEqual(await drain(was), { kind: 'replaced', evicted: 0 });
    assert.equal(await left(now), 1);
    await cluster.removeNode(now.name);
    assert.deepEqual(await drain(now), { kind: 'gone', evicted: 0 });
  });
});
