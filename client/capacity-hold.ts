import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { CapacityHoldRequest } from '../domain/capacity-hold.ts';
import { capacityHoldId, QUEUES } from '../domain/names.ts';
import type { RunResult } from '../domain/procedures.ts';
import { refused } from './exit.ts';
import { planOnly } from './start.ts';

/** Starts the run; one that is under way is named instead. */
export async function startCapacityHold(
  client: Client,
  request: CapacityHoldRequest,
): Promise<{ readonly id: string }> {
  const { workload, mode, reason, requestedBy } = request;
  const id = capacityHoldId(workload);
  try {
    await client.workflow.start('holdCapacity', {
      workflowId: id,
      taskQueue: QUEUES.procedures,
      args: [request],
      staticSummary: `${workload}: ${mode} its autoscaler`,
      staticDetails: `asked for by ${requestedBy}${reason === undefined ? '' : `: ${reason}`}`,
      workflowIdConflictPolicy: 'FAIL',
    });
    return { id };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw refused(
      [
        `${workload} has a hold already: ${id}; watch it, extend it, or end it first with: headroom autoscaler release ${workload}`,
      ],
      { running: id },
    );
  }
}

/** The plan of a hold. */
export function planCapacityHold(client: Client, request: CapacityHoldRequest): Promise<RunResult> {
  const { workload } = request;
  return planOnly(client, 'holdCapacity', { id: capacityHoldId(workload), request, what: workload });
}
