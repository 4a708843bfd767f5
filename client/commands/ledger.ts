import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from 'commander';
import { ledgerId } from '../../domain/names.ts';
import { ledgerQuery, type LedgerView } from '../../workflows/messages.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { CommandFailed, failed, refused } from '../exit.ts';
import { ledgerText } from '../text.ts';

const ANSWER_MS = 5_000;

export function registerLedger(program: Command): void {
  withJson(program.command('ledger').argument('[workload]', 'one workload (default: all that were ever held)'))
    .description('the live claims on a workload and what stands on its governor')
    .action((workload: string | undefined, options: OutputOptions) =>
      run(options, () =>
        withClient(async (client) => {
          const names = workload === undefined ? await heldWorkloads(client) : [workload];
          const views = await Promise.all(names.map((name) => ask(client, name)));
          const text = views.length === 0 ? 'nothing was ever held' : views.map(ledgerText).join('\n');
          return { value: workload === undefined ? views : views[0], text };
        }),
      ),
    );
}

async function heldWorkloads(client: Client): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { workflowId } of client.workflow.list({
    query: "WorkflowType = 'capacityLedger' AND ExecutionStatus = 'Running'",
  }))
    names.push(workflowId.slice(ledgerId('').length));
  return names.toSorted();
}

async function ask(client: Client, workload: string): Promise<LedgerView> {
  try {
    const { status } = await client.workflow.getHandle(ledgerId(workload)).describe();
    if (status.name !== 'RUNNING')
      throw refused([
        `the ledger of ${workload} is ${status.name.toLowerCase()}; the next claim starts it anew from what stands on the object`,
      ]);
    return await client.connection.withDeadline(Date.now() + ANSWER_MS, () =>
      client.workflow.getHandle(ledgerId(workload)).query(ledgerQuery),
    );
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    if (!(error instanceof WorkflowNotFoundError))
      throw failed(`the ledger of ${workload} does not answer: is a worker running?`);
    const known = await heldWorkloads(client);
    throw refused([
      `${workload} has no ledger: nothing was ever claimed of it; ${known.length === 0 ? 'there are no ledgers' : `known are ${known.join(', ')}`}`,
    ]);
  }
}
