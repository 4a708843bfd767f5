import type { Cron } from './cron.ts';
import { preScaleId } from './names.ts';
import { dueOccurrence, type Occurrence } from './occurrences.ts';
import type { Target } from './capacity-plan.ts';
import type { PreScaleRequest } from './pre-scale.ts';
import { readPreScaleRequest } from './pre-scale-request.ts';

/** A pre-scale that comes again: what the schedule hands to each firing, and what `schedule list` shows. */
export interface PreScaleSchedule {
  readonly workload: string;
  readonly event: string;
  /** As it was typed. */
  readonly cronText: string;
  readonly cron: Cron;
  readonly timeZone: string;
  readonly lastsMs: number;
  readonly target: Target;
  /** Absent: the policy's, as it is when the lead begins. */
  readonly leadMs?: number;
  /** So long after an occurrence's start its run is still started. */
  readonly catchUpMs: number;
  /** How many calendar days before an occurrence its run is started, at noon. */
  readonly daysBefore: number;
  readonly requestedBy: string;
  readonly note?: string;
}

/** The same as its runs' ids without the date. */
export function scheduleId({ workload, event }: Pick<PreScaleSchedule, 'workload' | 'event'>): string {
  return preScaleId(workload, event);
}

/** The occurrence's date is part of the event's name: each has a run, and an id, of its own. */
export function scheduledRequest(schedule: PreScaleSchedule, { date, startMs }: Occurrence): PreScaleRequest {
  const { workload, target, leadMs, requestedBy, note } = schedule;
  return {
    workload,
    event: { name: `${schedule.event}-${date}`, startMs, endMs: startMs + schedule.lastsMs },
    target,
    ...(leadMs !== undefined && { leadMs }),
    requestedBy,
    trigger: `schedule ${scheduleId(schedule)}`,
    ...(note !== undefined && { note }),
  };
}

export function isRunOf(schedule: Pick<PreScaleSchedule, 'workload' | 'event'>, workflowId: string): boolean {
  const id = scheduleId(schedule);
  return workflowId.startsWith(`${id}-`) && /^-\d{4}-\d{2}-\d{2}$/.test(workflowId.slice(id.length));
}

/** What a firing is for. A late one is judged by the clock: with an outage behind us, the occurrence may have gone by. */
export function judgeFiring(
  schedule: PreScaleSchedule,
  { firedMs, nowMs }: { readonly firedMs: number; readonly nowMs: number },
):
  | { readonly kind: 'start'; readonly request: PreScaleRequest }
  | { readonly kind: 'too late'; readonly event: string }
  | { readonly kind: 'nothing due' } {
  const due = dueOccurrence(schedule, { firedMs, daysBefore: schedule.daysBefore });
  if (due === undefined) return { kind: 'nothing due' };
  const request = scheduledRequest(schedule, due);
  return nowMs > due.startMs + schedule.catchUpMs
    ? { kind: 'too late', event: request.event.name }
    : { kind: 'start', request };
}

/** The newest run of some workflow id, as it was started: by whom and with what is in its input. */
export interface ExistingRun {
  readonly runId: string;
  readonly input: unknown;
}

/** Whether the run that has an occurrence's id already was started for this occurrence, by a firing or when the schedule was made. */
export function judgeExisting(
  { workload, event, trigger = '' }: PreScaleRequest,
  existing: ExistingRun | null,
): { readonly kind: 'own' } | { readonly kind: 'foreign'; readonly reason: string } {
  const id = preScaleId(workload, event.name);
  const notStarted = `occurrence ${event.name} of ${trigger} was NOT started`;
  if (existing === null)
    return {
      kind: 'foreign',
      reason: `${notStarted}: a run ${id} was there, and Temporal knows nothing of it any more; trigger the schedule again`,
    };
  const { request } = readPreScaleRequest(existing.input, event.startMs);
  if (request.trigger === trigger && request.event.startMs === event.startMs) return { kind: 'own' };
  const { requestedBy, event: theirs } = request;
  const [starts, ends] = [new Date(theirs.startMs).toISOString(), new Date(theirs.endMs).toISOString()];
  const by = request.trigger === undefined ? requestedBy : `${requestedBy} (${request.trigger})`;
  return {
    kind: 'foreign',
    reason: `${notStarted}: run ${existing.runId} has its id ${id} and is not of this occurrence; it was asked for by ${by}, for ${starts} to ${ends}; start the occurrence under another event name (headroom pre-scale ${workload} --event ${event.name}-2), or let that run serve it (headroom show ${id})`,
  };
}
