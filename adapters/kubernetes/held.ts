import type { Call } from '../../activities/ports.ts';
import type { WorkloadRef } from '../../domain/workload.ts';
import type { KubernetesClient } from './client.ts';
import { isKedas, isTarget } from './governors.ts';

const HELD = { labelSelector: 'headroom.dev/held=true' };

/** The names of those workloads that bear a hold, on themselves or on an autoscaler of theirs. */
export async function findHeld(
  client: KubernetesClient,
  refs: readonly WorkloadRef[],
  call: Call,
): Promise<readonly string[]> {
  const namespaces = [...new Set(refs.map(({ namespace }) => namespace))];
  const held = await Promise.all(namespaces.map((namespace) => heldIn(client, namespace, refs, call)));
  return held.flat();
}

async function heldIn(
  client: KubernetesClient,
  namespace: string,
  refs: readonly WorkloadRef[],
  call: Call,
): Promise<readonly string[]> {
  const [autoscalers, scaledObjects, deployments, statefulSets] = await Promise.all([
    client.list({ kind: 'HorizontalPodAutoscaler', namespace }, HELD, call),
    client.list({ kind: 'ScaledObject', namespace }, HELD, call),
    client.list({ kind: 'Deployment', namespace }, HELD, call),
    client.list({ kind: 'StatefulSet', namespace }, HELD, call),
  ]);
  // KEDA copies our marks onto its HPA, and leaves them there when they are gone from the ScaledObject
  const bearing = autoscalers.filter(({ metadata }) => !isKedas(metadata));
  const targets = [...bearing, ...scaledObjects].map(({ spec }) => spec?.scaleTargetRef);
  const objects = { Deployment: deployments, StatefulSet: statefulSets };
  return refs
    .filter(
      (ref) =>
        ref.namespace === namespace &&
        (targets.some((target) => isTarget(target, ref)) ||
          objects[ref.kind].some(({ metadata }) => metadata?.name === ref.object)),
    )
    .map(({ name }) => name);
}
