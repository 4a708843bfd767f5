import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEvictionActivities, type EvictPodsRequest } from '../../activities/evictions.ts';
import { FakeNodes } from '../fakes/nodes.ts';
import { anActivity } from '../harness/activity.ts';

/** A cordoned node with so many pods. */
function aNode({ pods = 3 } = {}) {
  const world = new FakeNodes();
  const node = world.addNode('gpu-1', { schedulable: false });
  const made = Array.from({ length: pods }, () => world.addPod('gpu-1'));
  const run = anActivity();
  const { evictPods } = createEvictionActivities({ evictions: world });
  const drain = (more: Partial<EvictPodsRequest> = {}) =>
    run.act(() => evictPods({ node, pods: world.podsOn('gpu-1'), deadlineMs: Date.now() + 5_000, ...more }));
  return { world, node, pods: made, run, drain };
}
const soon = (ms = 60) => ({ deadlineMs: Date.now() + ms });

describe('emptying a node', () => {
  it('evicts all that no budget covers at the same time, once each, and looks again whether it is empty', async () => {
    const { world, drain } = aNode({ pods: 100 });
    assert.deepEqual(await drain(), { kind: 'empty', evicted: 100 });
    assert.equal(world.evictions.length, 100);
    assert.equal(world.mostAtOnce, 50);
    assert.equal(world.lists, 1);
  });

  it('leaves what the kubelet keeps there and what has ended, and of DaemonSets what it is not told of', async () => {
    const { world, drain, pods } = aNode({ pods: 1 });
    world.addPod('gpu-1', { mirror: true });
    world.addPod('gpu-1', { phase: 'Succeeded' });
    const named = world.podsOn('gpu-1');
    world.addPod('gpu-1', { owner: { kind: 'DaemonSet', name: 'dcgm', uid: 'ds' } });
    world.addPod('gpu-2');
    assert.deepEqual(await drain({ pods: named }), { kind: 'empty', evicted: 1 });
    assert.deepEqual(
      world.evictions.map(({ uid }) => uid),
      pods.map(({ uid }) => uid),
    );
  });

  it('evicts the pod of a DaemonSet that is gone, which is named for that', async () => {
    const { world, drain } = aNode({ pods: 0 });
    const orphan = world.addPod('gpu-1', { owner: { kind: 'DaemonSet', name: 'dcgm', uid: 'ds' } });
    assert.deepEqual(await drain({ pods: [orphan] }), { kind: 'empty', evicted: 1 });
    assert.deepEqual(world.podsOn('gpu-1'), []);
  });

  it('evicts only what it is told to', async () => {
    const one = aNode();
    assert.deepEqual(await one.drain({ pods: one.pods.slice(1) }), { kind: 'empty', evicted: 2 });
  });

  it('evicts under a budget as many as it allows, and the next one when it allows one more', async () => {
    const { world, drain } = aNode({ pods: 6 });
    world.addBudget('web', { disruptionsAllowed: 2 });
    world.onGone = () => {
      assert.ok(world.allowed('web') >= 0);
      setTimeout(() => world.allow('web', Math.min(2, world.allowed('web') + 1)), 5);
    };
    const startedMs = performance.now();
    assert.deepEqual(await drain(), { kind: 'empty', evicted: 6 });
    assert.ok(performance.now() - startedMs < 1_000, 'the budget itself says what it has counted');
    assert.equal(world.mostAtOnce, 2);
    assert.equal(world.evictions.length, 6, 'nobody was asked while nothing was allowed');
  });

  it('waits for the replacement of each pod before the next one of its controller, where it is asked to', async () => {
    const { world, drain } = aNode({ pods: 3 });
    world.wants.set('rs-web', 3);
    let unreplaced = 0;
    world.onGone = (pod) => {
      unreplaced += 1;
      assert.equal(unreplaced, 1);
      setTimeout(() => {
        unreplaced -= 1;
        world.addPod('gpu-2', { owner: pod.owner });
      }, 20);
    };
    assert.deepEqual(await drain({ oneByOne: true, atOnce: 10 }), { kind: 'empty', evicted: 3 });
    assert.equal(world.mostAtOnce, 1);

    const short = aNode({ pods: 2 });
    short.world.wants.set('rs-web', 2);
    const report = await short.drain({ oneByOne: true, ...soon(100) });
    assert.ok(report.kind === 'held');
    assert.deepEqual(
      report.held.map(({ why }) => why),
      ['waits until ReplicaSet web has all its pods ready again, without the one that went before'],
    );
  });

  it('goes on within milliseconds when a budget opens', async () => {
    const { world, drain } = aNode({ pods: 1 });
    world.addBudget('web', { disruptionsAllowed: 0 });
    const draining = drain();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(world.evictions.length, 0);
    const openedMs = performance.now();
    world.allow('web', 1);
    await draining;
    assert.ok(performance.now() - openedMs < 100);
  });

  it('leaves what comes back to the next judgement', async () => {
    const { world, drain } = aNode({ pods: 2 });
    world.onGone = (pod) => void world.addPod('gpu-1', { owner: pod.owner });
    assert.deepEqual(await drain(), { kind: 'empty', evicted: 2 });
    assert.equal(world.podsOn('gpu-1').length, 2);
  });

  it('asks once for a pod that is gone, while the picture of the node still shows it', async () => {
    const { world, drain, pods } = aNode({ pods: 1 });
    world.answers.push({ kind: 'gone' });
    setTimeout(() => world.changePod(pods[0]?.uid ?? '', { deleting: true }), 50);
    assert.deepEqual(await drain(), { kind: 'empty', evicted: 0 });
    assert.equal(world.evictions.length, 1);
  });

  it('starts again from nothing, and keeps count of what it had evicted before', async () => {
    const { world, node, pods } = aNode({ pods: 4 });
    const [first] = pods;
    assert.ok(first);
    world.changePod(first.uid, { deleting: true });
    const run = anActivity({ attempt: 2, info: { heartbeatDetails: { evicted: 7 } } });
    const { evictPods } = createEvictionActivities({ evictions: world });
    const report = await run.act(() => evictPods({ node, pods, deadlineMs: Date.now() + 5_000 }));
    assert.deepEqual(report, { kind: 'empty', evicted: 10 });
    assert.equal(world.evictions.length, 3);
    assert.ok(run.beats.length > 0);
  });
});

describe('what holds a drain up', () => {
  it('is named at the deadline with its budget, beside what went', async () => {
    const { world, drain, pods } = aNode({ pods: 2 });
    world.addPod('gpu-1', { labels: { app: 'free' } });
    world.addBudget('web', { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 });
    assert.deepEqual(await drain(soon()), {
      kind: 'held',
      evicted: 1,
      held: pods.map(({ namespace, name, uid }) => ({
        pod: { namespace, name, uid },
        why: 'the disruption budget web allows no eviction now: it needs 2 healthy pods and has 2',
        budget: 'shop/web',
        forever: false,
      })),
    });
    assert.equal(world.evictions.length, 1);
  });

  it('is the deadline itself for those whose turn did not come: nothing is begun after it', async () => {
    const { world, drain } = aNode({ pods: 2 });
    const report = await drain(soon(-1));
    assert.ok(report.kind === 'held');
    assert.deepEqual(
      report.held.map(({ why }) => why),
      ['its turn did not come before the deadline', 'its turn did not come before the deadline'],
    );
    assert.equal(world.evictions.length, 0);
  });

  it('is told at once where two budgets select a pod: both by name, without asking', async () => {
    const { world, drain } = aNode({ pods: 1 });
    world.addBudget('a');
    world.addBudget('b');
    const startedMs = performance.now();
    const report = await drain();
    assert.ok(performance.now() - startedMs < 500);
    assert.ok(report.kind === 'held');
    assert.match(report.held[0]?.why ?? '', /^a and b both select it/);
    assert.equal(report.held[0]?.budget, 'shop/a, shop/b');
    assert.equal(world.evictions.length, 0);
  });

  it('ends when the second budget goes', async () => {
    const { world, drain } = aNode({ pods: 1 });
    world.addPod('gpu-1', { labels: { app: 'slow' }, finalizers: ['example.com/wait'] });
    world.addBudget('a');
    world.addBudget('b');
    setTimeout(() => world.removeBudget('b'), 50);
    const report = await drain(soon(200));
    assert.ok(report.kind === 'held');
    assert.equal(report.evicted, 2);
    assert.deepEqual(
      report.held.map(({ why }) => why),
      ['is terminating and kept by example.com/wait; whoever set the finalizer has to remove it'],
    );
  });

  it('is a refusal of the API server, in its own words and never asked again', async () => {
    const { world, drain } = aNode({ pods: 1 });
    world.answers.push({ kind: 'refused', why: 'the API server answers 403: not on Fridays' });
    const report = await drain();
    assert.ok(report.kind === 'held');
    assert.equal(report.held[0]?.why, 'the API server answers 403: not on Fridays');
    assert.equal(world.evictions.length, 1);
  });

  it('is waited out when the API server is busy, as long as it says', async () => {
    const { world, drain } = aNode({ pods: 1 });
    world.answers.push({ kind: 'later', why: 'busy', retryAfterMs: 150 });
    const startedMs = performance.now();
    assert.deepEqual(await drain(), { kind: 'empty', evicted: 1 });
    assert.ok(performance.now() - startedMs >= 150);
    assert.equal(world.evictions.length, 2);
  });

  it('is asked for again when its budget changes, sooner than the time between tries', async () => {
    const { world, drain } = aNode({ pods: 1 });
    world.addBudget('web', { disruptionsAllowed: 1 });
    world.answers.push({ kind: 'held', why: 'raced', budget: 'web', retryAfterMs: null });
    setTimeout(() => world.allow('web', 1), 50);
    const startedMs = performance.now();
    assert.deepEqual(await drain(), { kind: 'empty', evicted: 1 });
    assert.ok(performance.now() - startedMs < 1_000);
  });
});

describe('a drain of another node than was meant', () => {
  it('ends where the name is another node’s by now, or nobody’s, and evicts nothing', async () => {
    const { world, drain } = aNode();
    world.removeNode('gpu-1');
    assert.deepEqual(await drain(), { kind: 'gone', evicted: 0 });
    world.addNode('gpu-1', { schedulable: false });
    assert.deepEqual(await drain(), { kind: 'replaced', evicted: 0 });
    assert.equal(world.evictions.length, 0);
  });

  it('ends where somebody made it schedulable again', async () => {
    const { world, drain } = aNode();
    world.addBudget('web', { disruptionsAllowed: 0 });
    const draining = drain();
    setTimeout(() => world.setSchedulable('gpu-1', true), 20);
    assert.deepEqual(await draining, { kind: 'uncordoned', evicted: 0 });
  });

  it('fails with what waiting does not mend', async () => {
    const { world, drain } = aNode();
    world.evict = async () => {
      throw Object.assign(new Error('may not create pods/eviction'), { type: 'permissionDenied' });
    };
    await assert.rejects(drain(), /may not create/);
  });
});
