import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failure } from '../../activities/failure.ts';
import { createNodeClaimActivities } from '../../activities/node-claims.ts';
import { FakeNodeClaims } from '../fakes/node-claims.ts';
import { FakeNodes } from '../fakes/nodes.ts';
import { anActivity } from '../harness/activity.ts';

/** A node that is cordoned and empty, with its NodeClaim, and another one beside it. */
function aWorld() {
  const [nodes, nodeClaims] = [new FakeNodes(), new FakeNodeClaims()];
  const node = nodes.addNode('gpu-1', { schedulable: false });
  const { uid } = nodeClaims.add('gpu-a', { providerId: `aws:///us-east-1a/${node.instanceId}`, nodeName: 'gpu-1' });
  nodeClaims.add('gpu-b', { providerId: 'aws:///us-east-1a/i-0ffff', nodeName: 'gpu-2' });
  const activities = createNodeClaimActivities({ nodes, evictions: nodes, nodeClaims });
  const request = { node, claim: { name: 'gpu-a', uid } };
  const [run, later] = [anActivity(), anActivity({ attempt: 2 })];
  return {
    nodes,
    nodeClaims,
    request,
    remove: () => run.act(() => activities.deleteNodeClaim(request)),
    removeAgain: () => later.act(() => activities.deleteNodeClaim(request)),
    awaitGone: (deadlineMs = Date.now() + 60_000) =>
      run.act(() => activities.awaitClaimGone({ ...request, deadlineMs })),
  };
}

describe('deleting the NodeClaim of a node', () => {
  it('is asked for once, also when it is tried again', async () => {
    const { nodeClaims, remove } = aWorld();
    assert.deepEqual([await remove(), await remove()], [{ kind: 'asked' }, { kind: 'asked' }]);
    nodeClaims.finish('gpu-a');
    assert.deepEqual(await remove(), { kind: 'gone' });
    assert.deepEqual(nodeClaims.deletions, ['gpu-a']);
  });

  it('knows on the next look that a request came through whose answer was lost', async () => {
    const { nodes, nodeClaims, remove } = aWorld();
    nodeClaims.weather.push('lost answer');
    await assert.rejects(remove(), /the connection broke/);
    // Karpenter makes the node its own from then on
    nodes.addPod('gpu-1');
    assert.deepEqual(await remove(), { kind: 'asked' });
    assert.deepEqual(nodeClaims.deletions, ['gpu-a']);
  });

  it('takes a plain no for an answer at first only: later it may be going although its answer was lost', async () => {
    const { nodeClaims, remove, removeAgain } = aWorld();
    const readNodeClaim = nodeClaims.readNodeClaim.bind(nodeClaims);
    nodeClaims.readNodeClaim = () => Promise.reject(failure('permissionDenied', 'worker may not get nodeclaims'));
    await assert.rejects(remove(), { type: 'permissionDenied', nonRetryable: true });
    await assert.rejects(removeAgain(), { type: 'permissionDenied', nonRetryable: false });
    nodeClaims.readNodeClaim = readNodeClaim;
    assert.deepEqual(await removeAgain(), { kind: 'asked' });
  });

  it('is tried again soon where somebody changed it meanwhile', async () => {
    const { nodeClaims, remove } = aWorld();
    nodeClaims.weather.push('raced');
    await assert.rejects(remove(), { type: 'stateConflict', nonRetryable: false, nextRetryDelay: 500 });
    assert.deepEqual([await remove(), nodeClaims.deletions], [{ kind: 'asked' }, ['gpu-a']]);
  });

  it('is refused where the node works again', async () => {
    const busy = aWorld();
    busy.nodes.addPod('gpu-1', { name: 'late' });
    const uncordoned = aWorld();
    uncordoned.nodes.setSchedulable('gpu-1', true);
    const replaced = aWorld();
    replaced.nodes.removeNode('gpu-1');
    replaced.nodes.addNode('gpu-1', { schedulable: false });
    for (const [world, why] of [
      [busy, /not empty any more: shop\/late/],
      [uncordoned, /schedulable again/],
      [replaced, /another node’s by now/],
    ] as const) {
      const report = await world.remove();
      assert.match(report.kind === 'refused' ? report.reason : '', why);
      assert.deepEqual(world.nodeClaims.deletions, []);
    }
  });

  it('takes what stays on a drained node for none: DaemonSets, mirror pods, what is over', async () => {
    const { nodes, remove } = aWorld();
    nodes.addPod('gpu-1', { owner: { kind: 'DaemonSet', name: 'dcgm', uid: 'ds' } });
    nodes.addPod('gpu-1', { mirror: true });
    nodes.addPod('gpu-1', { phase: 'Succeeded' });
    assert.deepEqual(await remove(), { kind: 'asked' });
  });
});

describe('waiting for Karpenter to end a node', () => {
  it('is over when NodeClaim and node are gone, and says until then what is still there', async () => {
    const { nodes, nodeClaims, awaitGone } = aWorld();
    await assert.rejects(awaitGone(), {
      type: 'notReady',
      message: /NodeClaim gpu-a is still there.*; node gpu-1 is still/,
    });
    nodes.removeNode('gpu-1');
    await assert.rejects(awaitGone(), {
      message: /^NodeClaim gpu-a is still there: Karpenter says nothing of its end/,
    });
    nodeClaims.finish('gpu-a');
    assert.deepEqual(await awaitGone(), { kind: 'gone' });
    // names are used again
    nodes.addNode('gpu-1');
    nodeClaims.add('gpu-a');
    assert.deepEqual(await awaitGone(), { kind: 'gone' });
  });

  it('ends at its deadline with what Karpenter says', async () => {
    const { nodeClaims, awaitGone } = aWorld();
    const drained = { type: 'Drained', status: 'False', reason: 'Draining', message: 'kube-system/dns waits' };
    nodeClaims.change('gpu-a', { deleting: true, conditions: [drained] });
    assert.deepEqual(await awaitGone(Date.now() - 1), {
      kind: 'still there',
      reasons: [
        'NodeClaim gpu-a is still there: Drained False (Draining: kube-system/dns waits)',
        'node gpu-1 is still there',
      ],
    });
  });

  it('outlasts a right that is missing until the deadline, and says so then', async () => {
    const { nodeClaims, awaitGone } = aWorld();
    nodeClaims.readNodeClaim = () => Promise.reject(failure('permissionDenied', 'worker may not get nodeclaims'));
    await assert.rejects(awaitGone(), { type: 'permissionDenied', nonRetryable: false });
    assert.deepEqual(await awaitGone(Date.now() - 1), {
      kind: 'still there',
      reasons: ['whether gpu-1 has gone: worker may not get nodeclaims'],
    });
  });
});
