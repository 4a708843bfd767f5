import { writeFile } from 'node:fs/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { Option, type Command } from 'commander';
import { writesOf } from '../../domain/ledger-writes.ts';
import { isNodeProcedure, type NodeRunFacts } from '../../domain/node-run-facts.ts';
import type { RunStatus } from '../../domain/procedures.ts';
import { reportOf } from '../../domain/report.ts';
import { additionReportOf } from '../../domain/report-addition.ts';
import { drainReportOf } from '../../domain/report-drain.ts';
import type { ReportHead } from '../../domain/report-head.ts';
import type { RunFacts } from '../../domain/run-facts.ts';
import { isProcedure } from '../../domain/run-request.ts';
import { run, withJson, type OutputOptions } from '../command.ts';
import { withClient } from '../connect.ts';
import { failed, refused } from '../exit.ts';
import { fetchLedger, fetchRun } from '../facts.ts';
import { fetchNodeRun } from '../node-facts.ts';
import { capacityPage } from '../report-capacity.ts';
import { pageHtml } from '../report-html.ts';
import { additionPage, drainPage } from '../report-nodes.ts';
import { pageMarkdown, pageText, type Page } from '../report-page.ts';
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
          const { report, page } = await makeReport(client, id);
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

interface Made {
  readonly report: ReportHead;
  readonly page: Page;
}

/** Everything comes out of Temporal's histories; a worker that answers adds the run's own words. */
async function makeReport(client: Client, id: string): Promise<Made> {
  const described = await client.workflow
    .getHandle(id)
    .describe()
    .catch(async (error: unknown) => {
      if (error instanceof WorkflowNotFoundError) throw await unknownRun(client, id);
      throw error;
    });
  const { type, runId } = described;
  if (type === 'configureAutoscaler')
    throw refused([`of this procedure "headroom show ${id}" tells everything; there is no report of it`]);
  const view = await viewRun(client, id);
  const status = view.runId === runId ? view.status : null;
  if (isNodeProcedure(type)) return ofNodes(await fetchNodeRun(client, type, { id, runId }), status);
  if (!isProcedure(type))
    throw refused([`${id} is no run of a procedure (it is a ${type}); "headroom runs --all" lists them`]);
  return ofCapacity(client, await fetchRun(client, id, runId), status);
}

async function ofCapacity(client: Client, run: RunFacts, status: RunStatus | null): Promise<Made> {
  const nowMs = Date.now();
  const histories = await fetchLedger(client, run.asked.request.workload, {
    fromMs: run.startedAtMs,
    toMs: run.end?.atMs ?? nowMs,
  });
  const report = reportOf({ run, status, ledger: histories.length === 0 ? null : writesOf(histories), nowMs });
  return { report, page: capacityPage(report) };
}

function ofNodes(run: NodeRunFacts, status: RunStatus | null): Made {
  const nowMs = Date.now();
  if (run.procedure === 'drainGpuNode') {
    const report = drainReportOf({ run, status, nowMs });
    return { report, page: drainPage(report) };
  }
  const report = additionReportOf({ run, status, nowMs });
  return { report, page: additionPage(report) };
}
