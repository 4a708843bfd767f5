import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { EventWindow } from '../domain/capacity-plan.ts';
import { describeClaim, type Claim } from '../domain/claim.ts';
import type { ClaimState, RunPhase, RunStatus } from '../domain/procedures.ts';
import { runDetails } from './details.ts';
import { firstOr } from './first-or.ts';
import { claimStateSignal, planQuery, statusQuery } from './messages.ts';
import { claiming, urgently } from './stubs.ts';

type ClaimCapacityRequest = Parameters<typeof claiming.claimCapacity>[0];

const PHASE = defineSearchAttributeKey('HeadroomPhase', 'KEYWORD');
const FLOOR = defineSearchAttributeKey('HeadroomFloor', 'INT');
const NEEDS_APPROVAL = defineSearchAttributeKey('HeadroomNeedsApproval', 'BOOL');

export type Run = ReturnType<typeof openRun>;

export interface RunOpening {
  readonly procedure: RunStatus['procedure'];
  /** A workload of headroom.yaml, or a node group. */
  readonly subject: string;
  readonly event: EventWindow;
  readonly requestedBy: string;
  readonly trigger?: string;
}

/**
 * What a run knows of itself, and its words to the ledger. Call before the first await, like everything that
 * registers handlers: an update that finds none is rejected, not kept.
 */
export function openRun({ procedure, subject, event, requestedBy, trigger }: RunOpening) {
  const { workflowId, firstExecutionRunId, runStartTime } = workflowInfo();
  const claimId = `${workflowId}/${firstExecutionRunId}`;
  let status: RunStatus = {
    procedure,
    subject,
    event,
    requestedBy,
    ...(trigger !== undefined && { trigger }),
    phase: 'planning',
    sinceMs: Date.now(),
    plan: null,
    planHash: null,
    target: null,
    holdsBy: 'floor',
    claim: null,
    approval: null,
    suspended: null,
    question: null,
    lapses: [],
    next: { what: 'read the workload and make the plan', atMs: null },
    available: null,
    timeline: [],
  };
  // of the clock, so that a run which was reset does not say a number again that the ledger has heard
  let sequence = 0;
  // what an emergency says in its first task it says with the same number when that task is lost with its worker: the ledger,
  // which may have heard it, does not start anew
  const firstNumber = procedure === 'emergencyScaleUp' ? runStartTime.getTime() : 0;
  const nextSequence = () =>
    (sequence = sequence === 0 && firstNumber > 0 ? firstNumber : Math.max(sequence + 1, Date.now()));
  let needsPerson = false;
  let claimed: ClaimCapacityRequest | undefined;

  const update = (change: Partial<RunStatus>) => {
    status = { ...status, ...change };
    setCurrentDetails(runDetails(status));
    const needs = status.approval?.state === 'asked' || status.question !== null;
    if (needs === needsPerson) return;
    needsPerson = needs;
    upsertSearchAttributes([{ key: NEEDS_APPROVAL, value: needs }]);
  };
  const say = (what: string) => update({ timeline: [...status.timeline, { atMs: Date.now(), what }] });
  const enter = (phase: RunPhase, next: RunStatus['next']) => {
    const isNew = phase !== status.phase;
    update({ phase, next, ...(isNew && { sinceMs: Date.now() }) });
    if (isNew) upsertSearchAttributes([{ key: PHASE, value: phase }]);
  };
  /**
   * Asks the ledger for this many replicas, or with null for no scale-in alone; also how a claim is amended. False: something
   * newer was said meanwhile.
   */
  const claim = async (count: number | null): Promise<boolean> => {
    const own = nextSequence();
    const asks = asksFor(status.holdsBy, count);
    const reason = `${event.name}, asked for by ${requestedBy}`;
    const besides = procedure === 'emergencyScaleUp' ? { inConflict: true as const } : {};
    const request = { workload: subject, claim: { id: claimId, ...asks, ...besides, reason }, sequence: own };
    const recorded = () =>
      claiming.claimCapacity.executeWithOptions({ summary: `${describeClaim(asks)} of ${subject}` }, [request]);
    await (procedure === 'emergencyScaleUp' ? firstOr(() => urgently.claimCapacity(request), recorded) : recorded());
    if (own !== sequence) return false;
    claimed = request;
    update({ target: count });
    if (count !== null) upsertSearchAttributes([{ key: FLOOR, value: count }]);
    return true;
  };
  /** Answers with the sequence under which it can be said again. */
  const release = async ({ now }: { readonly now: boolean }) => {
    nextSequence();
    const summary = `let ${subject} go${now ? ' at once' : ''}`;
    await claiming.releaseCapacity.executeWithOptions({ summary }, [{ workload: subject, claimId, sequence, now }]);
    return sequence;
  };

  // before the handlers: a signal that is there already is heard the moment its handler stands
  /** The ledger looks at the hold all the while; what it finds is said, and a time without a hold is not forgotten. */
  const noteHold = (before: ClaimState | null, { state, reason }: ClaimState) => {
    const isHeld = (one: ClaimState['state']) => one === 'applied' || one === 'clamped';
    if (before?.state === state && before.reason === reason) return;
    if (!isHeld(state)) {
      say(reason);
      if (status.phase !== 'winding down') update({ lapses: [...new Set([...status.lapses, reason])] });
    } else if (before !== null && !isHeld(before.state)) say('held again');
    else if (state === 'clamped') say(`clamped: ${reason}`);
    else if (before?.state === state) say(reason === '' ? 'one autoscaler governs the workload again' : reason);
  };

  setHandler(statusQuery, () => status, { description: 'Where this run is, what it waits for and what it did' });
  setHandler(planQuery, () => status.plan, { description: 'What this run set out to do' });
  setHandler(claimStateSignal, (state) => {
    if (state.claimId !== claimId) return;
    const before = status.claim;
    update({ claim: state });
    noteHold(before, state);
  });

  return {
    claimId,
    requestedBy,
    update,
    say,
    enter,
    claim,
    release,
    /** The last claim as it was said, to be said again. */
    claimed: () => claimed,
    status: () => status,
  };
}

function asksFor(holdsBy: RunStatus['holdsBy'], count: number | null): Omit<Claim, 'id' | 'reason'> {
  if (count === null) return { freezeScaleIn: true };
  if (holdsBy === 'pin') return { pin: count };
  return { floor: count, ...(holdsBy === 'freeze' && { freezeScaleIn: true }) };
}
