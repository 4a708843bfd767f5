/** Which days, and at what time of them: the one time of day is what makes an occurrence the event of its date. */
export interface Cron {
  readonly minute: number;
  readonly hour: number;
  readonly days: readonly number[];
  readonly months: readonly number[];
  /** 0 is Sunday. */
  readonly weekdays: readonly number[];
}

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly words: readonly string[];
}

const DAYS: Field = { name: 'day of month', least: 1, most: 31, words: [] };
const MONTHS: Field = {
  name: 'month',
  least: 1,
  most: 12,
  words: ['', 'JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
};
/** 7 is Sunday too. */
const WEEKDAYS: Field = {
  name: 'day of week',
  least: 0,
  most: 7,
  words: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
};

export type ReadCron =
  | { readonly kind: 'cron'; readonly cron: Cron }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/** Reads `0 8 * * FRI`: minute and hour as one number each, then days of month, months, and days of week. */
export function readCron(text: string): ReadCron {
  const fields = text.trim().split(/\s+/);
  const [minuteText = '', hourText = '', daysText = '', monthsText = '', weekdaysText = ''] = fields;
  if (fields.length !== 5)
    return {
      kind: 'faults',
      faults: [
        `"${text}" is not five fields: minute, hour, day of month, month, day of week, such as "0 8 * * 5" for Fridays at eight`,
      ],
    };
  const [minute, hour] = [readOne(minuteText, 59), readOne(hourText, 23)];
  const days = readSet(daysText, DAYS);
  const months = readSet(monthsText, MONTHS);
  const weekdays = readSet(weekdaysText, WEEKDAYS);
  const narrows = (set: readonly number[] | string, all: number) => typeof set !== 'string' && set.length < all;
  const sunday =
    typeof weekdays === 'string' ? weekdays : [...new Set(weekdays.map((day) => day % 7))].toSorted((a, b) => a - b);
  const faults = [
    ...(minute === undefined ? [once('minute', minuteText, 59)] : []),
    ...(hour === undefined ? [once('hour', hourText, 23)] : []),
    ...[days, months, weekdays].filter((set) => typeof set === 'string'),
    ...(narrows(days, 31) && narrows(sunday, 7)
      ? ['both the day of month and the day of week are given, which is read in two ways; make two schedules']
      : []),
  ];
  const isRead = typeof days !== 'string' && typeof months !== 'string' && typeof sunday !== 'string';
  if (faults.length > 0 || minute === undefined || hour === undefined || !isRead) return { kind: 'faults', faults };
  return { kind: 'cron', cron: { minute, hour, days, months, weekdays: sunday } };
}

function readOne(text: string, most: number): number | undefined {
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value <= most ? value : undefined;
}

function once(name: string, text: string, most: number): string {
  return `${name} "${text}" is not one number from 0 to ${most}: an event begins at one time of a day; make a schedule for each`;
}

/** The numbers, or what is wrong with them. */
function readSet(text: string, field: Field): readonly number[] | string {
  const found = text.split(',').map((part) => readPart(part, field));
  if (found.includes(undefined)) {
    const words = field.words.filter((word) => word !== '');
    const names = words.length === 0 ? '' : `, ${words[0]} to ${words.at(-1)}`;
    return `${field.name} "${text}" is not read; accepted are ${field.least} to ${field.most}${names}, *, and lists, ranges and steps of them`;
  }
  const numbers = new Set(found.flatMap((part) => part ?? []));
  return [...numbers].toSorted((a, b) => a - b);
}

function readPart(part: string, field: Field): readonly number[] | undefined {
  const [, range = '', step] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(part) ?? [];
  const [from, to] = boundsOf(range, field, step !== undefined);
  const by = Number(step ?? 1);
  if (from === undefined || to === undefined || from > to || by < 1) return undefined;
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

function boundsOf(range: string, field: Field, isStepped: boolean): readonly (number | undefined)[] {
  const { least, most } = field;
  if (range === '*') return [least, most];
  const [from, to, ...more] = range.split('-').map((word) => numberOf(word, field));
  if (more.length > 0) return [];
  if (range.includes('-')) return [from, to];
  return [from, isStepped ? most : from];
}

function numberOf(word: string, { least, most, words }: Field): number | undefined {
  const named = word === '' ? -1 : words.indexOf(word.toUpperCase());
  if (named >= 0) return named;
  const value = /^\d{1,2}$/.test(word) ? Number(word) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}
