import type { PodObservation } from './pod-diagnosis.ts';
import type { PodTrouble } from './troubles.ts';

/** A StatefulSet that creates a pod only when all before it are ready (OrderedReady, the default). */
export interface OrderedSet {
  readonly wantedReplicas: number;
}

/** Names the pod behind which all others wait: they do not exist, so nothing else could (R31). */
export function findBlocked({ wantedReplicas }: OrderedSet, pods: readonly PodObservation[]): readonly PodTrouble[] {
  const missing = wantedReplicas - pods.length;
  const [blocker] = pods.filter((pod) => !isReady(pod)).toSorted((a, b) => ordinalOf(a) - ordinalOf(b));
  if (missing <= 0 || blocker === undefined) return [];
  const message = `no further pod is created before ${blocker.name} is ready`;
  return [{ kind: 'blocked', reason: 'OrderedReady', message, count: missing, examples: [] }];
}

function isReady({ terminating, conditions }: PodObservation): boolean {
  return !terminating && conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

function ordinalOf({ name }: PodObservation): number {
  return Number(name.slice(name.lastIndexOf('-') + 1));
}
