import type { ClusterCapacity } from '../domain/cluster-capacity.ts';
import type { PodFacts } from '../domain/pod-facts.ts';
import type { QuotaFacts } from '../domain/quota.ts';
import type { PodTrouble } from '../domain/troubles.ts';
import type { Series } from '../domain/quiet.ts';
import type { Claim } from '../domain/claim.ts';
import type { Policy } from '../domain/policy.ts';
import type { MetricsApi, ObservedAutoscaler } from '../domain/scaling-facts.ts';
import type { ExistingRun } from '../domain/schedule.ts';
import type { GovernorChange, WorkloadRef, WorkloadState } from '../domain/workload.ts';

/** Who calls and how to stop it: every request carries both. */
export interface Call {
  readonly signal: AbortSignal;
  /** `<workflowId>/<runId>`: becomes the User-Agent, so that the audit log names the run (I11). */
  readonly caller: string;
}

/**
 * Reads and steers one workload. Failures are typed (domain/failures.ts): targetNotFound,
 * permissionDenied (names verb and resource), apiThrottled (with Retry-After), apiUnavailable.
 */
export interface ReadOptions {
  /**
   * As this process saw it up to three seconds ago, with its own writes since; else with the autoscalers as the API server
   * remembers them, in a few milliseconds where a consistent list waits up to 100 ms after any write elsewhere in the cluster
   * (R11). A change of it is 'raced' after any edit of the object since. Only for what ends in such a write: what is
   * concluded without one may rest on a state that is no more.
   */
  readonly remembered?: boolean;
}

export interface WorkloadPort {
  /** The workload and every autoscaler that targets it, now; only that there is no KEDA may have been found up to a minute ago. */
  readWorkload(ref: WorkloadRef, call: Call, options?: ReadOptions): Promise<WorkloadState>;
  /**
   * One guarded PATCH (compare-and-set). 'raced' when a guard failed: somebody changed the object
   * since it was read; nothing was written.
   */
  changeGovernor(change: GovernorChange, call: Call): Promise<'written' | 'raced'>;
  /** Which of these workloads bear a hold (label `headroom.dev/held=true`, on themselves or on what governs them), by name. */
  findHeld(refs: readonly WorkloadRef[], call: Call): Promise<readonly string[]>;
  /** Every autoscaler of the namespace with what it says of itself, also those that KEDA made. */
  readAutoscalers(namespace: string, call: Call): Promise<readonly ObservedAutoscaler[]>;
  /** Who serves metrics in the cluster; a group that nobody registered is not among them (R84). */
  readMetricsApis(call: Call): Promise<readonly MetricsApi[]>;
  /** Why pods of the workload are missing or not available: conditions, pod states, events; grouped, with examples (R40). */
  readTroubles(ref: WorkloadRef, call: Call): Promise<readonly PodTrouble[]>;
  /** What one more pod asks for, the quotas on its way, and the room on the nodes (R42, R43); for the same caller up to half a minute old. */
  readCapacity(
    ref: WorkloadRef,
    call: Call,
  ): Promise<{ readonly pod: PodFacts; readonly quotas: readonly QuotaFacts[]; readonly cluster: ClusterCapacity }>;
}

/** Prometheus. Fails with metricsUnavailable on errors, warnings (partial answers) and timeouts. */
export interface MetricsPort {
  /** All series of a range query, each with its samples; absent and NaN samples are absent. */
  range(
    query: string,
    window: { readonly startMs: number; readonly endMs: number; readonly stepMs: number },
    call: Call,
  ): Promise<readonly Series[]>;
}

/** The way from an activity to the capacity ledger of a workload (update-with-start). */
export interface LedgerPort {
  /** Adds or replaces the claim. Idempotent by `sequence`: one number for each change, the same on a retry. */
  claim(
    request: { readonly workload: string; readonly claim: Claim; readonly sequence: number },
    call: Call,
  ): Promise<void>;
  /** Lets the claim go; a claim that is not there is released already. */
  release(
    request: { readonly workload: string; readonly claimId: string; readonly sequence: number; readonly now: boolean },
    call: Call,
  ): Promise<void>;
  /** Starts the workload's ledger where none runs; one that runs takes no notice. */
  wake(workload: string, call: Call): Promise<void>;
}

/** Runs of ours, seen from an activity. */
export interface RunPort {
  /** Whether the run that made the claim (`<workflowId>/<firstExecutionRunId>`) is still open, in whichever of its continuations. */
  isRunning(claimId: string, call: Call): Promise<boolean>;
  /** The newest run of this workflow id, open or closed; null where there is none. */
  find(workflowId: string, call: Call): Promise<ExistingRun | null>;
  /** How many runs of this workflow id asked for capacity, of those that were started since; by Temporal's list, which lags a little. */
  countSince(workflowId: string, sinceMs: number, call: Call): Promise<number>;
}

/** The loaded headroom.yaml. */
export interface PolicyPort {
  policy(): Policy;
}

export interface Ports {
  readonly workloads: WorkloadPort;
  readonly metrics: MetricsPort;
  readonly ledger: LedgerPort;
  readonly runs: RunPort;
  readonly policy: PolicyPort;
}
