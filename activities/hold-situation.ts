import type { Claim } from '../domain/claim.ts';
import { forsake, type HoldDecision } from '../domain/hold.ts';
import { mayReapplyOver } from '../domain/reapply.ts';
import type { HoldFacts } from '../domain/hold-targets.ts';
import { bearsConflict, findStand, type Stand } from '../domain/conflict.ts';
import { replicasBeforeHold } from '../domain/marks.ts';
import type { ResolvedPolicy } from '../domain/policy.ts';
import { describeGovernor, findGovernor, type Governor, type WorkloadState } from '../domain/workload.ts';

export interface ApplyHoldRequest {
  readonly workload: string;
  readonly claims: readonly Claim[];
  readonly generation: number;
  readonly skipSteps: boolean;
  /** A claim has come or changed since the governor was written last. */
  readonly fresh: boolean;
  /** When edits of others were overruled, in milliseconds since 1970. */
  readonly reappliedAtMs: readonly number[];
  /** The guard has waited for KEDA in vain. */
  readonly silent: boolean;
  /** The uid of the cluster that this ledger is for; null until it has seen one. */
  readonly cluster: string | null;
}

/** All that a decision about a hold rests on. */
export interface Situation {
  readonly request: ApplyHoldRequest;
  readonly policy: ResolvedPolicy;
  readonly state: WorkloadState;
  readonly governor: Governor;
  /** Other autoscalers beside it, where it is held all the same. */
  readonly rivals?: Stand['rivals'];
}

export function factsOf({ request, policy, state, governor, rivals }: Situation): HoldFacts {
  const nowMs = Date.now();
  const before = [state.self, ...state.autoscalers].map(replicasBeforeHold).find((count) => count !== undefined);
  return {
    governor,
    liveReplicas: state.wantedReplicas,
    claims: request.claims,
    generation: request.generation,
    skipSteps: request.skipSteps,
    reapply: mayReapplyOver(request, policy.ledger.whenPersonLowers, nowMs),
    silent: request.silent,
    ...(before !== undefined && { replicasBefore: before }),
    ...(rivals !== undefined && { rivals }),
    policy: { limits: policy.workload.limits, windDown: policy.windDown },
    nowMs,
  };
}

export function faultOf(decision: HoldDecision): string | undefined {
  if (decision.kind === 'unreadable') return decision.reason;
  if (decision.kind !== 'ignored') return undefined;
  return 'headroom.dev/ignore=true is set; remove the annotation to let headroom act';
}

export type UsableGovernor =
  | { readonly kind: 'governor'; readonly governor: Governor; readonly rivals?: Stand['rivals'] }
  | { readonly kind: 'blocked'; readonly reason: string };

/**
 * In a conflict none, unless a claim may stand on an HPA there, or a hold does already: it is wound down and given back from
 * there, also when the claim that began it is gone.
 */
export function findUsableGovernor(
  state: WorkloadState,
  { cluster, claims }: Pick<ApplyHoldRequest, 'cluster' | 'claims'>,
): UsableGovernor {
  if (cluster !== null && state.clusterUid !== cluster) {
    return {
      kind: 'blocked',
      reason: `this worker talks to another cluster (${state.clusterUid}) than the one this hold is on (${cluster}): use one Temporal namespace for each cluster`,
    };
  }
  const governance = findGovernor(state);
  if (governance.kind === 'governed') return { kind: 'governor', governor: governance.governor };
  const isBare = [state.self, ...state.autoscalers].every((one) => forsake(one) === undefined);
  // nothing to hold, and nothing to give back
  if (claims.length === 0 && isBare) return { kind: 'governor', governor: state.self };
  const stand = findStand(governance.governors);
  const isAsked = claims.some(({ inConflict }) => inConflict === true);
  if (stand !== undefined && (isAsked || bearsConflict(stand.governor))) return { kind: 'governor', ...stand };
  const both = governance.governors.map(describeGovernor).join(' and ');
  return {
    kind: 'blocked',
    reason: `${both} target the same workload: Kubernetes lets neither scale; delete or retarget one`,
  };
}

/** What does not govern, and may bear marks of ours from when it did. A ScaledObject in a conflict keeps them: KEDA's webhook refuses its every change. */
export function othersOf({ self, autoscalers }: WorkloadState, governor: Governor): readonly Governor[] {
  if (governor.ignored) return [];
  const isLocked = ({ kind }: Governor) => kind === 'scaledObject' && autoscalers.length > 1;
  return [self, ...autoscalers].filter((one) => one.uid !== governor.uid && !isLocked(one));
}
