import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import { readHistories } from '../harness/histories.ts';
import { payloadOf, replayable } from './crafted.ts';

interface Event {
  readonly eventType: string;
  readonly eventId: string;
  readonly activityTaskScheduledEventAttributes?: {
    readonly activityId: string;
    readonly activityType: { readonly name: string };
  };
  readonly workflowExecutionSignaledEventAttributes?: {
    readonly input: { readonly payloads: readonly { readonly data: string }[] };
  };
  readonly activityTaskCompletedEventAttributes?: { readonly scheduledEventId: string };
}

/** What today's code does before it holds what was not seen to stand. */
function keeping(activityId: string) {
  const workflowTaskCompletedEventId = '0';
  return [
    {
      eventType: 'EVENT_TYPE_MARKER_RECORDED',
      markerRecordedEventAttributes: {
        markerName: 'core_patch',
        details: { 'patch-data': { payloads: [payloadOf({ id: 'keep-claimed', deprecated: false })] } },
        workflowTaskCompletedEventId,
      },
    },
    {
      eventType: 'EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES',
      upsertWorkflowSearchAttributesEventAttributes: {
        workflowTaskCompletedEventId,
        searchAttributes: { indexedFields: { TemporalChangeVersion: payloadOf(['keep-claimed']) } },
      },
    },
    {
      eventType: 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED',
      activityTaskScheduledEventAttributes: {
        activityId,
        activityType: { name: 'keepClaimed' },
        workflowTaskCompletedEventId,
      },
    },
  ];
}

/** A claim's id begins with its owner's workflow id, and a run hears only of its own claim. */
function ownerOf(word: Event | undefined): string {
  const data = word?.workflowExecutionSignaledEventAttributes?.input.payloads[0]?.data ?? '';
  const { claimId } = JSON.parse(Buffer.from(data, 'base64').toString()) as { readonly claimId: string };
  return claimId.split('/')[0] ?? '';
}

/** The run of a recorded history up to its hold, with these steps at the hold's beginning. */
function untilHold(
  prefix: string,
  steps: (activityId: string) => readonly object[],
): { readonly history: unknown; readonly workflowId: string } {
  const recorded = readHistories().find(({ name }) => name.startsWith(`${prefix}.pre-scale`));
  assert.ok(recorded, `there is a run that ended as ${prefix}`);
  const { events } = recorded.history as { readonly events: readonly Event[] };
  const looked = events.findLast(
    (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'awaitAvailable',
  );
  const lookedId = looked?.activityTaskScheduledEventAttributes?.activityId;
  const answered = events.findIndex(
    (event) => event.activityTaskCompletedEventAttributes?.scheduledEventId === looked?.eventId,
  );
  // the workflow task that hears the answer, then its commands: the phase and the timer of the hold
  const [begin, end] = [answered + 4, answered + 6];
  const types = events.slice(begin, end).map(({ eventType }) => eventType);
  assert.deepEqual(types, ['EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES', 'EVENT_TYPE_TIMER_STARTED']);
  // another task follows, at which what was done is compared; a word of the ledger, the one from before, is its reason
  const word = events.findLast(({ eventType }) => eventType === 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED');
  const kept = steps(String(Number(lookedId) + 1));
  const done = [...events.slice(0, begin), ...kept, ...events.slice(begin, end), word];
  const [scheduledEventId, startedEventId] = [String(done.length + 1), String(done.length + 2)];
  const task = [
    { eventType: 'EVENT_TYPE_WORKFLOW_TASK_SCHEDULED', workflowTaskScheduledEventAttributes: {} },
    { eventType: 'EVENT_TYPE_WORKFLOW_TASK_STARTED', workflowTaskStartedEventAttributes: { scheduledEventId } },
    {
      eventType: 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED',
      workflowTaskCompletedEventAttributes: { scheduledEventId, startedEventId },
    },
  ];
  const eventTime = '2026-11-28T02:00:00Z';
  const history = {
    events: [...done, ...task].map((event, index) => ({ eventTime, ...event, eventId: String(index + 1) })),
  };
  return { history, workflowId: ownerOf(word) };
}

describe('a hold whose claim was not seen to stand', () => {
  const replay = async ({ history, workflowId }: ReturnType<typeof untilHold>) =>
    Worker.runReplayHistory(await replayable(), history, workflowId);

  it('says its claim again, all the while', async () => {
    await replay(untilHold('short-4', keeping));
  });
  it('goes on without that where it began before', async () => {
    await replay(untilHold('short-4', () => []));
  });
  it('has no need to where all stands', async () => {
    await replay(untilHold('done-hpa', () => []));
    await assert.rejects(replay(untilHold('done-hpa', keeping)));
  });
});
