import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import { scheduledRequest, type PreScaleSchedule } from '../../domain/schedule.ts';
import { readHistories } from '../harness/histories.ts';
import { payloadOf, replayable } from './crafted.ts';

interface Event {
  readonly eventType: string;
  readonly workflowExecutionStartedEventAttributes?: {
    readonly input: { readonly payloads: readonly { readonly data: string }[] };
  };
  readonly startChildWorkflowExecutionInitiatedEventAttributes?: { readonly workflowId: string };
}

/** A recorded firing that found its id taken, as far as that. */
function firing() {
  const recorded = readHistories().find(({ name }) => name.startsWith('scheduled.start-scheduled-pre-scale.06fb'));
  assert.ok(recorded, 'there is a firing that found its id taken');
  const events = (recorded.history as { readonly events: readonly Event[] }).events.slice(0, 9);
  const input = events[0]?.workflowExecutionStartedEventAttributes?.input.payloads[0]?.data ?? '';
  const schedule = JSON.parse(Buffer.from(input, 'base64').toString()) as PreScaleSchedule;
  const startMs = Date.parse('2026-12-02T07:00:00Z');
  return { events, request: scheduledRequest(schedule, { date: '2026-12-02', startMs, fireMs: 0 }) };
}

/** What follows when today's code looks whose run has the id, and ends like this. */
function andThen(events: readonly Event[], input: unknown, end: object): unknown {
  const more = [
    {
      eventType: 'EVENT_TYPE_MARKER_RECORDED',
      markerRecordedEventAttributes: {
        markerName: 'core_patch',
        details: { 'patch-data': { payloads: [payloadOf({ id: 'whose-run', deprecated: false })] } },
        workflowTaskCompletedEventId: '9',
      },
    },
    {
      eventType: 'EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES',
      upsertWorkflowSearchAttributesEventAttributes: {
        workflowTaskCompletedEventId: '9',
        searchAttributes: { indexedFields: { TemporalChangeVersion: payloadOf(['whose-run']) } },
      },
    },
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
      activityTaskStartedEventAttributes: { scheduledEventId: '12', attempt: 1 },
    },
    {
      eventType: 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED',
      activityTaskCompletedEventAttributes: {
        result: { payloads: [payloadOf({ runId: 'r1', input })] },
        scheduledEventId: '12',
        startedEventId: '13',
      },
    },
    { eventType: 'EVENT_TYPE_WORKFLOW_TASK_SCHEDULED', workflowTaskScheduledEventAttributes: {} },
    {
      eventType: 'EVENT_TYPE_WORKFLOW_TASK_STARTED',
      workflowTaskStartedEventAttributes: { scheduledEventId: '15' },
    },
    {
      eventType: 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED',
      workflowTaskCompletedEventAttributes: { scheduledEventId: '15', startedEventId: '16' },
    },
    end,
  ];
  const eventTime = '2026-11-28T01:47:00Z';
  return { events: [...events, ...more.map((event, index) => ({ ...event, eventId: String(10 + index), eventTime }))] };
}

const COMPLETED = {
  eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED',
  workflowExecutionCompletedEventAttributes: { workflowTaskCompletedEventId: '17' },
};
const FAILED = {
  eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED',
  workflowExecutionFailedEventAttributes: { workflowTaskCompletedEventId: '17' },
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
