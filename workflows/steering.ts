import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import { isSamePerson } from '../domain/approval.ts';
import { LONGEST_HOLD_MS } from '../domain/capacity-hold.ts';
import { formatDuration } from '../domain/duration.ts';
import type { RunPhase, RunResult } from '../domain/procedures.ts';
import {
  amendFloorUpdate,
  endNowUpdate,
  extendUpdate,
  resumeUpdate,
  retryUndoUpdate,
  skipWaitUpdate,
  suspendUpdate,
  type By,
} from './messages.ts';
import type { Run } from './run.ts';

/** Longer is a slip of the pen, or another event. */
const LONGEST_EXTENSION_MS = 30 * 24 * 3_600_000;

export type Steering = ReturnType<typeof openSteering>;

/** What operators may change of a run under way. Call before the first await. */
export function openSteering(run: Run) {
  const { status, update, say } = run;
  const isHold = status().procedure === 'holdCapacity';
  let skipWait = false;
  let endedBy: string | undefined;
  let undoAsked: { readonly now: boolean } | undefined;

  setHandler(
    endNowUpdate,
    (by) => {
      endedBy = noted(by);
      update({ event: { ...status().event, endMs: Date.now() } });
      if (isHold) {
        say(`the hold was ended ${noted(by)}`);
        return { now: 'the hold is over; what the owner had comes back' };
      }
      say(`the event was declared over ${noted(by)}; quiet is still awaited`);
      return { now: 'the event is over; the capacity goes when the load is quiet' };
    },
    {
      description: `${isHold ? 'The hold is over now.' : 'The event is over now; quiet is still awaited.'} {"as": "name", "note": "why"}`,
      validator(by) {
        steerable(run, by, ['waiting for approval', 'sleeping', 'scaling', 'holding']);
        notSuspended(run);
        if (status().procedure === 'emergencyScaleUp' || status().procedure === 'stepScale')
          throw refusal(
            'it is over when the load is quiet: skip lets go without waiting for that, cancel ends the run',
          );
      },
    },
  );
  setHandler(
    skipWaitUpdate,
    (by) => {
      skipWait = true;
      say(isHold ? `the hold was ended ${noted(by)}` : `the wait for quiet was skipped ${noted(by)}`);
      return { now: 'the capacity is let go without waiting for quiet' };
    },
    {
      description: 'Let the capacity go without waiting for quiet. {"as": "name", "note": "why"}',
      validator(by) {
        steerable(run, by, ['scaling', 'holding', 'waiting for quiet']);
        notSuspended(run);
      },
    },
  );
  setHandler(
    extendUpdate,
    (by) => {
      const endMs = Math.max(Date.now(), status().event.endMs) + by.forMs;
      update({ event: { ...status().event, endMs }, question: null });
      say(`the event was extended by ${formatDuration(by.forMs)} to ${new Date(endMs).toISOString()} ${noted(by)}`);
      return { now: `the event ends ${new Date(endMs).toISOString()}` };
    },
    {
      description: 'The event ends later. {"as": "name", "forMs": 1800000}',
      validator(by) {
        steerable(run, by, ['sleeping', 'scaling', 'holding', 'waiting for quiet']);
        if (!Number.isSafeInteger(by.forMs) || by.forMs <= 0 || by.forMs > LONGEST_EXTENSION_MS)
          throw refusal(
            `forMs ${by.forMs} is not accepted; whole milliseconds above 0 are, up to 30 days, such as 1800000 for 30 minutes`,
          );
        if (isHold) notTooLong(status().event.endMs + by.forMs - Date.now());
        bySecondPerson(run, by, 'extend it');
      },
    },
  );
  setHandler(
    amendFloorUpdate,
    async (by) => {
      const from = status().target;
      if (!(await run.claim(by.floor)))
        throw refusal(`the run is ${status().phase} by now: floor ${by.floor} came too late and is not asked for`);
      // what was seen to be there says nothing of more
      if ((status().available?.replicas ?? 0) < by.floor) update({ available: null });
      say(`the floor went from ${from} to ${by.floor} ${noted(by)}`);
      return { now: `at least ${by.floor} replicas are asked for` };
    },
    {
      description: 'Ask for another number of replicas. {"as": "name", "floor": 12}',
      validator(by) {
        steerable(run, by, ['scaling', 'holding', 'waiting for quiet']);
        const { plan, target } = status();
        if (plan?.hold?.mode === 'freeze')
          throw refusal('this run asks for no count, only that nothing is scaled in; a pre-scale or an emergency does');
        const [least, most] = [Math.max(1, plan?.target.floor.from ?? 1), plan?.ceilingReplicas ?? 0];
        if (!Number.isSafeInteger(by.floor) || by.floor < least || by.floor > most)
          throw refusal(`floor ${by.floor} is not accepted; ${least} (the baseline) to ${most} (the limit) are`);
        if (by.floor > (target ?? 0)) bySecondPerson(run, by, 'ask for more');
      },
    },
  );
  setHandler(
    suspendUpdate,
    (by) => {
      update({ suspended: { by: by.as, atMs: Date.now() } });
      say(`suspended ${noted(by)}: no next step is begun, what is claimed stays`);
      return { now: `the run stays ${status().phase} until somebody resumes it; what is claimed stays` };
    },
    {
      description: 'No next step is begun until resume; claims stay. {"as": "name", "note": "why"}',
      validator(by) {
        steerable(run, by, ['waiting for approval', 'sleeping', 'scaling', 'holding', 'waiting for quiet']);
        notSuspended(run);
        if (isHold) throw refusal('a hold has one step left, its end, which always comes: extend moves it');
      },
    },
  );
  openResume(run);
  setHandler(
    retryUndoUpdate,
    (by) => {
      const now = by.now === true;
      undoAsked = { now: now || undoAsked?.now === true };
      say(`the ledger is asked again ${noted(by)}${now ? ', without steps' : ''}`);
      return { now: `the ledger is asked again to give back what the owner had${now ? ', at once' : ''}` };
    },
    {
      description: 'Ask the ledger again to give back; with now without its steps. {"as": "name", "now": true}',
      validator(by) {
        steerable(run, by, ['winding down']);
        if (by.now !== undefined && typeof by.now !== 'boolean')
          throw refusal(`now ${String(by.now)} is neither true nor false`);
      },
    },
  );

  return {
    isSkipped: () => skipWait,
    isSuspended: () => status().suspended !== null,
    isOver: () => skipWait || Date.now() >= status().event.endMs,
    isUndoAsked: () => undoAsked !== undefined,
    /** What an operator asked of the undo since the last time: said once, and of this wind-down. */
    takeUndo() {
      const asked = undoAsked ?? { now: false };
      undoAsked = undefined;
      return asked;
    },
    /** How a run ends that never asked for anything. */
    withoutCapacity(): RunResult {
      const { suspended } = status();
      if (endedBy !== undefined)
        return {
          outcome: 'not needed',
          reasons: [`the event was declared over ${endedBy} before its capacity was asked for`],
        };
      const why =
        suspended === null
          ? 'no worker or no cluster answered'
          : `${suspended.by} suspended the run and nobody resumed it`;
      return { outcome: 'missed', reasons: [`the event was over before its capacity could be asked for: ${why}`] };
    },
  };
}

/** The end of a suspension, the same in every run. Call before the first await. */
export function openResume({ status, update, say }: Pick<Run, 'status' | 'update' | 'say'>): void {
  setHandler(
    resumeUpdate,
    (by) => {
      update({ suspended: null });
      say(`resumed ${noted(by)}`);
      return { now: `the run goes on: ${status().next.what}` };
    },
    {
      description: 'Go on after suspend. {"as": "name", "note": "why"}',
      validator(by) {
        identified(by);
        if (status().suspended === null) throw refusal(`the run is not suspended; it is ${status().phase}`);
      },
    },
  );
}

function identified(by: By): void {
  if (typeof by?.as !== 'string' || by.as.trim() === '') throw refusal('say who you are: {"as": "name"}');
}

export function steerable({ status }: Pick<Run, 'status'>, by: By, phases: readonly RunPhase[]): void {
  identified(by);
  const { phase } = status();
  if (!phases.includes(phase)) throw refusal(`the run is ${phase}; this can be said while it is ${phases.join(', ')}`);
}

export function notSuspended({ status }: Pick<Run, 'status'>): void {
  const { suspended } = status();
  if (suspended !== null) throw refusal(`the run was suspended by ${suspended.by}; resume it first, or cancel it`);
}

function notTooLong(leftMs: number): void {
  if (leftMs > LONGEST_HOLD_MS)
    throw refusal(
      `it would end in ${formatDuration(leftMs)}; at most ${formatDuration(LONGEST_HOLD_MS)} from now are accepted: for longer, change the autoscaler’s own configuration`,
    );
}

/** What needed a second person's word at first needs it again where it grows. */
export function bySecondPerson(
  { status, requestedBy }: Pick<Run, 'status' | 'requestedBy'>,
  { as }: By,
  what: string,
): void {
  if (status().approval !== null && isSamePerson(as, requestedBy))
    throw refusal(`this run needed an approval, so somebody else than ${requestedBy} must ${what}`);
}

export function noted({ as, note }: By): string {
  return `by ${as}${note === undefined ? '' : ` (${note})`}`;
}

export function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'invalidRequest');
}
