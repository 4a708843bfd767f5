import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from 'commander';
import { ledgerId } from '../../domain/names.ts';
import { ledgerQuery, restoreUpdate, type LedgerView } from '../../workflows/messages.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { by, tell, type SteerOptions } from './steer.ts';
import { withClient } from '../connect.ts';
import { CommandFailed, failed, refused, usage } from '../exit.ts';
import { ledgerText } from '../text.ts';

const ANSWER_MS = 5_000;

interface LedgerOptions extends SteerOptions {
  readonly offline?: boolean;
}

/** What `restore --offline` does is composed elsewhere: it speaks to the cluster, and not to Temporal. */
export type RestoreOffline = (
  workload: string,
) => Promise<
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }
  | { readonly kind: 'restored'; readonly written: readonly string[]; readonly waitingFor: readonly string[] }
>;

export function registerLedger(program: Command, restoreOffline: RestoreOffline): void {
  withJson(
    program
      .command('ledger')
      .argument('[workload]', 'one workload (default: all that were ever held)')
      .argument('[action]', '"restore": drop every claim and give the owner’s values back at once')
      .option('--offline', 'with restore: from the annotation alone, while Temporal is down')
      .option('--as <who>', 'with restore: who says so (default: user@host)')
      .option('--note <text>', 'with restore: why'),
  )
    .description('the live claims on a workload and what stands on its governor; restore gives it back')
    .action((workload: string | undefined, action: string | undefined, options: LedgerOptions) => {
      if (action === undefined && options.offline !== true) return show(workload, options);
      if (action !== 'restore' || workload === undefined)
        return run(options, () => {
          throw usage([`"${action ?? ''}" is not an action of ledger; "headroom ledger <workload> restore" is`]);
        });
      return options.offline === true
        ? giveBackOffline(workload, options, restoreOffline)
        : tell(ledgerId(workload), options, (client) =>
            client.workflow.getHandle(ledgerId(workload)).executeUpdate(restoreUpdate, { args: [by(options)] }),
          );
    });
}

function show(workload: string | undefined, options: OutputOptions): Promise<void> {
  return run(options, () =>
    withClient(async (client) => {
      const names = workload === undefined ? await heldWorkloads(client) : [workload];
      const views = await Promise.all(names.map((name) => ask(client, name)));
      const text = views.length === 0 ? 'nothing was ever held' : views.map(ledgerText).join('\n');
      return { value: workload === undefined ? views : views[0], text };
    }),
  );
}

function giveBackOffline(workload: string, options: OutputOptions, restoreOffline: RestoreOffline): Promise<void> {
  return run(options, async () => {
    const answer = await restoreOffline(workload);
    if (answer.kind === 'refused') throw refused(answer.reasons);
    const { written, waitingFor } = answer;
    const lines = [
      ...(written.length === 0 && waitingFor.length === 0 ? [`${workload} bears no hold`] : []),
      ...written,
      ...waitingFor.map((one) => `still to come: ${one}; ask again`),
    ];
    return { value: { workload, written, waitingFor }, text: lines.join('\n'), code: waitingFor.length === 0 ? 0 : 1 };
  });
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
