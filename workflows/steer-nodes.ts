import { condition, setHandler } from '@temporalio/workflow';
import { formatDuration } from '../domain/duration.ts';
import type { RunPhase, RunResult } from '../domain/procedures.ts';
import { endNowUpdate, extendUpdate, skipWaitUpdate, suspendUpdate } from './messages.ts';
import type { Run } from './run.ts';
import { bySecondPerson, noted, notSuspended, openResume, refusal, steerable } from './steering.ts';

const LONGEST_EXTENSION_MS = 31 * 24 * 3_600_000;

/** What the words mean in one procedure; all of them are validated and answered. */
export interface NodeWords {
  /** What a wait that is skipped goes on to. */
  readonly skip: { readonly phases: readonly RunPhase[]; readonly now: string; readonly question: string };
  /** What `extend` makes longer. */
  readonly extend: { readonly phases: readonly RunPhase[]; readonly what: string };
  /** What `endNow` ends. */
  readonly end: { readonly phases: readonly RunPhase[]; readonly now: string };
  /** Where no next step may be begun for a while. */
  readonly suspend: readonly RunPhase[];
}

export type NodeSteering = ReturnType<typeof openNodeSteering>;

/** What operators may say to a run on nodes. Call before the first await. */
export function openNodeSteering(run: Run, words: NodeWords) {
  const { status, update, say } = run;
  let skipped = false;
  let ended = false;
  let extendedMs = 0;

  setHandler(
    skipWaitUpdate,
    (by) => {
      skipped = true;
      say(`the wait was skipped ${noted(by)}: ${words.skip.now}`);
      return { now: words.skip.now };
    },
    {
      description: `Do not wait: ${words.skip.now}. {"as": "name", "note": "why"}`,
      validator(by) {
        steerable(run, by, words.skip.phases);
        notSuspended(run);
        // what is asked of a person here is what an approval is for
        if (status().question !== null) bySecondPerson(run, by, words.skip.question);
      },
    },
  );
  setHandler(
    endNowUpdate,
    (by) => {
      ended = true;
      say(`ended ${noted(by)}: ${words.end.now}`);
      return { now: words.end.now };
    },
    {
      description: `It is over: ${words.end.now}. {"as": "name", "note": "why"}`,
      validator: (by) => steerable(run, by, words.end.phases),
    },
  );
  setHandler(
    extendUpdate,
    (by) => {
      extendedMs += by.forMs;
      const endMs = status().event.endMs + by.forMs;
      update({ event: { ...status().event, endMs }, question: null });
      say(`${words.extend.what} is ${formatDuration(by.forMs)} longer ${noted(by)}`);
      return { now: `${words.extend.what} is ${formatDuration(by.forMs)} longer` };
    },
    {
      description: `Make ${words.extend.what} longer. {"as": "name", "forMs": 1800000}`,
      validator(by) {
        steerable(run, by, words.extend.phases);
        if (!Number.isSafeInteger(by.forMs) || by.forMs <= 0 || by.forMs > LONGEST_EXTENSION_MS)
          throw refusal(
            `forMs ${by.forMs} is not accepted; whole milliseconds above 0 are, up to 31 days, such as 1800000 for 30 minutes`,
          );
        bySecondPerson(run, by, 'extend it');
      },
    },
  );
  setHandler(
    suspendUpdate,
    (by) => {
      update({ suspended: { by: by.as, atMs: Date.now() } });
      say(`suspended ${noted(by)}: no next step is begun`);
      return { now: `no next step is begun until somebody resumes the run; it is ${status().phase}` };
    },
    {
      description: 'No next step is begun until resume. {"as": "name", "note": "why"}',
      validator(by) {
        steerable(run, by, words.suspend);
        notSuspended(run);
      },
    },
  );
  openResume(run);

  return {
    isEnded: () => ended,
    /** Said since the last time it was asked for. */
    isSkipped: () => skipped,
    takeSkip(): boolean {
      const was = skipped;
      skipped = false;
      return was;
    },
    /** All that `extend` has added so far. */
    extendedMs: () => extendedMs,
    isSuspended: () => status().suspended !== null,
    untilResumed: () => condition(() => status().suspended === null),
    isOver: () => ended,
    withoutCapacity: (): RunResult => ({ outcome: 'not needed', reasons: ['it was ended before anything was done'] }),
  };
}
