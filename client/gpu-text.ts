import type { DaemonState, GpuStatus } from '../domain/gpu-status.ts';

export function gpuText({ nodes, findings }: GpuStatus): string {
  return [
    ...(nodes.length === 0 ? ['no GPU nodes'] : nodes.flatMap(nodeText)),
    '',
    ...findings.map(
      ({ subject, says, needsPerson }) => `${needsPerson ? 'NEEDS A PERSON' : 'so it is      '}  ${subject}: ${says}`,
    ),
  ].join('\n');
}

function nodeText({
  name,
  instanceId,
  type,
  group,
  gpus,
  utilisation,
  devicePlugin,
  dcgm,
  pods,
}: GpuStatus['nodes'][number]): readonly string[] {
  const of = gpus.expected === null || gpus.expected === gpus.allocatable ? '' : ` (its type has ${gpus.expected})`;
  const busy = utilisation === null ? '' : `, ${Math.round(utilisation)} % busy`;
  return [
    `${name}  ${instanceId ?? 'no instance'}  ${type}  ${group ?? 'no node group'}  ${gpus.used} of ${gpus.allocatable} GPUs used${of}${busy}, ${daemonText('plugin', devicePlugin)}, ${daemonText('dcgm', dcgm)}`,
    ...pods.map((pod) => `    ${pod}`),
  ];
}

function daemonText(what: string, state: DaemonState): string {
  return state === 'none' ? `no ${what}` : `${what} ${state}`;
}
