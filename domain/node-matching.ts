import type { NodeFacts, Taint } from './cluster-capacity.ts';
import { hasLabels, meets } from './label-selector.ts';
import type { PodFacts, Toleration } from './pod-facts.ts';

/** The node selector, and any one term of the required affinity. An empty term matches no node. */
export function matchesNodeAffinity({ name, labels }: NodeFacts, { nodeSelector, nodeTerms }: PodFacts): boolean {
  if (!hasLabels(labels, nodeSelector)) return false;
  return (
    nodeTerms === undefined ||
    nodeTerms.some(({ matchExpressions, matchFields }) => {
      return (
        matchExpressions.length + matchFields.length > 0 &&
        matchExpressions.every((requirement) => meets(requirement, labels)) &&
        matchFields.every((requirement) => meets(requirement, { 'metadata.name': name }))
      );
    })
  );
}

/** The first taint that keeps the pod off; PreferNoSchedule keeps nobody off. */
export function findUntoleratedTaint(taints: readonly Taint[], { tolerations }: PodFacts): Taint | undefined {
  return taints
    .filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
    .find((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
}

/** An empty key is every key, and only with Exists. */
function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || (key !== '' && value === taint.value);
}
