import { counted } from './counted.ts';
import type { LoadMetric } from './policy.ts';

/** One series of a range query. Absent, NaN and stale samples may simply be missing. */
export interface Series {
  readonly labels: { readonly [label: string]: string };
  readonly samples: readonly Sample[];
}
interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** What is judged of a configured load metric. */
export type JudgedMetric = Pick<LoadMetric, 'name' | 'unit' | 'scaleDownBelow' | 'scaleUpAbove' | 'perPod'>;

export interface MeasuredMetric {
  readonly metric: JudgedMetric;
  readonly series: readonly Series[] | 'unavailable';
}

/** As a range query has it: a sample is due at startMs and every stepMs after it, up to endMs. */
export interface SampleWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** The count now, and the count that the workload goes back to: per-pod ratios are judged as they would be there. */
export interface PodCounts {
  readonly pods: number;
  readonly baselinePods: number;
}

export interface QuietFacts extends PodCounts {
  readonly metrics: readonly MeasuredMetric[];
  /** Answer of the freshness query, which must be exactly 1 at each step; undefined when none is configured. */
  readonly dataHealthy: readonly Series[] | 'unavailable' | undefined;
  readonly window: SampleWindow;
}

/** One metric for display. What could not be known is absent. */
export interface MetricReading {
  readonly name: string;
  readonly unit: string;
  readonly threshold: number;
  /** The highest value of the window, as measured, and when. */
  readonly worst?: number;
  readonly worstAtMs?: number;
  /** The same value as it would be at the baseline count. */
  readonly judged?: number;
  /** Where the unbroken run of quiet samples begins that reaches to the end of the window. */
  readonly quietSinceMs?: number;
}

export type QuietVerdict =
  | { readonly kind: 'quiet'; readonly values: readonly MetricReading[]; readonly quietSinceMs: number }
  | {
      readonly kind: 'busy' | 'unknown';
      readonly reasons: readonly string[];
      readonly values: readonly MetricReading[];
      /** Since when all metrics are quiet; absent while any is not. */
      readonly quietSinceMs?: number;
    };

/** A day at one sample a second: more is a mistaken window, and would only fill the memory. */
const MOST_STEPS = 86_400;

/**
 * Whether all load metrics stayed strictly under their scale-down thresholds through the whole window.
 * Whatever is missing, ambiguous or no number makes the answer unknown, never quiet (R82, R83).
 */
export function judgeQuiet({ metrics, dataHealthy, window, ...counts }: QuietFacts): QuietVerdict {
  const steps = stepsOf(window);
  if (steps.length === 0) return { kind: 'unknown', reasons: [describeWindowFault(window)], values: [] };

  const health = dataHealthy === undefined ? undefined : alignSeries(dataHealthy, window, steps);
  const judgements = metrics.map(({ metric, series }) =>
    judgeMetric(metric, alignSeries(series, window, steps), counts),
  );
  const values = judgements.map(({ reading }) => reading);
  const sinceMs = latest([
    ...values.map(({ quietSinceMs }) => quietSinceMs),
    ...(health === undefined ? [] : [trailingSince(health.steps, ({ value }) => value === 1)]),
  ]);
  const faults = [
    ...(metrics.length === 0 ? ['no load metric is configured, so nothing tells that the load is over'] : []),
    ...judgements.flatMap(({ faults }) => faults),
    ...(health === undefined ? [] : healthFaults(health)),
  ];
  const busy = judgements.flatMap(({ busy }) => busy);

  if (faults.length === 0 && busy.length === 0 && sinceMs !== undefined) {
    return { kind: 'quiet', values, quietSinceMs: sinceMs };
  }
  return {
    kind: faults.length > 0 ? 'unknown' : 'busy',
    reasons: [...faults, ...busy],
    values,
    ...(sinceMs !== undefined && { quietSinceMs: sinceMs }),
  };
}

/**
 * The metrics that are back over their scale-up threshold for two samples in a row, or undefined when none is.
 * What cannot be known is no regression: scaling up needs an explicit signal (R83).
 */
export function regressed({
  metrics,
  window,
  ...counts
}: Omit<QuietFacts, 'dataHealthy'>): readonly string[] | undefined {
  const steps = stepsOf(window);
  const reasons = metrics.flatMap(({ metric, series }) => {
    const { steps: taken } = alignSeries(series, window, steps);
    const over = taken.map(({ value }) => value !== undefined && pressure(metric, value, counts) > metric.scaleUpAbove);
    const index = over.findLastIndex((isOver, step) => isOver && over[step - 1] === true);
    const [before, newest] = [taken[index - 1], taken[index]];
    if (before === undefined || newest?.value === undefined) return [];
    return [
      `${metric.name} ${describeJudged(metric, newest.value, counts)} at ${time(newest.atMs)}, over ${amount(metric.scaleUpAbove, metric.unit)} since ${time(before.atMs)} at least`,
    ];
  });
  return reasons.length === 0 ? undefined : reasons;
}

/** A step of the window with what was measured there; no value when it is missing, NaN or infinite. */
interface Step {
  readonly atMs: number;
  readonly value: number | undefined;
  readonly fault?: string;
}
interface Aligned {
  readonly steps: readonly Step[];
  /** Why there are no samples at all. */
  readonly fault?: string;
}

function stepsOf({ startMs, endMs, stepMs }: SampleWindow): readonly number[] {
  const last = Math.floor((endMs - startMs) / stepMs);
  if (!(stepMs > 0 && Number.isFinite(startMs) && last >= 0 && last < MOST_STEPS)) return [];
  return Array.from({ length: last + 1 }, (_, index) => startMs + index * stepMs);
}

function describeWindowFault({ startMs, endMs, stepMs }: SampleWindow): string {
  if (endMs < startMs) return `the window begins at ${time(startMs)}, after ${time(endMs)}`;
  return `a window from ${time(startMs)} to ${time(endMs)} in steps of ${stepMs} ms cannot be judged`;
}

/** Gives each step the sample that was taken there; two on one step count as the higher, which is the safer. */
function alignSeries(
  series: readonly Series[] | 'unavailable',
  window: SampleWindow,
  steps: readonly number[],
): Aligned {
  const nothing = steps.map((atMs) => ({ atMs, value: undefined }));
  if (series === 'unavailable') return { steps: nothing, fault: 'Prometheus does not answer' };
  const [only, ...others] = series;
  if (only === undefined) return { steps: nothing, fault: 'no data' };
  if (others.length > 0) {
    return { steps: nothing, fault: `${series.length} series where one is expected; the query must aggregate them` };
  }
  const taken = new Map<number, number>();
  for (const { atMs, value } of only.samples) {
    const index = Math.round((atMs - window.startMs) / window.stepMs);
    const before = taken.get(index);
    taken.set(index, before === undefined ? value : Math.max(before, value));
  }
  const all = steps.map((atMs, index) => asStep(atMs, taken.get(index)));
  return { steps: !taken.has(all.length - 1) && mayLag(steps, window) ? all.slice(0, -1) : all };
}

function asStep(atMs: number, value: number | undefined): Step {
  if (value === undefined) return { atMs, value, fault: `no sample at ${time(atMs)}` };
  if (!Number.isFinite(value)) return { atMs, value: undefined, fault: `${value} at ${time(atMs)}` };
  return { atMs, value };
}

/** The sample due at the very end may not be there yet, as long as the one before is no older than a step. */
function mayLag(steps: readonly number[], { endMs, stepMs }: SampleWindow): boolean {
  const before = steps.at(-2);
  return before !== undefined && before >= endMs - stepMs;
}

interface MetricJudgement {
  readonly reading: MetricReading;
  readonly faults: readonly string[];
  readonly busy: readonly string[];
}

function judgeMetric(metric: JudgedMetric, { steps, fault }: Aligned, counts: PodCounts): MetricJudgement {
  const { name, unit, scaleDownBelow: threshold } = metric;
  const unjudgeable = metric.perPod && !(isCount(counts.baselinePods) && isCount(counts.pods) && counts.pods > 0);
  const isQuiet = (value: number) => !unjudgeable && atBaseline(metric, value, counts) < threshold;
  const worst = steps.reduce<Sample | undefined>(
    (found, { atMs, value }) => (value !== undefined && value >= (found?.value ?? -Infinity) ? { atMs, value } : found),
    undefined,
  );
  const quietSinceMs = trailingSince(steps, ({ value }) => value !== undefined && isQuiet(value));
  const loud = worst !== undefined && !unjudgeable && !isQuiet(worst.value);
  return {
    reading: {
      name,
      unit,
      threshold,
      ...(worst !== undefined && { worst: worst.value, worstAtMs: worst.atMs }),
      ...(worst !== undefined && !unjudgeable && { judged: atBaseline(metric, worst.value, counts) }),
      ...(quietSinceMs !== undefined && { quietSinceMs }),
    },
    faults: [
      ...(fault === undefined ? [] : [`${name}: ${fault}`]),
      ...stepFaults(name, steps),
      ...(unjudgeable ? [`${name}: a ratio per pod says nothing while ${counts.pods} pods are available`] : []),
    ],
    busy: loud
      ? [
          `${name} ${describeJudged(metric, worst.value, counts)}, must stay under ${amount(threshold, unit)}` +
            (quietSinceMs === undefined ? '' : `; quiet since ${time(quietSinceMs)}`),
        ]
      : [],
  };
}

function healthFaults({ steps, fault }: Aligned): readonly string[] {
  const name = 'data health';
  if (fault !== undefined) return [`${name}: ${fault}`];
  const sick = steps.filter(({ value }) => value !== undefined && value !== 1);
  const newest = sick.at(-1);
  return [
    ...stepFaults(name, steps),
    ...(newest === undefined
      ? []
      : [
          `${name}: ${newest.value} instead of 1 at ${time(newest.atMs)}${howMany(sick.length, steps.length)}: targets are missing`,
        ]),
  ];
}

/** The newest gap is the one that the window starts again after. */
function stepFaults(name: string, steps: readonly Step[]): readonly string[] {
  const faults = steps.flatMap(({ fault }) => fault ?? []);
  const newest = faults.at(-1);
  return newest === undefined ? [] : [`${name}: ${newest}${howMany(faults.length, steps.length)}`];
}

function howMany(count: number, of: number): string {
  return count === 1 ? '' : ` (and so at ${count} of ${of} steps)`;
}

function trailingSince(steps: readonly Step[], holds: (step: Step) => boolean): number | undefined {
  const lastBreak = steps.findLastIndex((step) => !holds(step));
  return steps[lastBreak + 1]?.atMs;
}

/** Undefined as soon as one is. */
function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((atMs) => atMs !== undefined);
  return known.length === 0 || known.length < times.length ? undefined : Math.max(...known);
}

/**
 * Our own pods halve a per-pod ratio, so it is judged as it would be without them. With a baseline of 0 it is judged at
 * one pod: no ratio exists at none, and the step from one to none is the autoscaler's own decision.
 */
function atBaseline({ perPod }: JudgedMetric, value: number, { pods, baselinePods }: PodCounts): number {
  return perPod ? (value * pods) / Math.max(1, baselinePods) : value;
}

function isCount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

/** For scaling up the higher of the two counts: what is over the threshold as measured is so whatever the baseline. */
function pressure(metric: JudgedMetric, value: number, counts: PodCounts): number {
  return Math.max(value, atBaseline(metric, value, counts));
}

function describeJudged(metric: JudgedMetric, value: number, counts: PodCounts): string {
  const { unit, perPod } = metric;
  const at = Math.max(1, counts.baselinePods);
  if (!perPod || at === counts.pods) return amount(value, unit);
  return `${amount(atBaseline(metric, value, counts), unit)} as it would be at ${counted(at, 'pod')} (${amount(value, unit)} at ${counts.pods})`;
}

/** Three figures are enough to act on; above 100 the whole number. */
function amount(value: number, unit: string): string {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return unit === '' ? String(rounded) : `${rounded} ${unit}`;
}

function time(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : String(ms);
}
