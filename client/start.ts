import { randomBytes } from 'node:crypto';
import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { describeTarget } from '../domain/capacity-plan.ts';
import type { EmergencyRequest } from '../domain/emergency.ts';
import { emergencyId, FIRST, preScaleId, QUEUES } from '../domain/names.ts';
import type { PreScaleRequest } from '../domain/pre-scale.ts';
import type { RunResult, RunStatus } from '../domain/procedures.ts';
import { alertsUpdate, statusQuery } from '../workflows/messages.ts';
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
  const summary = `${workload}: ${describeTarget(target)} for ${event.name}`;
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

/** Starts the run; one that is under way is named instead, one that only cools down makes way. */
export async function startEmergency(client: Client, request: EmergencyRequest): Promise<{ readonly id: string }> {
  const { workload, reason, requestedBy } = request;
  const id = emergencyId(workload);
  for (;;) {
    try {
      await client.workflow.start('emergencyScaleUp', {
        workflowId: id,
        taskQueue: QUEUES.urgent,
        args: [request],
        workflowTaskTimeout: '5s',
        priority: FIRST,
        staticSummary: `${workload}: emergency`,
        staticDetails: `asked for by ${requestedBy}${reason === undefined ? '' : `: ${reason}`}`,
        workflowIdConflictPolicy: 'FAIL',
      });
      return { id };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (!(await makesWay(client, id, requestedBy)))
        throw refused(
          [`${workload} has an emergency already: ${id}; watch it, amend or extend it, or cancel it first`],
          { running: id },
        );
    }
  }
}

/** Starts the only run of its id; where one is under way it is a refusal, in these words. */
export async function startOnly(
  client: Client,
  procedure: RunStatus['procedure'],
  {
    id,
    request,
    summary,
    taken,
  }: {
    readonly id: string;
    readonly request: { readonly requestedBy: string; readonly reason?: string };
    /** What it works on, and what it does there. */
    readonly summary: string;
    readonly taken: string;
  },
): Promise<{ readonly id: string }> {
  const { requestedBy, reason } = request;
  try {
    await client.workflow.start(procedure, {
      workflowId: id,
      taskQueue: QUEUES.procedures,
      args: [request],
      staticSummary: summary,
      staticDetails: `asked for by ${requestedBy}${reason === undefined ? '' : `: ${reason}`}`,
      workflowIdConflictPolicy: 'FAIL',
    });
    return { id };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw refused([taken], { running: id });
  }
}

/** To a run that cools down an operator's word is a new firing, which ends it. */
async function makesWay(client: Client, id: string, requestedBy: string): Promise<boolean> {
  const handle = client.workflow.getHandle(id);
  const { phase } = await handle.query(statusQuery);
  if (phase === 'done') await new Promise((resolve) => setTimeout(resolve, 100));
  if (phase !== 'cooling down') return phase === 'done';
  const startsAtMs = Date.now();
  const notice = {
    key: `operator@${startsAtMs}`,
    name: `request of ${requestedBy}`,
    status: 'firing',
    startsAtMs,
  } as const;
  // one that has closed meanwhile has made way
  await handle.executeUpdate(alertsUpdate, { args: [{ notices: [notice] }] }).catch((error: unknown) => {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  });
  await handle.result().catch(() => undefined);
  return true;
}

/** The plan of a pre-scale. */
export function planPreScale(client: Client, request: PreScaleRequest): Promise<RunResult> {
  const id = preScaleId(request.workload, request.event.name);
  return planOnly(client, 'preScale', { id, request, what: `${request.workload} for ${request.event.name}` });
}

/** The same for an emergency. */
export function planEmergency(client: Client, request: EmergencyRequest): Promise<RunResult> {
  const { workload } = request;
  return planOnly(client, 'emergencyScaleUp', { id: emergencyId(workload), request, what: workload });
}

/** Runs a procedure as far as its plan, under an id of its own that `runs` does not list. */
export async function planOnly(
  client: Client,
  procedure: RunStatus['procedure'],
  { id, request, what }: { readonly id: string; readonly request: object; readonly what: string },
): Promise<RunResult> {
  const handle = await client.workflow.start(procedure, {
    workflowId: `plan.${id}.${randomBytes(4).toString('hex')}`,
    taskQueue: QUEUES.procedures,
    args: [{ ...request, planOnly: true }],
    staticSummary: `plan only: ${what}`,
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
