import type { GovernorWrite } from './ledger-writes.ts';
import { replicasBeforeHold } from './marks.ts';
import type { CapacityPlan, EventWindow, Procedure } from './capacity-plan.ts';
import type { RunStatus, WorkloadCounts } from './procedures.ts';
import { changedMeanwhile, ownersValues } from './release.ts';
import { alertsOf, evidenceOf, type AlertRow, type EvidenceRow } from './report-alerts.ts';
import { readAsked } from './report-asked.ts';
import { planAgain } from './report-plan.ts';
import { endOf, resultOf, type ReportHead } from './report-head.ts';
import { steeringOf, timelineOf } from './report-timeline.ts';
import { asRows, gapsOf, relevantWrites, type WriteRow } from './report-writes.ts';
import { lastOf, type RunEnd, type RunFacts, type RunStep } from './run-facts.ts';
import { describeGovernor, findGovernor, type WorkloadState } from './workload.ts';

type Counts = { readonly [count in keyof WorkloadCounts]: number | null };

/** What a lead reads the next morning of a run that holds capacity. */
export interface Report extends ReportHead {
  readonly procedure: Procedure;
  readonly workload: string;
  /** The object that was written to, as it was found. */
  readonly governor: string | null;
  /** As it became: operators move its end. Of an emergency and of steps it ends at the latest then. */
  readonly event: EventWindow;
  readonly plannedEndMs: number;
  /** How it holds, where its procedure knows two ways. */
  readonly mode: 'freeze' | 'pause' | null;
  /** What the run heard of alerts, each name once; and whether pods were what was missing. */
  readonly alerts: readonly AlertRow[];
  readonly evidence: readonly EvidenceRow[];
  readonly counts: { readonly before: Counts | null; readonly during: Counts | null; readonly after: Counts | null };
  /** null while it is not known. */
  readonly restored: boolean | null;
  readonly otherClaims: number;
  readonly writes: readonly WriteRow[];
  readonly drift: readonly string[];
}

export function reportOf(of: {
  readonly run: RunFacts;
  /** The run's own words, where a worker answers. */
  readonly status: RunStatus | null;
  /** null: nothing is left of the ledger's histories. */
  readonly ledger: readonly GovernorWrite[] | null;
  readonly nowMs: number;
}): Report {
  const { run, status, ledger, nowMs } = of;
  const { asked, end, steps } = run;
  const { procedure, request } = asked;
  const { what, note, trigger, mode, event: planned } = readAsked(run);
  const event = status?.event ?? eventAfter(run, planned);
  const read = planAgain(run);
  const result = heldOf(end);
  const before = result?.before ?? countsBefore(read.state);
  const released = lastOf(steps, 'released')?.report;
  const home = released?.kind === 'released' ? released : undefined;
  const writes = relevantWrites(run, ledger ?? []);
  const claims = steps.filter((step) => step.kind === 'claimed');
  return {
    id: run.id,
    runId: run.runId,
    procedure,
    workload: request.workload,
    cluster: read.plan?.cluster ?? lastOf(steps, 'policy')?.policy.cluster ?? null,
    governor: governorOf(read.state),
    event,
    // where nobody moved it, it is what it became: a run knows better than its start when its longest hold began
    plannedEndMs: isMoved(run) ? planned.endMs : event.endMs,
    ...endOf(end, nowMs),
    askedFor: {
      atMs: run.startedAtMs,
      by: request.requestedBy,
      what,
      note,
      trigger,
    },
    mode,
    alerts: alertsOf(steps),
    evidence: evidenceOf(steps),
    steered: steeringOf(steps),
    counts: {
      before,
      during: claims.length === 0 ? null : countsDuring(run, read.plan, writes),
      after: result?.after ?? home?.counts ?? null,
    },
    restored: result?.restored ?? home?.restored ?? null,
    otherClaims: result?.otherClaims ?? home?.otherClaims ?? 0,
    writes: asRows(writes, ledger ?? [], before?.ceiling ?? null),
    warnings: read.plan?.warnings ?? status?.plan?.warnings ?? [],
    drift: result?.drift ?? driftOf(read.state, released),
    timeline: timelineOf(run, result?.timeline ?? status?.timeline),
    gaps: gapsOf(run, ledger, writes),
  };
}

function heldOf(end: RunEnd | null) {
  const result = resultOf(end);
  return result?.outcome === 'done' || result?.outcome === 'short' ? result : undefined;
}

function governorOf(state: WorkloadState | undefined): string | null {
  if (state === undefined) return null;
  const governance = findGovernor(state);
  return governance.kind === 'governed' ? describeGovernor(governance.governor) : null;
}

/** What the owner had: his values, whoever else held the workload then. */
function countsBefore(state: WorkloadState | undefined): Counts | null {
  if (state === undefined) return null;
  const governance = findGovernor(state);
  const replicas =
    (governance.kind === 'governed' ? replicasBeforeHold(governance.governor) : undefined) ?? state.wantedReplicas;
  const { floor, ceiling } = ownersValues(state);
  return { floor, ceiling, replicas, available: state.availableReplicas };
}

/** The most there was, of each. */
function countsDuring({ steps }: RunFacts, plan: CapacityPlan | undefined, writes: readonly GovernorWrite[]): Counts {
  const held = writes.filter((write) => write.held);
  const claimed = steps.flatMap((step) => (step.kind === 'claimed' ? (step.asks?.floor ?? step.asks?.pin ?? []) : []));
  const seen = steps.flatMap((step) => (step.kind === 'looked' ? [step.verdict.replicas] : []));
  return {
    floor: most(held.map(({ floor }) => floor)) ?? most(claimed),
    ceiling: most(held.flatMap(({ ceiling }) => ceiling ?? [])) ?? plan?.target.ceiling?.to ?? null,
    replicas: most(claimed),
    available: most(seen),
  };
}

function most(counts: readonly number[]): number | null {
  return counts.length === 0 ? null : Math.max(...counts);
}

function driftOf(
  state: WorkloadState | undefined,
  released: Extract<RunStep, { readonly kind: 'released' }>['report'] | undefined,
): readonly string[] {
  if (released === undefined) return [];
  if (released.kind === 'vanished') return [released.reason];
  return state === undefined ? [] : changedMeanwhile(ownersValues(state), released.owners);
}

function isMoved({ steps }: RunFacts): boolean {
  return steps.some((step) => step.kind === 'steered' && (step.name === 'extend' || step.name === 'endNow'));
}

/** The window as it became: operators move its end. */
function eventAfter({ steps }: RunFacts, planned: EventWindow): EventWindow {
  return steps.reduce((event, step) => {
    if (step.kind !== 'steered') return event;
    if (step.name === 'endNow') return { ...event, endMs: step.atMs };
    const { forMs } = step.words;
    return step.name === 'extend' && typeof forMs === 'number'
      ? { ...event, endMs: Math.max(step.atMs, event.endMs) + forMs }
      : event;
  }, planned);
}
