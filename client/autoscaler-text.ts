import type { AutoscalerStatus } from '../domain/autoscaler-status.ts';

/** What needs a person stands in capitals, as a question of a run does. */
export function autoscalerText(workload: string, { findings, isWell }: AutoscalerStatus): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const needed = findings.filter(({ needsPerson }) => needsPerson).length;
  return [
    `${workload}  ${isWell ? 'all is well' : `${needed} of these ${needed === 1 ? 'needs' : 'need'} a person`}`,
    ...findings.flatMap(({ what, says, needsPerson, help }) => [
      `  ${(needsPerson ? what.toUpperCase() : what).padEnd(width)}  ${says}`,
      ...(help === undefined ? [] : [`  ${''.padEnd(width)}  to mend it: ${help}`]),
    ]),
  ].join('\n');
}
