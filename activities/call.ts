import { Context } from '@temporalio/activity';
import type { Call } from './ports.ts';

/** Cancellation and name of the current activity, for every request it makes. */
export function currentCall(): Call {
  const { info, cancellationSignal } = Context.current();
  const { workflowId, runId } = info.workflowExecution ?? { workflowId: info.activityType, runId: info.activityId };
  return { signal: cancellationSignal, caller: `${workflowId}/${runId}` };
}
