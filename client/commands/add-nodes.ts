import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { AdditionRequest } from '../../domain/addition.ts';
import { LONGEST_LOAN_MS, readAdditionRequest } from '../../domain/addition-request.ts';
import { additionId } from '../../domain/names.ts';
import { begun, plannedOrRefused } from '../begun.ts';
import { run, withJson } from '../command.ts';
import { withClient } from '../connect.ts';
import { usage } from '../exit.ts';
import { readLength } from '../length.ts';
import { planOnly, startOnly } from '../start.ts';
import { withAs, withWait, type AskingOptions } from '../terms.ts';
import { whoAmI } from '../who.ts';

interface AddNodesOptions extends AskingOptions {
  readonly count?: string;
  readonly or?: readonly string[];
  readonly for?: string;
  readonly reason?: string;
}

export function registerAddNodes(program: Command, plan: Command): void {
  withTerms(plan.command('add-nodes'))
    .description('what an addition of GPU nodes would do now; touches nothing')
    .action((group: string, options: AddNodesOptions) =>
      run(options, () =>
        withRequest(group, options, async (client, request) =>
          plannedOrRefused(
            await planOnly(client, 'addGpuNodes', {
              id: additionId(group),
              request,
              what: `${request.count} of ${group}`,
            }),
          ),
        ),
      ),
    );
  withWait(withTerms(program.command('add-nodes')))
    .description('more GPU nodes, counted when they can compute; what does not come is not left on order')
    .action((group: string, options: AddNodesOptions) =>
      run(options, () =>
        withRequest(group, options, async (client, request) => {
          const { id } = await start(client, request);
          return begun(client, id, options);
        }),
      ),
    );
}

function start(client: Client, request: AdditionRequest): Promise<{ readonly id: string }> {
  const { group, count } = request;
  const id = additionId(group);
  return startOnly(client, 'addGpuNodes', {
    id,
    request,
    summary: `${group}: ${count} more nodes`,
    taken: `nodes are being added to ${group} already: ${id}; watch it, or end it first with: headroom cancel ${id}`,
  });
}

function withTerms(command: Command): Command {
  return withJson(
    withAs(
      command
        .argument('<group>', 'a node group of headroom.yaml')
        .requiredOption('--count <n>', 'how many more')
        .option(
          '--or <groups...>',
          'other node groups that are asked for what the first one cannot give, in this order',
        )
        .option('--for <duration>', 'for a time, such as 4h; then exactly these nodes are drained and removed')
        .option('--reason <text>', 'why: it stands in the run'),
    ),
  );
}

async function withRequest<T>(
  group: string,
  { count = '', or, for: length, reason, as }: AddNodesOptions,
  act: (client: Client, request: AdditionRequest) => Promise<T>,
): Promise<T> {
  const { ms: forMs, fault } = readLength('for', length, { mostMs: LONGEST_LOAN_MS });
  const { request, faults } = readAdditionRequest({
    group,
    count: count.trim() === '' ? Number.NaN : Number(count),
    requestedBy: as ?? whoAmI(),
    ...(or !== undefined && { orElse: or }),
    ...(forMs !== undefined && { forMs }),
    ...(reason !== undefined && { reason }),
  });
  const all = [...faults.map((fault) => `--${fault}`), ...(fault === undefined ? [] : [fault])];
  if (all.length > 0) throw usage(all);
  return withClient((client) => act(client, request));
}
