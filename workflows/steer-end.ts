import { setHandler } from '@temporalio/workflow';
import { LONGEST_HOLD_MS } from '../domain/capacity-hold.ts';
import { formatDuration } from '../domain/duration.ts';
import { endNowUpdate, extendUpdate, skipWaitUpdate, type By } from './messages.ts';
import type { Run } from './run.ts';
import { noted, refusal, steerable } from './steering.ts';

export type End = ReturnType<typeof openEnd>;

/** What operators may say to a run that only waits for its date: that it comes now, or later. Call before the first await. */
export function openEnd(run: Run) {
  const { status, update, say } = run;
  let ended = false;
  const endNow = (by: By) => {
    ended = true;
    say(`ended ${noted(by)}`);
    return { now: 'it is over; the old settings come back' };
  };
  const validator = (by: By) => {
    steerable(run, by, ['configuring', 'holding']);
    if (status().configuration?.untilMs === null)
      throw refusal(
        'this change has no end: cancel takes it back while it is not verified, and ends nothing after that',
      );
  };
  const options = { description: 'The old settings come back now. {"as": "name", "note": "why"}', validator };
  setHandler(endNowUpdate, endNow, options);
  setHandler(skipWaitUpdate, endNow, options);
  setHandler(
    extendUpdate,
    (by) => {
      const endMs = Math.max(Date.now(), status().event.endMs) + by.forMs;
      update({ event: { ...status().event, endMs } });
      say(`extended by ${formatDuration(by.forMs)} to ${new Date(endMs).toISOString()} ${noted(by)}`);
      return { now: `the old settings come back ${new Date(endMs).toISOString()}` };
    },
    {
      description: 'The old settings come back later. {"as": "name", "forMs": 1800000}',
      validator(by) {
        validator(by);
        const leftMs = status().event.endMs + by.forMs - Date.now();
        if (!Number.isSafeInteger(by.forMs) || by.forMs <= 0 || leftMs > LONGEST_HOLD_MS)
          throw refusal(
            `forMs ${by.forMs} is not accepted; whole milliseconds above 0 are, such as 1800000 for 30 minutes, with an end at most ${formatDuration(LONGEST_HOLD_MS)} from now`,
          );
      },
    },
  );
  return { isEnded: () => ended, isOver: () => ended || Date.now() >= status().event.endMs };
}
