import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createNodeClaimPort } from '../../adapters/kubernetes/node-claims.ts';
import { drainId } from '../../domain/names.ts';
import { openKubeClient, type KubeClient } from '../../sandbox/kube.ts';
import { describeNodeClaimPort } from '../contracts/node-claim-port.ts';
import { eventually } from '../harness/eventually.ts';
import { openFaultProxy } from '../harness/fault-proxy.ts';
import { openGpuLane, untilEnded, untilIn, type GpuLane } from '../harness/gpu-lane.ts';
import { podsOn, put } from '../harness/gpu-pods.ts';
import {
  addClaim,
  addClaimedNode,
  claimOf,
  grantDeletion,
  installNodeClaims,
  playKarpenter,
  releaseClaim,
  removeClaim,
  removeNode,
  touchClaim,
  type ClaimedNode,
} from '../harness/karpenter.ts';
import { merged, type AuditEvent } from '../harness/lane.ts';
import { servers } from '../harness/servers.ts';

interface KarpenterLane {
  readonly gpu: GpuLane;
  readonly pool: string;
  /** The one that is named, and another one of its pool. */
  readonly named: ClaimedNode;
  readonly other: ClaimedNode;
}
interface KarpenterLaneOptions {
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Karpenter never ends a node. */
  readonly idle?: true;
  /** Karpenter writes nothing meanwhile: no deletion meets another version than the one that was read. */
  readonly silent?: true;
  /** The worker's kubeconfig, where it is not the usual one. */
  readonly kubeconfig?: (gpu: GpuLane) => Promise<string>;
}

/** Two GPU nodes of Karpenter's, which the test plays, and a worker. */
async function inKarpenterLane(
  { policy = {}, idle, silent, kubeconfig }: KarpenterLaneOptions,
  act: (lane: KarpenterLane) => Promise<void>,
): Promise<void> {
  const gpu = await openGpuLane({
    sizes: { min: 0, max: 1, desired: 0 },
    policy: merged({ drain: { karpenter: 'remove' } }, policy) as Readonly<Record<string, unknown>>,
  });
  const { kube, lane } = gpu;
  const over = new AbortController();
  const pool = `pool-${randomBytes(3).toString('hex')}`;
  const nodes: ClaimedNode[] = [];
  let playing: readonly Promise<void>[] = [];
  try {
    const [named, other] = [await addClaimedNode(kube, pool), await addClaimedNode(kube, pool)];
    nodes.push(named, other);
    const play = { over: over.signal, ends: idle !== true, writes: silent !== true };
    playing = nodes.map((one) => playKarpenter(kube, one, play));
    await lane.startWorker(kubeconfig === undefined ? {} : { HEADROOM_KUBECONFIG: await kubeconfig(gpu) });
    await act({ gpu, pool, named, other });
  } finally {
    over.abort();
    await Promise.allSettled(playing);
    for (const { node, claim } of nodes) {
      await removeClaim(kube, claim);
      await removeNode(kube, node);
    }
    await gpu.close();
  }
}

const drain = ({ gpu, named }: KarpenterLane, ...words: readonly string[]) =>
  gpu.lane.headroom('drain', named.node, '--remove', ...words);

async function endOf({ gpu, named }: KarpenterLane) {
  const run = drainId([named.node]);
  await untilEnded(gpu, run);
  const result = await gpu.result(run);
  if (result === null || !('lost' in result)) throw new Error(`not an end of a drain: ${JSON.stringify(result)}`);
  return result;
}

/** Pods of a Deployment on the pool, some of them on the node that is named. */
async function addPods({ gpu, pool, named }: KarpenterLane): Promise<void> {
  const labels = { app: 'web' };
  const resources = { requests: { cpu: '100m', memory: '64Mi' } };
  const spec = {
    nodeSelector: { 'karpenter.sh/nodepool': pool },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    containers: [{ name: 'main', image: 'tensafe:1', resources }],
  };
  await put(gpu, {
    path: `/apis/apps/v1/namespaces/${gpu.lane.namespace}/deployments`,
    body: {
      metadata: { name: 'web' },
      spec: { replicas: 6, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
  });
  await eventually('pods run there', async () => (await podsOn(gpu, named.node)).length > 0);
}

/** Deletions that the API server granted to headroom's run on this node. */
function deletionsOf({ named }: KarpenterLane): readonly string[] {
  return readFileSync(servers().auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes(drainId([named.node])))
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ verb, stage, responseStatus }) => {
      return verb.startsWith('delete') && stage === 'ResponseComplete' && responseStatus.code < 300;
    })
    .map(({ objectRef: { resource, name } }) => `${resource} ${name}`);
}

/** Nothing has been done to either node. */
async function untouched({ gpu, named, other }: KarpenterLane): Promise<void> {
  for (const { node, claim } of [named, other]) {
    assert.equal(await gpu.isSchedulable(node), true);
    const found = await claimOf(gpu.kube, claim);
    assert.deepEqual([found !== undefined, found?.metadata.deletionTimestamp], [true, undefined]);
  }
}

/** An account with all the worker's rights but the one to delete NodeClaims. */
async function withoutDeletion({ lane, kube }: GpuLane): Promise<string> {
  const { namespace } = lane;
  await lane.admin.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'lesser' } } });
  await kube.apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'headroom-worker' },
    subjects: [{ kind: 'ServiceAccount', name: 'lesser', namespace }],
  });
  const { status } = await lane.admin.core.createNamespacedServiceAccountToken({
    name: 'lesser',
    namespace,
    body: { spec: { audiences: [] } },
  });
  const config = JSON.parse(readFileSync(servers().kubeconfig.worker ?? '', 'utf8')) as { readonly users: object[] };
  const users = config.users.map((user) => ({ ...user, user: { token: status?.token ?? '' } }));
  const path = join(lane.directory, 'lesser.json');
  writeFileSync(path, JSON.stringify({ ...config, users }));
  return path;
}

let kube: KubeClient;
before(async () => {
  kube = openKubeClient(servers().kubeconfig.admin);
  await installNodeClaims(kube);
  await grantDeletion(kube);
});
after(() => kube.close());

describe('removing a node of Karpenter’s', { concurrency: 3 }, () => {
  it('deletes exactly the NodeClaim of the node that was named, after its pods have gone', () =>
    inKarpenterLane({}, async (karpenter) => {
      const { gpu, pool, named, other } = karpenter;
      await addPods(karpenter);
      const plan = await gpu.lane.headroom('plan', 'drain', named.node, '--remove');
      assert.equal(plan.code, 0, plan.stderr);
      assert.match(
        plan.stdout,
        new RegExp(`then +exactly NodeClaim ${named.claim} is deleted, and Karpenter ends its`),
      );
      assert.match(plan.stdout, /undo +until the first NodeClaim is deleted .* after that there is no way back/);
      assert.match(plan.stdout, new RegExp(`warning +no group gets smaller: Karpenter may start .* pool ${pool}`));
      await untouched(karpenter);

      assert.equal((await drain(karpenter, '--as', 'alice')).code, 0);
      const { outcome, reasons, nodes, timeline } = await endOf(karpenter);
      assert.deepEqual([outcome, reasons], ['removed', []], JSON.stringify(timeline));
      assert.ok((nodes[0]?.evicted ?? 0) > 0);
      const told = timeline.map(({ what }) => what);
      assert.ok(
        told.indexOf(`${named.node} is empty`) < told.findIndex((what) => what.startsWith(`NodeClaim ${named.claim}`)),
        told.join(),
      );
      assert.deepEqual(deletionsOf(karpenter), [`nodeclaims ${named.claim}`]);
      assert.deepEqual([await claimOf(gpu.kube, named.claim), await gpu.node(named.node)], [undefined, undefined]);
      assert.deepEqual([(await claimOf(gpu.kube, other.claim))?.metadata.deletionTimestamp], [undefined]);
      assert.equal(await gpu.isSchedulable(other.node), true);
      assert.equal(gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length, 0);
      const { historyLength } = await gpu.lane.temporal.workflow.getHandle(drainId([named.node])).describe();
      assert.ok(historyLength <= 80, `${historyLength} events`);
      await gpu.lane.record('drain-karpenter');
    }));

  it('is refused where policy does not allow it, and says what would', () =>
    inKarpenterLane({ policy: { drain: { karpenter: 'empty' } } }, async (karpenter) => {
      const { code, stderr } = await drain(karpenter);
      assert.equal(code, 3, stderr);
      assert.match(stderr, /Karpenter's \(node pool pool-.*\); set drain\.karpenter: remove/);
      await untouched(karpenter);
    }));

  it('is refused without the right to delete NodeClaims, and says who grants it', () =>
    inKarpenterLane({ kubeconfig: withoutDeletion }, async (karpenter) => {
      const { gpu } = karpenter;
      try {
        const { code, stderr } = await drain(karpenter);
        assert.equal(code, 3, stderr);
        assert.match(
          stderr,
          /may not delete nodeclaims\.karpenter\.sh.*grant it as deploy\/karpenter\/rbac\.yaml does/,
        );
        await untouched(karpenter);
      } finally {
        const path = `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${gpu.lane.namespace}`;
        await gpu.kube.send('DELETE', path);
      }
    }));

  it('is refused where no NodeClaim stands for the node, or two do', () =>
    inKarpenterLane({}, async (karpenter) => {
      const { gpu, named } = karpenter;
      const second = `${named.claim}-b`;
      const of = { providerID: `aws:///us-east-1a/${named.instanceId}`, nodeName: named.node, conditions: [] };
      await addClaim(gpu.kube, second, of);
      const two = await drain(karpenter);
      assert.deepEqual([two.code, /has 2 NodeClaims/.test(two.stderr)], [3, true], two.stderr);
      await untouched(karpenter);
      for (const claim of [second, named.claim]) await removeClaim(gpu.kube, claim);
      const none = await drain(karpenter);
      assert.deepEqual([none.code, /no NodeClaim stands for/.test(none.stderr)], [3, true], none.stderr);
      assert.equal(await gpu.isSchedulable(named.node), true);
    }));

  it('says at its deadline that Karpenter has not begun, and leaves the node cordoned', () =>
    inKarpenterLane({ idle: true, policy: { drain: { goneWithin: '3s' } } }, async (karpenter) => {
      const { gpu, named } = karpenter;
      assert.equal((await drain(karpenter)).code, 0);
      const { outcome, reasons, nodes } = await endOf(karpenter);
      assert.deepEqual([outcome, nodes[0]?.state], ['partly removed', 'going']);
      assert.match(
        reasons.join('; '),
        new RegExp(
          `^NodeClaim ${named.claim} is still there: Karpenter says nothing of its end \\(only Launched True, .*Ready True\\); look whether it runs; node ${named.node} is still there$`,
        ),
      );
      // it goes when Karpenter gets to it: nothing is to come to it until then
      assert.equal(await gpu.isSchedulable(named.node), false);
      assert.ok((await claimOf(gpu.kube, named.claim))?.metadata.deletionTimestamp);
      const again = await drain(karpenter);
      assert.equal(again.code, 3, again.stdout);
      assert.match(again.stderr, /is being deleted already; leave it to Karpenter/);
      assert.equal(await gpu.isSchedulable(named.node), false);
    }));

  it('gives the node back where a person cancels before the NodeClaim is deleted', () =>
    inKarpenterLane({ policy: { approval: { drainGpuNode: 'always', expiresAfter: '60s' } } }, async (karpenter) => {
      const { gpu, named } = karpenter;
      await drain(karpenter, '--as', 'alice');
      const run = drainId([named.node]);
      await untilIn(gpu, run, 'waiting for approval');
      assert.equal(await gpu.isSchedulable(named.node), false);
      assert.equal((await gpu.lane.headroom('cancel', run, '--as', 'bob')).code, 0);
      await untilEnded(gpu, run);
      await untouched(karpenter);
    }));

  it('deletes once where the answer to the deletion is lost', async () => {
    let proxy: Awaited<ReturnType<typeof openFaultProxy>> | undefined;
    const kubeconfig = async ({ lane }: GpuLane) => {
      proxy = await openFaultProxy(servers().kubeconfig.worker ?? '', join(lane.directory, 'through.json'));
      proxy.expect({ method: 'DELETE', path: /\/nodeclaims\// }, { kind: 'lost answer' }, 1);
      return proxy.kubeconfig;
    };
    try {
      await inKarpenterLane({ kubeconfig, silent: true }, async (karpenter) => {
        await drain(karpenter);
        const { outcome, reasons } = await endOf(karpenter);
        assert.deepEqual([outcome, reasons], ['removed', []]);
        const sent = (proxy?.requests() ?? []).filter(({ method }) => method === 'DELETE').map(({ path }) => path);
        assert.deepEqual(sent, [`/apis/karpenter.sh/v1/nodeclaims/${karpenter.named.claim}`]);
        assert.equal(proxy?.met(), 1);
        assert.deepEqual(deletionsOf(karpenter), [`nodeclaims ${karpenter.named.claim}`]);
      });
    } finally {
      await proxy?.close();
    }
  });
});

describeNodeClaimPort('NodeClaims on a real API server', async () => {
  const prefix = `claim-${randomBytes(4).toString('hex')}`;
  const made: string[] = [];
  return {
    nodeClaims: createNodeClaimPort({ kubeconfigPath: servers().kubeconfig.admin }),
    async addClaim(given, { providerId: providerID, unguarded, conditions = [], ...of }) {
      const name = `${prefix}-${given}`;
      made.push(name);
      await addClaim(kube, name, { providerID, guarded: unguarded !== true, conditions, ...of });
      return name;
    },
    touch: (name) => touchClaim(kube, name),
    finish: (name) => releaseClaim(kube, name),
    async close() {
      for (const name of made) await removeClaim(kube, name);
    },
  };
});
