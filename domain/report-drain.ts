import type { ApprovalRule } from './policy.ts';
import type { InterruptionCost } from './drain-cost.ts';
import { planDrain, type DrainPlan, type WaitedJob } from './drain.ts';
import { jobName, type JobRef } from './drain-pod.ts';
import { formatDuration } from './duration.ts';
import type { GroupSizes } from './node-group.ts';
import type { DrainFacts, DrainStep } from './node-run-facts.ts';
import type { DrainedNodeState, RunStatus } from './procedures.ts';
import { drainRow } from './report-drain-timeline.ts';
import { endOf, resultOf, type ReportHead } from './report-head.ts';
import { NODE_SAYINGS } from './report-node-sayings.ts';
import { inOneOrder, steeringOf } from './report-timeline.ts';
import { lastOf } from './run-facts.ts';

/** What a lead reads the next morning of a drain. */
export interface DrainReport extends ReportHead {
  readonly procedure: 'drainGpuNode';
  readonly remove: boolean;
  /** The managed node group of the nodes; null: none, or not known. */
  readonly group: string | null;
  /** Whether policy asked for a second person; null: it was not read. */
  readonly approval: ApprovalRule | null;
  readonly nodes: readonly DrainedRow[];
  readonly jobs: readonly JobRow[];
  /** Of the group: as it was found, and the count that it wanted when the last of the nodes had gone. */
  readonly size: { readonly before: GroupSizes | null; readonly after: number | null };
  /** Instances that went meanwhile although nobody asked for it (R58). */
  readonly lost: readonly string[];
  /** Of all costs. */
  readonly currency: string | null;
  /** What an hour without the removed nodes costs less. */
  readonly savedPerHour: number | null;
}

export interface DrainedRow {
  readonly name: string;
  readonly instanceId: string | null;
  readonly type: string | null;
  readonly gpus: number | null;
  readonly state: DrainedNodeState['state'];
  readonly evicted: number;
  readonly cordonedAtMs: number | null;
  readonly emptyAtMs: number | null;
  /** Its instance was told to terminate, or its NodeClaim deleted, and was seen gone. */
  readonly toldAtMs: number | null;
  readonly goneAtMs: number | null;
}

export interface JobRow {
  /** 'Job ml/train' */
  readonly name: string;
  readonly nodes: readonly string[];
  /** What an interruption would have cost without a checkpoint, or did. */
  readonly cost: InterruptionCost;
  readonly became: 'ended' | 'interrupted after a checkpoint' | 'interrupted' | 'runs on';
}

export function drainReportOf({
  run,
  status,
  nowMs,
}: {
  readonly run: DrainFacts;
  /** The run's own words, where a worker answers. */
  readonly status: RunStatus | null;
  readonly nowMs: number;
}): DrainReport {
  const { request, steps, end, startedAtMs } = run;
  const result = resultOf(end);
  const told = result !== undefined && 'lost' in result ? result : undefined;
  const plans = plansOf(run);
  const before = firstSizes(steps);
  const what = whatOf(run);
  const asked = { atMs: startedAtMs, by: request.requestedBy, what, note: request.reason ?? null, trigger: null };
  const steered = steeringOf(steps, NODE_SAYINGS);
  const gone = lastOf(steps, 'gone');
  return {
    id: run.id,
    runId: run.runId,
    procedure: 'drainGpuNode',
    cluster: lastOf(steps, 'policy')?.policy.cluster ?? null,
    ...endOf(end, nowMs),
    askedFor: asked,
    steered,
    warnings: [...new Set(plans.flatMap(({ plan }) => plan.warnings))],
    timeline: inOneOrder({
      asked: { atMs: startedAtMs, what: `asked for ${what}`, by: request.requestedBy },
      said: told?.timeline ?? status?.timeline,
      told: steps.flatMap(drainRow),
      steering: steered,
      end,
    }),
    gaps: plans.length > 0 || end?.kind === 'completed' ? [] : ['it had not read the nodes yet: nothing was planned'],
    remove: request.remove === true,
    group: plans[0]?.plan.group ?? null,
    approval: plans[0]?.plan.approval.rule ?? null,
    nodes: nodeRows(run, plans[0]?.plan, told?.nodes ?? status?.drain?.nodes ?? []),
    jobs: jobRows(run, plans),
    size: { before, after: gone !== undefined && 'desired' in gone.report ? gone.report.desired : null },
    lost: told?.lost ?? [...new Set(steps.flatMap(lostIn))],
    currency: plans[0]?.plan.costs.currency ?? null,
    savedPerHour: plans[0]?.plan.costs.savedPerHour ?? null,
  };
}

function whatOf({ request: { nodes, remove, forMs } }: DrainFacts): string {
  const names = nodes.join(', ');
  if (remove === true) return `removal of ${names}`;
  return `drain of ${names}${forMs === undefined ? '' : `, cordoned for ${formatDuration(forMs)}`}`;
}

interface PlanMade {
  readonly plan: DrainPlan;
  readonly survey: Extract<DrainStep, { readonly kind: 'survey' }>['survey'];
}

/** No plan is in a history, but all that each was made of is: those until the first pod was evicted, which is what was decided on. */
function plansOf({ request, steps }: DrainFacts): readonly PlanMade[] {
  const first = steps.findIndex(({ kind }) => kind === 'evicted');
  const deciding = first === -1 ? steps : steps.slice(0, first);
  const policy = lastOf(deciding, 'policy')?.policy;
  if (policy === undefined) return [];
  return deciding.flatMap((step) => {
    if (step.kind !== 'survey') return [];
    const decision = planDrain({ request, policy, survey: step.survey, nowMs: step.atMs });
    return decision.kind === 'plan' ? [{ plan: decision.plan, survey: step.survey }] : [];
  });
}

function firstSizes(steps: readonly DrainStep[]): GroupSizes | null {
  const first = steps.find((step) => step.kind === 'survey');
  return first?.survey.groups[0]?.state?.live ?? null;
}

function lostIn(step: DrainStep): readonly string[] {
  return step.kind === 'gone' && 'lost' in step.report ? step.report.lost : [];
}

/** The run's own word for each, where it is left; else what its history tells. */
function nodeRows(
  { request, steps }: DrainFacts,
  plan: DrainPlan | undefined,
  known: readonly DrainedNodeState[],
): readonly DrainedRow[] {
  return request.nodes.map((name) => {
    const planned = plan?.nodes.find((node) => node.name === name);
    const own = steps.filter((step) => 'node' in step && step.node.name === name);
    const said = known.find((node) => node.name === name);
    const at = (isIt: (step: DrainStep) => boolean) => own.find(isIt)?.atMs ?? null;
    return {
      name,
      instanceId: planned?.instanceId ?? null,
      type: planned?.instanceType ?? null,
      gpus: planned?.gpus ?? null,
      state: said?.state ?? own.reduce<DrainedNodeState['state']>(stateAfter, 'as it was'),
      evicted: said?.evicted ?? own.reduce((sum, step) => sum + (step.kind === 'evicted' ? step.report.evicted : 0), 0),
      cordonedAtMs: at((step) => step.kind === 'cordoned' && (step.answer === 'cordoned' || step.answer === 'ours')),
      emptyAtMs: own.findLast((step) => step.kind === 'evicted' && step.report.kind === 'empty')?.atMs ?? null,
      toldAtMs: at((step) => step.kind === 'told' && step.answer.kind === 'asked'),
      goneAtMs: at((step) => step.kind === 'gone' && step.report.kind === 'gone'),
    };
  });
}

/** As the run itself notes it. */
function stateAfter(state: DrainedNodeState['state'], step: DrainStep): DrainedNodeState['state'] {
  switch (step.kind) {
    case 'cordoned':
      if (step.answer === 'replaced') return state;
      return step.answer === 'cordoned already' ? 'cordoned by somebody else' : 'cordoned';
    case 'evicted':
      if (step.report.kind === 'empty') return 'emptied';
      if (step.report.kind === 'uncordoned') return 'as it was';
      return step.report.kind === 'held' ? state : 'gone';
    case 'told':
      return step.answer.kind === 'refused' ? state : 'going';
    case 'gone':
      return step.report.kind === 'gone' ? 'removed' : state;
    case 'given back':
      if (step.answer === 'uncordoned') return 'given back';
      return step.answer === 'gone' ? 'gone' : 'cordoned by somebody else';
    case 'policy':
    case 'survey':
    case 'checkpoints asked':
    case 'jobs':
    case 'surge':
    case 'steered':
    case 'cancelled':
      return state;
  }
}

/** Each job that worked there when it was decided what becomes of it, with the cost as it was last reckoned. */
function jobRows({ steps }: DrainFacts, plans: readonly PlanMade[]): readonly JobRow[] {
  const jobs = new Map<string, WaitedJob>();
  for (const { plan } of plans) for (const job of [...plan.wait, ...plan.interrupt]) jobs.set(job.uid, job);
  const evicted = new Set(steps.flatMap((step) => (step.kind === 'evicted' ? step.pods.map(({ uid }) => uid) : [])));
  const isEvicted = (uid: string) =>
    plans.some(({ survey }) => survey.pods.some((pod) => pod.job === uid && evicted.has(pod.uid)));
  return [...jobs.values()].map((job) => ({
    name: jobName(job),
    nodes: job.nodes,
    cost: job.cost,
    became: becameOf(job, steps, isEvicted(job.uid)),
  }));
}

function becameOf({ uid }: JobRef, steps: readonly DrainStep[], isEvicted: boolean): JobRow['became'] {
  const waits = steps.filter((step) => step.kind === 'jobs');
  const isAmong = (jobs: readonly JobRef[] = []) => jobs.some((job) => job.uid === uid);
  if (isEvicted)
    return waits.some(({ report }) => isAmong(report.checkpointed)) ? 'interrupted after a checkpoint' : 'interrupted';
  const last = waits.findLast(({ jobs }) => isAmong(jobs));
  const isLeft = last === undefined || isAmong(last.report.left) || isAmong(last.report.checkpointed);
  return isLeft ? 'runs on' : 'ended';
}
