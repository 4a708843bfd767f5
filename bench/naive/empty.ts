import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Lane } from '../../test/harness/lane.ts';
import { NAIVE_QUEUE } from './queue.ts';

/**
 * From the first call to the last answer of so many empty workflows, in milliseconds: all at the same time, and each by an
 * update that starts it, which is how the webhook starts an emergency.
 */
export async function timeEmptyWorkflows({ temporal }: Lane, name: string, count: number): Promise<number> {
  const startedMs = Date.now();
  const all = Array.from({ length: count }, (_, index) => {
    const startWorkflowOperation = new WithStartWorkflowOperation('naiveEmpty', {
      workflowId: `${name}.${index}`,
      taskQueue: NAIVE_QUEUE,
      workflowIdConflictPolicy: 'FAIL',
    });
    return temporal.workflow.executeUpdateWithStart('told', { startWorkflowOperation });
  });
  await Promise.all(all);
  return Date.now() - startedMs;
}
