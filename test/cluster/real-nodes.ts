import { randomBytes } from 'node:crypto';
import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  PolicyV1Api,
  setHeaderOptions,
  type V1PodSpec,
} from '@kubernetes/client-node';
import { createEvictionPort } from '../../adapters/kubernetes/evictions.ts';
import { createNodePort } from '../../adapters/kubernetes/nodes.ts';
import type { NodeIdentity } from '../../domain/gpu-node.ts';
import type { NodeWorld } from '../contracts/node-world.ts';
import { eventually } from '../harness/eventually.ts';
import { aPodSpec, required } from './real-cluster.ts';

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** Nodes played by kwok, of one test file, and a namespace; the ports have the rights of the worker. */
export async function openRealNodes() {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(required('HEADROOM_TEST_ADMIN_KUBECONFIG'));
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const apps = kubeConfig.makeApiClient(AppsV1Api);
  const policy = kubeConfig.makeApiClient(PolicyV1Api);
  const kubeconfigPath = required('HEADROOM_TEST_WORKER_KUBECONFIG');
  const group = `n-${randomBytes(4).toString('hex')}`;
  await core.createNamespace({ body: { metadata: { name: group } } });
  const fullName = (name: string) => (name.startsWith(group) ? name : `${group}-${name}`);
  let made = 0;

  async function addNode(given: string): Promise<NodeIdentity> {
    const [name, number] = [fullName(given), (made += 1)];
    const instanceId = `i-0${randomBytes(4).toString('hex')}${number.toString(16).padStart(8, '0')}`;
    const amounts = { cpu: '64', memory: '256Gi', pods: '250' };
    const { metadata } = await core.createNode({
      body: {
        metadata: { name, labels: { type: 'kwok', group } },
        // nobody else's pods come here
        spec: {
          providerID: `aws:///us-east-1a/${instanceId}`,
          taints: [{ key: 'group', value: group, effect: 'NoSchedule' }],
        },
        status: { capacity: amounts, allocatable: amounts },
      },
    });
    await eventually(
      `${name} is ready`,
      async () => {
        const { spec, status } = await core.readNode({ name });
        const isReady = (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
        return isReady && (spec?.taints ?? []).every(({ key }) => key === 'group');
      },
      { everyMs: 50 },
    );
    return { name, uid: metadata?.uid ?? '', instanceId };
  }

  const podSpec = (more: Partial<V1PodSpec> = {}): V1PodSpec =>
    ({ ...aPodSpec(), tolerations: [{ key: 'group', value: group }], nodeSelector: { group }, ...more }) as V1PodSpec;

  async function addBudget(name: string, app: string, spec: object): Promise<void> {
    const body = { metadata: { name }, spec: { selector: { matchLabels: { app } }, ...spec } };
    await policy.createNamespacedPodDisruptionBudget({ namespace: group, body });
    await counted(name);
  }

  /** Its controller has counted every pod that runs. */
  async function counted(name: string): Promise<void> {
    await eventually(
      `${name} is counted`,
      async () => {
        const { metadata, spec, status } = await policy.readNamespacedPodDisruptionBudget({ namespace: group, name });
        const app = spec?.selector?.matchLabels?.['app'] ?? '';
        const { items } = await core.listNamespacedPod({ namespace: group, labelSelector: `app=${app}` });
        const ready = items.filter(({ status }) => status?.conditions?.some((one) => one.type === 'Ready'));
        return status?.observedGeneration === metadata?.generation && status?.currentHealthy === ready.length;
      },
      { everyMs: 50 },
    );
  }

  const world: NodeWorld = {
    nodes: createNodePort({ kubeconfigPath }),
    evictions: createEvictionPort({ kubeconfigPath }),
    addNode,
    removeNode: async (name) => void (await core.deleteNode({ name: fullName(name) })),
    setSchedulable: async (name, schedulable) =>
      void (await core.patchNode({ name, body: { spec: { unschedulable: schedulable ? null : true } } }, merge)),
    async addPod(node, app, given = {}) {
      const name = `${app}-${(made += 1)}`;
      const body = {
        metadata: { name, labels: { app }, finalizers: [...(given.finalizers ?? [])] },
        spec: podSpec({ nodeName: node }),
      };
      const { metadata } = await core.createNamespacedPod({ namespace: group, body });
      await eventually(
        `${name} runs`,
        async () => (await core.readNamespacedPod({ namespace: group, name })).status?.phase === 'Running',
        { everyMs: 50 },
      );
      return { namespace: group, name, uid: metadata?.uid ?? '' };
    },
    release: async ({ name }) =>
      void (await core.patchNamespacedPod({ namespace: group, name, body: { metadata: { finalizers: null } } }, merge)),
    addBudget: (name, app, minAvailable) => addBudget(name, app, { minAvailable }),
    removeBudget: async (name) => void (await policy.deleteNamespacedPodDisruptionBudget({ namespace: group, name })),
    async open(name, minAvailable) {
      await policy.patchNamespacedPodDisruptionBudget(
        { namespace: group, name, body: { spec: { minAvailable } } },
        merge,
      );
    },
    async close() {
      for (const { metadata } of (await core.listNode({ labelSelector: `group=${group}` })).items)
        await core.deleteNode({ name: metadata?.name ?? '' });
      await core.deleteNamespace({ name: group });
    },
  };

  return {
    ...world,
    namespace: group,
    core,
    policy,
    addPodsBudget: addBudget,
    counted,
    /** All its pods on this node, which has to be the only one that is not cordoned; ready when this answers. */
    async addDeployment(name: string, replicas: number, spec: Partial<V1PodSpec> = {}): Promise<void> {
      const template = { metadata: { labels: { app: name } }, spec: podSpec(spec) };
      const body = { metadata: { name }, spec: { replicas, selector: { matchLabels: { app: name } }, template } };
      await apps.createNamespacedDeployment({ namespace: group, body });
      await eventually(
        `${name} is there`,
        async () =>
          (await apps.readNamespacedDeployment({ namespace: group, name })).status?.availableReplicas === replicas,
        { everyMs: 100, withinMs: 60_000 },
      );
    },
    async remove(deployment: string): Promise<void> {
      await apps.deleteNamespacedDeployment({ namespace: group, name: deployment });
    },
  };
}
