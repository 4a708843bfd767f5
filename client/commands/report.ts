import { writeFile } from 'node:fs/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { Option, type Command } from 'commander';
import { writesOf } from '../../domain/ledger-writes.ts';
import { reportOf, type Report } from '../../domain/report.ts';
import { isProcedure } from '../../domain/run-request.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { failed, refused } from '../exit.ts';
import { fetchLedger, fetchRun } from '../facts.ts';
import { capacityPage } from '../report-capacity.ts';
import { pageHtml } from '../report-html.ts';
import { pageMarkdown, pageText } from '../report-page.ts';
import { unknownRun, viewRun } from '../runs.ts';

interface ReportOptions extends OutputOptions {
  readonly format: 'text' | 'markdown';
  readonly html?: string;
}

export function registerReport(program: Command): void {
  withJson(
    program
      .command('report')
      .argument('<run>', 'id of a run')
      .addOption(
        new Option('--format <format>', 'markdown is for an incident document')
          .choices(['text', 'markdown'])
          .default('text'),
      )
      .option('--html <file>', 'writes it into this file besides, as a page to keep or to send'),
  )
    .description('a run for the morning after: who asked and steered, before and after, every write and its reason')
    .action((id: string, options: ReportOptions) =>
      run(options, () =>
        withClient(async (client) => {
          const report = await makeReport(client, id);
          const page = capacityPage(report);
          if (options.html !== undefined) await keep(options.html, pageHtml(page));
          return { value: report, text: options.format === 'markdown' ? pageMarkdown(page) : pageText(page) };
        }),
      ),
    );
}

async function keep(file: string, html: string): Promise<void> {
  await writeFile(file, `${html}\n`).catch((error: unknown) => {
    throw failed(`the page was not written: ${error instanceof Error ? error.message : String(error)}`);
  });
}

/** Everything comes out of Temporal's histories; a worker that answers adds the run's own words. */
async function makeReport(client: Client, id: string): Promise<Report> {
  const described = await client.workflow
    .getHandle(id)
    .describe()
    .catch(async (error: unknown) => {
      if (error instanceof WorkflowNotFoundError) throw await unknownRun(client, id);
      throw error;
    });
  if (described.type === 'configureAutoscaler' || described.type === 'addGpuNodes' || described.type === 'drainGpuNode')
    throw refused([`of this procedure "headroom show ${id}" tells everything; there is no report of it`]);
  if (!isProcedure(described.type))
    throw refused([`${id} is no run of a procedure (it is a ${described.type}); "headroom runs --all" lists them`]);
  const [view, facts] = await Promise.all([viewRun(client, id), fetchRun(client, id, described.runId)]);
  const nowMs = Date.now();
  const histories = await fetchLedger(client, facts.asked.request.workload, {
    fromMs: facts.startedAtMs,
    toMs: facts.end?.atMs ?? nowMs,
  });
  const status = view.runId === facts.runId ? view.status : null;
  return reportOf({ run: facts, status, ledger: histories.length === 0 ? null : writesOf(histories), nowMs });
}
