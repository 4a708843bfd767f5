import { condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import type { NaiveActivities, RaiseFloor } from './activities.ts';

const { raiseFloor } = proxyActivities<NaiveActivities>({ startToCloseTimeout: '10s' });

/** What one would write first: a durable workflow with one activity that reads and patches. */
export async function naiveScale(request: RaiseFloor): Promise<void> {
  await raiseFloor(request);
}

const toldUpdate = defineUpdate<void>('told');

/** Nothing but its start, the update that starts it, and its one task: what any workflow costs that is told something. */
export async function naiveEmpty(): Promise<void> {
  let isTold = false;
  setHandler(toldUpdate, () => {
    isTold = true;
  });
  await condition(() => isTold);
}
