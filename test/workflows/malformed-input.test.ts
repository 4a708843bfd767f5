import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import { readHistories } from '../harness/histories.ts';
import { replayable } from './crafted.ts';

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

/** The history of a run that was started with this and refused it, made out of a recorded one. */
function aRefusalOf(...args: readonly unknown[]): unknown {
  const [picked] = readHistories()
    .filter(({ name }) => name.startsWith('refused.pre-scale'))
    .map(({ history }) => (history as { readonly events: readonly Event[] }).events)
    .toSorted((one, other) => one.length - other.length)
    // of the two upserts the last one: it notes that the run is done
    .map((events) => STEPS.flatMap((type) => events.findLast(({ eventType }) => eventType === type) ?? []))
    .filter((events) => events.length === STEPS.length);
  assert.ok(picked, 'there is a refused run');
  const payloads = args.map((arg) => ({
    metadata: { encoding: Buffer.from('json/plain').toString('base64') },
    data: Buffer.from(JSON.stringify(arg)).toString('base64'),
  }));
  return {
    events: picked.map((event, index) => {
      const started = event['workflowExecutionStartedEventAttributes'] as object | undefined;
      const input = started && { workflowExecutionStartedEventAttributes: { ...started, input: { payloads } } };
      return { ...event, ...input, eventId: String(index + 1) };
    }),
  };
}

describe('a pre-scale that was started by hand with what is no request', () => {
  const rows: readonly (readonly [name: string, ...args: unknown[]])[] = [
    ['no argument'],
    ['null', null],
    ['a text', 'tensafe-server'],
    ['an empty object', {}],
    ['an event that is a text', { workload: 'web', event: 'sale', target: 6, requestedBy: 'alice' }],
    [
      'texts for numbers',
      {
        workload: 'web',
        event: { name: 'sale', startMs: 'now', endMs: 'later' },
        target: { kind: 'replicas', replicas: '6' },
      },
    ],
  ];
  for (const [name, ...args] of rows)
    it(`ends as refused with ${name}`, async () => {
      await Worker.runReplayHistory(await replayable(), aRefusalOf(...args));
    });
});
