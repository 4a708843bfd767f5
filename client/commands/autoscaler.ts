import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from 'commander';
import { describeNothingToRelease } from '../../domain/autoscaler-release.ts';
import { judgeAutoscaling } from '../../domain/autoscaler-status.ts';
import { LONGEST_HOLD_MS, type CapacityHoldRequest } from '../../domain/capacity-hold.ts';
import { readCapacityHoldRequest } from '../../domain/capacity-hold-request.ts';
import { formatDuration } from '../../domain/duration.ts';
import { capacityHoldId } from '../../domain/names.ts';
import { endNowUpdate } from '../../workflows/messages.ts';
import { readAutoscaling, readScaling } from '../autoscaling.ts';
import { autoscalerText } from '../autoscaler-text.ts';
import { begun, plannedOrRefused } from '../begun.ts';
import { planCapacityHold, startCapacityHold } from '../capacity-hold.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { EXIT, refused, usage } from '../exit.ts';
import { readLength } from '../length.ts';
import { hear, sendUpdate } from '../updates.ts';
import { onWorkload, withAs, withWait, type AskingOptions } from '../terms.ts';
import { whoAmI } from '../who.ts';
import { registerConfiguration } from './configure.ts';
import { by, type SteerOptions } from './steer.ts';

interface HoldOptions extends AskingOptions {
  readonly for?: string;
  readonly mode: string;
  readonly reason?: string;
}

export function registerAutoscaler(program: Command, plan: Command): void {
  withTerms(plan.command('autoscaler-hold'))
    .description('what a hold of the autoscaler would do now; touches nothing')
    .action((workload: string, options: HoldOptions) =>
      run(options, () =>
        withRequest(workload, options, async (client, request) =>
          plannedOrRefused(await planCapacityHold(client, request)),
        ),
      ),
    );
  const autoscaler = program
    .command('autoscaler')
    .description('how a workload is autoscaled; stop that for a while, or change it');
  registerConfiguration(autoscaler);
  withWait(withTerms(autoscaler.command('hold')))
    .description('no scale-in, or neither in nor out, until a date; then it ends by itself')
    .action((workload: string, options: HoldOptions) =>
      run(options, () =>
        withRequest(workload, options, async (client, request) => {
          const { id } = await startCapacityHold(client, request);
          return begun(client, id, options);
        }),
      ),
    );
  withJson(onWorkload(autoscaler.command('release')))
    .description('end the hold that "autoscaler hold" began; somebody else’s pause is named, and stays')
    .option('--as <who>', 'who says so (default: user@host)')
    .option('--note <text>', 'why')
    .action((workload: string, options: SteerOptions) =>
      run(options, () => withClient((client) => release(client, workload, options))),
    );
  withJson(onWorkload(autoscaler.command('status')))
    .description('who governs and who holds it, whether its metrics are read, and what is paused in its namespace')
    .action((workload: string, options: OutputOptions) =>
      run(options, () =>
        withClient(async (client) => {
          const known = await readAutoscaling(client, workload);
          const status = judgeAutoscaling(known);
          const value = { workload, ...status, facts: known.facts };
          return { value, text: autoscalerText(workload, status), code: status.isWell ? EXIT.done : EXIT.failed };
        }),
      ),
    );
}

async function release(client: Client, workload: string, options: SteerOptions) {
  const id = capacityHoldId(workload);
  if (await isRunning(client, id))
    return hear(client, id, () => sendUpdate(client, id, { update: endNowUpdate, request: by(options) }));
  const facts = await readScaling(client, workload);
  throw refused(describeNothingToRelease(facts, Date.now()));
}

async function isRunning(client: Client, id: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(id).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

function withTerms(command: Command): Command {
  return withJson(
    withAs(
      onWorkload(command)
        .option('--for <duration>', 'how long, at most 7d, such as 2h; a hold without an end is a forgotten one')
        .option('--mode <mode>', 'freeze (no scale-in, scale-out alive) or pause (exactly the count of now)', 'freeze')
        .option('--reason <text>', 'why: it stands on the object and in the run'),
    ),
  );
}

async function withRequest<T>(
  workload: string,
  { for: duration, mode, reason, as }: HoldOptions,
  act: (client: Client, request: CapacityHoldRequest) => Promise<T>,
): Promise<T> {
  const length = readLength('for', duration, {
    mostMs: LONGEST_HOLD_MS,
    longer: ', and for longer change the autoscaler’s own configuration',
  });
  const { request, faults } = readCapacityHoldRequest({
    workload,
    mode,
    forMs: length.ms ?? 1,
    requestedBy: as ?? whoAmI(),
    ...(reason !== undefined && { reason }),
  });
  const all = [
    ...(duration === undefined
      ? [`--for is missing; give how long, at most ${formatDuration(LONGEST_HOLD_MS)}, such as 2h`]
      : []),
    ...(length.fault === undefined ? [] : [length.fault]),
    ...faults.map((fault) => `--${fault}`),
  ];
  if (all.length > 0) throw usage(all);
  return withClient((client) => act(client, request));
}
