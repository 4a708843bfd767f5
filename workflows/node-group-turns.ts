import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { leaveTurn, noteOrder, takeTurn, turnOf, type Turn } from '../domain/turns.ts';
import { leaveTurnUpdate, noteOrderUpdate, takeTurnUpdate, turnsQuery } from './messages.ts';
import { takingBack, watching } from './stubs.ts';
import { unless } from './unless.ts';

export interface NodeGroupTurnsState {
  readonly group: string;
  readonly queue?: readonly Turn[];
}

/** A cold replay of so many events takes a quarter of a second. */
const CONTINUE_AFTER = { events: 1_000, updates: 1_500 };

/**
 * The queue of a node group: drains and additions take turns, first come first served, so that no two of them pass the same
 * check of the minimum. Never completes; a run that has ended without a word loses its place. With its history gone it begins
 * empty, which is why a run asks again before it does what cannot be undone.
 */
export async function nodeGroupTurns(input: NodeGroupTurnsState): Promise<never> {
  // a cancel request from the UI must not let two runs in at once: places end by their owners
  return CancellationScope.nonCancellable(() => keepTurns(input));
}

async function keepTurns({ group, queue: kept = [] }: NodeGroupTurnsState): Promise<never> {
  let queue = kept;
  let updates = 0;
  setHandler(takeTurnUpdate, (turn) => {
    updates += 1;
    queue = takeTurn(queue, turn);
    return turnOf(queue, turn.owner) ?? { before: [] };
  });
  setHandler(noteOrderUpdate, (order) => {
    updates += 1;
    queue = noteOrder(queue, order.owner, order);
    return (
      turnOf(queue, order.owner) ?? {
        before: queue.length === 0 ? [{ owner: 'nobody', what: 'its place is lost' }] : queue,
      }
    );
  });
  setHandler(leaveTurnUpdate, ({ owner }) => {
    updates += 1;
    queue = leaveTurn(queue, owner);
    return { before: [] };
  });
  setHandler(turnsQuery, () => queue, { description: 'Who has the node group now, and who waits' });

  for (;;) {
    const [first] = queue;
    const isLong = () => workflowInfo().historyLength > CONTINUE_AFTER.events || updates > CONTINUE_AFTER.updates;
    const isPassed = () => queue[0]?.owner !== first?.owner || isLong();
    if (first === undefined) await condition(isPassed);
    else {
      const summary = `until ${first.owner.split('/')[0]} has ended`;
      const isOver = await unless(isPassed, () => watching.awaitEnded.executeWithOptions({ summary }, [first.owner]));
      if (isOver !== undefined) {
        await leaveNothingOnOrder(queue, first.owner);
        queue = leaveTurn(queue, first.owner);
      }
    }
    if (isLong() || workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof nodeGroupTurns>({ group, queue });
    }
  }
}

/** A run that ended without leaving was terminated: what it had on order nobody else would take back. */
async function leaveNothingOnOrder(queue: readonly Turn[], owner: string): Promise<void> {
  const order = queue.find((turn) => turn.owner === owner)?.order;
  if (order === undefined) return;
  const summary = `take back what ${owner.split('/')[0]} left on order`;
  await takingBack.takeBackNodes.executeWithOptions({ summary }, [order]);
  await takingBack.giveMinimumBack.executeWithOptions({ summary }, [order]);
}
