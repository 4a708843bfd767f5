import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Claim } from '../domain/claim.ts';
import {
  decideHold,
  forsake,
  isLettingGo,
  mayReapplyOver,
  ownersValues,
  standingKey,
  type HoldDecision,
  type HoldFacts,
  type HoldStanding,
} from '../domain/hold.ts';
import { readClaims, readGeneration, replicasBeforeHold } from '../domain/marks.ts';
import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import {
  describeGovernor,
  findGovernor,
  type Governor,
  type GovernorChange,
  type WorkloadState,
} from '../domain/workload.ts';
import { currentCall } from './call.ts';
import { failure, messageOf } from './failure.ts';
import { lookAtLoad } from './load.ts';
import { policyOf } from './policy.ts';
import type { Ports } from './ports.ts';

/** How one attempt to make the governor follow the claims ended. Everything foreseen is a value: the ledger never fails. */
export type HoldReport =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'standing';
      readonly standing: HoldStanding;
      /** Whether something was written, or stood so already. */
      readonly wrote: boolean;
      readonly limit: number;
      /** The uid of the cluster that was written to. */
      readonly cluster: string | null;
      readonly continueAfter: { readonly events: number; readonly updates: number };
    }
  | { readonly kind: 'raced' }
  | { readonly kind: 'fenced'; readonly generation: number }
  | { readonly kind: 'blocked'; readonly reason: string };

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

export interface GuardHoldRequest extends ApplyHoldRequest {
  /** What the last decision said of how the hold stands: `standingKey`, or why it was blocked. */
  readonly stands: string;
}
export interface GuardReport {
  /** Claims whose run is no longer open. */
  readonly lost: readonly string[];
  readonly silent: boolean;
}

/** Well under the heartbeat timeout of workflows/stubs.ts. */
const BEAT_MS = 2_000;
/** KEDA follows within 60 ms; a restart of its operator takes seconds. */
const SILENT_AFTER_MS = 15_000;
const NEVER_FENCED = Number.MAX_SAFE_INTEGER;

export function createLedgerActivities(ports: Pick<Ports, 'workloads' | 'policy' | 'runs' | 'metrics'>) {
  /**
   * Read, decide, one guarded PATCH. Safe to repeat: the decision reads only the object and the claims,
   * so a second attempt after a lost answer finds its own values and writes nothing.
   */
  async function applyHold(request: ApplyHoldRequest): Promise<HoldReport> {
    const policy = policyOf(ports, request.workload);
    const soon = await applyToRemembered(request, policy);
    return soon ?? applyTo(await ports.workloads.readWorkload(refOf(policy), currentCall()), request, policy);
  }

  /** On what was seen a moment ago, which one guarded write proves; undefined where it takes more than that one. */
  async function applyToRemembered(request: ApplyHoldRequest, policy: ResolvedPolicy): Promise<HoldReport | undefined> {
    const state = await ports.workloads.readWorkload(refOf(policy), currentCall(), { remembered: true });
    const found = findUsableGovernor(state, request.cluster);
    if (found.kind === 'blocked') return undefined;
    const { governor } = found;
    const decision = await decide(ports, { request, policy, state, governor });
    if (decision.kind !== 'change' || decision.lift !== undefined) return undefined;
    if (othersOf(state, governor).some((other) => forsake(other) !== undefined)) return undefined;
    // the pods that a lower maximum would cut stand on another object than the one that is guarded
    if (lowersCeiling(decision.change)) return undefined;
    const written = await ports.workloads.changeGovernor(decision.change, currentCall()).catch((error: unknown) => {
      // a second autoscaler that nobody had seen yet
      if (error instanceof ApplicationFailure && error.type === 'stateConflict') return 'raced' as const;
      throw error;
    });
    return written === 'written' ? standingOf({ decision, state, policy, wrote: true }) : undefined;
  }

  async function applyTo(state: WorkloadState, request: ApplyHoldRequest, policy: ResolvedPolicy): Promise<HoldReport> {
    const found = findUsableGovernor(state, request.cluster);
    if (found.kind === 'blocked') return found;
    const { governor } = found;
    const decision = await decide(ports, { request, policy, state, governor });
    if (decision.kind === 'fenced') return decision;
    const fault = faultOf(decision);
    if (fault !== undefined) return { kind: 'blocked', reason: fault };
    const changes = [
      ...(decision.kind === 'change' ? [decision.change] : []),
      ...othersOf(state, governor).flatMap((other) => forsake(other) ?? []),
    ];
    for (const change of changes) {
      if ((await ports.workloads.changeGovernor(change, currentCall())) === 'raced') return { kind: 'raced' };
    }
    if (decision.kind !== 'change' && decision.kind !== 'unchanged') return { kind: 'idle' };
    if (decision.lift !== undefined) {
      const { floor: from } = state.self.fields;
      const lift = { ...state.self, fields: [{ field: 'floor' as const, from, to: decision.lift }], marks: [] };
      if ((await ports.workloads.changeGovernor(lift, currentCall())) === 'raced') return { kind: 'raced' };
    }
    const wrote = decision.kind === 'change' || wroteBefore(governor, request);
    return standingOf({ decision, state, policy, wrote });
  }

  /** What a ledger without memory goes on from: the claims and the generation that stand on the object. */
  async function readHold(
    workload: string,
  ): Promise<{ readonly claims: readonly Claim[]; readonly generation: number }> {
    const state = await ports.workloads.readWorkload(refOf(policyOf(ports, workload)), currentCall());
    // whichever object bears them: in a conflict nobody governs, and the claims must not be forgotten for it
    const marks = [state.self, ...state.autoscalers].map((governor) => governor.marks);
    const claims = marks.map(readClaims).filter((found) => found !== undefined);
    if (claims.includes('unreadable')) {
      throw failure(
        'stateConflict',
        `headroom.dev/claims of ${workload} cannot be read: somebody edited it; mend it, or remove all headroom.dev/* annotations to start afresh`,
      );
    }
    return {
      claims: claims.flatMap((found) => (found === 'unreadable' ? [] : found)),
      generation: Math.max(...marks.map(readGeneration)),
    };
  }

  /**
   * Watches over a hold: that each owner still runs, and that applying again would change nothing. Answers as soon as
   * something differs. What cannot be read is looked at again: no outage ends the watch.
   */
  async function guardHold(request: GuardHoldRequest): Promise<GuardReport> {
    let untilOwnersMs = 0;
    let behindForMs = 0;
    for (;;) {
      const policy = policyOf(ports, request.workload);
      const { ownerCheckEveryMs, guardEveryMs } = policy.ledger;
      if (untilOwnersMs <= 0) {
        const lost = await findLost(request.claims);
        if (lost.length > 0) return { lost, silent: request.silent };
        untilOwnersMs = ownerCheckEveryMs;
      }
      const pauseMs = Math.min(guardEveryMs, untilOwnersMs);
      await sleepBeating(pauseMs, `${request.claims.length} owners running`);
      untilOwnersMs -= pauseMs;
      const seen = await look(request).catch((error: unknown) => {
        if (currentCall().signal.aborted) throw error;
        // a workload that vanished is something else than one that cannot be read just now
        if (isFinal(error)) return { key: messageOf(error), isBehind: false };
        return { key: request.stands, isBehind: request.silent, unread: messageOf(error) };
      });
      Context.current().heartbeat('unread' in seen ? seen.unread : `${request.claims.length} owners running`);
      behindForMs = seen.isBehind ? behindForMs + pauseMs : 0;
      const silent = seen.isBehind && (request.silent || behindForMs >= SILENT_AFTER_MS);
      if (seen.key !== request.stands || silent !== request.silent) return { lost: [], silent };
    }
  }

  async function findLost(claims: readonly Claim[]): Promise<readonly string[]> {
    const call = currentCall();
    const running = await Promise.all(claims.map(({ id }) => ports.runs.isRunning(id, call)));
    return claims.flatMap(({ id }, index) => (running[index] === false ? [id] : []));
  }

  /** Decides as an apply would, but takes no step down: those come by the ledger's own timer. */
  async function look(request: GuardHoldRequest): Promise<{ readonly key: string; readonly isBehind: boolean }> {
    const policy = policyOf(ports, request.workload);
    const state = await ports.workloads.readWorkload(refOf(policy), currentCall());
    const found = findUsableGovernor(state, request.cluster);
    if (found.kind === 'blocked') return { key: found.reason, isBehind: false };
    const stepless = { ...policy, windDown: { ...policy.windDown, everyMs: Infinity } };
    const attempt = (silent: boolean) =>
      decideHold(
        factsOf({
          request: { ...request, generation: NEVER_FENCED, fresh: false, silent },
          policy: stepless,
          state,
          governor: found.governor,
        }),
      );
    const decision = attempt(request.silent);
    const patient = attempt(true);
    const isBehind = patient.kind === 'unchanged' && patient.standing.unprotected?.kind === 'silent';
    const isForsaken = othersOf(state, found.governor).some((other) => forsake(other) !== undefined);
    if (decision.kind !== 'unchanged' || isForsaken) return { key: faultOf(decision) ?? 'to be applied', isBehind };
    return { key: standingKey(decision.standing), isBehind };
  }

  return { applyHold, readHold, guardHold };
}

/** The second attempt of one whose answer was lost finds its own number there. */
function wroteBefore({ marks }: Governor, { generation }: ApplyHoldRequest): boolean {
  return readGeneration(marks) === generation;
}

function standingOf({
  decision,
  state,
  policy,
  wrote,
}: {
  readonly decision: Extract<HoldDecision, { readonly standing: HoldStanding }>;
  readonly state: WorkloadState;
  readonly policy: ResolvedPolicy;
  readonly wrote: boolean;
}): HoldReport {
  const { continueAsNewAfterEvents: events, continueAsNewAfterUpdates: updates } = policy.ledger;
  return {
    kind: 'standing',
    standing: decision.standing,
    wrote,
    limit: policy.workload.limits.max,
    cluster: state.clusterUid ?? null,
    continueAfter: { events, updates },
  };
}

/** What does not govern, and may bear marks of ours from when it did. */
function othersOf(state: WorkloadState, governor: Governor): readonly Governor[] {
  return governor.ignored ? [] : [state.self, ...state.autoscalers].filter(({ uid }) => uid !== governor.uid);
}

function lowersCeiling({ fields }: GovernorChange): boolean {
  return fields.some(({ field, from, to }) => field === 'ceiling' && !(Number(to) >= Number(from)));
}

interface Situation {
  readonly request: ApplyHoldRequest;
  readonly policy: ResolvedPolicy;
  readonly state: WorkloadState;
  readonly governor: Governor;
}

function factsOf({ request, policy, state, governor }: Situation): HoldFacts {
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

/** Jobs are never scaled in without a look whether they have ended, nor is anything let go to where KEDA takes all of it (R25). */
async function decide(
  ports: Pick<Ports, 'metrics' | 'workloads'>,
  { request, policy, state, governor }: Situation,
): Promise<HoldDecision> {
  const facts = factsOf({ request, policy, state, governor });
  const decision = decideHold(facts);
  if ((!policy.workload.jobs && !mayGoAtOnce(governor)) || request.skipSteps) return decision;
  if (decision.kind !== 'change' || !isLettingGo(governor, decision.standing)) return decision;
  const busy = await findBusy(ports, policy, facts.replicasBefore ?? 1);
  return busy === undefined ? decision : decideHold({ ...facts, busy });
}

/** A minimum of 0, or an idle count: once nothing holds it, KEDA goes there within a second, by no steps. */
function mayGoAtOnce(governor: Governor): boolean {
  if (governor.kind !== 'scaledObject') return false;
  return ownersValues(governor).floor === 0 || governor.autoscaler?.idleReplicas !== undefined;
}

async function findBusy(
  ports: Pick<Ports, 'metrics' | 'workloads'>,
  policy: ResolvedPolicy,
  baselinePods: number,
): Promise<string | undefined> {
  const waiting = 'its load to be low: pods may be at work';
  try {
    const { verdict } = await lookAtLoad(ports, { policy, sinceMs: 0, baselinePods });
    return verdict.kind === 'quiet' ? undefined : `${waiting} (${verdict.reasons.join('; ')})`;
  } catch (error) {
    return `${waiting} (${messageOf(error)})`;
  }
}

function faultOf(decision: HoldDecision): string | undefined {
  if (decision.kind === 'unreadable') return decision.reason;
  if (decision.kind !== 'ignored') return undefined;
  return 'headroom.dev/ignore=true is set; remove the annotation to let headroom act';
}

function findUsableGovernor(
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

function isFinal(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.nonRetryable === true;
}

/** A pause that may be longer than the heartbeat timeout, and in which a cancellation is heard soon. */
async function sleepBeating(ms: number, detail: string): Promise<void> {
  for (let left = ms; left > 0; left -= BEAT_MS) {
    Context.current().heartbeat(detail);
    await Context.current().sleep(Math.min(left, BEAT_MS));
  }
}
