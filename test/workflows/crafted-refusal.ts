import assert from 'node:assert/strict';
import { ownIdsOf, readHistories } from '../harness/histories.ts';
import { payloadOf } from './crafted.ts';

interface Event {
  readonly eventType: string;
  readonly [attributes: string]: unknown;
}
/** Begin, note that it is done, complete: what a run does that refuses its input. */
const STEPS = [
  'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
  'EVENT_TYPE_WORKFLOW_TASK_SCHEDULED',
  'EVENT_TYPE_WORKFLOW_TASK_STARTED',
  'EVENT_TYPE_WORKFLOW_TASK_COMPLETED',
  'EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES',
  'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED',
];

export interface RefusalOptions {
  readonly procedure?: string;
  /** What it was started with, and refuses. */
  readonly args: readonly unknown[];
  /** Signals that are there before its first task begins; each gets the run's own ids. */
  readonly signals?: (ids: { readonly workflowId: string; readonly runId: string }) => readonly {
    readonly name: string;
    readonly arg: unknown;
  }[];
}

/** The history of a run that refused its input, made out of a recorded one. */
export function aRefusal({ procedure = 'preScale', args, signals = () => [] }: RefusalOptions): unknown {
  const [picked] = readHistories()
    .filter(({ name }) => name.startsWith('refused.pre-scale'))
    .map(({ history }) => (history as { readonly events: readonly Event[] }).events)
    .toSorted((one, other) => one.length - other.length)
    // of the two upserts the last one: it notes that the run is done
    .map((events) => STEPS.flatMap((type) => events.findLast(({ eventType }) => eventType === type) ?? []))
    .filter((events) => events.length === STEPS.length);
  assert.ok(picked, 'there is a refused run');
  const told = signals(ownIdsOf({ events: picked })).map(({ name, arg }) => ({
    eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED',
    eventTime: picked[0]?.['eventTime'],
    workflowExecutionSignaledEventAttributes: { signalName: name, input: { payloads: [payloadOf(arg)] } },
  }));
  const [begun, scheduled, ...task] = picked.map((event) => ({
    ...event,
    ...changed(event, 'workflowExecutionStartedEventAttributes', {
      input: { payloads: args.map(payloadOf) },
      workflowType: { name: procedure },
    }),
    ...changed(event, 'workflowTaskCompletedEventAttributes', { startedEventId: String(3 + told.length) }),
  }));
  const events = [begun, scheduled, ...told, ...task];
  return { events: events.map((event, index) => ({ ...event, eventId: String(index + 1) })) };
}

function changed(event: Event, attributes: string, change: object): object {
  return attributes in event ? { [attributes]: { ...(event[attributes] as object), ...change } } : {};
}
