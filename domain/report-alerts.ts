import type { Evidence } from './evidence.ts';
import type { RunStep } from './run-facts.ts';

/** All firings of one alert that the run heard of. */
export interface AlertRow {
  readonly name: string;
  /** Each counted once, however often it was told. */
  readonly firings: number;
  readonly resolved: number;
  /** When the run was told of the first, and heard anything of them last. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** Whether pods were what was missing, as it was measured then. */
export interface EvidenceRow {
  readonly atMs: number;
  readonly kind: Evidence['kind'];
  readonly reasons: readonly string[];
}

export function alertsOf(steps: readonly RunStep[]): readonly AlertRow[] {
  const told = steps.flatMap((step) =>
    step.kind === 'alerts' ? step.notices.map((notice) => ({ ...notice, atMs: step.atMs })) : [],
  );
  return [...new Set(told.map(({ name }) => name))].map((name) => {
    const own = told.filter((notice) => notice.name === name);
    const keys = new Set(own.map(({ key }) => key));
    const over = new Set(own.filter(({ status }) => status === 'resolved').map(({ key }) => key));
    const atMs = own.map((notice) => notice.atMs);
    const [firstAtMs, lastAtMs] = [Math.min(...atMs), Math.max(...atMs)];
    return { name, firings: keys.size, resolved: over.size, firstAtMs, lastAtMs };
  });
}

export function evidenceOf(steps: readonly RunStep[]): readonly EvidenceRow[] {
  return steps.flatMap((step) =>
    step.kind === 'evidence' ? [{ atMs: step.atMs, kind: step.evidence.kind, reasons: step.evidence.reasons }] : [],
  );
}
