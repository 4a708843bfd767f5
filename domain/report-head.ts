import type { RunResult } from './procedures.ts';
import type { SteeringRow, TimelineRow } from './report-timeline.ts';
import { outcomeOf, type RunEnd } from './run-facts.ts';

/** What the report of every run has. */
export interface ReportHead {
  readonly id: string;
  readonly runId: string;
  readonly cluster: string | null;
  /** done, short, removed, added, refused, planned, cancelled, terminated, failed …; or under way. */
  readonly outcome: string;
  /** Until when this report goes: the end of the run, or now. */
  readonly untilMs: number;
  readonly reasons: readonly string[];
  readonly askedFor: {
    readonly atMs: number;
    readonly by: string;
    readonly what: string;
    readonly note: string | null;
    /** What started it for them, such as 'alert HighLatency'; null: they did. */
    readonly trigger: string | null;
  };
  readonly steered: readonly SteeringRow[];
  readonly warnings: readonly string[];
  readonly timeline: readonly TimelineRow[];
  /** What cannot be told, and why. */
  readonly gaps: readonly string[];
}

/** How the run stands, or how it has ended. */
export function endOf(
  end: RunEnd | null,
  nowMs: number,
): { readonly outcome: string; readonly untilMs: number; readonly reasons: readonly string[] } {
  return { outcome: outcomeOf(end), untilMs: end?.atMs ?? nowMs, reasons: reasonsOf(end) };
}

/** What the run itself has told of its end; undefined: it could not. */
export function resultOf(end: RunEnd | null): RunResult | undefined {
  return end?.kind === 'completed' ? end.result : undefined;
}

function reasonsOf(end: RunEnd | null): readonly string[] {
  if (end === null || end.kind === 'cancelled') return [];
  if (end.kind === 'terminated') return [`by ${end.as}${end.reason === '' ? '' : `: ${end.reason}`}`];
  if (end.kind === 'failed') return [end.reason];
  return 'reasons' in end.result ? end.result.reasons : [];
}
