import { ApplicationFailure } from '@temporalio/common';
import type { Claim } from '../domain/claim.ts';
import { decideHold, forsake, isLettingGo, type HoldDecision } from '../domain/hold.ts';
import { ownersValues } from '../domain/drift.ts';
import type { HoldStanding } from '../domain/hold-standing.ts';
import { readClaims, readGeneration } from '../domain/marks.ts';
import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import type { Governor, GovernorChange, WorkloadState } from '../domain/workload.ts';
import { currentCall } from './call.ts';
import { failure, messageOf } from './failure.ts';
import {
  factsOf,
  faultOf,
  findUsableGovernor,
  othersOf,
  type ApplyHoldRequest,
  type Situation,
} from './hold-situation.ts';
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

export function createLedgerActivities(ports: Pick<Ports, 'workloads' | 'policy' | 'metrics'>) {
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
    const found = findUsableGovernor(state, request);
    // nothing guards what the others of a conflict say
    if (found.kind === 'blocked' || found.rivals !== undefined) return undefined;
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
    const found = findUsableGovernor(state, request);
    if (found.kind === 'blocked') return found;
    const { governor } = found;
    const decision = await decide(ports, { request, policy, state, ...found });
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
    const all = [state.self, ...state.autoscalers].map((governor) => governor.marks);
    const marks = all.toSorted((a, b) => readGeneration(b) - readGeneration(a));
    const claims = marks.map(readClaims).filter((found) => found !== undefined);
    if (claims.includes('unreadable')) {
      throw failure(
        'stateConflict',
        `headroom.dev/claims of ${workload} cannot be read: somebody edited it; mend it, or remove all headroom.dev/* annotations to start afresh`,
      );
    }
    const found = claims.flatMap((some) => (some === 'unreadable' ? [] : some));
    return {
      // of one that stands on two objects the word that was written last
      claims: found.filter(({ id }, index) => found.findIndex((one) => one.id === id) === index),
      generation: Math.max(...marks.map(readGeneration)),
    };
  }

  return { applyHold, readHold };
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

function lowersCeiling({ fields }: GovernorChange): boolean {
  return fields.some(({ field, from, to }) => field === 'ceiling' && !(Number(to) >= Number(from)));
}

/** Jobs are never scaled in without a look whether they have ended, nor is anything let go to where KEDA takes all of it (R25). */
async function decide(ports: Pick<Ports, 'metrics' | 'workloads'>, situation: Situation): Promise<HoldDecision> {
  const { request, policy, governor } = situation;
  const facts = factsOf(situation);
  const decision = decideHold(facts);
  if ((!policy.workload.jobs && !mayGoAtOnce(governor)) || request.skipSteps) return decision;
  if (decision.kind !== 'change' || !isLettingGo(governor, decision.standing)) return decision;
  const busy = await findBusy(ports, policy, facts.replicasBefore ?? 1);
  return busy === undefined ? decision : decideHold({ ...facts, busy, runsJobs: policy.workload.jobs });
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
