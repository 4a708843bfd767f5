import type { Command } from 'commander';
import { judgeGpus } from '../../domain/gpu-status.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { askWorker } from '../ask-worker.ts';
import { gpuText } from '../gpu-text.ts';
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
