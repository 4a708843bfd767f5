import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { failure } from '../../activities/failure.ts';
import { createNodeGroupActivities } from '../../activities/node-groups.ts';
import { createNodeActivities } from '../../activities/nodes.ts';
import type { TurnsPort } from '../../activities/ports.ts';
import { raisedSizes } from '../../domain/addition.ts';
import type { NodeOrder } from '../../domain/node-group.ts';
import type { Timings } from '../../sandbox/cloud/model.ts';
import { FakeNodes } from '../fakes/nodes.ts';
import { anActivity } from '../harness/activity.ts';
import { aCloud, CALL } from '../harness/cloud.ts';
import { eventually } from '../harness/eventually.ts';

const GROUP = 'gpu-workers';

/** The activities on the stand-in for AWS, through the real SDK; a retried one is tried until it answers. */
async function aWorld(t: TestContext, timings: Partial<Timings> = {}) {
  const cloud = await aCloud({ timings });
  t.after(() => cloud.stop());
  const nodes = new FakeNodes();
  const noted: NodeOrder[] = [];
  const turns: TurnsPort = {
    take: async () => ({ before: [] }),
    leave: async () => {},
    noteOrder: async (order) => void noted.push(order),
  };
  const policy = { policy: () => ({}) as never };
  const activities = {
    ...createNodeGroupActivities({ cloud: cloud.port, nodes, turns, policy }),
    ...createNodeActivities({ cloud: cloud.port, nodes, evictions: nodes }),
  };
  const [activity, later] = [anActivity(), anActivity({ attempt: 2 })];
  const act = <T>(ask: () => Promise<T>): Promise<T> => activity.act(ask);
  const actAgain = <T>(ask: () => Promise<T>): Promise<T> => later.act(ask);
  const read = () => cloud.port.readNodeGroup(GROUP, CALL);
  const { live: before, autoScalingGroup } = await read();
  const order: NodeOrder = { group: GROUP, autoScalingGroup, before, raised: raisedSizes(before, 2), owner: 'add/r1' };
  const untilAnswered = <T>(ask: () => Promise<T>): Promise<T> =>
    eventually('it answers', () => act(ask), { withinMs: 10_000, everyMs: 20 });
  const terminations = () => cloud.callsOf('TerminateInstanceInAutoScalingGroup').length;
  const updates = () => cloud.callsOf('UpdateNodegroupConfig').length;
  return {
    core: cloud.core,
    touch: cloud.touch,
    terminations,
    updates,
    nodes,
    noted,
    activities,
    act,
    actAgain,
    read,
    order,
    before,
    untilAnswered,
  };
}

describe('an order of nodes', () => {
  it('is known to the queue of its group before AWS hears of it, and is one order however often it is asked for', async (t) => {
    const { activities, act, order, noted, updates, read, untilAnswered } = await aWorld(t);
    const first = await act(() => activities.orderNodes(order));
    assert.equal(await untilAnswered(() => activities.orderNodes(order)), first);
    assert.deepEqual([noted, updates()], [[order, order], 2]);
    assert.deepEqual((await read()).live, { min: 1, max: 6, desired: 6 });
  });

  it('is taken back as far as it is not met, and a second time that is nothing', async (t) => {
    const { activities, act, order, read, untilAnswered, core } = await aWorld(t);
    core.nodeGroups.find(GROUP).capacity = 1;
    await act(() => activities.orderNodes(order));
    await eventually('one has come', async () => (await read()).instances.length === 5, { withinMs: 5_000 });
    for (let once = 0; once < 2; once += 1)
      assert.equal((await untilAnswered(() => activities.takeBackNodes(order))).desired, 5);
    assert.equal((await read()).instances.length, 5);
  });

  it('is taken back when EKS carries it out only later, and not before', async (t) => {
    const { activities, act, order, read, untilAnswered, core } = await aWorld(t, { applyMs: 300, updateMs: 300 });
    core.nodeGroups.find(GROUP).capacity = 0;
    await act(() => activities.orderNodes(order));
    await assert.rejects(
      act(() => activities.takeBackNodes(order)),
      { type: 'notReady', message: /EKS may still carry the order on gpu-workers out/ },
    );
    assert.equal((await read()).live.desired, 4);
    assert.equal((await untilAnswered(() => activities.takeBackNodes(order))).desired, 4);
    const { status, live, instances } = await read();
    assert.deepEqual([status, live.desired, instances.length], ['ACTIVE', 4, 4]);
  });

  it('is not sent where somebody else has sized the group since it was planned', async (t) => {
    const { activities, act, order, updates, core, read } = await aWorld(t);
    core.fleet.setDesired(core.nodeGroups.find(GROUP), 5, Date.now());
    await assert.rejects(
      act(() => activities.orderNodes(order)),
      { type: 'invalidRequest', message: /has moved since the plan: it wanted 4 nodes and wants 5/ },
    );
    assert.deepEqual([updates(), (await read()).live.desired], [0, 5]);
  });

  it('keeps its nodes by the minimum for a while, and gives exactly that back', async (t) => {
    const { activities, act, order, read, before, untilAnswered } = await aWorld(t);
    await act(() => activities.orderNodes(order));
    await eventually('six have come', async () => (await read()).instances.length === 6, { withinMs: 5_000 });
    assert.deepEqual(await untilAnswered(() => activities.raiseMinimum(order)), { min: 6 });
    assert.deepEqual((await read()).live, { min: 6, max: 6, desired: 6 });
    assert.deepEqual(await untilAnswered(() => activities.giveMinimumBack(order)), { min: before.min });
    assert.deepEqual((await read()).live, { min: 1, max: 6, desired: 6 });
  });

  it('has its minimum raised and given back also when EKS carries either out only later', async (t) => {
    const { activities, act, order, read, untilAnswered, before } = await aWorld(t, { applyMs: 200, updateMs: 300 });
    await act(() => activities.orderNodes(order));
    await eventually('EKS has carried it out', async () => (await read()).status === 'ACTIVE', { withinMs: 5_000 });
    const { min } = await untilAnswered(() => activities.raiseMinimum(order));
    assert.deepEqual([min, (await read()).live.min], [6, 6]);
    assert.deepEqual(await untilAnswered(() => activities.giveMinimumBack({ ...order, held: min })), {
      min: before.min,
    });
    assert.deepEqual((await read()).live, { ...before, desired: 6 });
  });

  it('is planned from what is read: a group that AWS does not know is a reason, and Cluster Autoscaler is seen', async (t) => {
    const { activities, act, nodes } = await aWorld(t);
    nodes.nodeAutoscaler = { kind: 'present', groups: [] };
    const { [GROUP]: found, nope } = await act(() => activities.surveyNodeGroups([GROUP, 'nope']));
    assert.deepEqual([found?.kind, found?.kind === 'found' && found.hasClusterAutoscaler], ['found', true]);
    assert.match(nope?.kind === 'missing' ? nope.reason : '', /nope/);
    assert.ok(found?.kind === 'found' && found.clusterAutoscalerUnknown === undefined);
    nodes.nodeAutoscaler = { kind: 'unknown' };
    const { [GROUP]: unseen } = await act(() => activities.surveyNodeGroups([GROUP]));
    assert.ok(unseen?.kind === 'found' && unseen.clusterAutoscalerUnknown === true && !unseen.hasClusterAutoscaler);
  });
});

describe('the removal of an instance', () => {
  it('is asked for once, also when it is tried again', async (t) => {
    const { activities, act, nodes, terminations, read } = await aWorld(t);
    const [instance] = (await read()).instances;
    const identity = nodes.addNode('gpu-1', { schedulable: false, providerId: `aws:///us-east-1a/${instance?.id}` });
    const node = { ...identity, instanceId: instance?.id ?? '' };
    const request = { node, group: GROUP, desiredBefore: 4 };
    assert.deepEqual(await act(() => activities.terminateNode(request)), { kind: 'asked' });
    assert.deepEqual(await act(() => activities.terminateNode(request)), { kind: 'asked' });
    assert.deepEqual([terminations(), (await read()).live.desired], [1, 3]);
  });

  it('takes a plain no for an answer at first only: later it may be going although its answer was lost', async (t) => {
    const { activities, act, actAgain, nodes } = await aWorld(t);
    const node = nodes.addNode('gpu-1', { schedulable: false });
    nodes.readNode = () => Promise.reject(failure('permissionDenied', 'worker may not get nodes'));
    const ask = () => activities.terminateNode({ node, group: GROUP, desiredBefore: 4 });
    await assert.rejects(act(ask), { type: 'permissionDenied', nonRetryable: true });
    await assert.rejects(actAgain(ask), { type: 'permissionDenied', nonRetryable: false });
  });

  it('is not asked for under the minimum, and not for the name of another node', async (t) => {
    const { activities, act, nodes, terminations, read, core, touch } = await aWorld(t);
    const [instance] = (await read()).instances;
    const identity = nodes.addNode('gpu-1', { schedulable: false, providerId: `aws:///us-east-1a/${instance?.id}` });
    const node = { ...identity, instanceId: instance?.id ?? '' };
    const other = await act(() =>
      activities.terminateNode({ node: { ...node, uid: 'old' }, group: GROUP, desiredBefore: 4 }),
    );
    core.nodeGroups.find(GROUP).live = { min: 4, max: 6, desired: 4 };
    touch();
    const least = await act(() => activities.terminateNode({ node, group: GROUP, desiredBefore: 4 }));
    assert.deepEqual([other.kind, least.kind, terminations()], ['refused', 'refused', 0]);
  });

  /** A node is told to terminate, its Node goes, and the group is looked at until the instance has gone. */
  async function aRemoval(t: TestContext) {
    const world = await aWorld(t, { terminateMs: 50 });
    const { activities, act, nodes, read, untilAnswered } = world;
    const { instances, live } = await read();
    const [instance, other] = instances.map(({ id }) => id);
    const identity = nodes.addNode('gpu-1', { schedulable: false, providerId: `aws:///us-east-1a/${instance}` });
    const node = { ...identity, instanceId: instance ?? '' };
    await act(() => activities.terminateNode({ node, group: GROUP, desiredBefore: live.desired }));
    nodes.removeNode('gpu-1');
    const request = { node, group: GROUP, instancesBefore: instances.map(({ id }) => id) };
    const awaitGone = (desiredAfter?: number) =>
      untilAnswered(() =>
        activities.awaitGone({
          ...request,
          ...(desiredAfter !== undefined && { desiredAfter }),
          deadlineMs: Date.now() + 60_000,
        }),
      );
    return { ...world, other: other ?? '', awaitGone };
  }

  it('is done when the instance and the node have gone, and the group wants what it should', async (t) => {
    const { awaitGone } = await aRemoval(t);
    assert.deepEqual(await awaitGone(3), { kind: 'gone', desired: 3, lost: [] });
  });

  it('tells a size that somebody else has set, and does not wait until it is another', async (t) => {
    const { awaitGone, core, touch } = await aRemoval(t);
    core.fleet.setDesired(core.nodeGroups.find(GROUP), 5, Date.now());
    touch();
    assert.deepEqual(await awaitGone(3), { kind: 'gone', desired: 5, expected: 3, lost: [] });
    // asked for by a worker of before
    assert.deepEqual(await awaitGone(), { kind: 'gone', desired: 5, lost: [] });
  });

  it('names an instance that went besides', async (t) => {
    const { awaitGone, core, touch, other } = await aRemoval(t);
    core.fleet.terminate(other, { decrement: false, nowMs: Date.now() });
    touch();
    assert.deepEqual(await awaitGone(3), { kind: 'gone', desired: 3, lost: [other] });
  });
});
