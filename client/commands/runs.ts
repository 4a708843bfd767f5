import type { Command } from 'commander';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { listRuns, viewRun } from '../runs.ts';
import { runText } from '../text.ts';
import { exitCodeOf, watchRun } from '../watch.ts';

export function registerRuns(program: Command): void {
  withJson(program.command('runs'))
    .description('the runs under way')
    .option('--all', 'ended ones too')
    .action((options: OutputOptions & { readonly all?: boolean }) =>
      run(options, () =>
        withClient(async (client) => {
          const runs = (await listRuns(client, { all: options.all === true })).map(
            ({ workflowId, runId, status, startTime, closeTime, searchAttributes }) => ({
              id: workflowId,
              runId,
              state: status.name,
              phase: String(searchAttributes['HeadroomPhase']?.[0] ?? ''),
              needsPerson: searchAttributes['HeadroomNeedsApproval']?.[0] === true,
              startedAt: startTime.toISOString(),
              closedAt: closeTime?.toISOString() ?? null,
            }),
          );
          const text =
            runs.length === 0
              ? `no runs${options.all === true ? '' : ' under way (--all shows ended ones)'}`
              : runs
                  .map(
                    ({ id, state, phase, startedAt, needsPerson }) =>
                      `${id}  ${state.toLowerCase()}  ${phase}  since ${startedAt.slice(0, 19)}Z${needsPerson && state === 'RUNNING' ? '  NEEDS A PERSON' : ''}`,
                  )
                  .join('\n');
          return { value: runs, text };
        }),
      ),
    );

  withJson(program.command('show').argument('<run>', 'id of a run'))
    .description('one run: where it is, what it did, how it ended')
    .action((id: string, options: OutputOptions) =>
      run(options, () =>
        withClient(async (client) => {
          const view = await viewRun(client, id);
          return { value: view, text: runText(view) };
        }),
      ),
    );

  withJson(program.command('watch').argument('<run>', 'id of a run'))
    .description('follow a run until it ends; its outcome is the exit code')
    .action((id: string, options: OutputOptions) =>
      run(options, () =>
        withClient(async (client) => {
          const view = await watchRun(client, id);
          return { value: view, text: process.stderr.isTTY ? '' : runText(view), code: exitCodeOf(view) };
        }),
      ),
    );
}
