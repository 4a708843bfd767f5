import { counted } from '../domain/counted.ts';
import type { DrainPlan, WaitedJob } from '../domain/drain.ts';
import { describeBlocker } from '../domain/drain.ts';
import { formatDuration } from '../domain/duration.ts';
import type { DrainedNodeState, RunResult, RunStatus } from '../domain/procedures.ts';

export function drainPlanText(plan: DrainPlan, hash: string): string {
  const { nodes, group, cluster, remove, wait, interrupt, blockers, warnings, costs, approval } = plan;
  return [
    `${remove ? 'removal' : 'drain'} of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'} on ${cluster}${group === null ? '' : `, of node group ${group}`}`,
    ...nodes.map(
      ({ name, instanceId, instanceType, gpus, wasCordoned }) =>
        `  node      ${name}, ${instanceId}${instanceType === null ? '' : `, ${instanceType}`}, ${gpus} GPUs${wasCordoned ? ', cordoned by somebody already' : ''}`,
    ),
    `  pods      ${podsText(plan)}`,
    ...wait.map(
      (job) => `  wait for  ${jobLine(job, costs.currency)}, at most ${formatDuration(plan.policy.waitForJobsMs)}`,
    ),
    ...wait.flatMap(({ uninterruptible, namespace, name }) =>
      uninterruptible.map(
        ({ why, allow }) => `  FIRM      ${namespace}/${name} may only be waited for: ${why}; ${allow}`,
      ),
    ),
    ...interrupt.map((job) => `  INTERRUPT ${jobLine(job, costs.currency)}`),
    ...blockers.map((blocker) => `  BLOCKED   ${describeBlocker(blocker)}`),
    `  then      ${thenText(plan)}`,
    ...(costs.savedPerHour === null ? [] : [`  saves     ${costs.savedPerHour} ${costs.currency} an hour`]),
    `  undo      ${plan.undo}`,
    ...(approval.rule === 'never'
      ? []
      : [`  approval  by a second person, within ${formatDuration(approval.expiresAfterMs)}`]),
    ...warnings.map((warning) => `  warning   ${warning}`),
    `  plan      ${hash}`,
  ].join('\n');
}

function thenText({ nodes, remove, forMs }: DrainPlan): string {
  if (!remove) return `they stay cordoned for ${formatDuration(forMs ?? 0)}, and are made schedulable again`;
  const claims = nodes.flatMap(({ nodeClaim }) => nodeClaim?.name ?? []);
  if (claims.length === 0) return `exactly these instances are ended, and the group is smaller by ${nodes.length}`;
  if (claims.length === 1) return `exactly NodeClaim ${claims.join()} is deleted, and Karpenter ends its instance`;
  return `exactly NodeClaims ${claims.join(', ')} are deleted, and Karpenter ends their instances`;
}

export function drainResultLines(
  result: Extract<RunResult, { readonly outcome: 'drained' | 'removed' | 'partly removed' | 'not drained' }>,
): readonly string[] {
  const { outcome, reasons, nodes, lost } = result;
  return [
    `  result    ${outcome}`,
    ...reasons.map((reason) => `            - ${reason}`),
    ...nodes.map(drainedLine),
    ...(lost.length === 0 ? [] : [`  LOST      ${lost.join(', ')}: gone meanwhile, and not by headroom`]),
  ];
}

/** Each node, and what has become of it so far. */
export function drainLines({ drain, phase }: RunStatus): readonly string[] {
  return phase === 'done' ? [] : (drain?.nodes ?? []).map(drainedLine);
}

function drainedLine({ name, instanceId, state, evicted }: DrainedNodeState): string {
  return `  node      ${name}, ${instanceId}: ${state}${evicted === 0 ? '' : `, ${counted(evicted, 'pod')} evicted`}`;
}

function jobLine({ kind, namespace, name, nodes, cost }: WaitedJob, currency: string): string {
  const lost = `${cost.nodeHours} node hours${cost.money === null ? '' : `, ${cost.money} ${currency}`}`;
  return `${kind} ${namespace}/${name} on ${nodes.join(', ')} (${lost} would be lost)`;
}

function podsText({ evict, going, leave, wait, interrupt }: DrainPlan): string {
  const jobs = wait.length + interrupt.length === 0 ? '' : ' besides those of the jobs below';
  return [
    `${evict.length} are evicted${jobs}`,
    ...(going.length === 0 ? [] : [`${going.length} are going already`]),
    ...(leave.length === 0 ? [] : [`${leave.length} stay (${reasonsOf(leave)})`]),
  ].join(', ');
}

/** '3 its DaemonSet would put it back, 1 it is over' */
function reasonsOf(leave: DrainPlan['leave']): string {
  const counts = Map.groupBy(leave, ({ why }) => why);
  return [...counts].map(([why, pods]) => `${pods.length}: ${why}`).join('; ');
}
