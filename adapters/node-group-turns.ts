import { type Client, WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { failure } from '../activities/failure.ts';
import type { Call, TurnsPort } from '../activities/ports.ts';
import { nodeGroupTurnsId, QUEUES } from '../domain/names.ts';
import type { NodeOrder } from '../domain/node-group.ts';
import { describeBefore, type Turn, type TurnAnswer } from '../domain/turns.ts';
import { bounded, detailsOf } from './temporal.ts';

/** The way from an activity to the queue of a node group: update-with-start, so that who comes first starts it. */
export function createTurnsPort(client: Client): TurnsPort {
  const failed = (group: string, error: unknown) =>
    failure('apiUnavailable', `the queue of node group ${group} did not answer: ${detailsOf(error)}`, { cause: error });
  return {
    async take(group, turn, call: Call) {
      const start = new WithStartWorkflowOperation('nodeGroupTurns', {
        workflowId: nodeGroupTurnsId(group),
        taskQueue: QUEUES.procedures,
        args: [{ group }],
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `turns on node group ${group}`,
      });
      const take = () =>
        client.workflow.executeUpdateWithStart<Workflow, TurnAnswer, [Turn]>('takeTurn', {
          args: [turn],
          startWorkflowOperation: start,
        });
      return bounded(client, call, take).catch((error: unknown) => {
        throw failed(group, error);
      });
    },
    async noteOrder(order, call) {
      const handle = client.workflow.getHandle(nodeGroupTurnsId(order.group));
      const note = () => handle.executeUpdate<TurnAnswer, [NodeOrder]>('noteOrder', { args: [order] });
      const { before } = await bounded(client, call, note).catch((error: unknown) => {
        throw failed(order.group, error);
      });
      if (before.length > 0)
        throw failure('stateConflict', `${order.group} is in other hands by now: ${describeBefore({ before })}`);
    },
    async leave(group, owner, call) {
      const handle = client.workflow.getHandle(nodeGroupTurnsId(group));
      const leave = () =>
        handle.executeUpdate<TurnAnswer, [{ readonly owner: string }]>('leaveTurn', { args: [{ owner }] });
      await bounded(client, call, leave).catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError)) throw failed(group, error);
      });
    },
  };
}
