import type { PendingPod, Replacement } from '../../domain/drain-placement.ts';
import type { Owners } from './drain-owners.ts';
import { factsOf } from './drain-pods.ts';
import type { RawObject } from './kinds.ts';

type Pod = RawObject<'Pod'>;

/** Where schedulers of gangs are told which pods belong together: coscheduling, Volcano. */
const GANG_LABEL = 'scheduling.x-k8s.io/pod-group';
const GANG_ANNOTATION = 'scheduling.k8s.io/group-name';

/** Those that the scheduler would bind as soon as a node has room. */
export function pendingPods(pods: readonly Pod[], owners: Owners): readonly PendingPod[] {
  return pods
    .filter((pod) => isWaiting(pod) && !isBarred(pod))
    .map((pod) => {
      const { name = '', namespace = '', uid = '', creationTimestamp } = pod.metadata ?? {};
      const gang = gangOf(pod);
      return {
        uid,
        name: `${namespace}/${name}`,
        owner: owners.ownerOf(pod)?.uid ?? uid,
        facts: factsOf(pod),
        priority: rankOf(pod).priority,
        createdAtMs: Date.parse(creationTimestamp ?? ''),
        gang: gang === undefined ? null : `${namespace}/${gang}`,
        nominatedTo: pod.status?.nominatedNodeName ?? null,
      };
    });
}

/** As the scheduler ranks it, and its replacement. */
export function rankOf({ spec }: Pod): Pick<Replacement, 'priority' | 'preempts'> {
  return { priority: spec?.priority ?? 0, preempts: spec?.preemptionPolicy !== 'Never' };
}

/** A gate keeps the scheduler from even looking at it. */
function isWaiting({ metadata, spec, status }: Pod): boolean {
  const isUnbound = (spec?.nodeName ?? '') === '' && status?.phase === 'Pending';
  return isUnbound && metadata?.deletionTimestamp === undefined && (spec?.schedulingGates ?? []).length === 0;
}

/** While its room is being cleared the scheduler calls it unschedulable too. */
function isNominated(status: Pod['status']): boolean {
  return (status?.nominatedNodeName ?? '') !== '';
}

/** The scheduler has found no node for it, and may have been kept by what no estimate of ours looks at: it is believed. */
function isBarred({ spec, status }: Pod): boolean {
  const scheduled = (status?.conditions ?? []).find(({ type }) => type === 'PodScheduled');
  if (isNominated(status) || scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return false;
  const { volumes = [], resourceClaims = [], affinity } = spec ?? {};
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap(
    (one) => one?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
  );
  return (
    resourceClaims.length + terms.length > 0 ||
    volumes.some(({ persistentVolumeClaim, ephemeral }) => (persistentVolumeClaim ?? ephemeral) !== undefined)
  );
}

function gangOf({ metadata, spec }: Pod): string | undefined {
  return (
    spec?.schedulingGroup?.podGroupName ?? metadata?.labels?.[GANG_LABEL] ?? metadata?.annotations?.[GANG_ANNOTATION]
  );
}
