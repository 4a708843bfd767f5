import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
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
  type Answer,
} from '../../workflows/messages.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { failed, refused, usage } from '../exit.ts';
import { unknownRun } from '../runs.ts';
import { whoAmI } from './pre-scale.ts';

export interface SteerOptions extends OutputOptions {
  readonly as?: string;
  readonly note?: string;
  readonly for?: string;
  readonly floor?: string;
  readonly plan?: string;
  readonly now?: boolean;
}
/** Without a worker nobody validates or answers an update. */
const ANSWER_MS = 10_000;

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
      tell(id, options, (client) => client.workflow.getHandle(id).executeUpdate(update, { args: [by(options)] })),
    );
  steering(program, 'approve', 'approve the plan that waits: a second person’s word')
    .option('--plan <hash>', 'of the plan you have read, as show prints it (default: the one that waits now)')
    .action((id: string, options: SteerOptions) =>
      tell(id, options, async (client) => {
        const handle = client.workflow.getHandle(id);
        const planHash = options.plan ?? (await handle.query(statusQuery)).planHash ?? '';
        return handle.executeUpdate(approveUpdate, { args: [{ ...by(options), planHash }] });
      }),
    );
  steering(program, 'retry-undo', 'ask the ledger again to give back what the owner had')
    .option('--now', 'without the steps of the wind-down')
    .action((id: string, options: SteerOptions) =>
      tell(id, options, (client) =>
        client.workflow
          .getHandle(id)
          .executeUpdate(retryUndoUpdate, { args: [{ ...by(options), ...(options.now === true && { now: true }) }] }),
      ),
    );
  steering(program, 'extend', 'the event ends later')
    .requiredOption('--for <duration>', 'how much later, such as 30m')
    .action((id: string, options: SteerOptions) => {
      const read = readDuration(options.for ?? '');
      return tell(id, options, (client) => {
        if (read.kind === 'fault') throw usage([`--for ${read.message}`]);
        return client.workflow
          .getHandle(id)
          .executeUpdate(extendUpdate, { args: [{ ...by(options), forMs: read.ms }] });
      });
    });
  steering(program, 'amend', 'ask for another number of replicas')
    .requiredOption('--floor <n>', 'at least this many')
    .action((id: string, options: SteerOptions) => {
      const floor = Number(options.floor);
      return tell(id, options, (client) => {
        if (!Number.isSafeInteger(floor) || floor < 1)
          throw usage([`--floor ${options.floor} is not a whole number above 0`]);
        return client.workflow.getHandle(id).executeUpdate(amendFloorUpdate, { args: [{ ...by(options), floor }] });
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

/** Sends one update and prints its answer; what comes back as a fault is said in a person's words. */
export async function tell(id: string, options: SteerOptions, act: (client: Client) => Promise<Answer>): Promise<void> {
  await run(options, () =>
    withClient(async (client) => {
      try {
        const answer = await client.connection.withDeadline(Date.now() + ANSWER_MS, () => act(client));
        return { value: { id, ...answer }, text: `${id}: ${answer.now}` };
      } catch (error) {
        throw await steerFault(client, id, error);
      }
    }),
  );
}

async function steerFault(client: Client, id: string, error: unknown): Promise<unknown> {
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure)
    return refused([error.cause.message], { id });
  if (error instanceof WorkflowNotFoundError) {
    const ended = await client.workflow
      .getHandle(id)
      .describe()
      .catch(() => undefined);
    return ended === undefined
      ? unknownRun(client, id)
      : refused([`${id} has ended (${ended.status.name.toLowerCase()}); nothing can be said to it any more`], { id });
  }
  if (error instanceof Error && /deadline/i.test(error.message))
    return failed(
      `no answer for ${id} yet: no worker runs (headroom worker starts one), or it waits for the ledger; what was said may still be carried out, headroom show ${id} tells`,
    );
  return error;
}
