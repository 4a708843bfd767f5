import { readCron } from '../domain/cron.ts';
import { readDuration } from '../domain/duration.ts';
import { canonicalZone, daysBeforeFor, occurrencesAfter } from '../domain/occurrences.ts';
import { targetFaults } from '../domain/capacity-plan.ts';
import type { PreScaleSchedule } from '../domain/schedule.ts';
import { usage } from './exit.ts';
import { isSlug, quoted, readTarget, SLUG_ACCEPTED } from './request.ts';

export interface ScheduleOptions {
  readonly event?: string;
  readonly cron?: string;
  readonly timeZone?: string;
  readonly lasts?: string;
  readonly replicas?: string;
  readonly factor?: string;
  readonly lead?: string;
  readonly catchUp?: string;
  readonly as?: string;
  readonly note?: string;
}

/** The date is appended to it, and an event's name has at most 63 signs. */
const LONGEST_NAME = 63 - '-2026-11-27'.length;
/** A bound for a slip of the pen, as with a pre-scale's lead. */
const LONGEST_LEAD_MS = 27 * 24 * 3_600_000;

/** A schedule out of command-line words, or one failure (exit 2) that names every fault. Its days before the event are those of its own lead. */
export function readSchedule(
  workload: string,
  options: ScheduleOptions,
  { nowMs, requestedBy }: { readonly nowMs: number; readonly requestedBy: string },
): PreScaleSchedule {
  const faults: string[] = [];
  const { event = '', cron: cronText = '' } = options;
  if (!isSlug(workload)) faults.push(`workload ${quoted(workload)} is not a name; accepted are ${SLUG_ACCEPTED}`);
  if (!isSlug(event) || event.length > LONGEST_NAME)
    faults.push(
      `--event ${quoted(event)} is not a slug of up to ${LONGEST_NAME} signs (each occurrence adds its date); accepted are ${SLUG_ACCEPTED}, such as friday-sale`,
    );
  const read = readCron(cronText);
  if (read.kind === 'faults') faults.push(...read.faults.map((fault) => `--cron: ${fault}`));
  const timeZone = canonicalZone(options.timeZone ?? '');
  if (timeZone === undefined)
    faults.push(
      `--time-zone ${quoted(options.timeZone ?? '')} is not a time zone; give its IANA name, such as Europe/Berlin or UTC`,
    );
  const lastsMs = readLength('--lasts', options.lasts ?? '', faults);
  const leadMs = options.lead === undefined ? undefined : readLength('--lead', options.lead, faults);
  const catchUpMs = readLength('--catch-up', options.catchUp ?? '10m', faults);
  if (lastsMs === 0) faults.push('--lasts 0s is no event; give a length such as 2h');
  if (leadMs !== undefined && leadMs > LONGEST_LEAD_MS)
    faults.push('--lead is longer than 27 days; give one such as 30m');
  const target = readTarget(options, faults);
  faults.push(...targetFaults({ target }));
  if (read.kind === 'cron' && timeZone !== undefined) {
    const recurrence = { cron: read.cron, timeZone };
    if (occurrencesAfter(recurrence, { afterMs: nowMs, daysBefore: 1, count: 1 }).length === 0)
      faults.push(`--cron ${quoted(cronText)} is of no day that there is`);
  }
  if (faults.length > 0 || read.kind === 'faults' || timeZone === undefined) throw usage(faults);
  return {
    workload,
    event,
    cronText,
    cron: read.cron,
    timeZone,
    lastsMs,
    target,
    ...(leadMs !== undefined && { leadMs }),
    catchUpMs,
    daysBefore: daysBeforeFor(read.cron, leadMs ?? 0),
    requestedBy: options.as ?? requestedBy,
    ...(options.note !== undefined && { note: options.note }),
  };
}

function readLength(option: string, text: string, faults: string[]): number {
  const read = readDuration(text);
  if (read.kind === 'duration') return read.ms;
  faults.push(`${option} ${read.message}`);
  return Number.NaN;
}
