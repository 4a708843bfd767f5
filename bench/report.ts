/** One figure of a bench. One without a bound stands there to be read and breaks nothing. */
export interface Measure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly bound?: { readonly kind: 'at most' | 'at least'; readonly limit: number };
  /** How it came about, or how wide it spreads. */
  readonly note?: string;
}

export interface Findings {
  readonly measures: readonly Measure[];
  /** Every sample, for whoever doubts the summary; kept in the JSON alone. */
  readonly raw: unknown;
}

/** What the runner hands to each bench. */
export interface Scene {
  readonly say: (line: string) => void;
  /** A tenth of everything: shows that a bench works, and judges nothing. */
  readonly isQuick: boolean;
}

export interface Bench {
  readonly name: string;
  /** What it measures, in a line. */
  readonly about: string;
  readonly run: (scene: Scene) => Promise<Findings>;
}

export type Verdict = 'kept' | 'BROKEN' | '';

/** A figure that could not be had is no kept bound. */
export function judge({ value, bound }: Measure): Verdict {
  if (bound === undefined) return '';
  const isKept = bound.kind === 'at most' ? value <= bound.limit : value >= bound.limit;
  return isKept ? 'kept' : 'BROKEN';
}

/** One line a measure, in columns. */
export function renderTable(measures: readonly Measure[]): string {
  const rows = measures.map((measure) => [
    measure.what,
    `${format(measure.value)} ${measure.unit}`.trim(),
    measure.bound === undefined ? '' : `${measure.bound.kind} ${format(measure.bound.limit)}`,
    judge(measure),
    measure.note ?? '',
  ]);
  const all = [['measure', 'value', 'bound', 'verdict', 'note'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function format(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(1);
}
