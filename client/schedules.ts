import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type CalendarSpec,
  DAYS_OF_WEEK,
  MONTHS,
} from '@temporalio/client';
import { formatDuration } from '../domain/duration.ts';
import { preScaleId, QUEUES } from '../domain/names.ts';
import { firingDays, occurrencesAfter, type Occurrence } from '../domain/occurrences.ts';
import { describeTarget } from '../domain/capacity-plan.ts';
import type { PreScaleRequest } from '../domain/pre-scale.ts';
import { isRunOf, judgeExisting, scheduledRequest, scheduleId, type PreScaleSchedule } from '../domain/schedule.ts';
import { CommandFailed, refused } from './exit.ts';
import { fetchRun } from './facts.ts';
import { startPreScale } from './start.ts';

const STARTER = 'startScheduledPreScale';
const DAY_MS = 24 * 3_600_000;
/** More are in `runs --all`. */
const SHOWN = { next: 3, last: 5 };

/** The runs of a schedule's occurrences, newest first. */
interface RunOfSchedule {
  readonly id: string;
  readonly state: string;
  readonly phase: string;
  readonly startedAt: string;
}
export interface ScheduleView {
  readonly id: string;
  readonly schedule: PreScaleSchedule;
  readonly paused: boolean;
  /** Temporal's note: why it was paused, as a rule. */
  readonly note: string | null;
  readonly next: readonly (Occurrence & {
    readonly id: string;
    /** null: it is not started yet. */
    readonly state: string | null;
  })[];
  readonly last: readonly RunOfSchedule[];
  /** Firings that Temporal has let go by, because it was away for too long. */
  readonly missedFirings: number;
}

/** What became of an occurrence whose firing had gone by when its schedule was made. `foreign`: its id has another run. */
export interface Due {
  readonly id: string;
  readonly kind: 'started' | 'there' | 'foreign';
  readonly text: string;
}

/**
 * Makes the schedule, and starts the run of each occurrence whose firing has gone by already. The order matters: a firing
 * that comes between the two is done twice, which the run's id refuses, and never not at all.
 */
export async function createSchedule(client: Client, schedule: PreScaleSchedule): Promise<readonly Due[]> {
  const id = scheduleId(schedule);
  try {
    await client.schedule.create({
      scheduleId: id,
      spec: { timezone: schedule.timeZone, calendars: firingDays(schedule.cron, schedule.daysBefore).map(calendarOf) },
      action: {
        type: 'startWorkflow',
        workflowType: STARTER,
        workflowId: `start-scheduled-${id}`,
        taskQueue: QUEUES.procedures,
        args: [schedule],
        staticSummary: `starts the next run of ${id}`,
      },
      policies: {
        // each occurrence is an event of its own; none waits for another
        overlap: 'ALLOW_ALL',
        // from the firing to the occurrence, whatever clocks do in between, and so long after it as was asked for
        catchupWindow: (schedule.daysBefore + 1) * DAY_MS + schedule.catchUpMs,
      },
      state: { note: noteOf(schedule) },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    throw refused([`there is a schedule ${id} already; remove it first: headroom schedule remove ${id}`], { id });
  }
  return startDue(client, schedule);
}

async function startDue(client: Client, schedule: PreScaleSchedule): Promise<readonly Due[]> {
  const nowMs = Date.now();
  const { daysBefore } = schedule;
  const near = occurrencesAfter(schedule, { afterMs: nowMs, daysBefore, count: daysBefore + 2 });
  const started: Due[] = [];
  for (const occurrence of near.filter(({ fireMs }) => fireMs <= nowMs)) {
    const request = scheduledRequest(schedule, occurrence);
    try {
      const { id } = await startPreScale(client, request);
      started.push({ id, kind: 'started', text: `started ${id}; follow it with: headroom watch ${id}` });
    } catch (error) {
      if (!(error instanceof CommandFailed && ('running' in error.details || 'served' in error.details))) throw error;
      started.push(await describeExisting(client, request));
    }
  }
  return started;
}

/** Asleep since a schedule of this name that was removed, or served; or somebody else's, and then the occurrence has none. */
async function describeExisting(client: Client, request: PreScaleRequest): Promise<Due> {
  const id = preScaleId(request.workload, request.event.name);
  const { runId } = await client.workflow.getHandle(id).describe();
  const { asked } = await fetchRun(client, id, runId);
  const verdict = judgeExisting(request, { runId, input: asked.request });
  return verdict.kind === 'foreign'
    ? { id, kind: 'foreign', text: verdict.reason }
    : { id, kind: 'there', text: `${id} is there already, with the target that it was started with` };
}

function calendarOf({ months, days, weekdays }: ReturnType<typeof firingDays>[number]): CalendarSpec {
  return {
    hour: 12,
    minute: 0,
    ...(months !== undefined && { month: months.flatMap((month) => MONTHS[month - 1] ?? []) }),
    ...(days !== undefined && { dayOfMonth: [...days] }),
    ...(weekdays !== undefined && { dayOfWeek: weekdays.flatMap((day) => DAYS_OF_WEEK[day] ?? []) }),
  };
}

/** What stands beside the schedule in Temporal's UI, whose own times are those of the firings. */
function noteOf(schedule: PreScaleSchedule): string {
  const { event, cronText, timeZone, lastsMs, requestedBy, note } = schedule;
  const why = note === undefined ? '' : `: ${note}`;
  return `${describeTarget(schedule.target)} for ${event}, "${cronText}" ${timeZone}, ${formatDuration(lastsMs)} long, asked for by ${requestedBy}${why}`;
}

export async function listSchedules(client: Client): Promise<readonly ScheduleView[]> {
  const views: ScheduleView[] = [];
  for await (const { scheduleId: id, action } of client.schedule.list()) {
    if (action?.workflowType !== STARTER) continue;
    const view = await viewSchedule(client, id).catch((error: unknown) => {
      // the list may be older than a removal
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    });
    if (view !== undefined) views.push(view);
  }
  return views.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function viewSchedule(client: Client, id: string): Promise<ScheduleView | undefined> {
  const { action, state, info } = await client.schedule.getHandle(id).describe();
  const [schedule] = (action.args ?? []) as readonly (PreScaleSchedule | undefined)[];
  if (schedule === undefined) return undefined;
  const { daysBefore } = schedule;
  const runs = await runsOf(client, schedule);
  const next = occurrencesAfter(schedule, { afterMs: Date.now(), daysBefore, count: SHOWN.next }).map((occurrence) => {
    const runId = `${id}-${occurrence.date}`;
    return { ...occurrence, id: runId, state: stateOf(runs.find((one) => one.id === runId)) };
  });
  const last = runs.filter((one) => !next.some((coming) => coming.id === one.id)).slice(0, SHOWN.last);
  const missedFirings = info.numActionsMissedCatchupWindow;
  return { id, schedule, paused: state.paused, note: state.note ?? null, next, last, missedFirings };
}

function stateOf(run: RunOfSchedule | undefined): string | null {
  if (run === undefined) return null;
  return run.state === 'RUNNING' && run.phase !== '' ? run.phase : run.state.toLowerCase();
}

async function runsOf(
  client: Client,
  schedule: Pick<PreScaleSchedule, 'workload' | 'event'>,
): Promise<readonly RunOfSchedule[]> {
  const runs: RunOfSchedule[] = [];
  const query = `WorkflowType = 'preScale' AND WorkflowId STARTS_WITH '${scheduleId(schedule)}-'`;
  for await (const { workflowId, status, startTime, searchAttributes } of client.workflow.list({ query })) {
    if (!isRunOf(schedule, workflowId)) continue;
    const phase = String(searchAttributes['HeadroomPhase']?.[0] ?? '');
    runs.push({ id: workflowId, state: status.name, phase, startedAt: startTime.toISOString() });
  }
  return runs.toSorted((a, b) => (a.id < b.id ? 1 : -1));
}

/** Answers with the runs that are there already: removing a schedule ends none of them. */
export async function removeSchedule(client: Client, id: string): Promise<readonly string[]> {
  const view = await viewSchedule(client, id).catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  });
  if (view === undefined) {
    const known = (await listSchedules(client)).map((one) => one.id);
    throw refused(
      [
        `there is no schedule ${id}; ${known.length === 0 ? 'there are no schedules' : `known are ${known.join(', ')}`}`,
      ],
      { known },
    );
  }
  await client.schedule.getHandle(id).delete();
  // looked up afterwards: a firing may have come just before
  const left = await runsOf(client, view.schedule);
  return left.filter(({ state }) => state === 'RUNNING').map((one) => one.id);
}
