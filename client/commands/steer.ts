import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { readDuration } from '../../domain/duration.ts';
import {
  amendFloorUpdate,
  approveUpdate,
  endNowUpdate,
  extendUpdate,
  rejectUpdate,
  resumeUpdate,
  retryUndoUpdate,
  skipWaitUpdate,
  statusQuery,
  suspendUpdate,
} from '../../workflows/messages.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { refused, usage } from '../exit.ts';
import { hear, sendUpdate, type Heard } from '../updates.ts';
import { whoAmI } from '../who.ts';

export interface SteerOptions extends OutputOptions {
  readonly as?: string;
  readonly note?: string;
  readonly for?: string;
  readonly floor?: string;
  readonly plan?: string;
  readonly now?: boolean;
}

/** What is said with nothing but a name and a note. */
const PLAIN = [
  { name: 'end', update: endNowUpdate, description: 'the event is over now; quiet is still awaited' },
  { name: 'skip', update: skipWaitUpdate, description: 'let the capacity go without waiting for quiet' },
  { name: 'reject', update: rejectUpdate, description: 'refuse the plan that waits for an approval; the run ends' },
  { name: 'suspend', update: suspendUpdate, description: 'begin no next step until resume; what is claimed stays' },
  { name: 'resume', update: resumeUpdate, description: 'go on after suspend' },
] as const;

export function registerSteering(program: Command): void {
  for (const { name, update, description } of PLAIN)
    steering(program, name, description).action((id: string, options: SteerOptions) =>
      tell(id, options, (client) => sendUpdate(client, id, { update, request: by(options) })),
    );
  steering(program, 'approve', 'approve the plan that waits: a second person’s word')
    .option('--plan <hash>', 'of the plan you have read, as show prints it (default: the one that waits now)')
    .action((id: string, options: SteerOptions) =>
      tell(id, options, async (client) => {
        const planHash = options.plan ?? (await client.workflow.getHandle(id).query(statusQuery)).planHash ?? '';
        return sendUpdate(client, id, { update: approveUpdate, request: { ...by(options), planHash } });
      }),
    );
  steering(program, 'retry-undo', 'ask the ledger again to give back what the owner had')
    .option('--now', 'without the steps of the wind-down')
    .action((id: string, options: SteerOptions) =>
      tell(id, options, (client) =>
        sendUpdate(client, id, {
          update: retryUndoUpdate,
          request: { ...by(options), ...(options.now === true && { now: true }) },
        }),
      ),
    );
  steering(program, 'extend', 'the event ends later')
    .requiredOption('--for <duration>', 'how much later, such as 30m')
    .action((id: string, options: SteerOptions) => {
      const read = readDuration(options.for ?? '');
      return tell(id, options, (client) => {
        if (read.kind === 'fault') throw usage([`--for ${read.message}`]);
        return sendUpdate(client, id, { update: extendUpdate, request: { ...by(options), forMs: read.ms } });
      });
    });
  steering(program, 'amend', 'ask for another number of replicas')
    .requiredOption('--floor <n>', 'at least this many')
    .action((id: string, options: SteerOptions) => {
      const floor = Number(options.floor);
      return tell(id, options, (client) => {
        if (!Number.isSafeInteger(floor) || floor < 1)
          throw usage([`--floor ${options.floor} is not a whole number above 0`]);
        return sendUpdate(client, id, { update: amendFloorUpdate, request: { ...by(options), floor } });
      });
    });
  steering(
    program,
    'cancel',
    'let the capacity go at once, step by step; the run closes when the owner’s values are back',
  ).action((id: string, options: SteerOptions) =>
    tell(id, options, async (client) => {
      const handle = client.workflow.getHandle(id);
      const { status } = await handle.describe();
      if (status.name !== 'RUNNING')
        throw refused([`${id} has ended (${status.name.toLowerCase()}); there is nothing to cancel`]);
      // the handle's own cancel carries no reason; with it Temporal's history says who and why
      const { as, note } = by(options);
      await client.connection.workflowService.requestCancelWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId: id },
        identity: as,
        reason: note ?? `cancelled by ${as}`,
      });
      return { now: 'cancelled; the capacity is let go step by step' };
    }),
  );
}

function steering(program: Command, name: string, description: string): Command {
  return withJson(
    program
      .command(name)
      .argument('<run>', 'id of a run')
      .description(description)
      .option('--as <who>', 'who says so (default: user@host)')
      .option('--note <text>', 'why'),
  );
}

export function by({ as, note }: SteerOptions) {
  return { as: as ?? whoAmI(), ...(note !== undefined && { note }) };
}

/** Says one thing and prints the answer. */
export async function tell(id: string, options: SteerOptions, act: (client: Client) => Promise<Heard>): Promise<void> {
  await run(options, () => withClient((client) => hear(client, id, act)));
}
