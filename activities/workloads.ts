import { findLowFloor, findUnheld, judgeAvailability } from '../domain/availability.ts';
import { findOwners } from '../domain/conflict.ts';
import { judgePreflight } from '../domain/preflight.ts';
import { judgeRelease, ownersValues, type OwnersValues } from '../domain/release.ts';
import type { WorkloadCounts } from '../domain/procedures.ts';
import type { WorkloadRef, WorkloadState } from '../domain/workload.ts';
import { Context } from '@temporalio/activity';
import type { Survey } from '../domain/capacity-plan.ts';
import { currentCall } from './call.ts';
import { failure, isFinal, lasting, messageOf } from './failure.ts';
import type { LedgerPort, Ports } from './ports.ts';

/** Pace of the polls: availability changes within seconds, a wind-down within minutes. */
const AVAILABLE_POLL_MS = 1_000;
const RELEASE_POLL_MS = 2_000;
const KEEP_POLL_MS = 30_000;
/** Attempts between two reminders of the ledger: half a minute. */
const REMIND_EVERY = 15;

export interface AvailabilityReport {
  readonly kind: 'available' | 'short';
  readonly replicas: number;
  readonly reasons: readonly string[];
}
export interface ReleaseReport {
  readonly kind: 'released';
  /** The owner's values are back and no mark of ours is left. */
  readonly restored: boolean;
  /** Claims of other runs that still hold the workload. */
  readonly otherClaims: number;
  readonly owners: OwnersValues;
  readonly counts: WorkloadCounts;
}

export function createWorkloadActivities({ workloads, ledger }: Pick<Ports, 'workloads' | 'ledger'>) {
  /**
   * The workload as it stands; what is missing or not permitted is a reason to refuse, beside all others. `remembered`: as this
   * process or the API server remembers it, of up to three seconds ago, where a tenth of a second counts (R11).
   */
  async function surveyWorkload(ref: WorkloadRef, options: { readonly remembered?: boolean } = {}): Promise<Survey> {
    try {
      return { kind: 'found', state: await workloads.readWorkload(ref, currentCall(), options) };
    } catch (error) {
      if (isFinal(error)) return { kind: 'missing', reason: error.message, type: error.type ?? '' };
      throw error;
    }
  }

  /** Whether so many more pods would find quota and room; an estimate, so it warns and never stops a run. */
  async function checkRoom({
    ref,
    podsToAdd,
  }: {
    readonly ref: WorkloadRef;
    readonly podsToAdd: number;
  }): Promise<readonly string[]> {
    if (podsToAdd <= 0) return [];
    try {
      const verdict = judgePreflight({ podsToAdd, ...(await workloads.readCapacity(ref, currentCall())) });
      return verdict.kind === 'fits' ? [] : verdict.reasons;
    } catch (error) {
      return [`quota and room were not checked: ${messageOf(error)}`];
    }
  }

  /**
   * Waits until so many pods are available; at the deadline answers with what came and why not more.
   * One look an attempt: Temporal's retries are the poll, so a lost worker loses nothing and the UI shows the last reason.
   * Says the claim again from time to time, with its own sequence: a ledger that lives knows it, one that was terminated
   * before it could write anything starts anew.
   */
  async function awaitAvailable({
    ref,
    target,
    hold,
    deadlineMs,
    claim,
  }: {
    readonly ref: WorkloadRef;
    readonly target: number;
    /** Of a hold, whose count may be there already: it has to stand besides. */
    readonly hold?: 'freeze' | 'pause';
    readonly deadlineMs: number;
    readonly claim?: Parameters<LedgerPort['claim']>[0];
  }): Promise<AvailabilityReport> {
    const isLate = Date.now() >= deadlineMs;
    const unheldOf = (state: WorkloadState) =>
      hold === undefined ? undefined : findUnheld(state, { mode: hold, claimId: claim?.claim.id ?? '' });
    try {
      if (claim !== undefined && Context.current().info.attempt % REMIND_EVERY === 0)
        await ledger.claim(claim, currentCall());
      const state = await workloads.readWorkload(ref, currentCall());
      const replicas = state.availableReplicas;
      const unheld = [findLowFloor(state, target), unheldOf(state)].filter((one) => one !== undefined);
      const there = judgeAvailability({ state, target, troubles: [] }).kind === 'available';
      if (there && unheld.length === 0) return { kind: 'available', replicas, reasons: [] };
      const verdict = judgeAvailability({ state, target, troubles: await workloads.readTroubles(ref, currentCall()) });
      const reasons = [...unheld, ...(verdict.kind === 'available' ? [] : verdict.reasons)];
      if (isLate) return { kind: 'short', replicas, reasons };
      throw failure('notReady', `${replicas} of ${target} available: ${reasons.join('; ')}`, {
        retryAfterMs: AVAILABLE_POLL_MS,
      });
    } catch (error) {
      if (isLate && !currentCall().signal.aborted) return { kind: 'short', replicas: 0, reasons: [messageOf(error)] };
      throw lasting(error, AVAILABLE_POLL_MS);
    }
  }

  /**
   * Says the claim again every half minute, with its own sequence, until it is let go: for as long as it was not seen on the
   * object, nothing but the ledger's history has it, and that may be gone.
   */
  async function keepClaimed(claim: Parameters<LedgerPort['claim']>[0]): Promise<never> {
    try {
      await ledger.claim(claim, currentCall());
    } catch (error) {
      throw lasting(error, KEEP_POLL_MS);
    }
    throw failure('notReady', `the ledger of ${claim.workload} has the claim, and is told again every half minute`, {
      retryAfterMs: KEEP_POLL_MS,
    });
  }

  /**
   * Waits until the claim is off the object and, where no other claim lives, the owner's values are back.
   * Says the release again from time to time, with its own sequence: a ledger that lives knows it, one whose
   * history was deleted after it had accepted starts anew from the object and winds down.
   */
  async function awaitReleased({
    ref,
    claimId,
    sequence,
  }: {
    readonly ref: WorkloadRef;
    readonly claimId: string;
    readonly sequence: number;
  }): Promise<ReleaseReport | { readonly kind: 'vanished'; readonly reason: string }> {
    if (Context.current().info.attempt % REMIND_EVERY === 0) {
      await ledger.release({ workload: ref.name, claimId, sequence, now: false }, currentCall());
    }
    const survey = await surveyWorkload(ref).catch((error: unknown) => {
      throw lasting(error, RELEASE_POLL_MS);
    });
    if (survey.kind === 'missing' && survey.type === 'targetNotFound')
      return { kind: 'vanished', reason: survey.reason };
    if (survey.kind === 'missing') throw lasting(failure('permissionDenied', survey.reason), RELEASE_POLL_MS);
    const { state } = survey;
    const verdict = judgeRelease(state, claimId);
    if (verdict.kind === 'waiting') throw failure('notReady', verdict.reason, { retryAfterMs: RELEASE_POLL_MS });
    return { ...verdict, kind: 'released', owners: ownersValues(state), counts: countsOf(state) };
  }
  return { surveyWorkload, checkRoom, awaitAvailable, keepClaimed, awaitReleased };
}

function countsOf(state: WorkloadState): WorkloadCounts {
  const { fields } = findOwners(state);
  return {
    floor: typeof fields.floor === 'number' ? fields.floor : 0,
    ceiling: typeof fields.ceiling === 'number' ? fields.ceiling : null,
    replicas: state.wantedReplicas,
    available: state.availableReplicas,
  };
}
