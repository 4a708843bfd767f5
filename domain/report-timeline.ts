import type { AlertNotice } from './alerts.ts';
import { formatDuration } from './duration.ts';
import type { Evidence } from './evidence.ts';
import type { RunStatus } from './procedures.ts';
import { describeClaim } from './claim.ts';
import { readAsked } from './report-asked.ts';
import { outcomeOf, type RunEnd, type RunFacts, type RunStep, type SteeringStep } from './run-facts.ts';

export interface TimelineRow {
  readonly atMs: number;
  readonly what: string;
  /** null: the run itself. */
  readonly by: string | null;
}
export interface SteeringRow extends TimelineRow {
  readonly note: string | null;
}

/** What an operator said, in words; what is newer than this table stands with its own name. */
export type Sayings = Readonly<Record<string, (words: Readonly<Record<string, unknown>>) => string>>;

export const COMMON_SAYINGS: Sayings = {
  approve: () => 'approved the plan',
  reject: () => 'rejected the plan',
  suspend: () => 'suspended the run',
  resume: () => 'resumed the run',
};
const SAYINGS: Sayings = {
  ...COMMON_SAYINGS,
  endNow: () => 'declared the event over',
  skipWait: () => 'skipped the wait for quiet',
  extend: ({ forMs }) => `extended the event by ${lengthOf(forMs)}`,
  amendFloor: ({ floor }) => `asked for a floor of ${String(floor)}`,
  retryUndo: () => 'had the undo tried again',
};

/** As it was typed where it is no length. */
export function lengthOf(forMs: unknown): string {
  return typeof forMs === 'number' ? formatDuration(forMs) : String(forMs);
}

function sayingOf(name: string, words: Readonly<Record<string, unknown>>, sayings: Sayings): string {
  const known = Object.hasOwn(sayings, name) ? sayings[name] : undefined;
  if (known !== undefined) return known(words);
  const rest = Object.entries(words).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return [`sent ${name}`, ...rest].join(', ');
}

const CANCELLED = 'cancelled the run';

export function steeringOf(steps: readonly AnyStep[], sayings: Sayings = SAYINGS): readonly SteeringRow[] {
  return steps.filter(isSteering).map((step) => {
    const what = step.kind === 'cancelled' ? CANCELLED : sayingOf(step.name, step.words, sayings);
    return { atMs: step.atMs, by: step.as, what, note: step.note };
  });
}

/** Of whichever history. */
type AnyStep = { readonly kind: string; readonly atMs: number };

function isSteering(step: AnyStep): step is SteeringStep {
  return step.kind === 'steered' || step.kind === 'cancelled';
}

/** The run's own words where they are left; else what its history tells. Whoever steered stands in it either way. */
export function timelineOf(run: RunFacts, said: RunStatus['timeline'] | undefined): readonly TimelineRow[] {
  const { asked, startedAtMs, steps, end } = run;
  const { what, event } = readAsked(run);
  return inOneOrder({
    asked: { atMs: startedAtMs, what: `asked for ${what} for ${event.name}`, by: asked.request.requestedBy },
    said,
    told: steps.flatMap(rowOf),
    besides: steps.flatMap(troubleRow),
    steering: steeringOf(steps),
    end,
  });
}

/** All that is known of a run, each thing once. */
export function inOneOrder({
  asked,
  said,
  told,
  besides = [],
  steering,
  end,
}: {
  readonly asked: TimelineRow;
  /** The run's own words; undefined: they are lost. */
  readonly said: RunStatus['timeline'] | undefined;
  /** What its history tells instead. */
  readonly told: readonly TimelineRow[];
  /** What only its history tells. */
  readonly besides?: readonly TimelineRow[];
  readonly steering: readonly SteeringRow[];
  readonly end: RunEnd | null;
}): readonly TimelineRow[] {
  const own = said?.map((row) => withSpeaker(row, steering)) ?? told;
  // no run says who cancelled it, also where it names them for something else
  const unsaid = steering.filter(
    ({ what, by, note }) => what === CANCELLED || !said?.some((row) => row.what.includes(noted(by, note))),
  );
  const rows = [
    asked,
    ...own,
    ...unsaid.map(({ atMs, what, by, note }) => ({ atMs, what: note === null ? what : `${what} (${note})`, by })),
    ...besides,
    ...(end === null ? [] : [endRow(end)]),
  ];
  return rows.toSorted((a, b) => a.atMs - b.atMs);
}

/** As the run writes down who steered it. */
function noted(by: string | null, note: string | null): string {
  return ` by ${by}${note === null ? '' : ` (${note})`}`;
}

function withSpeaker({ atMs, what }: RunStatus['timeline'][number], steering: readonly SteeringRow[]): TimelineRow {
  const speaker = steering.find(({ by, note }) => what.includes(noted(by, note)));
  if (speaker === undefined) return { atMs, what, by: null };
  const { by, note } = speaker;
  return { atMs, what: what.replace(noted(by, note), note === null ? '' : ` (${note})`), by };
}

function rowOf(step: RunStep): readonly TimelineRow[] {
  const { atMs } = step;
  switch (step.kind) {
    case 'claimed':
      return [
        { atMs, what: `asked the ledger for ${step.asks === null ? 'capacity' : describeClaim(step.asks)}`, by: null },
      ];
    case 'alerts':
      return [{ atMs, what: `heard of alerts: ${toldWords(step.notices)}`, by: null }];
    case 'evidence':
      return [{ atMs, what: evidenceWords(step.evidence), by: null }];
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
      return [
        {
          atMs,
          what: step.reasons.length === 0 ? 'the load is low' : `the load is not low: ${step.reasons.join('; ')}`,
          by: null,
        },
      ];
    case 'load back':
      return [{ atMs, what: `the load is back: ${step.reasons.join('; ')}`, by: null }];
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

function toldWords(notices: readonly AlertNotice[]): string {
  const words = notices.map(({ name, status }) => (status === 'firing' ? name : `${name} resolved`));
  return [...new Set(words)].join(', ');
}

/** In the words of the run itself. */
export function evidenceWords({ kind, reasons }: Pick<Evidence, 'kind' | 'reasons'>): string {
  return `${kind === 'saturated' ? 'saturated' : 'pods may not be what is missing'}: ${reasons.join('; ')}`;
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
