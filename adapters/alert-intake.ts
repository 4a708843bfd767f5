import { randomUUID } from 'node:crypto';
import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure, type Workflow } from '@temporalio/common';
import type { AlertIntake } from '../client/webhook/intake.ts';
import { NO_NEWS, type AlertNotice, type AlertRoute, type Disposition } from '../domain/alerts.ts';
import { emergencyId, FIRST, QUEUES, stepId } from '../domain/names.ts';
import type { AlertsAnswer, AlertsOffer } from '../workflows/messages.ts';

/** Shorter than the webhook's own deadline, so that what went wrong is known and not only that it took long. */
const DEADLINE_MS = 2_000;
/** A run that ends just now is gone within a workflow task; its successor takes the alerts. */
const OVER_PAUSE_MS = 50;

/** The way from the webhook to a run: update-with-start, so that the first alert starts it and all others reach it. */
export function createAlertIntake(client: Client): AlertIntake {
  const { connection } = client;

  async function tell(route: AlertRoute, notices: readonly AlertNotice[]): Promise<readonly Disposition[]> {
    for (;;) {
      // the notices bear their own keys, so the same ones told again are another update that changes nothing
      const update = { updateId: randomUUID(), args: [{ notices }] as [AlertsOffer] };
      const answer = await (mayStart(route, notices)
        ? client.workflow.executeUpdateWithStart<Workflow, AlertsAnswer, [AlertsOffer]>('alerts', {
            ...update,
            startWorkflowOperation: startOf(route),
          })
        : client.workflow.getHandle(idOf(route)).executeUpdate<AlertsAnswer, [AlertsOffer]>('alerts', update));
      if (answer.kind === 'taken') return answer.dispositions;
      await new Promise((resolve) => setTimeout(resolve, OVER_PAUSE_MS));
    }
  }

  return {
    async offer(route, notices, signal) {
      try {
        return await connection.withDeadline(Date.now() + DEADLINE_MS, () =>
          connection.withAbortSignal(signal, () => tell(route, notices)),
        );
      } catch (error) {
        if (isNoNews(error)) return notices.map(() => ({ kind: 'joined', run: idOf(route) }));
        if (error instanceof WorkflowNotFoundError && !mayStart(route, notices))
          return notices.map(() => ({
            kind: 'suppressed',
            by: `no ${route.procedure} of ${route.workload} is under way`,
          }));
        throw error;
      }
    },
    async ready(signal) {
      const { namespace } = client.options;
      await connection.withAbortSignal(signal, () => client.workflowService.describeNamespace({ namespace }));
      return true;
    },
  };
}

function isNoNews(error: unknown): boolean {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === NO_NEWS;
}

/** What is over starts nothing, and neither does what only takes back. */
function mayStart(route: AlertRoute, notices: readonly AlertNotice[]): boolean {
  return route.starts && notices.some(({ status }) => status === 'firing');
}

function idOf({ procedure, workload }: AlertRoute): string {
  return procedure === 'emergencyScaleUp' ? emergencyId(workload) : stepId(workload);
}

function startOf(route: AlertRoute): WithStartWorkflowOperation<Workflow> {
  const { procedure, workload, rule } = route;
  return new WithStartWorkflowOperation(procedure, {
    workflowId: idOf(route),
    taskQueue: QUEUES.urgent,
    args: [{ workload, requestedBy: 'alerts', trigger: `alert ${rule}` }],
    // a worker that dies in the middle of its first task holds the emergency up for this long
    workflowTaskTimeout: '5s',
    staticSummary: `${workload}: ${rule}`,
    ...(procedure === 'emergencyScaleUp' && { priority: FIRST }),
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}
