import type { Command } from 'commander';
import { judgeGpus, type GpuStatus } from '../../domain/gpu-status.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { askWorker } from '../ask-worker.ts';
import type { gpuStatus } from '../../workflows/gpu-status.ts';

export function registerGpu(program: Command): void {
  withJson(program.command('gpu'))
    .description('GPU nodes, who uses them, who cordoned them, and why a GPU is not there')
    .action((options: OutputOptions) =>
      run(options, () =>
        withClient(async (client) => {
          const facts = await askWorker<typeof gpuStatus>(client, 'gpuStatus', {
            id: 'status.gpu',
            args: [],
            what: 'the GPU nodes',
          });
          const status = judgeGpus(facts);
          return { value: status, text: gpuText(status), code: status.isWell ? EXIT.done : EXIT.failed };
        }),
      ),
    );
}

function gpuText({ nodes, findings }: GpuStatus): string {
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
  pods,
}: GpuStatus['nodes'][number]): readonly string[] {
  const of = gpus.expected === null || gpus.expected === gpus.allocatable ? '' : ` (its type has ${gpus.expected})`;
  const busy = utilisation === null ? '' : `, ${Math.round(utilisation)} % busy`;
  return [
    `${name}  ${instanceId ?? 'no instance'}  ${type}  ${group ?? 'no node group'}  ${gpus.used} of ${gpus.allocatable} GPUs used${of}${busy}`,
    ...pods.map((pod) => `    ${pod}`),
  ];
}
