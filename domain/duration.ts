const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Largest first: the order in which a duration is written. */
const UNITS = [
  ['d', DAY_MS],
  ['h', HOUR_MS],
  ['m', MINUTE_MS],
  ['s', 1000],
  ['ms', 1],
] as const;

/** What a duration may look like, for people. */
export const DURATION_ACCEPTED = 'a duration with its unit, such as 30m, 90s, 1h30m, 500ms or 2d';

/** The same for machines (JSON Schema): each unit at most once, largest first. */
export const DURATION_PATTERN = '^(?=\\d)(?:\\d+d)?(?:\\d+h)?(?:\\d+m)?(?:\\d+s)?(?:\\d+ms)?$';

/** Longer than this is a slip of the pen: a year is past every event that one schedules by hand. */
const LONGEST_MS = 366 * DAY_MS;

export type Duration =
  | { readonly kind: 'duration'; readonly ms: number }
  /** `found` says what is wrong with it; `message` adds what is accepted. */
  | { readonly kind: 'fault'; readonly found: string; readonly message: string };

/**
 * Reads `1h30m` as 5,400,000 ms. Whole numbers only, each unit at most once and largest first; a number without a unit is
 * refused, because 30 was meant as minutes by one reader and as seconds by the next.
 */
export function readDuration(text: string): Duration {
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return fault(text, `has no unit (${text}s? ${text}m?)`);
  if (!new RegExp(DURATION_PATTERN).test(text)) return fault(text, 'is not a duration');
  const ms = [...text.matchAll(/(\d+)(ms|[dhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * msOf(unit),
    0,
  );
  if (ms > LONGEST_MS) return fault(text, 'is longer than a year');
  return { kind: 'duration', ms };
}

/** Writes whole milliseconds as `readDuration` reads them: `5400000` is `1h30m`, 0 is `0s`, a fraction is rounded. */
export function formatDuration(ms: number): string {
  let rest = Math.round(Math.abs(ms));
  if (rest === 0) return '0s';
  let text = ms < 0 ? '-' : '';
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

function fault(text: string, what: string): Duration {
  const found = `"${text}" ${what}`;
  return { kind: 'fault', found, message: `${found}; accepted is ${DURATION_ACCEPTED}` };
}

function msOf(unit: string | undefined): number {
  return UNITS.find(([name]) => name === unit)?.[1] ?? 0;
}
