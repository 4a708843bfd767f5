import type { Cron } from './cron.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** 29 February comes at the latest after eight years (1896 to 1904). */
const SEARCHED_DAYS = 8 * 366;
const NOON_MINUTES = 12 * 60;
/** Clocks are put forward by an hour, in one place by half an hour; two are enough. And a run is ready an hour before its lead. */
const MARGIN_MINUTES = 3 * 60;
/** The server and we may have different editions of the time zones. */
const SAME_FIRING_MS = 6 * 60 * MINUTE_MS;

export interface Recurrence {
  readonly cron: Cron;
  /** IANA. */
  readonly timeZone: string;
}
export interface Occurrence {
  /** Of the calendar in the time zone: it is the name of the occurrence. */
  readonly date: string;
  readonly startMs: number;
  /** When its run is started: at noon, so many days before. */
  readonly fireMs: number;
}

/** The next occurrences that start after a moment, each wall-clock time once: also one that is skipped or comes twice when clocks change. */
export function occurrencesAfter(
  { cron, timeZone }: Recurrence,
  { afterMs, daysBefore, count }: { readonly afterMs: number; readonly daysBefore: number; readonly count: number },
): readonly Occurrence[] {
  const zone = openZone(timeZone);
  const found: Occurrence[] = [];
  // a calendar day starts up to 14 hours from that of Greenwich, on either side
  const first = Math.floor(afterMs / DAY_MS) - 1;
  for (let day = first; day < first + SEARCHED_DAYS && found.length < count; day += 1) {
    if (!isDayOf(cron, day)) continue;
    const startMs = zone.instantOf(day, cron.hour * 60 + cron.minute);
    if (startMs <= afterMs) continue;
    const fireMs = zone.instantOf(day - daysBefore, NOON_MINUTES);
    found.push({ date: new Date(day * DAY_MS).toISOString().slice(0, 10), startMs, fireMs });
  }
  return found;
}

/** The occurrence that a schedule which has just fired is about; fired by hand, the next one. */
export function dueOccurrence(
  recurrence: Recurrence,
  { firedMs, daysBefore }: { readonly firedMs: number; readonly daysBefore: number },
): Occurrence | undefined {
  const sinceMs = firedMs - SAME_FIRING_MS;
  // those that started since, and all whose firing has gone by: one for each day, and the next
  const near = occurrencesAfter(recurrence, { afterMs: sinceMs, daysBefore, count: daysBefore + 2 });
  return near.find(({ fireMs }) => fireMs >= sinceMs);
}

/**
 * How many calendar days before an occurrence its run is started, at noon. Noon, because no clock is put forward or back
 * then: a time in the night may not exist on the day before.
 */
export function daysBeforeFor({ hour, minute }: Cron, leadMs: number): number {
  const neededMinutes = Math.ceil(leadMs / MINUTE_MS) + MARGIN_MINUTES;
  const fromNoon = hour * 60 + minute - NOON_MINUTES;
  return Math.max(1, Math.ceil((neededMinutes - fromNoon) / (24 * 60)));
}

/** A day of Temporal's calendar; an absent field is every one. */
export interface FiringDays {
  readonly months?: readonly number[];
  readonly days?: readonly number[];
  readonly weekdays?: readonly number[];
}

/**
 * The days that lie so many before those of a cron: as weekdays where that says it all, else as dates. Around the end of
 * February one day too many, because calendars have no leap years; a firing without an occurrence of its own is harmless.
 */
export function firingDays(cron: Cron, daysBefore: number): readonly FiringDays[] {
  const weekdays = cron.weekdays.map((day) => (((day - daysBefore) % 7) + 7) % 7).toSorted((a, b) => a - b);
  const onWeekdays = weekdays.length === 7 ? {} : { weekdays };
  if (cron.days.length === 31 && cron.months.length === 12) return [onWeekdays];
  const daysOfMonth = new Map<number, Set<number>>();
  for (const year of [2027, 2028]) {
    for (let day = Date.UTC(year, 0, 1) / DAY_MS; day < Date.UTC(year + 1, 0, 1) / DAY_MS; day += 1) {
      if (!isDayOf({ ...cron, weekdays: [0, 1, 2, 3, 4, 5, 6] }, day)) continue;
      const fired = new Date((day - daysBefore) * DAY_MS);
      const month = fired.getUTCMonth() + 1;
      daysOfMonth.set(month, (daysOfMonth.get(month) ?? new Set()).add(fired.getUTCDate()));
    }
  }
  const byDays = Map.groupBy(daysOfMonth, ([, days]) => [...days].toSorted((a, b) => a - b).join());
  return [...byDays].map(([days, group]) => ({
    months: group.map(([month]) => month).toSorted((a, b) => a - b),
    days: days.split(',').map(Number),
    ...onWeekdays,
  }));
}

/** `day` counts from 1 January 1970, a Thursday. */
function isDayOf({ days, months, weekdays }: Cron, day: number): boolean {
  const date = new Date(day * DAY_MS);
  return (
    days.includes(date.getUTCDate()) && months.includes(date.getUTCMonth() + 1) && weekdays.includes(date.getUTCDay())
  );
}

/** As the database of time zones spells it, because the server is strict about that; undefined when it is none. */
export function canonicalZone(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9]*(?:[/_+-][A-Za-z0-9]+)*$/.test(name)) return undefined;
  try {
    const canonical = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    // Asia/Kolkata is an alias here for what was Calcutta: people keep the name they know
    const isOther = canonical.toLowerCase() !== name.toLowerCase();
    return isOther && name.split('/').every((part) => /^[A-Z]/.test(part)) ? name : canonical;
  } catch {
    return undefined;
  }
}

/** `2026-11-27 08:00`, as the clocks there show it. */
export function wallClock(ms: number, timeZone: string): string {
  return new Date(openZone(timeZone).localOf(ms)).toISOString().slice(0, 16).replace('T', ' ');
}

function openZone(timeZone: string) {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  /** The wall clock, as if it were that of Greenwich. */
  const localOf = (ms: number): number => {
    const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
  const offsetAt = (ms: number): number => localOf(ms) - Math.floor(ms / 1_000) * 1_000;
  return {
    localOf,
    /** A time that comes twice is the first of the two; one that is skipped comes as much later as clocks are put forward (RFC 5545). */
    instantOf(day: number, minutes: number): number {
      const local = day * DAY_MS + minutes * MINUTE_MS;
      const [earlier, later] = [offsetAt(local - DAY_MS), offsetAt(local + DAY_MS)];
      const candidates = [local - earlier, local - later].filter((ms) => localOf(ms) === local);
      return candidates.length === 0 ? local - earlier : Math.min(...candidates);
    },
  };
}
