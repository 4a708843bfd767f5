import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { NodeView } from '../../activities/ports.ts';
import type { PodRef } from '../../domain/eviction.ts';
import { eventually } from '../harness/eventually.ts';
import { call, type NodeWorld } from './node-world.ts';

/** What every EvictionPort promises: the rows of R51 that a cluster gives without being broken. */
export function describeEvictionPort(title: string, open: () => Promise<NodeWorld>): void {
  describe(title, () => {
    let world: NodeWorld;
    before(async () => {
      world = await open();
    });
    after(() => world.close());
    const evict = (pod: PodRef) => world.evictions.evict(pod, call);
    const isGone = (node: string, { uid }: PodRef) =>
      eventually('the pod is gone', async () =>
        (await world.evictions.readPodsOn(node, call)).every((one) => one.uid !== uid),
      );

    it('evicts a pod, and knows it for gone afterwards', async () => {
      const { name } = await world.addNode('evict-plain');
      const pod = await world.addPod(name, 'plain');
      assert.deepEqual(await evict(pod), { kind: 'accepted' });
      await isGone(name, pod);
      assert.deepEqual(await evict(pod), { kind: 'gone' });
    });

    it('evicts no other pod of the same name', async () => {
      const { name } = await world.addNode('evict-other');
      const pod = await world.addPod(name, 'other');
      assert.deepEqual(await evict({ ...pod, uid: 'that-was-before' }), { kind: 'replaced' });
      assert.equal((await world.evictions.readPodsOn(name, call)).find(({ uid }) => uid === pod.uid)?.deleting, false);
    });

    it('is held by a budget that allows nothing, which is asked before the uid', async () => {
      const { name } = await world.addNode('evict-held');
      const pod = await world.addPod(name, 'held');
      await world.addBudget('held', 'held', 1);
      const held = {
        kind: 'held',
        why: 'The disruption budget held needs 1 healthy pods and has 1 currently',
        budget: 'held',
        retryAfterMs: null,
      };
      assert.deepEqual(await evict(pod), held);
      assert.deepEqual(await evict({ ...pod, uid: 'that-was-before' }), held);
      await world.removeBudget('held');
      assert.deepEqual(await evict(pod), { kind: 'accepted' });
    });

    it('is refused where two budgets select the pod', async () => {
      const { name } = await world.addNode('evict-two');
      const pod = await world.addPod(name, 'two');
      await world.addBudget('two-a', 'two', 0);
      await world.addBudget('two-b', 'two', 0);
      const answer = await evict(pod);
      assert.equal(answer.kind, 'two budgets');
      await world.removeBudget('two-a');
      await world.removeBudget('two-b');
    });

    it('shows a pod that a finalizer keeps as one that is going', async () => {
      const { name } = await world.addNode('evict-kept');
      const pod = await world.addPod(name, 'kept', { finalizers: ['example.com/wait'] });
      assert.deepEqual(await evict(pod), { kind: 'accepted' });
      const [kept] = await world.evictions.readPodsOn(name, call);
      assert.deepEqual(
        [kept?.uid, kept?.deleting, kept?.phase, kept?.finalizers],
        [pod.uid, true, 'Running', ['example.com/wait']],
      );
      assert.deepEqual(await evict(pod), { kind: 'accepted' }, 'asked twice is once');
      await world.release(pod);
      await isGone(name, pod);
    });

    it('grants no more at once than the budget allows', async () => {
      const { name } = await world.addNode('evict-many');
      const pods = await Promise.all(Array.from({ length: 12 }, () => world.addPod(name, 'many')));
      await world.addBudget('many', 'many', 9);
      const answers = await Promise.all(pods.map(evict));
      assert.equal(answers.filter(({ kind }) => kind === 'accepted').length, 3);
      assert.equal(answers.filter(({ kind }) => kind === 'held').length, 9);
      await world.removeBudget('many');
    });

    it('shows a node with its pods and budgets, and every change of them', async () => {
      const node = await world.addNode('evict-watch');
      const pod = await world.addPod(node.name, 'watch');
      await world.addBudget('watch', 'watch', 1);
      const views: NodeView[] = [];
      const ending = new AbortController();
      const watching = assert.rejects(
        world.evictions.watchNode(node.name, (view) => void views.push(view), { ...call, signal: ending.signal }),
      );
      const seen = (what: string, is: (view: NodeView) => boolean) =>
        eventually(what, async () => {
          const last = views.at(-1);
          return last !== undefined && is(last);
        });
      const budgetOf = ({ budgets }: NodeView) => budgets.find(({ name }) => name === 'watch');
      try {
        await seen('the node', ({ uid, schedulable, pods }) => uid === node.uid && schedulable && pods.length === 1);
        await seen('the closed budget', (view) => budgetOf(view)?.disruptionsAllowed === 0);
        assert.equal(views.at(-1)?.pods[0]?.ready, true);
        await world.open('watch', 0);
        await seen('the open budget', (view) => budgetOf(view)?.disruptionsAllowed === 1);
        await world.setSchedulable(node.name, false);
        await seen('the cordon', ({ schedulable }) => !schedulable);
        assert.deepEqual(await evict(pod), { kind: 'accepted' });
        await seen('the empty node', ({ pods }) => pods.length === 0);
        assert.ok(views.some((view) => budgetOf(view)?.disruptedPods.includes(pod.name)));
        await world.removeNode(node.name);
        await seen('no node', ({ uid }) => uid === null);
      } finally {
        ending.abort();
        await watching;
      }
    });
  });
}
