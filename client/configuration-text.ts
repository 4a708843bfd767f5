import type { ConfigurationPlan } from '../domain/configuration.ts';
import type { RunResult } from '../domain/procedures.ts';
import { time } from './time.ts';

export function configurationPlanText(plan: ConfigurationPlan, hash: string): string {
  const { workload, cluster, what, governor, differences, untilMs, warnings } = plan;
  return [
    `${what === 'calm' ? 'calm the autoscaler' : 'configuration of the autoscaler'} of ${workload} on ${cluster}: ${governor.kind} ${governor.name}`,
    ...differences.map((line) => `  change    ${line}`),
    untilMs === null
      ? '  until     somebody changes it again; it is taken back where it is not seen to work'
      : `  until     ${time(untilMs)}, then the old values come back by themselves`,
    ...warnings.map((warning) => `  warning   ${warning}`),
    `  plan      ${hash}`,
  ].join('\n');
}

export function configurationResultLines(
  result: Extract<RunResult, { readonly outcome: 'configured' | 'undone' }>,
): readonly string[] {
  return [
    `  result    ${result.outcome}${result.restored ? ' (the old values are back)' : ''}`,
    ...result.reasons.map((reason) => `            - ${reason}`),
    ...result.changes.map((change) => `  change    ${change}`),
    ...result.drift.map((drift) => `  drift     ${drift}`),
  ];
}
