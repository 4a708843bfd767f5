import { ApplicationFailure, defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { startChild, workflowInfo } from '@temporalio/workflow';
import { preScaleId, QUEUES } from '../domain/names.ts';
import type { PreScaleRequest } from '../domain/pre-scale.ts';
import { judgeExisting, judgeFiring, type PreScaleSchedule } from '../domain/schedule.ts';
import type { preScale } from './pre-scale.ts';
import { reading } from './stubs.ts';

/** Set by Temporal on what a schedule starts: when it should have fired, however late it did. */
const FIRED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

export type FiringResult =
  | { readonly outcome: 'started' | 'already started'; readonly run: string }
  | { readonly outcome: 'too late'; readonly event: string }
  | { readonly outcome: 'nothing due' };

/**
 * What a schedule starts: it starts the run of the occurrence that is due, and ends. A schedule cannot start that run itself,
 * because Temporal appends the time to the ids of what a schedule starts, and an event's id is its lock. Fails where somebody
 * else's run has that lock.
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
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await refuseForeign(request, run);
    return { outcome: 'already started', run };
  }
}

/** The id is an event's lock, and somebody else may hold it: then the occurrence has no run, which must not look like success. */
async function refuseForeign(request: PreScaleRequest, run: string): Promise<void> {
  const existing = await reading.findRun.executeWithOptions({ summary: `whose run ${run} is` }, [run]);
  const verdict = judgeExisting(request, existing);
  if (verdict.kind === 'foreign') throw ApplicationFailure.nonRetryable(verdict.reason, 'invalidRequest');
}
