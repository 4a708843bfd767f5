import { proxyActivities } from '@temporalio/workflow';
import type { NaiveActivities, RaiseFloor } from './activities.ts';

const { raiseFloor } = proxyActivities<NaiveActivities>({ startToCloseTimeout: '10s' });

/** What one would write first: a durable workflow with one activity that reads and patches. */
export async function naiveScale(request: RaiseFloor): Promise<void> {
  await raiseFloor(request);
}
