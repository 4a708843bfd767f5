import type { Call } from '../../activities/ports.ts';
import type { WorkloadRef } from '../../domain/workload.ts';
import type { KubernetesClient } from './client.ts';
import type { Workload } from './governors.ts';
import type { RawObject } from './kinds.ts';
import { labelSelectorText } from './selectors.ts';

export type Creator = RawObject<'ReplicaSet'> | Workload;

/** Who creates the workload's pods: the ReplicaSets of a Deployment, newest template first, or the StatefulSet itself. */
export async function readCreators(
  client: KubernetesClient,
  { ref, workload }: { readonly ref: WorkloadRef; readonly workload: Workload },
  call: Call,
): Promise<readonly Creator[]> {
  if (ref.kind === 'StatefulSet') return [workload];
  const labelSelector = labelSelectorText(workload.spec?.selector);
  const replicaSets = await client.list({ kind: 'ReplicaSet', namespace: ref.namespace }, { labelSelector }, call);
  return replicaSets
    .filter((one) => controllerOf(one) === workload.metadata?.uid)
    .toSorted((a, b) => revisionOf(b) - revisionOf(a));
}

/** Pods belong to who made them: labels may match other people's pods too (R39). */
export function isCreatedBy(pod: RawObject<'Pod'>, creators: readonly Creator[]): boolean {
  const uid = controllerOf(pod);
  return uid !== undefined && creators.some(({ metadata }) => metadata?.uid === uid);
}

function controllerOf({ metadata }: RawObject<'Pod'> | RawObject<'ReplicaSet'>): string | undefined {
  return (metadata?.ownerReferences ?? []).find(({ controller }) => controller === true)?.uid;
}

function revisionOf({ metadata }: RawObject<'ReplicaSet'>): number {
  return Number(metadata?.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
}
