import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { EmergencyRequest } from '../../domain/emergency.ts';
import { readEmergencyRequest } from '../../domain/emergency-request.ts';
import { begun, plannedOrRefused } from '../begun.ts';
import { run, withJson } from '../command.ts';
import { withClient } from '../connect.ts';
import { usage } from '../exit.ts';
import { planEmergency, startEmergency } from '../start.ts';
import { onWorkload, withAs, withWait, type AskingOptions } from '../terms.ts';
import { whoAmI } from '../who.ts';

interface EmergencyOptions extends AskingOptions {
  readonly factor?: string;
  readonly mode?: string;
  readonly reason?: string;
}

export function registerEmergency(program: Command, plan: Command): void {
  withTerms(plan.command('emergency'))
    .description('what an emergency scale-up would do now; touches nothing')
    .action((workload: string, options: EmergencyOptions) =>
      run(options, () =>
        withRequest(workload, options, async (client, request) =>
          plannedOrRefused(await planEmergency(client, request)),
        ),
      ),
    );
  withWait(withTerms(program.command('emergency')))
    .description('capacity at once, with scale-in stopped; given back when the load has gone')
    .action((workload: string, options: EmergencyOptions) =>
      run(options, () =>
        withRequest(workload, options, async (client, request) => {
          const { id } = await startEmergency(client, request);
          return begun(client, id, options);
        }),
      ),
    );
}

function withTerms(command: Command): Command {
  return withJson(
    withAs(
      onWorkload(command)
        .option('--factor <f>', 'this many times the count of now (default: the policy’s)')
        .option(
          '--mode <mode>',
          'freeze (no scale-in, scale-out alive) or pause (exactly so many); default: the policy’s',
        )
        .option('--reason <text>', 'why: it stands in the report and on the object'),
    ),
  );
}

async function withRequest<T>(
  workload: string,
  { factor, mode, reason, as }: EmergencyOptions,
  act: (client: Client, request: EmergencyRequest) => Promise<T>,
): Promise<T> {
  const { request, faults } = readEmergencyRequest({
    workload,
    requestedBy: as ?? whoAmI(),
    ...(factor !== undefined && { factor: factor.trim() === '' ? Number.NaN : Number(factor) }),
    ...(mode !== undefined && { mode }),
    ...(reason !== undefined && { reason }),
  });
  if (faults.length > 0) throw usage(faults.map((fault) => `--${fault}`));
  return withClient((client) => act(client, request));
}
