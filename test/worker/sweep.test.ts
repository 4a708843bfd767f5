import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failure } from '../../activities/failure.ts';
import type { Ports } from '../../activities/ports.ts';
import { startSweep } from '../../worker/sweep.ts';
import { aWorld, POLICY } from '../activities/world.ts';
import { eventually } from '../harness/eventually.ts';
import { NO_CLOUD } from '../fakes/no-cloud.ts';
import { FakeNodeClaims } from '../fakes/node-claims.ts';
import { FakeNodes } from '../fakes/nodes.ts';
import { anInstance } from '../domain/addition-builders.ts';

const CALM = { fresh: true, reappliedAtMs: [], silent: false, cluster: null };
const HOLD = { workload: 'web', claims: [{ id: 'pre-scale.web.sale/r1', floor: 6, reason: 'sale' }], skipSteps: false };

function aSweep(
  { cluster }: Pick<ReturnType<typeof aWorld>, 'cluster'>,
  { nodes = new FakeNodes(), nodeClaims = new FakeNodeClaims(), running = [], going = [], refused }: SweptNodes = {},
) {
  const [woken, warnings]: [string[], unknown[]] = [[], []];
  const ledger: Ports['ledger'] = {
    claim: async () => undefined,
    release: async () => undefined,
    wake: async (workload) => void woken.push(workload),
  };
  const { workload } = POLICY;
  const policy = { policy: () => ({ workloads: { [workload.name]: workload } }) as never };
  const runs = { ...NO_RUNS, isRunning: async (owner: string) => running.includes(owner) };
  const readInstances = async (ids: readonly string[]) => {
    if (refused !== undefined) throw refused;
    return ids
      .filter((id) => going.includes(id))
      .map((id) => ({ ...anInstance(id, { lifecycle: 'Terminating:Wait' }), autoScalingGroup: 'g' }));
  };
  const cloud = { ...NO_CLOUD.cloud, readInstances };
  const sweep = startSweep(
    { workloads: cluster, ledger, policy, nodes, nodeClaims, cloud, runs },
    { log: { warn: (_, fields) => void warnings.push(fields) }, namespace: 'ours' },
  );
  return { woken, warnings, sweep };
}

interface SweptNodes {
  readonly nodes?: FakeNodes;
  readonly nodeClaims?: FakeNodeClaims;
  /** Owners that still run. */
  readonly running?: readonly string[];
  /** Instances that are terminating. */
  readonly going?: readonly string[];
  /** What AWS says to whoever asks it. */
  readonly refused?: Error;
}
const NO_RUNS: Ports['runs'] = { isRunning: async () => false, find: async () => null, countSince: async () => 0 };
const OWNER = 'drain-gpu-node.gpu-1/r1';
const KARPENTER = { 'karpenter.sh/nodepool': 'gpu' };
const MANAGED = { 'eks.amazonaws.com/nodegroup': 'gpu-workers' };

/** A node that a run has cordoned. */
async function aCordonedNode({ namespace = 'ours', labels = {} } = {}) {
  const nodes = new FakeNodes();
  const node = nodes.addNode('gpu-1', { labels });
  await nodes.cordon(node, { owner: OWNER, namespace, requestedBy: 'alice', atMs: 0, untilMs: null });
  const isSchedulable = async () => (await nodes.readNode('gpu-1'))?.schedulable === true;
  return { nodes, node, isSchedulable };
}

describe('the sweep of a worker', () => {
  it('makes a node schedulable again whose run was terminated', async () => {
    const { nodes, isSchedulable } = await aCordonedNode();
    const { sweep, warnings } = aSweep(aWorld(), { nodes });
    await eventually('the node is given back', isSchedulable);
    await sweep.stop();
    assert.deepEqual(warnings, [{ node: 'gpu-1', run: OWNER }]);
    assert.deepEqual(await nodes.listCordoned(), []);
  });

  it('makes a node of Karpenter’s schedulable again whose NodeClaim stays', async () => {
    const { nodes, node, isSchedulable } = await aCordonedNode({ labels: KARPENTER });
    const nodeClaims = new FakeNodeClaims();
    nodeClaims.add('gpu', { providerId: `aws:///us-east-1a/${node.instanceId}` });
    nodeClaims.add('other', { providerId: 'aws:///us-east-1a/i-0ffff', deleting: true });
    const { sweep } = aSweep(aWorld(), { nodes, nodeClaims });
    await eventually('the node is given back', isSchedulable);
    await sweep.stop();
  });

  it('leaves a node whose run goes on, one whose instance or NodeClaim goes, another headroom’s, and a person’s cordon', async () => {
    const ours = await aCordonedNode();
    const dying = await aCordonedNode();
    const deleted = await aCordonedNode({ labels: KARPENTER });
    const nodeClaims = new FakeNodeClaims();
    nodeClaims.add('gpu', { providerId: `aws:///us-east-1a/${deleted.node.instanceId}`, deleting: true });
    const theirs = new FakeNodes();
    theirs.addNode('gpu-1', { schedulable: false });
    for (const swept of [
      { nodes: ours.nodes, running: [OWNER] },
      { nodes: dying.nodes, going: [dying.node.instanceId] },
      { nodes: deleted.nodes, nodeClaims },
      { nodes: theirs },
      { nodes: (await aCordonedNode({ namespace: 'another' })).nodes },
    ]) {
      const world = aWorld();
      const { sweep, warnings } = aSweep(world, swept);
      await eventually('it has looked', async () => world.cluster.calls.some(({ method }) => method === 'findHeld'));
      await sweep.stop();
      assert.deepEqual([(await swept.nodes.readNode('gpu-1'))?.schedulable, warnings], [false, []]);
    }
  });

  it('leaves a node that may be going while nobody lets it look, and says so', async () => {
    const refused = failure('permissionDenied', 'no credentials just now');
    const ofKarpenter = await aCordonedNode({ labels: KARPENTER });
    const nodeClaims = new FakeNodeClaims();
    nodeClaims.listNodeClaims = () => Promise.reject(refused);
    for (const swept of [
      { ...(await aCordonedNode({ labels: MANAGED })), refused },
      { ...ofKarpenter, nodeClaims },
    ]) {
      const { sweep, warnings } = aSweep(aWorld(), swept);
      await eventually('it has complained', async () => warnings.length > 0);
      await sweep.stop();
      assert.deepEqual(
        [await swept.isSchedulable(), warnings],
        [false, [{ node: 'gpu-1', reason: 'no credentials just now' }]],
      );
    }
  });

  it('gives a node back that no run can have told to terminate, also where AWS lets nobody look', async () => {
    const { nodes, isSchedulable } = await aCordonedNode();
    const { sweep } = aSweep(aWorld(), { nodes, refused: failure('permissionDenied', 'no credentials') });
    await eventually('the node is given back', isSchedulable);
    await sweep.stop();
  });

  it('wakes the ledger of each workload that bears a hold, at once', async () => {
    const world = aWorld();
    await world.run.act(() => world.activities.applyHold({ ...HOLD, generation: 1, ...CALM }));
    const { woken, sweep } = aSweep(world);
    await eventually('the ledger is woken', async () => woken.length > 0);
    await sweep.stop();
    assert.deepEqual(woken, ['web']);
  });

  it('wakes nobody where nothing is held', async () => {
    const world = aWorld();
    const { woken, sweep } = aSweep(world);
    await eventually('it has looked', async () => world.cluster.calls.some(({ method }) => method === 'findHeld'));
    await sweep.stop();
    assert.deepEqual(woken, []);
  });

  it('outlives a cluster that does not answer, and says so', async () => {
    const world = aWorld();
    world.cluster.brew({ method: 'findHeld', call: 1, type: 'apiUnavailable' });
    const { warnings, sweep } = aSweep(world);
    await eventually('it has complained', async () => warnings.length > 0);
    await sweep.stop();
    assert.match(JSON.stringify(warnings), /weather/);
  });
});
