import {
  type Client,
  isGrpcServiceError,
  ServiceError,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure, type Workflow } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { failure, messageOf } from '../activities/failure.ts';
import type { Call, LedgerPort, RunPort } from '../activities/ports.ts';
import { FIRST, ledgerId, QUEUES } from '../domain/names.ts';
import type { Accepted, ClaimRequest, ReleaseRequest } from '../workflows/messages.ts';

/** An update is answered within one workflow task; a ledger that is busy writing takes a little longer. */
const DEADLINE_MS = 10_000;

/** The way from an activity to a ledger: update-with-start, so that the first claim starts it. */
export function createLedgerPort(client: Client): LedgerPort {
  /** The update id carries the sequence: a retry is answered with the first reply, an amendment runs its handler (with the claim's id alone it would not). */
  async function tell(
    workload: string,
    update: string,
    id: string,
    request: ClaimRequest | ReleaseRequest,
    call: Call,
  ): Promise<void> {
    const start = new WithStartWorkflowOperation('capacityLedger', ledgerStart(workload));
    const send = () =>
      client.workflow.executeUpdateWithStart<Workflow, Accepted, [ClaimRequest | ReleaseRequest]>(update, {
        updateId: `${id}#${request.sequence}`,
        args: [request],
        startWorkflowOperation: start,
      });
    try {
      await bounded(client, call, send);
    } catch (error) {
      throw ledgerFailure(error, workload);
    }
  }
  return {
    claim: ({ workload, claim, sequence }, call) => tell(workload, 'claim', claim.id, { claim, sequence }, call),
    release: ({ workload, claimId, sequence, now }, call) =>
      tell(workload, 'release', claimId, { claimId, sequence, now }, call),
    async wake(workload, call) {
      await bounded(client, call, () => client.workflow.start('capacityLedger', ledgerStart(workload))).catch(
        (error: unknown) => {
          throw ledgerFailure(error, workload);
        },
      );
    },
  };
}

function ledgerStart(workload: string) {
  return {
    workflowId: ledgerId(workload),
    taskQueue: QUEUES.urgent,
    args: [{ workload }],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowTaskTimeout: '5s' as const,
    priority: FIRST,
    staticSummary: `capacity of ${workload}`,
  };
}

/** Runs of ours, by the claim id that carries workflow id and first run id. */
export function createRunPort(client: Client): RunPort {
  return {
    async isRunning(claimId, call) {
      const [workflowId = '', firstRunId] = claimId.split('/');
      try {
        // without a run id: a run goes on under a new one after continue-as-new or reset, its first run id stays
        const { status, raw } = await bounded(client, call, () => client.workflow.getHandle(workflowId).describe());
        // a paused run is not over: it wants its capacity when it goes on
        const isOpen = status.name === 'RUNNING' || (status.name as string) === 'PAUSED';
        return isOpen && raw.workflowExecutionInfo?.firstRunId === firstRunId;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw failure('apiUnavailable', `Temporal did not say whether ${workflowId} is running: ${detailsOf(error)}`, {
          cause: error,
        });
      }
    },
    async countSince(workflowId, sinceMs, call) {
      const since = new Date(sinceMs).toISOString();
      const query = `WorkflowId = '${workflowId}' AND StartTime >= '${since}' AND HeadroomFloor > 0 AND HeadroomTrigger != 'operator'`;
      try {
        return (await bounded(client, call, () => client.workflow.count(query))).count;
      } catch (error) {
        throw failure('apiUnavailable', `Temporal did not count the runs of ${workflowId}: ${detailsOf(error)}`, {
          cause: error,
        });
      }
    },
    async find(workflowId, call) {
      try {
        const { runId } = await bounded(client, call, () => client.workflow.getHandle(workflowId).describe());
        const handle = client.workflow.getHandle(workflowId, runId);
        const { events } = await bounded(client, call, () => handle.fetchHistory());
        const started = events?.[0]?.workflowExecutionStartedEventAttributes;
        const [input = null] = await decodeArrayFromPayloads(
          client.options.loadedDataConverter,
          started?.input?.payloads,
        );
        return { runId, input };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw failure('apiUnavailable', `Temporal did not say how ${workflowId} was started: ${detailsOf(error)}`, {
          cause: error,
        });
      }
    },
  };
}

/** A call to Temporal with the deadline of every call, and the caller's cancellation. */
export async function bounded<T>(client: Client, { signal }: Call, act: () => Promise<T>): Promise<T> {
  const { connection } = client;
  return connection.withDeadline(Date.now() + DEADLINE_MS, () => connection.withAbortSignal(signal, act));
}

/** A refusal by the ledger's validator is final; everything else is asked again with the same update id. */
function ledgerFailure(error: unknown, workload: string): ApplicationFailure {
  if (
    error instanceof WorkflowUpdateFailedError &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'invalidRequest'
  )
    return error.cause;
  const detail = error instanceof WorkflowUpdateFailedError ? messageOf(error.cause) : detailsOf(error);
  return failure('apiUnavailable', `the ledger of ${workload} did not answer: ${detail}`, { cause: error });
}

export function detailsOf(error: unknown): string {
  // describing wraps what gRPC says
  const said = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(said) ? said.details : messageOf(error);
}
