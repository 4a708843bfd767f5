import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { LONGEST_CORDON_MS, readDrainRequest, type DrainRequest } from '../../domain/drain-request.ts';
import { drainId } from '../../domain/names.ts';
import { begun, plannedOrRefused } from '../begun.ts';
import { run, withJson } from '../command.ts';
import { withClient } from '../connect.ts';
import { usage } from '../exit.ts';
import { readLength } from '../length.ts';
import { planOnly, startOnly } from '../start.ts';
import { withAs, withWait, type AskingOptions } from '../terms.ts';
import { whoAmI } from '../who.ts';

interface DrainOptions extends AskingOptions {
  readonly remove?: boolean;
  readonly for?: string;
  readonly reason?: string;
}

export function registerDrain(program: Command, plan: Command): void {
  withTerms(plan.command('drain'))
    .description('what a drain would do now, and everything that stands in its way; touches nothing')
    .action((nodes: readonly string[], options: DrainOptions) =>
      run(options, () =>
        withRequest(nodes, options, async (client, request) =>
          plannedOrRefused(
            await planOnly(client, 'drainGpuNode', { id: drainId(nodes), request, what: nodes.join(', ') }),
          ),
        ),
      ),
    );
  withWait(withTerms(program.command('drain')))
    .description('empty GPU nodes without killing what works there; with --remove end exactly their instances')
    .action((nodes: readonly string[], options: DrainOptions) =>
      run(options, () =>
        withRequest(nodes, options, async (client, request) => {
          const { id } = await start(client, request);
          return begun(client, id, options);
        }),
      ),
    );
}

function start(client: Client, request: DrainRequest): Promise<{ readonly id: string }> {
  const { nodes, remove } = request;
  const id = drainId(nodes);
  return startOnly(client, 'drainGpuNode', {
    id,
    request,
    summary: `${nodes.join(', ')}: ${remove === true ? 'drain and remove' : 'drain'}`,
    taken: `${nodes[0] ?? ''} is being drained already: ${id}; watch it, or end it first with: headroom cancel ${id}`,
  });
}

function withTerms(command: Command): Command {
  return withJson(
    withAs(
      command
        .argument('<node...>', 'nodes as kubectl get nodes names them, of one node group')
        .option(
          '--remove',
          'end exactly these instances when they are empty, and make the group smaller; of Karpenter, delete their NodeClaims',
        )
        .option('--for <duration>', 'how long the empty nodes stay cordoned, such as 2h (default: the policy’s)')
        .option('--reason <text>', 'why: it stands in the run'),
    ),
  );
}

async function withRequest<T>(
  nodes: readonly string[],
  { remove, for: length, reason, as }: DrainOptions,
  act: (client: Client, request: DrainRequest) => Promise<T>,
): Promise<T> {
  const { ms: forMs, fault } = readLength('for', length, { mostMs: LONGEST_CORDON_MS });
  const { request, faults } = readDrainRequest({
    nodes,
    requestedBy: as ?? whoAmI(),
    ...(remove === true && { remove }),
    ...(forMs !== undefined && { forMs }),
    ...(reason !== undefined && { reason }),
  });
  const all = [...faults, ...(fault === undefined ? [] : [fault])];
  if (all.length > 0) throw usage(all);
  return withClient((client) => act(client, request));
}
