import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { LONGEST_HOLD_MS } from '../../domain/capacity-hold.ts';
import type { ConfigurationRequest } from '../../domain/configuration.ts';
import { readConfigurationRequest } from '../../domain/configuration-request.ts';
import { LONGEST_STABILISATION_MS } from '../../domain/wanted-settings.ts';
import { begun, plannedOrRefused } from '../begun.ts';
import { run, withJson } from '../command.ts';
import { planConfiguration, startConfiguration } from '../configuration.ts';
import { withClient } from '../connect.ts';
import { usage } from '../exit.ts';
import { readLength } from '../length.ts';
import { onWorkload, withAs, withWait, type AskingOptions } from '../terms.ts';
import { whoAmI } from '../who.ts';

interface ConfigureOptions extends AskingOptions {
  readonly for?: string;
  readonly stabilisation?: string;
  readonly reason?: string;
  readonly plan?: boolean;
}

/** Under `headroom autoscaler`. */
export function registerConfiguration(autoscaler: Command): void {
  withTerms(autoscaler.command('configure'))
    .description('set what governs the workload as headroom.yaml describes it; taken back where it is not seen to work')
    .option('--for <duration>', 'for a time, at most 7d, such as 2h; then the old values come back')
    .action((workload: string, options: ConfigureOptions) => act('policy', workload, options));
  withTerms(autoscaler.command('calm'))
    .description('against a count that swings: scale in only after a longer time of less, until a date')
    .option('--for <duration>', 'how long, at most 7d, such as 2h; then the old values come back')
    .option('--stabilisation <duration>', 'how long it must have been less, at most 1h; default: the policy’s')
    .action((workload: string, options: ConfigureOptions) => act('calm', workload, options));
}

function withTerms(command: Command): Command {
  return withJson(
    withWait(
      withAs(
        onWorkload(command)
          .option('--plan', 'what it would change now; touches nothing')
          .option('--reason <text>', 'why: it stands in the run'),
      ),
    ),
  );
}

function act(what: ConfigurationRequest['what'], workload: string, options: ConfigureOptions): Promise<void> {
  return run(options, () => {
    const request = readRequest(what, workload, options);
    return withClient((client) => carryOut(client, request, options));
  });
}

async function carryOut(client: Client, request: ConfigurationRequest, options: ConfigureOptions) {
  if (options.plan === true) return plannedOrRefused(await planConfiguration(client, request));
  const { id } = await startConfiguration(client, request);
  return begun(client, id, options);
}

function readRequest(
  what: ConfigurationRequest['what'],
  workload: string,
  { for: length, stabilisation, reason, as }: ConfigureOptions,
): ConfigurationRequest {
  const lasts = readLength('for', length, { mostMs: LONGEST_HOLD_MS });
  const waits = readLength('stabilisation', stabilisation, { mostMs: LONGEST_STABILISATION_MS });
  const isEndless = what === 'calm' && length === undefined;
  const { request, faults } = readConfigurationRequest({
    workload,
    what,
    requestedBy: as ?? whoAmI(),
    // what is wrong with these is said in the words of the command
    ...((isEndless || length !== undefined) && { forMs: lasts.ms ?? 1 }),
    ...(stabilisation !== undefined && { stabilisationMs: waits.ms ?? 1 }),
    ...(reason !== undefined && { reason }),
  });
  const all = [
    ...(isEndless ? ['--for is missing; give how long, at most 7d, such as 2h; for good, change headroom.yaml'] : []),
    ...[lasts, waits].flatMap(({ fault }) => (fault === undefined ? [] : [fault])),
    ...faults.map((fault) => `--${fault.replace(/^requestedBy/, 'as')}`),
  ];
  if (all.length > 0) throw usage(all);
  return request;
}
