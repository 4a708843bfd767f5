import type { Client } from '@temporalio/client';
import type { ScalingKnown } from '../domain/autoscaler-status.ts';
import { configurationId, ledgerId } from '../domain/names.ts';
import type { ScalingFacts } from '../domain/scaling-facts.ts';
import { ledgerQuery } from '../workflows/messages.ts';
import { viewRun } from './runs.ts';
import type { autoscalerStatus } from '../workflows/autoscaler-status.ts';
import { askWorker } from './ask-worker.ts';

/** A ledger that has not answered by then is said nothing of. */
const LEDGER_MS = 2_000;

/** What the cluster says, from a worker, under an id that `runs` does not list. */
export async function readScaling(client: Client, workload: string): Promise<ScalingFacts> {
  return askWorker<typeof autoscalerStatus>(client, 'autoscalerStatus', {
    id: `status.autoscaler.${workload}`,
    args: [workload],
    what: `${workload}’s autoscaler`,
  });
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
