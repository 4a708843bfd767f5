import { formatDuration } from './duration.ts';
import type { GovernorWrite } from './ledger-writes.ts';
import { replicasBeforeHold } from './marks.ts';
import type { ResolvedPolicy } from './policy.ts';
import { planPreScale, type PreScalePlan, type PreScaleRequest, type Survey } from './pre-scale.ts';
import type { ClaimState, PreScaleResult, PreScaleStatus, WorkloadCounts } from './procedures.ts';
import { changedMeanwhile, ownersValues, type OwnersValues } from './release.ts';
import { describeGovernor, findGovernor, type WorkloadState } from './workload.ts';

/** What a run's history tells, in its order; one kind for each thing that somebody may want to know afterwards. */
export type RunStep = { readonly atMs: number } & (
  | { readonly kind: 'policy'; readonly policy: ResolvedPolicy }
  | { readonly kind: 'survey'; readonly survey: Survey }
  | { readonly kind: 'room'; readonly warnings: readonly string[] }
  | { readonly kind: 'claimed'; readonly floor: number }
  | { readonly kind: 'told'; readonly state: ClaimState }
  | {
      readonly kind: 'looked';
      readonly verdict: {
        readonly kind: 'available' | 'short';
        readonly replicas: number;
        readonly reasons: readonly string[];
      };
    }
  | { readonly kind: 'quiet' }
  | { readonly kind: 'let go' }
  | {
      readonly kind: 'released';
      readonly report:
        | {
            readonly kind: 'released';
            readonly restored: boolean;
            readonly otherClaims: number;
            readonly owners: OwnersValues;
            readonly counts: WorkloadCounts;
          }
        | { readonly kind: 'vanished'; readonly reason: string };
    }
  | {
      readonly kind: 'steered';
      /** The update's name, and what was said with it besides who and why. */
      readonly name: string;
      readonly as: string;
      readonly note: string | null;
      readonly words: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'cancelled'; readonly as: string; readonly note: string | null }
);

export interface RunFacts {
  readonly id: string;
  readonly runId: string;
  readonly request: PreScaleRequest;
  readonly startedAtMs: number;
  readonly steps: readonly RunStep[];
  /** null while the run is under way. */
  readonly end: RunEnd | null;
}
export type RunEnd = { readonly atMs: number } & (
  | { readonly kind: 'completed'; readonly result: PreScaleResult }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'terminated'; readonly as: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }
);

export interface TimelineRow {
  readonly atMs: number;
  readonly what: string;
  /** null: the run itself. */
  readonly by: string | null;
}
export interface WriteRow {
  readonly atMs: number;
  readonly floor: { readonly from: number | null; readonly to: number };
  readonly ceiling: { readonly from: number | null; readonly to: number | null };
  readonly generation: { readonly from: number | null; readonly to: number };
  readonly frozen: boolean | null;
  readonly why: string;
}
type Counts = { readonly [count in keyof WorkloadCounts]: number | null };

/** What a lead reads the next morning. */
export interface Report {
  readonly id: string;
  readonly runId: string;
  readonly workload: string;
  readonly cluster: string | null;
  /** The object that was written to, as it was found. */
  readonly governor: string | null;
  /** As it became: operators move its end. */
  readonly event: PreScaleRequest['event'];
  readonly plannedEndMs: number;
  /** done, short, refused, missed, not needed, planned, cancelled, terminated, failed; or under way. */
  readonly outcome: string;
  /** Until when this report goes: the end of the run, or now. */
  readonly untilMs: number;
  readonly reasons: readonly string[];
  readonly askedFor: {
    readonly atMs: number;
    readonly by: string;
    readonly what: string;
    readonly note: string | null;
  };
  readonly steered: readonly (TimelineRow & { readonly note: string | null })[];
  readonly counts: { readonly before: Counts | null; readonly during: Counts | null; readonly after: Counts | null };
  /** null while it is not known. */
  readonly restored: boolean | null;
  readonly otherClaims: number;
  readonly writes: readonly WriteRow[];
  readonly warnings: readonly string[];
  readonly drift: readonly string[];
  readonly timeline: readonly TimelineRow[];
  /** What cannot be told, and why. */
  readonly gaps: readonly string[];
}

export function reportOf(of: {
  readonly run: RunFacts;
  /** The run's own words, where a worker answers. */
  readonly status: PreScaleStatus | null;
  /** null: nothing is left of the ledger's histories. */
  readonly ledger: readonly GovernorWrite[] | null;
  readonly nowMs: number;
}): Report {
  const { run, status, ledger, nowMs } = of;
  const { request, end, steps } = run;
  const read = readSteps(run);
  const result = resultOf(end);
  const before = result?.before ?? countsBefore(read.state);
  const released = lastOf(steps, 'released')?.report;
  const home = released?.kind === 'released' ? released : undefined;
  const writes = relevantWrites(run, ledger ?? []);
  const claims = steps.filter((step) => step.kind === 'claimed');
  return {
    id: run.id,
    runId: run.runId,
    workload: request.workload,
    cluster: read.plan?.cluster ?? lastOf(steps, 'policy')?.policy.cluster ?? null,
    governor: governorOf(read.state),
    event: status?.event ?? eventAfter(run),
    plannedEndMs: request.event.endMs,
    outcome: outcomeOf(end),
    untilMs: end?.atMs ?? nowMs,
    reasons: reasonsOf(end),
    askedFor: {
      atMs: run.startedAtMs,
      by: request.requestedBy,
      what: describeTarget(request),
      note: request.note ?? null,
    },
    steered: steeringOf(steps),
    counts: {
      before,
      during: claims.length === 0 ? null : countsDuring(run, read.plan, writes),
      after: result?.after ?? home?.counts ?? null,
    },
    restored: result?.restored ?? home?.restored ?? null,
    otherClaims: result?.otherClaims ?? home?.otherClaims ?? 0,
    writes: asRows(writes, ledger ?? [], before),
    warnings: read.plan?.warnings ?? status?.plan?.warnings ?? [],
    drift: result?.drift ?? driftOf(read.state, released),
    timeline: timelineOf(run, result?.timeline ?? status?.timeline),
    gaps: gapsOf(run, ledger, writes),
  };
}

function resultOf(end: RunEnd | null) {
  if (end?.kind !== 'completed') return undefined;
  return end.result.outcome === 'done' || end.result.outcome === 'short' ? end.result : undefined;
}

function outcomeOf(end: RunEnd | null): string {
  if (end === null) return 'under way';
  return end.kind === 'completed' ? end.result.outcome : end.kind;
}

function reasonsOf(end: RunEnd | null): readonly string[] {
  if (end === null || end.kind === 'cancelled') return [];
  if (end.kind === 'terminated') return [`by ${end.as}${end.reason === '' ? '' : `: ${end.reason}`}`];
  if (end.kind === 'failed') return [end.reason];
  return 'reasons' in end.result ? end.result.reasons : [];
}

function lastOf<K extends RunStep['kind']>(
  steps: readonly RunStep[],
  kind: K,
): Extract<RunStep, { readonly kind: K }> | undefined {
  return steps.findLast((step): step is Extract<RunStep, { readonly kind: K }> => step.kind === kind);
}

/** The plan is not in a history, but all that it was made of is; the last one made before the claim is the one carried out. */
function readSteps({ request, steps }: RunFacts): {
  readonly plan: PreScalePlan | undefined;
  readonly state: WorkloadState | undefined;
} {
  const claimedAt = steps.findIndex(({ kind }) => kind === 'claimed');
  const before = claimedAt === -1 ? steps : steps.slice(0, claimedAt);
  const policy = lastOf(before, 'policy')?.policy;
  const found = lastOf(before, 'survey');
  const state = found?.survey.kind === 'found' ? found.survey.state : undefined;
  if (policy === undefined || found === undefined) return { plan: undefined, state };
  const decision = planPreScale({ request, policy, survey: found.survey, nowMs: found.atMs });
  if (decision.kind === 'refuse') return { plan: undefined, state };
  const room = lastOf(before, 'room')?.warnings ?? [];
  return { plan: { ...decision.plan, warnings: [...decision.plan.warnings, ...room] }, state };
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
function countsDuring({ steps }: RunFacts, plan: PreScalePlan | undefined, writes: readonly GovernorWrite[]): Counts {
  const held = writes.filter((write) => write.held);
  const claimed = steps.flatMap((step) => (step.kind === 'claimed' ? [step.floor] : []));
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

/** The window as it became: operators move its end. */
function eventAfter({ request, steps }: RunFacts): PreScaleRequest['event'] {
  return steps.reduce((event, step) => {
    if (step.kind !== 'steered') return event;
    if (step.name === 'endNow') return { ...event, endMs: step.atMs };
    const { forMs } = step.words;
    return step.name === 'extend' && typeof forMs === 'number'
      ? { ...event, endMs: Math.max(step.atMs, event.endMs) + forMs }
      : event;
  }, request.event);
}

/** Those of the run's life, and after it those that still take its claim back. */
function relevantWrites(
  { id, startedAtMs, end }: RunFacts,
  ledger: readonly GovernorWrite[],
): readonly GovernorWrite[] {
  const since = ledger.filter(({ atMs }) => atMs >= startedAtMs);
  if (end === null) return since;
  const during = since.filter(({ atMs }) => atMs <= end.atMs);
  const last = during.at(-1);
  const isOpen = last?.held === true && (last.owners.includes(id) || last.owners.length === 0);
  if (!isOpen) return during;
  const later = since.slice(during.length);
  const home = later.findIndex((write) => !write.owners.includes(id) && isSettled(write));
  return [...during, ...(home === -1 ? later : later.slice(0, home + 1))];
}

function isSettled({ held, owners, floor, wantedFloor }: GovernorWrite): boolean {
  return owners.length === 0 ? !held : floor === wantedFloor;
}

function asRows(
  writes: readonly GovernorWrite[],
  ledger: readonly GovernorWrite[],
  before: Counts | null,
): readonly WriteRow[] {
  return writes.map((write) => {
    const earlier = ledger[ledger.indexOf(write) - 1];
    // between two holds the values are the owner's, and he may have changed them
    const prior = earlier?.held === true ? earlier : undefined;
    return {
      atMs: write.atMs,
      floor: { from: prior?.floor ?? write.baselineFloor, to: write.floor },
      ceiling: { from: (prior === undefined ? before?.ceiling : prior.ceiling) ?? null, to: write.ceiling },
      generation: { from: earlier?.generation ?? null, to: write.generation },
      frozen: write.frozen,
      why: write.why,
    };
  });
}

function gapsOf(
  { steps, end }: RunFacts,
  ledger: readonly GovernorWrite[] | null,
  writes: readonly GovernorWrite[],
): readonly string[] {
  const asked = steps.some(({ kind }) => kind === 'claimed');
  if (!asked || writes.length > 0) return [];
  if (ledger === null)
    return ['the ledger’s history is gone (Temporal keeps it for its retention time): what it wrote is not known here'];
  return end === null ? [] : ['the ledger wrote nothing while this run lived: what was asked for stood already'];
}

function describeTarget({ target }: PreScaleRequest): string {
  return target.kind === 'factor' ? `× ${target.factor}` : `${target.replicas} replicas`;
}

/** What an operator said, in words; what is newer than this table stands with its own name. */
const SAYINGS: Readonly<Record<string, (words: Readonly<Record<string, unknown>>) => string>> = {
  endNow: () => 'declared the event over',
  skipWait: () => 'skipped the wait for quiet',
  extend: ({ forMs }) => `extended the event by ${typeof forMs === 'number' ? formatDuration(forMs) : String(forMs)}`,
  amendFloor: ({ floor }) => `asked for a floor of ${String(floor)}`,
};

function sayingOf(name: string, words: Readonly<Record<string, unknown>>): string {
  const known = Object.hasOwn(SAYINGS, name) ? SAYINGS[name] : undefined;
  if (known !== undefined) return known(words);
  const rest = Object.entries(words).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return [`sent ${name}`, ...rest].join(', ');
}

function steeringOf(steps: readonly RunStep[]): Report['steered'] {
  return steps.flatMap((step) => {
    if (step.kind === 'steered')
      return [{ atMs: step.atMs, by: step.as, what: sayingOf(step.name, step.words), note: step.note }];
    if (step.kind === 'cancelled')
      return [{ atMs: step.atMs, by: step.as, what: 'cancelled the run', note: step.note }];
    return [];
  });
}

/** The run's own words where they are left; else what its history tells. Whoever steered stands in it either way. */
function timelineOf(run: RunFacts, said: PreScaleStatus['timeline'] | undefined): readonly TimelineRow[] {
  const { request, startedAtMs, steps, end } = run;
  const steering = steeringOf(steps);
  const own = said?.map((row) => withSpeaker(row, steering)) ?? steps.flatMap(rowOf);
  const unsaid = steering.filter(({ by, note }) => !said?.some(({ what }) => what.includes(noted(by, note))));
  const rows: readonly TimelineRow[] = [
    {
      atMs: startedAtMs,
      what: `asked for ${describeTarget(request)} for ${request.event.name}`,
      by: request.requestedBy,
    },
    ...own,
    ...unsaid.map(({ atMs, what, by, note }) => ({ atMs, what: note === null ? what : `${what} (${note})`, by })),
    ...steps.flatMap(troubleRow),
    ...(end === null ? [] : [endRow(end)]),
  ];
  return rows.toSorted((a, b) => a.atMs - b.atMs);
}

/** As the run writes down who steered it. */
function noted(by: string | null, note: string | null): string {
  return ` by ${by}${note === null ? '' : ` (${note})`}`;
}

function withSpeaker({ atMs, what }: PreScaleStatus['timeline'][number], steering: Report['steered']): TimelineRow {
  const speaker = steering.find(({ by, note }) => what.includes(noted(by, note)));
  if (speaker === undefined) return { atMs, what, by: null };
  const { by, note } = speaker;
  return { atMs, what: what.replace(noted(by, note), note === null ? '' : ` (${note})`), by };
}

function rowOf(step: RunStep): readonly TimelineRow[] {
  const { atMs } = step;
  switch (step.kind) {
    case 'claimed':
      return [{ atMs, what: `asked the ledger for ${step.floor} replicas`, by: null }];
    case 'looked':
      return [
        {
          atMs,
          what:
            step.verdict.kind === 'available'
              ? `${step.verdict.replicas} available`
              : `short: ${step.verdict.replicas} available; ${step.verdict.reasons.join('; ')}`,
          by: null,
        },
      ];
    case 'quiet':
      return [{ atMs, what: 'the load is low', by: null }];
    case 'let go':
      return [{ atMs, what: 'let go; the ledger winds down', by: null }];
    case 'released':
      return [{ atMs, what: releasedWords(step.report), by: null }];
    case 'policy':
    case 'survey':
    case 'room':
    case 'told':
    case 'steered':
    case 'cancelled':
      return [];
  }
}

function releasedWords(report: Extract<RunStep, { readonly kind: 'released' }>['report']): string {
  if (report.kind === 'vanished') return report.reason;
  return report.restored ? 'the owner’s values are back' : `${report.otherClaims} other claims still hold the workload`;
}

/** What the ledger said of the claim, where it was not what was asked for. */
function troubleRow(step: RunStep): readonly TimelineRow[] {
  if (step.kind !== 'told' || step.state.state === 'applied') return [];
  const { state, reason } = step.state;
  return [{ atMs: step.atMs, what: `the claim is ${state}${reason === '' ? '' : `: ${reason}`}`, by: 'the ledger' }];
}

function endRow(end: RunEnd): TimelineRow {
  if (end.kind === 'terminated')
    return { atMs: end.atMs, what: `terminated${end.reason === '' ? '' : ` (${end.reason})`}`, by: end.as };
  return { atMs: end.atMs, what: `ended: ${outcomeOf(end)}`, by: null };
}
