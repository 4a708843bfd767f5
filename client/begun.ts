import type { Client } from '@temporalio/client';
import type { RunResult } from '../domain/procedures.ts';
import { EXIT, failed, refused } from './exit.ts';
import { viewRun } from './runs.ts';
import { untilWorkerTook } from './start.ts';
import { planText, runText } from './text.ts';
import { exitCodeOf, watchRun } from './watch.ts';

/** A plan takes a second; where the cluster does not answer, the run goes on trying and the command need not stay. */
const PLAN_MS = 30_000;

/** What a command answers that only plans. */
export function plannedOrRefused(result: RunResult) {
  if (result.outcome === 'refused') throw refused(result.reasons);
  if (result.outcome === 'not needed')
    return { value: result, text: `nothing to change: ${result.reasons.join('; ')}` };
  if (result.outcome !== 'planned') throw failed(`the plan ended as ${result.outcome}`);
  return { value: result, text: planText(result.plan, result.planHash) };
}

/** Stays until the run has its plan or has refused, so that the exit code tells. */
export async function begun(client: Client, id: string, { wait = false }: { readonly wait?: boolean }) {
  await untilWorkerTook(client, id);
  if (wait) {
    const view = await watchRun(client, id);
    return { value: view, text: runText(view), code: exitCodeOf(view) };
  }
  const untilMs = Date.now() + PLAN_MS;
  for (;;) {
    const view = await viewRun(client, id);
    if (view.result?.outcome === 'refused') throw refused(view.result.reasons, { id });
    if (view.state !== 'RUNNING') return { value: view, text: runText(view), code: exitCodeOf(view) };
    if (view.status !== null && view.status.phase !== 'planning' && view.status.phase !== 'done') {
      const { planHash } = view.status;
      const plan =
        view.status.plan ?? view.status.configuration ?? view.status.addition ?? view.status.drain?.plan ?? null;
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
