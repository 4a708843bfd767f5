import { type Client, type WorkflowExecutionInfo, WorkflowNotFoundError } from '@temporalio/client';
import type { RunResult, RunStatus } from '../domain/procedures.ts';
import { statusQuery } from '../workflows/messages.ts';
import { refused } from './exit.ts';

/** What is known of a run from outside: always the server's word, and the run's own where a worker answers. */
export interface RunView {
  readonly id: string;
  readonly runId: string;
  readonly state: string;
  readonly startedAt: string;
  readonly closedAt: string | null;
  readonly status: RunStatus | null;
  readonly result: RunResult | null;
  /** Activities under way: which attempt, and why the last one did not succeed. */
  readonly pending: readonly {
    readonly activity: string;
    readonly attempt: number;
    readonly lastFailure: string | null;
  }[];
  readonly workerAnswers: boolean;
}

/** A worker that has not answered a query by then is said not to answer. */
const QUERY_MS = 2_000;
const LISTED =
  "WorkflowType IN ('preScale', 'emergencyScaleUp', 'stepScale', 'holdCapacity', 'configureAutoscaler', 'addGpuNodes', 'drainGpuNode')";

export async function listRuns(
  client: Client,
  { all }: { readonly all: boolean },
): Promise<readonly WorkflowExecutionInfo[]> {
  const runs: WorkflowExecutionInfo[] = [];
  for await (const one of client.workflow.list({ query: all ? LISTED : `${LISTED} AND ExecutionStatus = 'Running'` })) {
    if (!isPlanOnly(one.workflowId)) runs.push(one);
  }
  return runs;
}

function isPlanOnly(workflowId: string): boolean {
  return workflowId.startsWith('plan.');
}

export async function viewRun(client: Client, id: string): Promise<RunView> {
  const handle = client.workflow.getHandle(id);
  const described = await handle.describe().catch(async (error: unknown) => {
    if (error instanceof WorkflowNotFoundError) throw await unknownRun(client, id);
    throw error;
  });
  const closed = described.status.name !== 'RUNNING';
  const [status, result] = await Promise.all([
    answerWithin(client, () => client.workflow.getHandle(id, described.runId).query(statusQuery)),
    described.status.name === 'COMPLETED'
      ? (client.workflow.getHandle(id, described.runId).result() as Promise<RunResult>)
      : null,
  ]);
  return {
    id,
    runId: described.runId,
    state: described.status.name,
    startedAt: described.startTime.toISOString(),
    closedAt: described.closeTime?.toISOString() ?? null,
    status,
    result,
    pending: closed ? [] : pendingOf(described.raw),
    workerAnswers: status !== null,
  };
}

async function answerWithin<T>(client: Client, ask: () => Promise<T>): Promise<T | null> {
  return client.connection.withDeadline(Date.now() + QUERY_MS, ask).catch(() => null);
}

function pendingOf(raw: {
  readonly pendingActivities?:
    | readonly {
        activityType?: { name?: string | null } | null;
        attempt?: number | null;
        lastFailure?: { message?: string | null } | null;
      }[]
    | null;
}): RunView['pending'] {
  return (raw.pendingActivities ?? []).map(({ activityType, attempt, lastFailure }) => ({
    activity: activityType?.name ?? '',
    attempt: attempt ?? 1,
    lastFailure: lastFailure?.message ?? null,
  }));
}

/** Names what would be accepted: the runs that there are. */
export async function unknownRun(client: Client, id: string): Promise<Error> {
  const known = (await listRuns(client, { all: true })).slice(0, 10).map(({ workflowId }) => workflowId);
  return refused(
    [
      `there is no run ${id}; ${known.length === 0 ? 'there are no runs' : `known are ${[...new Set(known)].join(', ')}`}`,
    ],
    { known },
  );
}
