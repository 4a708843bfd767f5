import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { startChild, workflowInfo } from '@temporalio/workflow';
import { preScaleId, QUEUES } from '../domain/names.ts';
import { judgeFiring, type PreScaleSchedule } from '../domain/schedule.ts';
import type { preScale } from './pre-scale.ts';

/** Set by Temporal on what a schedule starts: when it should have fired, however late it did. */
const FIRED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

export type FiringResult =
  | { readonly outcome: 'started' | 'already started'; readonly run: string }
  | { readonly outcome: 'too late'; readonly event: string }
  | { readonly outcome: 'nothing due' };

/**
 * What a schedule starts: it starts the run of the occurrence that is due, and ends. A schedule cannot start that run itself,
 * because Temporal appends the time to the ids of what a schedule starts, and an event's id is its lock.
 */
export async function startScheduledPreScale(schedule: PreScaleSchedule): Promise<FiringResult> {
  const { typedSearchAttributes, startTime } = workflowInfo();
  const firedMs = (typedSearchAttributes.get(FIRED_AT) ?? startTime).getTime();
  const firing = judgeFiring(schedule, { firedMs, nowMs: Date.now() });
  if (firing.kind === 'nothing due') return { outcome: 'nothing due' };
  if (firing.kind === 'too late') return { outcome: 'too late', event: firing.event };
  const { request } = firing;
  const { event } = request;
  const run = preScaleId(request.workload, event.name);
  const [starts, ends] = [new Date(event.startMs).toISOString(), new Date(event.endMs).toISOString()];
  try {
    await startChild<typeof preScale>('preScale', {
      workflowId: run,
      taskQueue: QUEUES.procedures,
      args: [request],
      parentClosePolicy: 'ABANDON',
      // a run that somebody has cancelled must not come back with the next firing
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      memo: { window: `${starts}/${ends}` },
      staticSummary: `${request.workload} for ${event.name}, by schedule`,
      staticDetails: `${starts} to ${ends}, asked for by ${request.requestedBy}`,
    });
    return { outcome: 'started', run };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { outcome: 'already started', run };
    throw error;
  }
}
