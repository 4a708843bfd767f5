import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { formatDuration } from '../domain/duration.ts';
import type { PreScalePhase, PreScaleResult, PreScaleStatus } from '../domain/procedures.ts';
import type { PreScaleRequest } from '../domain/pre-scale.ts';
import { runDetails } from './details.ts';
import {
  amendFloorUpdate,
  claimStateSignal,
  endNowUpdate,
  extendUpdate,
  planQuery,
  skipWaitUpdate,
  statusQuery,
  type By,
} from './messages.ts';
import { claiming } from './stubs.ts';

const PHASE = defineSearchAttributeKey('HeadroomPhase', 'KEYWORD');
const FLOOR = defineSearchAttributeKey('HeadroomFloor', 'INT');

/** Longer is a slip of the pen, or another event. */
const LONGEST_EXTENSION_MS = 30 * 24 * 3_600_000;

export type PreScaleRun = ReturnType<typeof openRun>;

/**
 * What a pre-scale knows of itself, and what operators may change of it.
 * Call before the first await: an update that finds no handler is rejected, not kept.
 */
export function openRun(request: PreScaleRequest) {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const claimId = `${workflowId}/${firstExecutionRunId}`;
  let status: PreScaleStatus = {
    procedure: 'preScale',
    workload: request.workload,
    event: request.event,
    requestedBy: request.requestedBy,
    phase: 'planning',
    sinceMs: Date.now(),
    plan: null,
    planHash: null,
    target: null,
    claim: null,
    next: { what: 'read the workload and make the plan', atMs: null },
    available: null,
    timeline: [],
  };
  let sequence = 0;
  let skipWait = false;
  let endedBy: string | undefined;

  const update = (change: Partial<PreScaleStatus>) => {
    status = { ...status, ...change };
    setCurrentDetails(runDetails(status));
  };
  const say = (what: string) => update({ timeline: [...status.timeline, { atMs: Date.now(), what }] });
  const enter = (phase: PreScalePhase, next: PreScaleStatus['next']) => {
    update({ phase, sinceMs: Date.now(), next });
    upsertSearchAttributes([{ key: PHASE, value: phase }]);
  };
  /** Asks the ledger for this many replicas; also how a claim is amended. */
  const claim = async (floor: number) => {
    sequence += 1;
    const own = sequence;
    const reason = `${request.event.name}, asked for by ${request.requestedBy}`;
    await claiming.claimCapacity.executeWithOptions({ summary: `at least ${floor} replicas of ${request.workload}` }, [
      { workload: request.workload, claim: { id: claimId, floor, reason }, sequence: own },
    ]);
    if (own !== sequence) return; // something newer was asked for meanwhile
    update({ target: floor });
    upsertSearchAttributes([{ key: FLOOR, value: floor }]);
  };
  /** Answers with the sequence under which it can be said again. */
  const release = async () => {
    sequence += 1;
    await claiming.releaseCapacity.executeWithOptions({ summary: `let ${request.workload} go` }, [
      { workload: request.workload, claimId, sequence, now: false },
    ]);
    return sequence;
  };

  setHandler(statusQuery, () => status, { description: 'Where this run is, what it waits for and what it did' });
  setHandler(planQuery, () => status.plan, { description: 'What this run set out to do' });
  setHandler(claimStateSignal, (state) => {
    if (state.claimId === claimId) update({ claim: state });
  });
  const steerable = (by: By, phases: readonly PreScalePhase[]) => {
    if (typeof by?.as !== 'string' || by.as.trim() === '') throw refusal('say who you are: {"as": "name"}');
    if (!phases.includes(status.phase))
      throw refusal(`the run is ${status.phase}; this can be said while it is ${phases.join(', ')}`);
  };
  const noted = ({ as, note }: By) => `by ${as}${note === undefined ? '' : ` (${note})`}`;

  setHandler(
    endNowUpdate,
    (by) => {
      endedBy = noted(by);
      update({ event: { ...status.event, endMs: Date.now() } });
      say(`the event was declared over ${noted(by)}; quiet is still awaited`);
      return { now: 'the event is over; the capacity goes when the load is quiet' };
    },
    {
      description: 'The event is over now; quiet is still awaited. {"as": "name", "note": "why"}',
      validator: (by) => steerable(by, ['sleeping', 'scaling', 'holding']),
    },
  );
  setHandler(
    skipWaitUpdate,
    (by) => {
      skipWait = true;
      say(`the wait for quiet was skipped ${noted(by)}`);
      return { now: 'the capacity is let go without waiting for quiet' };
    },
    {
      description: 'Let the capacity go without waiting for quiet. {"as": "name", "note": "why"}',
      validator: (by) => steerable(by, ['scaling', 'holding', 'waiting for quiet']),
    },
  );
  setHandler(
    extendUpdate,
    (by) => {
      const endMs = Math.max(Date.now(), status.event.endMs) + by.forMs;
      update({ event: { ...status.event, endMs } });
      say(`the event was extended by ${formatDuration(by.forMs)} to ${new Date(endMs).toISOString()} ${noted(by)}`);
      return { now: `the event ends ${new Date(endMs).toISOString()}` };
    },
    {
      description: 'The event ends later. {"as": "name", "forMs": 1800000}',
      validator(by) {
        steerable(by, ['sleeping', 'scaling', 'holding', 'waiting for quiet']);
        if (!Number.isSafeInteger(by.forMs) || by.forMs <= 0 || by.forMs > LONGEST_EXTENSION_MS)
          throw refusal(
            `forMs ${by.forMs} is not accepted; whole milliseconds above 0 are, up to 30 days, such as 1800000 for 30 minutes`,
          );
      },
    },
  );
  setHandler(
    amendFloorUpdate,
    async (by) => {
      const from = status.target;
      await claim(by.floor);
      // what was seen to be there says nothing of more
      if ((status.available?.replicas ?? 0) < by.floor) update({ available: null });
      say(`the floor went from ${from} to ${by.floor} ${noted(by)}`);
      return { now: `at least ${by.floor} replicas are asked for` };
    },
    {
      description: 'Ask for another number of replicas. {"as": "name", "floor": 12}',
      validator(by) {
        steerable(by, ['scaling', 'holding', 'waiting for quiet']);
        const [least, most] = [Math.max(1, status.plan?.target.floor.from ?? 1), status.plan?.ceilingReplicas ?? 0];
        if (!Number.isSafeInteger(by.floor) || by.floor < least || by.floor > most)
          throw refusal(`floor ${by.floor} is not accepted; ${least} (the baseline) to ${most} (the limit) are`);
      },
    },
  );

  return {
    claimId,
    update,
    say,
    enter,
    claim,
    release,
    status: () => status,
    isSkipped: () => skipWait,
    /** How a run ends that never asked for anything. */
    withoutCapacity: (): PreScaleResult =>
      endedBy === undefined
        ? {
            outcome: 'missed',
            reasons: ['the event was over before its capacity could be asked for: no worker or no cluster answered'],
          }
        : {
            outcome: 'not needed',
            reasons: [`the event was declared over ${endedBy} before its capacity was asked for`],
          },
    isOver: () => skipWait || Date.now() >= status.event.endMs,
  };
}

function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'invalidRequest');
}

/** The activity's answer, or undefined when the condition came true or the time came first; then the activity is let go. */
export async function unless<T>(
  given: () => boolean,
  act: () => Promise<T>,
  { untilMs }: { readonly untilMs?: number } = {},
): Promise<T | undefined> {
  const scope = new CancellationScope();
  let answer: T | undefined;
  let done = false;
  let failed: unknown;
  const acting = scope.run(act).then(
    (value) => {
      answer = value;
      done = true;
    },
    (error: unknown) => {
      if (!(isCancellation(error) && scope.consideredCancelled)) failed = error;
      done = true;
    },
  );
  const settled = () => done || given();
  await (untilMs === undefined ? condition(settled) : condition(settled, Math.max(1, untilMs - Date.now())));
  scope.cancel();
  await acting;
  if (failed !== undefined) throw failed;
  return answer;
}
