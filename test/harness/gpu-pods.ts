import { eventually } from './eventually.ts';
import type { GpuLane } from './gpu-lane.ts';

export interface RawPod {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status?: { readonly phase?: string };
}
interface RawBudget {
  readonly status?: { readonly currentHealthy?: number; readonly disruptionsAllowed?: number };
}
interface Manifest {
  readonly path: string;
  readonly body: object;
}

const TOLERATIONS = [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }];

/** What brings a pod to the lane's node group. */
export const onGroup = ({ group }: GpuLane) => ({
  nodeSelector: { 'eks.amazonaws.com/nodegroup': group },
  tolerations: TOLERATIONS,
});

interface Where {
  readonly node?: string;
  /** By no scheduler's leave: a cordon does not keep it away. */
  readonly nailed?: boolean;
}

/** On the lane's node group, or on one node of it. */
function podSpec({ group }: GpuLane, { node, nailed = false, gpus = 0 }: Where & { readonly gpus?: number }): object {
  const requests = { cpu: '100m', memory: '64Mi', ...(gpus > 0 && { 'nvidia.com/gpu': String(gpus) }) };
  return {
    nodeSelector: {
      'eks.amazonaws.com/nodegroup': group,
      ...(node !== undefined && { 'kubernetes.io/hostname': node }),
    },
    ...(nailed && { nodeName: node }),
    tolerations: TOLERATIONS,
    containers: [
      {
        name: 'main',
        image: 'tensafe:1',
        resources: { requests, ...(gpus > 0 && { limits: { 'nvidia.com/gpu': String(gpus) } }) },
      },
    ],
  };
}

export function aDeployment(
  gpu: GpuLane,
  name: string,
  { replicas, ...where }: Where & { readonly replicas: number },
): Manifest {
  const labels = { app: name };
  return {
    path: `/apis/apps/v1/namespaces/${gpu.lane.namespace}/deployments`,
    body: {
      metadata: { name },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: podSpec(gpu, where) },
      },
    },
  };
}

export function aJob(gpu: GpuLane, name: string, on: { readonly node: string; readonly gpus: number }): Manifest {
  return {
    path: `/apis/batch/v1/namespaces/${gpu.lane.namespace}/jobs`,
    body: {
      metadata: { name },
      // what interrupts it does not count against it
      spec: {
        podFailurePolicy: {
          rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
        },
        template: {
          metadata: { labels: { app: name }, annotations: { 'headroom.dev/sandbox-job': 'running' } },
          spec: { ...podSpec(gpu, on), restartPolicy: 'Never' },
        },
      },
    },
  };
}

export function aBudget(gpu: GpuLane, app: string, { minAvailable }: { readonly minAvailable: number }): Manifest {
  return {
    path: `/apis/policy/v1/namespaces/${gpu.lane.namespace}/poddisruptionbudgets`,
    body: { metadata: { name: app }, spec: { minAvailable, selector: { matchLabels: { app } } } },
  };
}

export async function put({ kube }: GpuLane, { path, body }: Manifest): Promise<void> {
  const { status, text } = await kube.send('POST', path, body);
  if (status !== 201) throw new Error(`${path}: ${status} ${text}`);
}

/** Two pods on this node of whose budget one may go, and which are not both ready: answers with the one that nobody may evict now. */
export async function closedBudget(gpu: GpuLane, app: string, node: string): Promise<string> {
  const before = (await podsOn(gpu, node)).map(({ metadata }) => metadata.name);
  await put(gpu, aDeployment(gpu, app, { replicas: 2, node }));
  await put(gpu, aBudget(gpu, app, { minAvailable: 1 }));
  const [unready, held] = await eventually('both run there', async () => {
    const pods = (await podsOn(gpu, node)).filter(({ metadata }) => !before.includes(metadata.name));
    return pods.length === 2 && pods;
  });
  const ready = { conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }] };
  const path = `/api/v1/namespaces/${gpu.lane.namespace}/pods/${unready?.metadata.name}/status`;
  await gpu.kube.send('PATCH', path, { status: ready }, 'application/strategic-merge-patch+json');
  const budget = `/apis/policy/v1/namespaces/${gpu.lane.namespace}/poddisruptionbudgets/${app}`;
  await eventually('the budget allows none', async () => {
    const { status } = JSON.parse((await gpu.kube.send('GET', budget)).text) as RawBudget;
    return status?.currentHealthy === 1 && status.disruptionsAllowed === 0;
  });
  return held?.metadata.name ?? '';
}

/** The lane's pods on this node that are not over. */
export async function podsOn({ kube, lane }: GpuLane, node: string): Promise<readonly RawPod[]> {
  const { text } = await kube.send('GET', `/api/v1/namespaces/${lane.namespace}/pods`);
  const { items } = JSON.parse(text) as { readonly items: readonly RawPod[] };
  return items.filter(({ spec, status }) => spec.nodeName === node && status?.phase === 'Running');
}

/** Its pods have done their work. */
export async function finishJob({ kube, lane }: GpuLane, app: string): Promise<void> {
  const path = `/api/v1/namespaces/${lane.namespace}/pods`;
  const { text } = await kube.send('GET', `${path}?labelSelector=app%3D${app}`);
  const { items } = JSON.parse(text) as { readonly items: readonly RawPod[] };
  for (const { metadata } of items)
    await kube.send(
      'PATCH',
      `${path}/${metadata.name}/status`,
      { status: { phase: 'Succeeded' } },
      'application/merge-patch+json',
    );
}

/** A pod on this node that is asked for a checkpoint says that it has left one. */
export async function answerCheckpoint(gpu: GpuLane, node: string, { withinMs = 20_000 } = {}): Promise<void> {
  const isAsked = ({ metadata }: RawPod) => metadata.annotations?.['headroom.dev/checkpoint'] === 'requested';
  const asked = await eventually('it is asked', async () => (await podsOn(gpu, node)).find(isAsked), { withinMs });
  const path = `/api/v1/namespaces/${gpu.lane.namespace}/pods/${asked.metadata.name}`;
  const done = { metadata: { annotations: { 'headroom.dev/checkpoint': 'done' } } };
  await gpu.kube.send('PATCH', path, done, 'application/merge-patch+json');
}
