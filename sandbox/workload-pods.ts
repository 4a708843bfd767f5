import { readQuantity } from '../domain/quantity.ts';
import type { KubeClient } from './kube.ts';
import { UNLIMITED, type ReadyPod } from './load-model.ts';

/** A pod that takes its share of a load, as the exporter and kwok have to be told of it. */
export interface WorkloadPod extends ReadyPod {
  readonly uid: string;
  readonly node: string;
  readonly memoryBytes: number;
  readonly gpus: number;
  readonly containers: readonly PodContainer[];
}

export interface PodContainer {
  readonly name: string;
  readonly limits: Readonly<Record<string, number>>;
  readonly requests: Readonly<Record<string, number>>;
}

/** The ready pods of a namespace by their Deployment. One call, answered out of the API server's cache. */
export async function listReadyPods(kube: KubeClient, namespace: string): Promise<PodsByDeployment> {
  const { status, text } = await kube.send('GET', `/api/v1/namespaces/${namespace}/pods?resourceVersion=0`);
  if (status !== 200) throw new Error(`listing the pods of ${namespace}: ${status} ${text.slice(0, 200)}`);
  const { items }: { readonly items: readonly RawPod[] } = JSON.parse(text);
  const byDeployment = new Map<string, WorkloadPod[]>();
  for (const pod of items.filter(isReady)) {
    const deployment = deploymentOf(pod);
    if (deployment === undefined) continue;
    byDeployment.set(deployment, [...(byDeployment.get(deployment) ?? []), readPod(pod)]);
  }
  return byDeployment;
}

export type PodsByDeployment = ReadonlyMap<string, readonly WorkloadPod[]>;

interface RawPod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly RawContainer[] };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface RawContainer {
  readonly name: string;
  readonly resources?: {
    readonly limits?: Readonly<Record<string, string>>;
    readonly requests?: Readonly<Record<string, string>>;
  };
}

const isReady = ({ metadata, status }: RawPod): boolean =>
  metadata.deletionTimestamp === undefined &&
  (status.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');

/** Its ReplicaSet is named after the Deployment and the template's hash, which is a label too: no look at the set itself. */
function deploymentOf({ metadata }: RawPod): string | undefined {
  const set = metadata.ownerReferences?.find(({ kind }) => kind === 'ReplicaSet')?.name;
  const suffix = `-${metadata.labels?.['pod-template-hash']}`;
  return set?.endsWith(suffix) === true ? set.slice(0, -suffix.length) : undefined;
}

function readPod({ metadata, spec }: RawPod): WorkloadPod {
  const containers = spec.containers.map(({ name, resources }) => ({
    name,
    limits: readAmounts(resources?.limits),
    requests: readAmounts(resources?.requests),
  }));
  const limit = (resource: string): number => containers.reduce((sum, { limits }) => sum + (limits[resource] ?? 0), 0);
  return {
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName ?? '',
    cpuCores: limit('cpu') || UNLIMITED.cpuCores,
    memoryBytes: limit('memory') || UNLIMITED.memoryBytes,
    gpus: limit('nvidia.com/gpu'),
    containers,
  };
}

function readAmounts(quantities: Readonly<Record<string, string>> = {}): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(quantities).flatMap(([resource, text]) => {
      const reading = readQuantity(text);
      return reading.ok ? [[resource, Number(reading.nano) / 1e9]] : [];
    }),
  );
}
