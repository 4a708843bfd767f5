import { formatDuration } from './duration.ts';
import { readMatrix, type DecisionMatrix, type MatrixAction } from './policy.ts';
import type { MeasuredMetric } from './quiet.ts';
import { judgeRollout } from './rollout.ts';
import type { WorkloadState } from './workload.ts';

/** The newest value of one load metric; null where there is none. */
export interface EvidenceReading {
  readonly name: string;
  readonly unit: string;
  readonly value: number | null;
  readonly scaleUpAbove: number;
}

/** Whether more pods are what a workload misses. */
export interface Evidence {
  readonly kind: 'saturated' | 'missing';
  readonly reasons: readonly string[];
  readonly readings: readonly EvidenceReading[];
  /** What the decision matrix says of these readings; absent where it has none for the workload, or a reading is missing. */
  readonly action?: MatrixAction;
}

export interface EvidenceFacts {
  readonly metrics: readonly MeasuredMetric[];
  readonly state: Pick<
    WorkloadState,
    'conditions' | 'paused' | 'replicas' | 'wantedReplicas' | 'updatedReplicas' | 'rolledOutAtMs'
  >;
  readonly rolloutYoungerThanMs: number;
  readonly matrix?: DecisionMatrix;
  readonly nowMs: number;
}

/**
 * Latency alone is no evidence: behind a slow dependency it gets worse with more pods. Something of the workload itself has
 * to be over its scale-up threshold, and no rollout may be the cause.
 */
export function judgeEvidence({ metrics, state, rolloutYoungerThanMs, matrix, nowMs }: EvidenceFacts): Evidence {
  const readings = metrics.map(readingOf);
  const valueOf = (name: string | undefined) => readings.find((one) => one.name === name)?.value ?? null;
  const [load, latency] = [valueOf(matrix?.loadMetric), valueOf(matrix?.latencyMetric)];
  const action =
    matrix === undefined || load === null || latency === null ? undefined : readMatrix(matrix, load, latency);
  const common = { readings, ...(action !== undefined && { action }) };
  const rollout = rolloutReasons(state, rolloutYoungerThanMs, nowMs);
  const over = readings.filter(
    ({ name, value, scaleUpAbove }) => name !== matrix?.latencyMetric && value !== null && value > scaleUpAbove,
  );
  const saturation = over.map(
    ({ name, value, unit, scaleUpAbove }) => `${name} is ${amount(value, unit)}, over ${amount(scaleUpAbove, unit)}`,
  );
  if (rollout.length > 0) return { kind: 'missing', reasons: [...rollout, ...saturation], ...common };
  if (over.length > 0) return { kind: 'saturated', reasons: saturation, ...common };
  return { kind: 'missing', reasons: [nothingSaturated(readings, matrix?.latencyMetric)], ...common };
}

function rolloutReasons(state: EvidenceFacts['state'], rolloutYoungerThanMs: number, nowMs: number): readonly string[] {
  const rollout = judgeRollout(state);
  if (rollout.kind !== 'settled') return [rollout.reason];
  const agoMs = nowMs - (state.rolledOutAtMs ?? 0);
  if (agoMs >= rolloutYoungerThanMs) return [];
  return [
    `a rollout ended ${formatDuration(Math.max(1, Math.round(agoMs / 1000)) * 1000)} ago, less than ${formatDuration(rolloutYoungerThanMs)}: it may be the cause`,
  ];
}

function nothingSaturated(readings: readonly EvidenceReading[], latencyMetric: string | undefined): string {
  const own = readings.filter(({ name }) => name !== latencyMetric);
  const known = own.filter(({ value }) => value !== null);
  if (known.length === 0) return 'no load metric has data, so nothing shows that pods are what is missing';
  const words = known.map(({ name, value, unit }) => `${name} ${amount(value, unit)}`);
  return `nothing is saturated (${words.join(', ')}): more pods may not help, and a slow dependency gets slower`;
}

/** The newest sample of any of its series; of several series the highest. */
function readingOf({ metric: { name, unit, scaleUpAbove }, series }: MeasuredMetric): EvidenceReading {
  const newest = (series === 'unavailable' ? [] : series).flatMap(({ samples }) => samples.slice(-1));
  const value = newest.length === 0 ? null : Math.max(...newest.map((sample) => sample.value));
  return { name, unit, value, scaleUpAbove };
}

function amount(value: number | null, unit: string): string {
  const number = Number((value ?? 0).toPrecision(3));
  return unit === '%' ? `${number} %` : `${number} ${unit}`;
}
