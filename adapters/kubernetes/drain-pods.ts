import type { BudgetFacts, CheckpointMark, DrainPod } from '../../domain/drain-pod.ts';
import { GPU } from '../../domain/gpu-node.ts';
import { selects } from '../../domain/label-selector.ts';
import { findUntoleratedTaint } from '../../domain/node-matching.ts';
import { findPodFacts, type PodFacts } from '../../domain/pod-facts.ts';
import { asPodSpec, asSelector } from './capacity.ts';
import type { Owners } from './drain-owners.ts';
import type { RawObject } from './kinds.ts';

type Pod = RawObject<'Pod'>;
type Annotations = Readonly<Record<string, string>>;

const CORDON = { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' };
/** Karpenter drains what does not tolerate it, DaemonSets too (R48). */
const DISRUPTED = { key: 'karpenter.sh/disrupted', value: '', effect: 'NoSchedule' };

/** Ours and those of the autoscalers, which mean the same (R48); each with what it must say. */
const OPT_OUTS: readonly (readonly [key: string, forbids: (value: string) => boolean])[] = [
  ['headroom.dev/do-not-drain', (value) => value !== 'false'],
  // a duration protects too, for its length from the pod's start: taken as for good
  ['karpenter.sh/do-not-disrupt', (value) => value !== 'false'],
  ['cluster-autoscaler.kubernetes.io/safe-to-evict', (value) => value === 'false'],
];
const GIVEN_UP_VOLUMES = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes';

export const CHECKPOINT_KEYS = {
  state: 'headroom.dev/checkpoint',
  owner: 'headroom.dev/checkpoint-for',
} as const;

/** Everything of the pod but its place, which is known only beside all others. */
export function asDrainPod(
  pod: Pod,
  { owners, budgets }: { readonly owners: Owners; readonly budgets: readonly RawObject<'PodDisruptionBudget'>[] },
): Omit<DrainPod, 'place'> {
  const { metadata, spec, status } = pod;
  const annotations = metadata?.annotations ?? {};
  const facts = factsOf(pod);
  const owner = owners.ownerOf(pod);
  const isDaemons = owner?.kind === 'DaemonSet' && owner.gone !== true;
  const karpenterDrains = isDaemons && findUntoleratedTaint([DISRUPTED], facts) !== undefined;
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    node: spec?.nodeName ?? '',
    phase: status?.phase ?? '',
    ready: (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
    owner,
    ownerReplicas: owners.replicasOf(pod),
    job: owners.jobOf(pod)?.uid ?? null,
    gpus: gpusIn(facts),
    startedAtMs: startOf(pod),
    localData: localDataOf(pod, annotations),
    mirror: annotations['kubernetes.io/config.mirror'] !== undefined,
    toleratesCordon: findUntoleratedTaint([CORDON], facts) === undefined,
    ...(karpenterDrains && { karpenterDrains }),
    finalizers: metadata?.finalizers ?? [],
    deletingSinceMs: metadata?.deletionTimestamp === undefined ? null : Date.parse(metadata.deletionTimestamp),
    optOut: optOutOf(pod),
    budgets: budgets.filter((budget) => isCovered(budget, pod)).map(({ metadata }) => metadata?.name ?? ''),
  };
}

/** As the scheduler would see its replacement. */
export function factsOf(pod: Pod): PodFacts {
  return findPodFacts(asPodSpec(pod, pod.metadata?.namespace ?? ''));
}

export function gpusIn({ requests }: Pick<PodFacts, 'requests'>): number {
  return Number(requests[GPU] ?? 0);
}

export function startOf({ metadata, status }: Pod): number {
  return Date.parse(status?.startTime ?? metadata?.creationTimestamp ?? '');
}

export function optOutOf({ metadata }: Pod): string | null {
  const annotations = metadata?.annotations ?? {};
  const key = OPT_OUTS.find(([key, forbids]) => key in annotations && forbids(annotations[key] ?? ''))?.[0];
  return key === undefined ? null : `${key}: "${annotations[key]}"`;
}

export function checkpointOf({ metadata }: Pod): CheckpointMark | null {
  const { [CHECKPOINT_KEYS.state]: state, [CHECKPOINT_KEYS.owner]: owner = '' } = metadata?.annotations ?? {};
  return state === undefined ? null : { state, owner };
}

export function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** A policy/v1 budget without a selector selects nothing, one with an empty selector everything. */
function isCovered({ metadata, spec }: RawObject<'PodDisruptionBudget'>, pod: Pod): boolean {
  const { selector } = asSelector(spec?.selector);
  const isThere = metadata?.namespace === pod.metadata?.namespace;
  return isThere && selector !== undefined && selects(selector, pod.metadata?.labels ?? {});
}

function localDataOf({ spec }: Pod, annotations: Annotations): readonly string[] {
  const givenUp = (annotations[GIVEN_UP_VOLUMES] ?? '').split(',').map((name) => name.trim());
  return (spec?.volumes ?? [])
    .filter(({ name, emptyDir }) => emptyDir !== undefined && !givenUp.includes(name))
    .map(({ name }) => name);
}

export function asBudgetFacts({ metadata, spec, status }: RawObject<'PodDisruptionBudget'>): BudgetFacts {
  const { minAvailable, maxUnavailable } = spec ?? {};
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    rule: minAvailable === undefined ? `maxUnavailable ${maxUnavailable ?? '?'}` : `minAvailable ${minAvailable}`,
    countsPods: typeof minAvailable === 'number',
    allowed: status?.disruptionsAllowed ?? 0,
    currentHealthy: status?.currentHealthy ?? 0,
    desiredHealthy: status?.desiredHealthy ?? 0,
    expectedPods: status?.expectedPods ?? 0,
    allowsUnhealthy: spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow',
    stale: status === undefined || (status.observedGeneration ?? 0) < (metadata?.generation ?? 0),
  };
}
