import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { formatDuration } from '../../domain/duration.ts';
import { daysBeforeFor, occurrencesAfter, wallClock } from '../../domain/occurrences.ts';
import { scheduledRequest, scheduleId, type PreScaleSchedule } from '../../domain/schedule.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { EXIT, failed, refused } from '../exit.ts';
import { readSchedule, type ScheduleOptions } from '../schedule-request.ts';
import { describeTarget } from '../../domain/capacity-plan.ts';
import { createSchedule, listSchedules, removeSchedule, type ScheduleView } from '../schedules.ts';
import { planPreScale } from '../start.ts';
import { planText } from '../text.ts';
import { time } from '../time.ts';
import { whoAmI } from '../who.ts';

export function registerSchedule(program: Command): void {
  const schedule = program.command('schedule').description('pre-scales that come again, on Temporal’s schedules');
  withJson(
    schedule
      .command('add')
      .argument('<workload>', 'a workload of headroom.yaml')
      .requiredOption('--event <name>', 'a slug, such as friday-sale; each occurrence adds its date')
      .requiredOption(
        '--cron <expression>',
        'when the event starts: minute hour day month weekday, such as "0 8 * * 5"',
      )
      .requiredOption('--time-zone <name>', 'IANA name of the zone whose clocks it goes by, such as Europe/Berlin')
      .requiredOption('--lasts <duration>', 'how long each event lasts, such as 2h')
      .option('--replicas <n>', 'at least this many')
      .option('--factor <f>', 'this many times the count of when the lead begins')
      .option('--lead <duration>', 'how long before the start, such as 30m (default: the policy’s)')
      .option('--catch-up <duration>', 'after an outage, how late an event may still be started', '10m')
      .option('--as <who>', 'who asks (default: user@host)')
      .option('--note <text>', 'why'),
  )
    .description('plan the first occurrence, and make the schedule when that works out')
    .action((workload: string, options: ScheduleOptions & OutputOptions) => run(options, () => add(workload, options)));

  withJson(schedule.command('list'))
    .description('every schedule: its next events, and how the last ones went')
    .action((options: OutputOptions) =>
      run(options, () =>
        withClient(async (client) => {
          const views = await listSchedules(client);
          const text = views.length === 0 ? 'no schedules' : views.map(scheduleText).join('\n');
          return { value: views, text };
        }),
      ),
    );

  withJson(schedule.command('remove').argument('<schedule>', 'its id, as list shows it'))
    .description('no further runs are started; those that are there go on')
    .action((id: string, options: OutputOptions) =>
      run(options, () =>
        withClient(async (client) => {
          const left = await removeSchedule(client, id);
          const lines = left.map((one) => `still there: ${one}; headroom cancel ${one}`);
          return { value: { id, removed: true, runs: left }, text: [`removed ${id}`, ...lines].join('\n') };
        }),
      ),
    );
}

async function add(workload: string, options: ScheduleOptions) {
  const asked = readSchedule(workload, options, { nowMs: Date.now(), requestedBy: whoAmI() });
  return withClient(async (client) => {
    const { plan, planHash, schedule } = await planFirst(client, asked);
    const started = await createSchedule(client, schedule);
    const next = occurrencesAfter(schedule, { afterMs: Date.now(), daysBefore: schedule.daysBefore, count: 3 });
    const id = scheduleId(schedule);
    const text = [
      planText(plan, planHash),
      `scheduled ${id}: "${schedule.cronText}" ${schedule.timeZone}`,
      ...next.map((occurrence) => `  next      ${occurrenceText(occurrence, schedule)}`),
      ...started.map((one) => one.text),
    ];
    const isWhole = started.every(({ kind }) => kind !== 'foreign');
    const value = { id, schedule, next, started, plan, planHash };
    return { value, text: text.join('\n'), code: isWhole ? EXIT.done : EXIT.failed };
  });
}

/** What policy and cluster have against it is found before anything is made; the plan also knows the lead. */
async function planFirst(client: Client, asked: PreScaleSchedule) {
  const { daysBefore } = asked;
  const [first] = occurrencesAfter(asked, { afterMs: Date.now(), daysBefore, count: 1 });
  if (first === undefined) throw failed(`"${asked.cronText}" is of no day that there is`);
  const result = await planPreScale(client, scheduledRequest(asked, first));
  if (result.outcome === 'refused') throw refused(result.reasons);
  if (result.outcome !== 'planned' || !('scaleAtMs' in result.plan))
    throw failed(`the plan ended as ${result.outcome}`);
  const { plan, planHash } = result;
  return { plan, planHash, schedule: { ...asked, daysBefore: daysBeforeFor(asked.cron, plan.leadMs) } };
}

function scheduleText({ id, schedule, paused, note, next, last, missedFirings }: ScheduleView): string {
  const { cronText, timeZone, lastsMs, requestedBy } = schedule;
  const why = schedule.note === undefined ? '' : ` (${schedule.note})`;
  return [
    `${id}  ${paused ? 'paused' : 'active'}`,
    `  event     "${cronText}" ${timeZone}, ${formatDuration(lastsMs)} long, asked for by ${requestedBy}${why}`,
    `  target    ${describeTarget(schedule.target)} of ${schedule.workload}`,
    ...(paused && note !== null ? [`  paused    ${note}`] : []),
    ...next.map((occurrence) => `  next      ${occurrenceText(occurrence, schedule)}, ${runWords(occurrence, paused)}`),
    ...last.map((one) => `  last      ${one.id}  ${one.state.toLowerCase()}`),
    ...(missedFirings === 0
      ? []
      : [`  missed    ${missedFirings} times: Temporal was away for longer than until the event and its catch-up`]),
  ].join('\n');
}

function runWords({ id, state, fireMs }: ScheduleView['next'][number], paused: boolean): string {
  if (state !== null) return `run ${id} is ${state}`;
  return paused ? 'not while the schedule is paused' : `its run is started ${time(fireMs)}`;
}

function occurrenceText({ startMs }: { readonly startMs: number }, { timeZone }: PreScaleSchedule): string {
  return `${wallClock(startMs, timeZone)} ${timeZone} (${time(startMs)})`;
}
