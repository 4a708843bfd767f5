import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import type { PreScaleRequest } from '../../domain/pre-scale.ts';
import { readHistories } from '../harness/histories.ts';
import { payloadOf, replayable } from './crafted.ts';

interface Event {
  readonly eventType: string;
  readonly startChildWorkflowExecutionInitiatedEventAttributes?: {
    readonly input: { readonly payloads: readonly { readonly data: string }[] };
  };
}

/** A recorded firing that found its id taken, as far as that. */
function firing() {
  const recorded = readHistories()
    .filter(({ name }) => name.startsWith('scheduled.start-scheduled-pre-scale'))
    .map(({ history }) => (history as { readonly events: readonly Event[] }).events)
    .find((all) => all.some(({ eventType }) => eventType === 'EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED'));
  assert.ok(recorded, 'there is a firing that found its id taken');
  const events = recorded.slice(0, 9);
  const asked = events.flatMap(({ startChildWorkflowExecutionInitiatedEventAttributes: child }) => child ?? [])[0];
  const request = Buffer.from(asked?.input.payloads[0]?.data ?? '', 'base64').toString();
  return { events, request: JSON.parse(request) as PreScaleRequest };
}

/** What follows when it looks whose run has the id, and ends like this. */
function andThen(events: readonly Event[], input: unknown, end: object): unknown {
  const more = [
    {
      eventType: 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED',
      activityTaskScheduledEventAttributes: {
        activityId: '1',
        activityType: { name: 'findRun' },
        workflowTaskCompletedEventId: '9',
      },
    },
    {
      eventType: 'EVENT_TYPE_ACTIVITY_TASK_STARTED',
      activityTaskStartedEventAttributes: { scheduledEventId: '10', attempt: 1 },
    },
    {
      eventType: 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED',
      activityTaskCompletedEventAttributes: {
        result: { payloads: [payloadOf({ runId: 'r1', input })] },
        scheduledEventId: '10',
        startedEventId: '11',
      },
    },
    { eventType: 'EVENT_TYPE_WORKFLOW_TASK_SCHEDULED', workflowTaskScheduledEventAttributes: {} },
    {
      eventType: 'EVENT_TYPE_WORKFLOW_TASK_STARTED',
      workflowTaskStartedEventAttributes: { scheduledEventId: '13' },
    },
    {
      eventType: 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED',
      workflowTaskCompletedEventAttributes: { scheduledEventId: '13', startedEventId: '14' },
    },
    end,
  ];
  const eventTime = '2026-11-28T01:47:00Z';
  return { events: [...events, ...more.map((event, index) => ({ ...event, eventId: String(10 + index), eventTime }))] };
}

const COMPLETED = {
  eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED',
  workflowExecutionCompletedEventAttributes: { workflowTaskCompletedEventId: '15' },
};
const FAILED = {
  eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED',
  workflowExecutionFailedEventAttributes: { workflowTaskCompletedEventId: '15' },
};

describe('a firing that finds its id taken', () => {
  const { events, request } = firing();

  it('is done when the run is of this occurrence', async () => {
    await Worker.runReplayHistory(await replayable(), andThen(events, request, COMPLETED));
  });
  it('fails when the run is somebody else’s', async () => {
    const { trigger: _, ...byHand } = request;
    await Worker.runReplayHistory(await replayable(), andThen(events, byHand, FAILED));
    await assert.rejects(Worker.runReplayHistory(await replayable(), andThen(events, byHand, COMPLETED)));
  });
});
