import { userInfo, hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { PreScaleRequest } from '../../domain/pre-scale.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { EXIT, failed, refused } from '../exit.ts';
import { readPreScale, type PreScaleOptions } from '../request.ts';
import { viewRun } from '../runs.ts';
import { planPreScale, startPreScale, untilWorkerTook } from '../start.ts';
import { planText, runText } from '../text.ts';
import { exitCodeOf, watchRun } from '../watch.ts';

/** A plan takes a second; where the cluster does not answer, the run goes on trying and the command need not stay. */
const PLAN_MS = 30_000;

interface StartOptions extends PreScaleOptions, OutputOptions {
  readonly wait?: boolean;
}

/** The event's options, which the plan and the run have in common. */
function withEvent(command: Command): Command {
  return withJson(
    command
      .argument('<workload>', 'a workload of headroom.yaml')
      .requiredOption('--event <name>', 'a slug, such as black-friday')
      .requiredOption('--starts <time>', 'ISO 8601 with an offset, such as 2026-11-27T09:00:00Z')
      .requiredOption('--ends <time>', 'ISO 8601 with an offset')
      .option('--replicas <n>', 'at least this many')
      .option('--factor <f>', 'this many times the count of when the lead begins')
      .option('--lead <duration>', 'how long before the start, such as 30m (default: the policy’s)')
      .option('--as <who>', 'who asks (default: user@host)')
      .option('--note <text>', 'why'),
  );
}

export function whoAmI(): string {
  return `${process.env['USER'] ?? userInfo().username}@${hostname()}`;
}

export function registerPreScale(program: Command, plan: Command): void {
  withEvent(plan.command('pre-scale'))
    .description('what a pre-scale would do; touches nothing')
    .action((workload: string, options: StartOptions) =>
      run(options, () =>
        withRequest(workload, options, async (client, request) => {
          const result = await planPreScale(client, request);
          if (result.outcome === 'refused') throw refused(result.reasons);
          if (result.outcome !== 'planned') throw failed(`the plan ended as ${result.outcome}`);
          return { value: result, text: planText(result.plan, result.planHash) };
        }),
      ),
    );

  withEvent(program.command('pre-scale'))
    .description('capacity for a planned event: there before it, held through it, gone when the load has gone')
    .option('--wait', 'stay until the run has ended; its outcome is the exit code')
    .action((workload: string, options: StartOptions) =>
      run(options, () =>
        withRequest(workload, options, async (client, request) => {
          const { id } = await startPreScale(client, request);
          await untilWorkerTook(client, id);
          if (options.wait === true) {
            const view = await watchRun(client, id);
            return { value: view, text: runText(view), code: exitCodeOf(view) };
          }
          return begun(client, id);
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

/** Stays until the run has its plan or has refused, so that the exit code tells. */
async function begun(client: Client, id: string) {
  const untilMs = Date.now() + PLAN_MS;
  for (;;) {
    const view = await viewRun(client, id);
    if (view.result?.outcome === 'refused') throw refused(view.result.reasons, { id });
    if (view.state !== 'RUNNING') return { value: view, text: runText(view), code: exitCodeOf(view) };
    if (view.status !== null && view.status.phase !== 'planning' && view.status.phase !== 'done') {
      const { plan, planHash } = view.status;
      const text = plan === null ? runText(view) : planText(plan, planHash ?? '');
      const next =
        view.status.phase === 'waiting for approval'
          ? `it waits for somebody else: headroom approve ${id} --plan ${(planHash ?? '').slice(0, 8)}`
          : `follow it with: headroom watch ${id}`;
      return { value: view, text: `${text}\nstarted ${id}; ${next}`, code: EXIT.done };
    }
    if (Date.now() > untilMs)
      return { value: view, text: `${runText(view)}\nstarted ${id}; it still makes its plan`, code: EXIT.done };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
