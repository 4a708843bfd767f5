import { planAddition, type AdditionPlan } from './addition.ts';
import { formatDuration } from './duration.ts';
import type { AdditionFacts, AdditionStep } from './node-run-facts.ts';
import type { ApprovalRule } from './policy.ts';
import type { RunStatus } from './procedures.ts';
import { endOf, resultOf, type ReportHead } from './report-head.ts';
import { NODE_SAYINGS } from './report-node-sayings.ts';
import { inOneOrder, steeringOf, type TimelineRow } from './report-timeline.ts';
import { lastOf } from './run-facts.ts';
import { usableOf, type NewNode } from './usable-nodes.ts';

/** What a lead reads the next morning of an addition. */
export interface AdditionReport extends ReportHead {
  readonly procedure: 'addGpuNodes';
  /** The group that was asked first. */
  readonly group: string;
  readonly count: number;
  readonly approval: ApprovalRule | null;
  /** As they were planned: what an hour of all costs, and of a loan the whole. */
  readonly costs: Pick<AdditionPlan, 'currency' | 'costPerHour' | 'costCeiling'> | null;
  /** In the order in which groups were asked; a group that refused to be asked stands in the reasons. */
  readonly orders: readonly OrderRow[];
  readonly nodes: readonly NewNodeRow[];
  /** Of a loan; null: it is none. */
  readonly loan: {
    readonly forMs: number;
    /** All of it has gone again; null while it is not over. */
    readonly returned: boolean | null;
    /** The runs that drain and remove it. */
    readonly drains: readonly string[];
  } | null;
}

export interface OrderRow {
  readonly atMs: number;
  readonly group: string;
  readonly asked: number;
  /** What the group wanted before, with the order, and when the order had come to its end. */
  readonly desired: { readonly from: number; readonly to: number; readonly after: number | null };
  readonly usable: number;
  /** What AWS said of launches that failed, and why the order was not met. */
  readonly said: readonly string[];
}

export interface NewNodeRow {
  /** Null: it has not joined. */
  readonly name: string | null;
  readonly instanceId: string;
  readonly type: string;
  readonly zone: string;
  readonly group: string;
  /** From the order to the first look that found it usable: it may have been so a little earlier. Null: none has. */
  readonly usableAfterMs: number | null;
  readonly missing: readonly string[];
}

export function additionReportOf({
  run,
  status,
  nowMs,
}: {
  readonly run: AdditionFacts;
  /** The run's own words, where a worker answers. */
  readonly status: RunStatus | null;
  readonly nowMs: number;
}): AdditionReport {
  const { request, steps, end, startedAtMs } = run;
  const result = resultOf(end);
  const told = result !== undefined && 'asked' in result ? result : undefined;
  const plan = planAgain(run);
  const what = whatOf(run);
  const steered = steeringOf(steps, NODE_SAYINGS);
  const rows = ordersOf(steps);
  return {
    id: run.id,
    runId: run.runId,
    procedure: 'addGpuNodes',
    cluster: lastOf(steps, 'policy')?.policy.cluster ?? null,
    ...endOf(end, nowMs),
    askedFor: { atMs: startedAtMs, by: request.requestedBy, what, note: request.reason ?? null, trigger: null },
    steered,
    warnings: plan?.warnings ?? [],
    timeline: inOneOrder({
      asked: { atMs: startedAtMs, what: `asked for ${what}`, by: request.requestedBy },
      said: told?.timeline ?? status?.timeline,
      told: steps.flatMap(rowOf),
      besides: steps.flatMap(drainRow),
      steering: steered,
      end,
    }),
    gaps: plan !== undefined || end?.kind === 'completed' ? [] : ['it had not read the group yet: nothing was planned'],
    group: request.group,
    count: request.count,
    approval: plan?.approval.rule ?? null,
    costs: plan ?? null,
    orders: rows.map(({ row }) => row),
    nodes: rows.flatMap(({ nodes }) => nodes),
    loan: loanOf(run, told?.returned ?? null),
  };
}

function whatOf({ request: { group, count, orElse = [], forMs } }: AdditionFacts): string {
  return [
    `${count} more ${count === 1 ? 'node' : 'nodes'} of ${group}`,
    ...(orElse.length === 0 ? [] : [`or of ${orElse.join(', ')}`]),
    ...(forMs === undefined ? [] : [`for ${formatDuration(forMs)}`]),
  ].join(', ');
}

/** No plan is in a history, but all that it was made of is; the first one is of the whole request. */
function planAgain({ request, steps }: AdditionFacts): AdditionPlan | undefined {
  const policy = steps.find((step) => step.kind === 'policy')?.policy;
  const survey = steps.find((step) => step.kind === 'survey');
  const decision = policy && survey && planAddition({ request, policy, surveys: survey.surveys });
  return decision?.kind === 'plan' ? decision.plan : undefined;
}

type Looked = Extract<AdditionStep, { readonly kind: 'looked' }>;

function ordersOf(steps: readonly AdditionStep[]) {
  const placed = steps.filter((step) => step.kind === 'ordered');
  return placed.map(({ atMs, order, updateId }) => {
    const looks = steps.filter((step) => step.kind === 'looked').filter((look) => look.updateId === updateId);
    const standing = looks.at(-1)?.report.standing;
    const back = steps.find(
      (step) => step.kind === 'taken back' && step.order.group === order.group && step.atMs > atMs,
    );
    const isMet = looks.some(({ report }) => report.reasons === undefined);
    const [from, to] = [order.before.desired, order.raised.desired];
    const left = isMet ? to : null;
    const row: OrderRow = {
      atMs,
      group: order.group,
      asked: to - from,
      desired: { from, to, after: back?.kind === 'taken back' ? back.desired : left },
      usable: standing === undefined ? 0 : usableOf(standing).length,
      // afterwards it is only counted what has come
      said: saidOf(looks.filter((look) => back === undefined || look.atMs < back.atMs)),
    };
    return { row, nodes: (standing?.nodes ?? []).map((node) => asRow(node, order.group, looks)) };
  });
}

/** Each once: the words of AWS, and what a look said besides. */
function saidOf(looks: readonly Looked[]): readonly string[] {
  const reasons = looks.flatMap(({ report }) => report.reasons ?? []);
  const failures = looks.flatMap(({ report }) => report.standing.failures.map(({ why }) => why));
  const untold = failures.filter((why) => !reasons.some((reason) => reason.includes(why)));
  return [...new Set([...reasons, ...untold])];
}

function asRow(
  { instanceId, type, zone, node, missing }: NewNode,
  group: string,
  looks: readonly Looked[],
): NewNodeRow {
  const found = looks.find(({ report }) => usableOf(report.standing).some((one) => one.instanceId === instanceId));
  const usableAfterMs = found === undefined ? null : found.atMs - found.orderedAtMs;
  return { name: node?.name ?? null, instanceId, type, zone, group, usableAfterMs, missing };
}

function loanOf({ request: { forMs }, steps }: AdditionFacts, returned: boolean | null): AdditionReport['loan'] {
  if (forMs === undefined) return null;
  return { forMs, returned, drains: steps.flatMap((step) => (step.kind === 'drain begun' ? [step.id] : [])) };
}

function rowOf(step: AdditionStep): readonly TimelineRow[] {
  return wordsOf(step).map((what) => ({ atMs: step.atMs, what, by: null }));
}

/** In the words of the run itself. */
function wordsOf(step: AdditionStep): readonly string[] {
  switch (step.kind) {
    case 'ordered': {
      const { group, before, raised } = step.order;
      const [from, to] = [before.desired, raised.desired];
      return [`${to - from} more nodes of ${group} are ordered: ${from} -> ${to}`];
    }
    case 'looked': {
      const { standing, reasons } = step.report;
      return [reasons === undefined ? `${usableOf(standing).length} new nodes can compute` : reasons.join('; ')];
    }
    case 'minimum raised':
      return [`the minimum of ${step.order.group} is ${step.min} for a while`];
    case 'minimum given back':
      return [`the minimum of ${step.order.group} is ${step.min}${step.min === step.order.before.min ? ' again' : ''}`];
    case 'taken back':
      return [`${step.order.group} wants ${step.desired} nodes and has ${step.instances}: nothing more is on order`];
    case 'policy':
    case 'survey':
    case 'drain begun':
    case 'steered':
    case 'cancelled':
      return [];
  }
}

/** Of which the run says nothing by itself. */
function drainRow(step: AdditionStep): readonly TimelineRow[] {
  if (step.kind !== 'drain begun') return [];
  return [{ atMs: step.atMs, what: `${step.id} drains and removes what was lent`, by: null }];
}
