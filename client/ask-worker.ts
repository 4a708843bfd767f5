import { randomBytes } from 'node:crypto';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  TimeoutFailure,
  type Workflow,
  type WorkflowResultType,
} from '@temporalio/common';
import { QUEUES } from '../domain/names.ts';
import { failed, refused } from './exit.ts';
import { untilWorkerTook } from './start.ts';

/** What a worker reads for a person who waits, under an id that `runs` does not list. What no retry mends is a refusal. */
export async function askWorker<W extends Workflow>(
  client: Client,
  workflow: string,
  { id, args, what }: { readonly id: string; readonly args: Parameters<W>; readonly what: string },
): Promise<WorkflowResultType<W>> {
  const handle = await client.workflow.start<W>(workflow, {
    workflowId: `${id}.${randomBytes(4).toString('hex')}`,
    taskQueue: QUEUES.procedures,
    args,
    staticSummary: `status of ${what}`,
    workflowExecutionTimeout: '1m',
  } as never);
  await untilWorkerTook(client, handle.workflowId);
  try {
    return await handle.result();
  } catch (error) {
    if (error instanceof WorkflowFailedError) throw faultOf(what, error);
    throw error;
  }
}

function faultOf(what: string, { cause }: WorkflowFailedError): Error {
  const last = cause instanceof ActivityFailure ? cause.cause : cause;
  const reason = last instanceof TimeoutFailure && last.cause instanceof Error ? last.cause : last;
  const said = reason instanceof Error ? reason.message : String(reason);
  if (reason instanceof ApplicationFailure && reason.nonRetryable === true) return refused([said]);
  return failed(`${what} could not be read: ${said}`);
}
