import { describeBefore } from '../domain/turns.ts';
import { currentCall } from './call.ts';
import { failure } from './failure.ts';
import type { Ports } from './ports.ts';

/** A drain lasts minutes at least, and its end is told by a place that becomes free. */
const LOOK_EVERY_MS = 5_000;
const OWNER_EVERY_MS = 10_000;

export interface TurnRequest {
  readonly group: string;
  readonly owner: string;
  readonly what: string;
}

export function createTurnActivities({ turns, runs }: Pick<Ports, 'turns' | 'runs'>) {
  /** Answers when nobody is before it any more; each attempt is one look, and says who is. Safe to repeat: a place is kept. */
  async function takeTurn({ group, owner, what }: TurnRequest): Promise<void> {
    const answer = await turns.take(group, { owner, what }, currentCall());
    if (answer.before.length === 0) return;
    throw failure('notReady', `${group} is in the hands of ${describeBefore(answer)}`, { retryAfterMs: LOOK_EVERY_MS });
  }

  /** For the next one. A place that is gone is left already. */
  async function leaveTurn({ group, owner }: Pick<TurnRequest, 'group' | 'owner'>): Promise<void> {
    await turns.leave(group, owner, currentCall());
  }

  /** Answers when this run (`<workflowId>/<firstExecutionRunId>`) has ended, however; one look an attempt. */
  async function awaitEnded(owner: string): Promise<{ readonly ended: true }> {
    if (!(await runs.isRunning(owner, currentCall()))) return { ended: true };
    throw failure('notReady', `${owner.split('/')[0]} is still running`, { retryAfterMs: OWNER_EVERY_MS });
  }

  return { takeTurn, leaveTurn, awaitEnded };
}
