import type { ClusterCapacity } from './cluster-capacity.ts';
import { judgePlacement } from './placement.ts';
import type { PodFacts } from './pod-facts.ts';
import { judgeQuota, type QuotaFacts } from './quota.ts';

export type Preflight =
  | { readonly kind: 'fits' }
  | {
      readonly kind: 'short';
      /** How many of the pods fit now. */
      readonly fits: number;
      readonly reasons: readonly string[];
      /** Waiting, and more of the same nodes, cannot help. */
      readonly impossible: boolean;
    };

/**
 * Whether so many more pods would be let in by the quotas and find a node: an estimate, because other pods come and go,
 * and because affinity to other workloads and volumes is not looked at (R42, R43). During a rollout the caller adds its
 * surge to `podsToAdd`.
 */
export function judgePreflight({
  podsToAdd,
  pod,
  quotas,
  cluster,
}: {
  readonly podsToAdd: number;
  readonly pod: PodFacts;
  readonly quotas: readonly QuotaFacts[];
  readonly cluster: ClusterCapacity;
}): Preflight {
  const tight = [
    ...pod.refusals.map((reason) => ({ fits: 0, reason, impossible: true })),
    ...quotas.flatMap((quota) => judgeQuota({ quota, pod, podsToAdd })),
    judgePlacement({ cluster, pod, podsToAdd }),
  ].filter(({ fits }) => fits < podsToAdd);
  if (tight.length === 0) return { kind: 'fits' };
  return {
    kind: 'short',
    fits: Math.min(...tight.map(({ fits }) => fits)),
    reasons: tight.map(({ reason }) => reason),
    impossible: tight.some(({ impossible }) => impossible),
  };
}
