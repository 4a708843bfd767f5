import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { ConfigurationRequest } from '../domain/configuration.ts';
import { configurationId, QUEUES } from '../domain/names.ts';
import type { RunResult } from '../domain/procedures.ts';
import { refused } from './exit.ts';
import { planOnly } from './start.ts';

/** Starts the run; one that is under way is named instead, for only one may change the settings at a time. */
export async function startConfiguration(
  client: Client,
  request: ConfigurationRequest,
): Promise<{ readonly id: string }> {
  const { workload, what, reason, requestedBy } = request;
  const id = configurationId(workload);
  try {
    await client.workflow.start('configureAutoscaler', {
      workflowId: id,
      taskQueue: QUEUES.procedures,
      args: [request],
      staticSummary: `${workload}: ${what === 'calm' ? 'calm' : 'configure'} its autoscaler`,
      staticDetails: `asked for by ${requestedBy}${reason === undefined ? '' : `: ${reason}`}`,
      workflowIdConflictPolicy: 'FAIL',
    });
    return { id };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw refused(
      [
        `the settings of ${workload}’s autoscaler are being changed already: ${id}; watch it, or end it first with: headroom end ${id}`,
      ],
      { running: id },
    );
  }
}

/** The plan of a change. */
export function planConfiguration(client: Client, request: ConfigurationRequest): Promise<RunResult> {
  const { workload } = request;
  return planOnly(client, 'configureAutoscaler', { id: configurationId(workload), request, what: workload });
}
