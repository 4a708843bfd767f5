import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { PreScaleRequest } from '../../domain/pre-scale.ts';
import { run, withJson } from '../command.ts';
import { withClient } from '../connect.ts';
import { begun, plannedOrRefused } from '../begun.ts';
import { readPreScale, type PreScaleOptions } from '../request.ts';
import { planPreScale, startPreScale } from '../start.ts';
import { onWorkload, withAs, withWait, type AskingOptions } from '../terms.ts';
import { whoAmI } from '../who.ts';

type StartOptions = PreScaleOptions & AskingOptions;

/** The event's options, which the plan and the run have in common. */
function withEvent(command: Command): Command {
  return withJson(
    withAs(
      onWorkload(command)
        .requiredOption('--event <name>', 'a slug, such as black-friday')
        .requiredOption('--starts <time>', 'ISO 8601 with an offset, such as 2026-11-27T09:00:00Z')
        .requiredOption('--ends <time>', 'ISO 8601 with an offset')
        .option('--replicas <n>', 'at least this many')
        .option('--factor <f>', 'this many times the count of when the lead begins')
        .option('--lead <duration>', 'how long before the start, such as 30m (default: the policy’s)')
        .option('--note <text>', 'why'),
    ),
  );
}

export function registerPreScale(program: Command, plan: Command): void {
  withEvent(plan.command('pre-scale'))
    .description('what a pre-scale would do; touches nothing')
    .action((workload: string, options: StartOptions) =>
      run(options, () =>
        withRequest(workload, options, async (client, request) => {
          return plannedOrRefused(await planPreScale(client, request));
        }),
      ),
    );

  withWait(withEvent(program.command('pre-scale')))
    .description('capacity for a planned event: there before it, held through it, gone when the load has gone')
    .action((workload: string, options: StartOptions) =>
      run(options, () =>
        withRequest(workload, options, async (client, request) => {
          const { id } = await startPreScale(client, request);
          return begun(client, id, options);
        }),
      ),
    );
}

/** What is wrong with the words is said before anything is connected to. */
async function withRequest<T>(
  workload: string,
  options: StartOptions,
  act: (client: Client, request: PreScaleRequest) => Promise<T>,
): Promise<T> {
  const request = readPreScale(workload, options, { nowMs: Date.now(), requestedBy: whoAmI() });
  return withClient((client) => act(client, request));
}
