import type { PendingPod, Replacement } from '../../domain/drain-placement.ts';
import type { Owners } from './drain-owners.ts';
import { factsOf } from './drain-pods.ts';
import type { RawObject } from './kinds.ts';

type Pod = RawObject<'Pod'>;

/** Where schedulers of gangs are told which pods belong together: coscheduling, Volcano. */
const GANG_LABEL = 'scheduling.x-k8s.io/pod-group';
const GANG_ANNOTATION = 'scheduling.k8s.io/group-name';

/** By then the scheduler has looked again, whatever it has missed: after 5 minutes at most, on a beat of 30 s, and its back-off. */
const SURELY_SEEN_MS = 6 * 60_000;

/** Those that the scheduler would bind as soon as a node has room. */
export function pendingPods(pods: readonly Pod[], owners: Owners, nowMs: number): readonly PendingPod[] {
  return pods
    .filter((pod) => isWaiting(pod) && !isBarred(pod, nowMs))
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

/**
 * The scheduler has found no node for it, and may have been kept by what no estimate of ours looks at: it is believed. What
 * keeps a pod for long is such a thing, since the estimate has room for it and the scheduler had all the time to take it.
 */
function isBarred({ metadata, spec, status }: Pod, nowMs: number): boolean {
  if (isNominated(status)) return false;
  const isLongSince = (time: string | undefined) => nowMs - Date.parse(time ?? '') > SURELY_SEEN_MS;
  const scheduled = (status?.conditions ?? []).find(({ type }) => type === 'PodScheduled');
  // nobody runs the scheduler that it names
  if (scheduled === undefined) return isLongSince(metadata?.creationTimestamp);
  if (scheduled.status !== 'False' || scheduled.reason !== 'Unschedulable') return false;
  if (isLongSince(scheduled.lastTransitionTime)) return true;
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
