import { randomBytes } from 'node:crypto';
import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { preScaleId, QUEUES } from '../domain/names.ts';
import type { PreScaleRequest } from '../domain/pre-scale.ts';
import type { RunResult } from '../domain/procedures.ts';
import { failed, refused } from './exit.ts';
import { watchRun } from './watch.ts';

/** A plan needs a worker; without one by then the command says so. */
const WORKER_MS = 10_000;

/** Starts the run; a second run of the same event is refused by its id, and so is one of a window that has been served. */
export async function startPreScale(
  client: Client,
  request: PreScaleRequest,
): Promise<{ readonly id: string; readonly runId: string }> {
  const id = preScaleId(request.workload, request.event.name);
  const window = `${iso(request.event.startMs)}/${iso(request.event.endMs)}`;
  await refuseServedWindow(client, id, window);
  const { workload, event, target } = request;
  const summary = `${workload}: ${target.kind === 'factor' ? `× ${target.factor}` : `${target.replicas} replicas`} for ${event.name}`;
  try {
    const handle = await client.workflow.start('preScale', {
      workflowId: id,
      taskQueue: QUEUES.procedures,
      args: [request],
      memo: { window },
      staticSummary: summary,
      staticDetails: `${iso(event.startMs)} to ${iso(event.endMs)}, asked for by ${request.requestedBy}${request.note === undefined ? '' : `: ${request.note}`}`,
      workflowIdConflictPolicy: 'FAIL',
    });
    return { id, runId: handle.firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw refused(
      [`event ${event.name} of ${workload} has a run already: ${id}; watch it, extend or amend it, or cancel it first`],
      { running: id },
    );
  }
}

/** An event's name may be used again when its window is new, or when the earlier run came to nothing. */
async function refuseServedWindow(client: Client, id: string, window: string): Promise<void> {
  const handle = client.workflow.getHandle(id);
  const earlier = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  });
  if (earlier?.status.name !== 'COMPLETED' || earlier.memo?.['window'] !== window) return;
  const { outcome } = (await handle.result()) as RunResult;
  if (outcome === 'done' || outcome === 'short')
    throw refused([`this window of the event has been served by ${id} (${outcome}); give another window`], {
      served: id,
    });
}

/** Runs the procedure as far as its plan, under an id of its own that `runs` does not list. */
export async function planPreScale(client: Client, request: PreScaleRequest): Promise<RunResult> {
  const handle = await client.workflow.start('preScale', {
    workflowId: `plan.${preScaleId(request.workload, request.event.name)}.${randomBytes(4).toString('hex')}`,
    taskQueue: QUEUES.procedures,
    args: [{ ...request, planOnly: true }],
    staticSummary: `plan only: ${request.workload} for ${request.event.name}`,
    workflowExecutionTimeout: '5m',
  });
  await untilWorkerTook(client, handle.workflowId);
  await watchRun(client, handle.workflowId);
  return handle.result();
}

/** Resolves once a worker has begun the run; says which queue nobody serves otherwise. */
export async function untilWorkerTook(client: Client, id: string): Promise<void> {
  const deadline = Date.now() + WORKER_MS;
  for (;;) {
    const { raw, status } = await client.workflow.getHandle(id).describe();
    const isTaken = (raw.workflowExecutionInfo?.historyLength?.toNumber() ?? 0) > 2;
    if (isTaken || status.name !== 'RUNNING') return;
    if (Date.now() > deadline)
      throw failed(
        `no worker serves the queue ${QUEUES.procedures}: ${id} is started and waits for one; start it with: headroom worker`,
        { id },
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
