import type { AlertNotice } from './alerts.ts';
import type { Survey } from './capacity-plan.ts';
import type { Claim } from './claim.ts';
import type { Evidence } from './evidence.ts';
import type { EmergencyScaleUpPolicy, ResolvedPolicy } from './policy.ts';
import type { ClaimState, RunResult, WorkloadCounts } from './procedures.ts';
import type { OwnersValues } from './release.ts';
import type { RunRequest } from './run-request.ts';

/** What a run's history tells, in its order; one kind for each thing that somebody may want to know afterwards. */
export type RunStep = { readonly atMs: number } & (
  | {
      readonly kind: 'policy';
      readonly policy: ResolvedPolicy;
      readonly emergency?: EmergencyScaleUpPolicy;
      /** Of an emergency and of steps. */
      readonly maxHoldMs?: number;
    }
  | { readonly kind: 'survey'; readonly survey: Survey }
  | { readonly kind: 'room'; readonly warnings: readonly string[] }
  /** Null where the history does not keep what was asked for. */
  | { readonly kind: 'claimed'; readonly asks: Pick<Claim, 'floor' | 'pin' | 'freezeScaleIn'> | null }
  | { readonly kind: 'told'; readonly state: ClaimState }
  | {
      readonly kind: 'looked';
      readonly verdict: {
        readonly kind: 'available' | 'short';
        readonly replicas: number;
        readonly reasons: readonly string[];
      };
    }
  /** The load was looked at after the event, or during the wind-down; no reasons: it was low. */
  | { readonly kind: 'quiet' | 'load back'; readonly reasons: readonly string[] }
  | { readonly kind: 'alerts'; readonly notices: readonly AlertNotice[] }
  | { readonly kind: 'evidence'; readonly evidence: Evidence }
  | { readonly kind: 'let go' }
  | {
      readonly kind: 'released';
      readonly report:
        | {
            readonly kind: 'released';
            readonly restored: boolean;
            readonly otherClaims: number;
            readonly owners: OwnersValues;
            readonly counts: WorkloadCounts;
          }
        | { readonly kind: 'vanished'; readonly reason: string };
    }
  | Steering
);

/** What people said to a run, of whichever procedure. */
type Steering =
  | {
      readonly kind: 'steered';
      /** The update's name, and what was said with it besides who and why. */
      readonly name: string;
      readonly as: string;
      readonly note: string | null;
      readonly words: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'cancelled'; readonly as: string; readonly note: string | null };
export type SteeringStep = { readonly atMs: number } & Steering;

/** What the history of every run tells. */
export interface RunFrame {
  readonly id: string;
  readonly runId: string;
  readonly startedAtMs: number;
  /** null while the run is under way. */
  readonly end: RunEnd | null;
}
/** Of a run that holds capacity. */
export interface RunFacts extends RunFrame {
  readonly asked: RunRequest;
  readonly steps: readonly RunStep[];
}
export type RunEnd = { readonly atMs: number } & (
  | { readonly kind: 'completed'; readonly result: RunResult }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'terminated'; readonly as: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }
);

export function lastOf<S extends { readonly kind: string }, K extends S['kind']>(
  steps: readonly S[],
  kind: K,
): Extract<S, { readonly kind: K }> | undefined {
  return steps.findLast((step): step is Extract<S, { readonly kind: K }> => step.kind === kind);
}

export function outcomeOf(end: RunEnd | null): string {
  if (end === null) return 'under way';
  return end.kind === 'completed' ? end.result.outcome : end.kind;
}
