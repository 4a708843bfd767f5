import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { Call } from '../../activities/ports.ts';
import { judgePreflight } from '../../domain/preflight.ts';
import type { PodTrouble } from '../../domain/troubles.ts';
import type { WorkloadRef } from '../../domain/workload.ts';
import { aPodSpec, openRealCluster, until } from './real-cluster.ts';

type Cluster = Awaited<ReturnType<typeof openRealCluster>>;
const call: Call = { signal: new AbortController().signal, caller: 'diagnosis/test' };

/** What Cluster Autoscaler writes into its ConfigMap, as far as it matters. */
const BACKING_OFF = `autoscalerStatus: Running
nodeGroups: [{ name: gpu-asg, scaleUp: { status: Backoff, backoffInfo: { errorCode: QuotaExceeded } } }]`;

/** A node of this test's own: its taint keeps everybody else off, so that what is on it can be counted. */
async function addNode({ core, namespace }: Cluster, name: string, allocatable: Readonly<Record<string, string>>) {
  const labels = { type: 'kwok', 'kubernetes.io/hostname': name, 'headroom.dev/test': namespace };
  const taints = [{ key: 'headroom.dev/test', value: namespace, effect: 'NoSchedule' }];
  await core.createNode({
    body: { metadata: { name, labels }, spec: { taints }, status: { allocatable, capacity: allocatable } },
  });
  await until(`${name} to be ready`, async () => {
    const { status } = await core.readNode({ name });
    return (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
  });
}

function onOwnNode(namespace: string, requests: Readonly<Record<string, string>>): object {
  return {
    ...aPodSpec(requests),
    nodeSelector: { 'headroom.dev/test': namespace },
    tolerations: [{ key: 'headroom.dev/test', operator: 'Equal', value: namespace, effect: 'NoSchedule' }],
  };
}

describe('why pods are missing, on a real cluster', () => {
  let cluster: Cluster;
  const node = () => `${cluster.namespace}-node`;
  before(async () => {
    cluster = await openRealCluster();
    await addNode(cluster, node(), { cpu: '4', memory: '8Gi', pods: '20' });
  });
  after(async () => {
    await cluster.close();
    await cluster.core.deleteNode({ name: node() });
  });

  const troublesOf = (ref: WorkloadRef) => cluster.port.readTroubles(ref, call);
  async function waitFor(
    ref: WorkloadRef,
    isIt: (troubles: readonly PodTrouble[]) => boolean,
  ): Promise<readonly PodTrouble[]> {
    let troubles: readonly PodTrouble[] = [];
    await until(`the troubles of ${ref.object} (${JSON.stringify(troubles)})`, async () => {
      troubles = await troublesOf(ref);
      return isIt(troubles);
    });
    return troubles;
  }
  const available = (ref: WorkloadRef, count: number) =>
    until(
      `${count} available pods of ${ref.object}`,
      async () => (await cluster.port.readWorkload(ref, call)).availableReplicas === count,
    );

  it('finds nothing when all pods are available', async () => {
    const ref = await cluster.addWorkload({
      name: 'fine',
      replicas: 2,
      podSpec: onOwnNode(cluster.namespace, { cpu: '10m' }),
    });
    await available(ref, 2);
    assert.deepEqual(await troublesOf(ref), []);
  });

  it('groups the pods that find no node, with count, names and what the scheduler says', async () => {
    const ref = await cluster.addWorkload({
      name: 'huge',
      replicas: 7,
      podSpec: onOwnNode(cluster.namespace, { cpu: '1000' }),
    });
    const [trouble, ...others] = await waitFor(ref, ([first]) => first?.kind === 'unschedulable' && first.count === 7);
    assert.deepEqual(others, []);
    assert.equal(trouble?.reason, 'Unschedulable');
    assert.match(trouble.message, /Insufficient cpu/);
    assert.equal(trouble.examples.length, 5);
    assert.ok(trouble.examples.every((name) => name.startsWith('huge-')));
  });

  it('names the pod of a StatefulSet behind which all others wait', async () => {
    const podSpec = onOwnNode(cluster.namespace, { cpu: '1000' });
    const ref = await cluster.addWorkload({ name: 'queue', kind: 'StatefulSet', replicas: 3, podSpec });
    const [blocked] = await waitFor(ref, (all) => all.some(({ kind }) => kind === 'unschedulable'));
    const message = 'no further pod is created before queue-0 is ready';
    assert.deepEqual(blocked, { kind: 'blocked', reason: 'OrderedReady', message, count: 2, examples: [] });
  });

  it('says what Cluster Autoscaler and Karpenter last said of a pod without a node', async () => {
    const { core, namespace } = cluster;
    const podSpec = onOwnNode(namespace, { cpu: '1000' });
    const ref = await cluster.addWorkload({ name: 'noded', replicas: 1, podSpec });
    await waitFor(ref, ([first]) => first?.kind === 'unschedulable');
    const [pod] = (await core.listNamespacedPod({ namespace, labelSelector: 'app=noded' })).items;
    const { name = '', uid = '' } = pod?.metadata ?? {};
    const say = async (reason: string, message: string, component: string, atMs: number) => {
      await core.createNamespacedEvent({
        namespace,
        body: {
          metadata: { generateName: 'said-' },
          involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
          reason,
          message,
          type: 'Normal',
          source: { component },
          firstTimestamp: new Date(atMs),
          lastTimestamp: new Date(atMs),
        },
      });
    };
    const said = async () => {
      const found = (await troublesOf(ref)).find(({ kind }) => kind.startsWith('nodes'));
      return found && [found.kind, found.reason, found.message];
    };
    const startMs = Math.floor(Date.now() / 1_000) * 1_000;
    assert.equal(await said(), undefined, 'the scheduler itself says nothing of nodes that may come');
    await say('TriggeredScaleUp', 'web-asg 4->6', 'cluster-autoscaler', startMs - 20 * 60_000);
    assert.deepEqual((await said())?.slice(0, 2), ['nodesRefused', 'TriggeredScaleUp'], 'given up after 15 minutes');
    await say('TriggeredScaleUp', 'web-asg 4->6', 'cluster-autoscaler', startMs - 3_000);
    const until = new Date(startMs - 3_000 + 900_000).toISOString().replace('.000', '');
    const waiting = `web-asg 4->6; keep waiting, until ${until} at most`;
    assert.deepEqual(await said(), ['nodesComing', 'TriggeredScaleUp', waiting]);
    await say('NotTriggerScaleUp', "pod didn't trigger scale-up", 'cluster-autoscaler', startMs - 2_000);
    assert.deepEqual(await said(), ['nodesRefused', 'NotTriggerScaleUp', "pod didn't trigger scale-up"]);
    const status = { metadata: { name: 'cluster-autoscaler-status' }, data: { status: BACKING_OFF } };
    await core.createNamespacedConfigMap({ namespace: 'kube-system', body: status });
    try {
      assert.deepEqual((await said())?.[2], "pod didn't trigger scale-up; gpu-asg backs off (QuotaExceeded)");
    } finally {
      await core.deleteNamespacedConfigMap({ namespace: 'kube-system', name: 'cluster-autoscaler-status' });
    }
    await say('FailedScheduling', 'no nodepool matched', 'karpenter', startMs - 1_000);
    assert.deepEqual(await said(), ['nodesRefused', 'FailedScheduling', 'no nodepool matched']);
    await say('Nominated', 'should schedule on: nodeclaim/x', 'karpenter', startMs);
    assert.deepEqual((await said())?.slice(0, 2), ['nodesComing', 'Nominated']);
  });

  it("says what a container waits for, and leaves other people's pods with the same labels out", async () => {
    const ref = await cluster.addWorkload({
      name: 'no-image',
      replicas: 1,
      podSpec: { ...aPodSpec(), nodeName: 'no-such-node' },
    });
    const { core, namespace } = cluster;
    await core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: 'no-image-stranger', labels: { app: 'no-image' } },
        spec: { ...aPodSpec({ cpu: '1000' }), containers: [{ name: 'main', image: 'x' }], nodeName: 'no-such-node' },
      },
    });
    const mine = async () =>
      (await core.listNamespacedPod({ namespace, labelSelector: 'app=no-image' })).items.find(
        ({ metadata }) => metadata?.ownerReferences !== undefined,
      )?.metadata?.name;
    await until('a pod', async () => (await mine()) !== undefined);
    const name = (await mine()) ?? '';
    const main = {
      name: 'main',
      image: 'registry.k8s.io/pause:9.9',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } },
    };
    const body = {
      status: {
        phase: 'Pending',
        conditions: [
          { type: 'PodScheduled', status: 'True' },
          { type: 'Ready', status: 'False', reason: 'ContainersNotReady' },
        ],
        containerStatuses: [main],
      },
    };
    await core.patchNamespacedPodStatus(
      { name, namespace, body },
      setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
    );
    assert.deepEqual(await troublesOf(ref), [
      { kind: 'image', reason: 'ImagePullBackOff', message: 'container main: not found', count: 1, examples: [name] },
    ]);
  });

  it('counts a pod that is going but still there', async () => {
    const { core, namespace } = cluster;
    const ref = await cluster.addWorkload({
      name: 'leaving',
      replicas: 1,
      podSpec: onOwnNode(namespace, { cpu: '10m' }),
    });
    await available(ref, 1);
    const [pod] = (await core.listNamespacedPod({ namespace, labelSelector: 'app=leaving' })).items;
    const name = pod?.metadata?.name ?? '';
    const finalizers = (keep: readonly string[]) =>
      core.patchNamespacedPod(
        { name, namespace, body: { metadata: { finalizers: keep } } },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
      );
    await finalizers(['headroom.dev/test']);
    await core.deleteNamespacedPod({ name, namespace });
    const troubles = await waitFor(ref, (all) => all.some(({ kind }) => kind === 'terminating'));
    assert.deepEqual(troubles.find(({ kind }) => kind === 'terminating')?.examples, [name]);
    await finalizers([]);
  });

  for (const kind of ['Deployment', 'StatefulSet'] as const) {
    it(`names the quota that refuses the pods of a ${kind}, of which none exists, until it gives way`, async () => {
      const quota = await openRealCluster();
      try {
        const { core, namespace } = quota;
        await core.createNamespacedResourceQuota({
          namespace,
          body: { metadata: { name: 'small' }, spec: { hard: { pods: '1' } } },
        });
        await until(
          'the quota to be counted',
          async () => (await core.readNamespacedResourceQuota({ name: 'small', namespace })).status?.hard !== undefined,
        );
        const podSpec = { ...onOwnNode(cluster.namespace, { cpu: '10m' }) };
        const ref = await quota.addWorkload({ name: 'refused', kind, replicas: 3, podSpec });
        const read = () => quota.port.readTroubles(ref, call);
        await until('the refusal', async () => (await read()).some(({ kind }) => kind === 'notCreated'));
        const refused = (await read()).filter(({ kind }) => kind === 'notCreated');
        assert.equal(refused.length, 1, refused.map(({ message }) => message).join('\n'));
        assert.match(refused[0]?.message ?? '', /exceeded quota: small, requested: pods=1/);
        await core.patchNamespacedResourceQuota(
          { name: 'small', namespace, body: { spec: { hard: { pods: '10' } } } },
          setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
        );
        // a controller that was refused waits longer each time before it tries again; a new count wakes it
        await until(
          'the count of the quota',
          async () =>
            (await core.readNamespacedResourceQuota({ name: 'small', namespace })).status?.hard?.['pods'] === '10',
        );
        await quota.setField({ kind: 'workload', namespace, name: 'refused', workloadKind: kind }, 'floor', 4);
        await until('all pods', async () => (await quota.port.readWorkload(ref, call)).availableReplicas === 4, 60_000);
        assert.deepEqual(await read(), [], 'the old events do not count any more');
      } finally {
        await quota.close();
      }
    });
  }
});

describe('whether more pods would fit, on a real cluster', () => {
  let cluster: Cluster;
  const node = () => `${cluster.namespace}-node`;
  before(async () => {
    cluster = await openRealCluster();
    await addNode(cluster, node(), { cpu: '4', memory: '8Gi', pods: '20', 'nvidia.com/gpu': '2' });
  });
  after(async () => {
    await cluster.close();
    await cluster.core.deleteNode({ name: node() });
  });

  it("sums what is taken on each node, tells the workload's pods from others, and reads quota and LimitRange", async () => {
    const { core, namespace, port } = cluster;
    await core.createNamespacedLimitRange({
      namespace,
      body: {
        metadata: { name: 'usual' },
        spec: {
          limits: [
            { type: 'Container', _default: { memory: '1Gi' }, defaultRequest: { memory: '256Mi' }, max: { cpu: '8' } },
          ],
        },
      },
    });
    await core.createNamespacedResourceQuota({
      namespace,
      body: { metadata: { name: 'team' }, spec: { hard: { pods: '50', 'requests.cpu': '10' } } },
    });
    const other = await cluster.addWorkload({
      name: 'other',
      replicas: 1,
      podSpec: onOwnNode(namespace, { cpu: '500m' }),
    });
    const ref = await cluster.addWorkload({
      name: 'fitting',
      replicas: 2,
      podSpec: onOwnNode(namespace, { cpu: '1' }),
    });
    await until(
      'all pods to run',
      async () =>
        (await port.readWorkload(ref, call)).availableReplicas === 2 &&
        (await port.readWorkload(other, call)).availableReplicas === 1,
    );
    await until(
      'the quota to be counted',
      async () => (await core.readNamespacedResourceQuota({ name: 'team', namespace })).status?.used?.['pods'] === '3',
    );
    const capacity = await port.readCapacity(ref, call);
    assert.deepEqual(
      [capacity.pod.requests, capacity.pod.limits],
      [
        { cpu: '1', memory: '256Mi' },
        { cpu: '8', memory: '1Gi' },
      ],
    );
    assert.deepEqual(capacity.quotas, [
      {
        name: 'team',
        hard: { pods: '50', 'requests.cpu': '10' },
        used: { pods: '3', 'requests.cpu': '2500m' },
        scopes: [],
      },
    ]);
    const own = capacity.cluster.nodes.find(({ name }) => name === node());
    assert.deepEqual([own?.requested, own?.podCount, own?.ownPods], [{ cpu: '2500m', memory: '768Mi' }, 3, 2]);
    assert.deepEqual([own?.ready, own?.schedulable, own?.taints.map(({ value }) => value)], [true, true, [namespace]]);
    assert.equal(judgePreflight({ podsToAdd: 1, ...capacity }).kind, 'fits');
    const short = judgePreflight({ podsToAdd: 2, ...capacity });
    assert.equal(short.kind, 'short');
    assert.equal(short.fits, 1);
  });

  it('takes what admission added to a running pod into account: the overhead of its RuntimeClass', async () => {
    const { namespace, port, runtimes } = cluster;
    const overhead = { podFixed: { cpu: '250m' } };
    await runtimes.createRuntimeClass({ body: { metadata: { name: namespace }, handler: 'none', overhead } });
    const podSpec = { ...onOwnNode(namespace, { cpu: '100m' }), runtimeClassName: namespace };
    const ref = await cluster.addWorkload({ name: 'overhead', replicas: 1, podSpec });
    await until('the pod to run', async () => (await port.readWorkload(ref, call)).availableReplicas === 1);
    assert.equal((await port.readCapacity(ref, call)).pod.requests['cpu'], '350m');
    await runtimes.deleteRuntimeClass({ name: namespace });
  });

  it('takes the template where no pod exists yet, and sees a cordoned node', async () => {
    const { core, port } = cluster;
    const ref = await cluster.addWorkload({
      name: 'empty',
      kind: 'StatefulSet',
      replicas: 0,
      podSpec: {
        ...aPodSpec(),
        containers: [{ name: 'main', image: 'x', resources: { limits: { 'nvidia.com/gpu': '1' } } }],
      },
    });
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    await core.patchNode({ name: node(), body: { spec: { unschedulable: true } } }, merge);
    const capacity = await port.readCapacity(ref, call);
    assert.deepEqual(
      [capacity.pod.requests, capacity.pod.limits],
      [
        { cpu: '8', memory: '256Mi', 'nvidia.com/gpu': '1' },
        { cpu: '8', memory: '1Gi', 'nvidia.com/gpu': '1' },
      ],
    );
    assert.equal(capacity.cluster.nodes.find(({ name }) => name === node())?.schedulable, false);
    await core.patchNode({ name: node(), body: { spec: { unschedulable: null } } }, merge);
  });
});
