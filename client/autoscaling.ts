import { randomBytes } from 'node:crypto';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import type { ScalingKnown } from '../domain/autoscaler-status.ts';
import { configurationId, ledgerId, QUEUES } from '../domain/names.ts';
import type { ScalingFacts } from '../domain/scaling-facts.ts';
import { ledgerQuery } from '../workflows/messages.ts';
import { failed, refused } from './exit.ts';
import { viewRun } from './runs.ts';
import { untilWorkerTook } from './start.ts';

/** A ledger that has not answered by then is said nothing of. */
const LEDGER_MS = 2_000;

/** What the cluster says, from a worker, under an id that `runs` does not list. */
export async function readScaling(client: Client, workload: string): Promise<ScalingFacts> {
  const handle = await client.workflow.start('autoscalerStatus', {
    workflowId: `status.autoscaler.${workload}.${randomBytes(4).toString('hex')}`,
    taskQueue: QUEUES.procedures,
    args: [workload],
    staticSummary: `status of ${workload}’s autoscaler`,
    workflowExecutionTimeout: '1m',
  });
  await untilWorkerTook(client, handle.workflowId);
  try {
    return (await handle.result()) as ScalingFacts;
  } catch (error) {
    if (error instanceof WorkflowFailedError) throw faultOf(workload, error);
    throw error;
  }
}

/** The same, with what the ledger and the runs say that hold the workload. */
export async function readAutoscaling(client: Client, workload: string): Promise<ScalingKnown> {
  const facts = await readScaling(client, workload);
  const live = Object.entries(facts.owners).flatMap(([id, lives]) => (lives ? [id] : []));
  const [ledger, settings, ...ends] = await Promise.all([
    askLedger(client, workload),
    askSettings(client, workload),
    ...live.map(async (id): Promise<readonly [string, number | undefined]> => [id, await endOf(client, id)]),
  ]);
  return {
    facts,
    ledger,
    ...(settings !== undefined && { settings }),
    ends: Object.fromEntries(ends.flatMap(([id, endMs]) => (endMs === undefined ? [] : [[id, endMs]]))),
    nowMs: Date.now(),
  };
}

/** What no retry mends is a refusal: a workload that policy does not know, or the cluster does not have. */
function faultOf(workload: string, { cause }: WorkflowFailedError): Error {
  const last = cause instanceof ActivityFailure ? cause.cause : cause;
  const reason = last instanceof TimeoutFailure && last.cause instanceof Error ? last.cause : last;
  const what = reason instanceof Error ? reason.message : String(reason);
  if (reason instanceof ApplicationFailure && reason.nonRetryable === true) return refused([what]);
  return failed(`the autoscaling of ${workload} was not read: ${what}`);
}

async function endOf(client: Client, claimId: string): Promise<number | undefined> {
  const [id = ''] = claimId.split('/');
  const view = await viewRun(client, id).catch(() => undefined);
  return view?.status?.event.endMs;
}

/** A run that has ended by itself has given back what it had to; one that was terminated still tells what that was. */
async function askSettings(client: Client, workload: string): Promise<ScalingKnown['settings']> {
  const id = configurationId(workload);
  const view = await viewRun(client, id).catch(() => undefined);
  const { configuration, event, phase } = view?.status ?? {};
  if (configuration === undefined || event === undefined || phase === 'done') return undefined;
  if (configuration.untilMs === null) return undefined;
  return { id, plan: configuration, untilMs: event.endMs, lives: view?.state === 'RUNNING' };
}

async function askLedger(client: Client, workload: string): Promise<ScalingKnown['ledger']> {
  const handle = client.workflow.getHandle(ledgerId(workload));
  try {
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') return null;
    return await client.connection.withDeadline(Date.now() + LEDGER_MS, () => handle.query(ledgerQuery));
  } catch {
    return null;
  }
}
