import type { Claim } from '../domain/claim.ts';
import { mayReapplyOver, type HoldDecision, type HoldFacts } from '../domain/hold.ts';
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
}

export function factsOf({ request, policy, state, governor }: Situation): HoldFacts {
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
    policy: { limits: policy.workload.limits, windDown: policy.windDown },
    nowMs,
  };
}

export function faultOf(decision: HoldDecision): string | undefined {
  if (decision.kind === 'unreadable') return decision.reason;
  if (decision.kind !== 'ignored') return undefined;
  return 'headroom.dev/ignore=true is set; remove the annotation to let headroom act';
}

export function findUsableGovernor(
  state: WorkloadState,
  cluster: string | null,
): { readonly kind: 'governor'; readonly governor: Governor } | { readonly kind: 'blocked'; readonly reason: string } {
  if (cluster !== null && state.clusterUid !== cluster) {
    return {
      kind: 'blocked',
      reason: `this worker talks to another cluster (${state.clusterUid}) than the one this hold is on (${cluster}): use one Temporal namespace for each cluster`,
    };
  }
  const governance = findGovernor(state);
  if (governance.kind === 'governed') return { kind: 'governor', governor: governance.governor };
  const both = governance.governors.map(describeGovernor).join(' and ');
  return {
    kind: 'blocked',
    reason: `${both} target the same workload: Kubernetes lets neither scale; delete or retarget one`,
  };
}

/** What does not govern, and may bear marks of ours from when it did. */
export function othersOf(state: WorkloadState, governor: Governor): readonly Governor[] {
  return governor.ignored ? [] : [state.self, ...state.autoscalers].filter(({ uid }) => uid !== governor.uid);
}
