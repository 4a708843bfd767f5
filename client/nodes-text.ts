import type { AdditionPlan } from '../domain/addition.ts';
import { formatDuration } from '../domain/duration.ts';
import type { RunResult, RunStatus } from '../domain/procedures.ts';

export function additionPlanText(plan: AdditionPlan, hash: string): string {
  const { group, cluster, count, before, after, expected, orElse, forMs, costPerHour, costCeiling, currency } = plan;
  const types = expected.map(({ instanceType, gpus, gpu }) => `${instanceType} (${gpus} × ${gpu})`);
  return [
    `${count} more nodes of ${group} on ${cluster} (Auto Scaling group ${plan.autoScalingGroup})`,
    `  desired   ${before.desired} -> ${after.desired}, minimum ${before.min}${plan.holdsMinimum ? ` (${after.desired} for a while when they are there)` : ''}, maximum ${before.max}`,
    `  usable    Ready, without startup taints, with all its GPUs: ${types.join(' or ')}; within ${formatDuration(plan.usableWithinMs)}`,
    `  unmet     what does not come ${orElse.length === 0 ? '' : `is asked of ${orElse.join(', then ')}, and `}is not left on order`,
    forMs === null
      ? '  until     somebody removes them'
      : `  until     ${formatDuration(forMs)} after they can compute; then exactly these are drained and removed`,
    ...(costPerHour === null
      ? []
      : [
          `  cost      at most ${costPerHour} ${currency} an hour${costCeiling === null ? '' : `, ${costCeiling} ${currency} in all`}`,
        ]),
    ...approvalLines(plan),
    ...plan.warnings.map((warning) => `  warning   ${warning}`),
    `  plan      ${hash}`,
  ].join('\n');
}

function approvalLines({ approval }: Pick<AdditionPlan, 'approval'>): readonly string[] {
  if (approval.rule === 'never') return [];
  return [`  approval  by a second person, within ${formatDuration(approval.expiresAfterMs)}`];
}

export function additionResultLines(
  result: Extract<RunResult, { readonly outcome: 'added' | 'partly added' | 'not added' }>,
): readonly string[] {
  const { outcome, asked, nodes, reasons, returned } = result;
  return [
    `  result    ${outcome}: ${nodes.length} of ${asked} nodes${returned ? ', and given back' : ''}`,
    ...reasons.map((reason) => `            - ${reason}`),
    ...nodes.map(nodeLine),
  ];
}

/** What a run on nodes has to show while it is under way. */
export function nodeLines({ addition, phase }: RunStatus): readonly string[] {
  if (addition === undefined || phase === 'done') return [];
  const { before, after, group, nodes } = addition;
  return [`  desired   ${before.desired} -> ${after.desired} of ${group}`, ...nodes.map(nodeLine)];
}

function nodeLine({ name, instanceId, type }: NonNullable<RunStatus['addition']>['nodes'][number]): string {
  return `  node      ${name}, ${instanceId}, ${type}`;
}
