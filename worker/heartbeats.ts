import { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import type { Activities } from '../activities/index.ts';

/** Well under the shortest heartbeat timeout of workflows/stubs.ts. */
const EVERY_MS = 2_500;

/** These say in their heartbeats what they see. */
const BEAT_THEMSELVES: ReadonlySet<string> = new Set<keyof Activities>(['guardHold', 'evictPods']);

/**
 * Beats for an activity while it runs, so that a lost worker is noticed after a missed heartbeat and not only after the
 * longest time that the activity may take. One that is done sooner than the first beat costs nothing.
 */
export function beatWhileRunning(): ActivityInterceptors {
  return {
    inbound: {
      async execute(input, next) {
        const context = Context.current();
        const { activityType, heartbeatTimeoutMs = 0 } = context.info;
        if (heartbeatTimeoutMs === 0 || BEAT_THEMSELVES.has(activityType)) return next(input);
        const timer = setInterval(() => context.heartbeat(), EVERY_MS);
        try {
          return await next(input);
        } finally {
          clearInterval(timer);
        }
      },
    },
  };
}
