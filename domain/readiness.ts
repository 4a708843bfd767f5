import { freezeFault, isFrozen } from './freeze.ts';
import type { Governor } from './workload.ts';

/** Whether a governor does what its floor says, and if not, why. */
export type Readiness =
  | { readonly kind: 'effective' }
  /** Somebody stopped the autoscaler: a floor acts when they let it go on (R22). */
  | { readonly kind: 'paused'; readonly reason: string }
  /** Whatever the floor says, KEDA goes down to this count while no trigger is active, unless scale-in is frozen. */
  | { readonly kind: 'idleable'; readonly idleReplicas: number }
  /** At 0 replicas an HPA is switched off, and obeys no floor (R18). */
  | { readonly kind: 'off'; readonly reason: string }
  /** What was asked of the ScaledObject is not in KEDA's HPA. */
  | { readonly kind: 'silent'; readonly reason: string };

/** How a hold on the governor would do, at this count of its workload (`spec.replicas`). */
export function judgeReadiness(governor: Governor, liveReplicas: number): Readiness {
  const { kind, autoscaler } = governor;
  if (kind === 'workload') return { kind: 'effective' };
  if (autoscaler?.paused !== undefined) return { kind: 'paused', reason: `it is paused by ${autoscaler.paused}` };
  if (kind === 'horizontalPodAutoscaler') {
    return liveReplicas === 0
      ? { kind: 'off', reason: 'its workload is at 0 replicas, where an HPA is switched off and obeys no floor' }
      : { kind: 'effective' };
  }
  const behind = describeBehind(governor);
  if (behind !== undefined) return { kind: 'silent', reason: behind };
  const idleReplicas = idleReplicasOf(governor);
  return idleReplicas === undefined ? { kind: 'effective' } : { kind: 'idleable', idleReplicas };
}

/** The count to which KEDA goes under the floor; also while it has not followed yet. Undefined where it goes nowhere. */
export function idleReplicasOf({ autoscaler, fields }: Governor): number | undefined {
  const { idleReplicas } = autoscaler ?? {};
  const isUnderFloor = idleReplicas !== undefined && typeof fields.floor === 'number' && idleReplicas < fields.floor;
  return isUnderFloor ? idleReplicas : undefined;
}

function describeBehind(governor: Governor): string | undefined {
  const { autoscaler, fields } = governor;
  if (autoscaler?.inForce === undefined) return undefined;
  const { inForce } = autoscaler;
  const floor = typeof fields.floor === 'number' ? fields.floor : 0;
  if (inForce === null) return 'KEDA has made no HPA for it';
  // KEDA gives its HPA at least 1: an HPA's own minimum
  if (inForce.floor < Math.max(1, floor)) return `its floor is ${floor}, but KEDA's HPA still has ${inForce.floor}`;
  const isThawed = isFrozen(governor) && freezeFault(governor) === undefined && !inForce.frozen;
  return isThawed ? "scale-in is to be frozen, but KEDA's HPA still scales in" : undefined;
}
