import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import { ownIdsOf, readHistories } from '../harness/histories.ts';
import { payloadOf, replayable } from './crafted.ts';

interface Payloads {
  readonly payloads: readonly { readonly data: string }[];
}
interface Event {
  readonly workflowExecutionStartedEventAttributes?: { readonly input: Payloads };
  readonly markerRecordedEventAttributes?: { readonly details: { readonly data: Payloads; readonly result: Payloads } };
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: { readonly name: string } };
}

const valueOf = ({ payloads }: Payloads): Record<string, unknown> =>
  JSON.parse(Buffer.from(payloads[0]?.data ?? '', 'base64').toString());

/** A drain of a node of Karpenter's that evicts pods, with what stood in the policy before `drain.karpenter`. */
function anOlderDrain(): unknown {
  const [recorded] = readHistories('drain-karpenter.drain-gpu-node');
  assert.ok(recorded, 'there is a drain to cut');
  const { events } = recorded.history as { readonly events: readonly Event[] };
  const evicting = events.findIndex(
    ({ activityTaskScheduledEventAttributes: of }) => of?.activityType.name === 'evictPods',
  );
  assert.ok(evicting > 0, 'the recorded drain evicts pods');
  return { events: events.slice(0, evicting + 1).map(older) };
}

function older(event: Event): Event {
  const { workflowExecutionStartedEventAttributes: started, markerRecordedEventAttributes: marker } = event;
  if (started !== undefined) {
    const { remove: _, ...request } = valueOf(started.input);
    const input = { payloads: [payloadOf(request)] };
    return { ...event, workflowExecutionStartedEventAttributes: { ...started, input } };
  }
  if (marker === undefined || valueOf(marker.details.data)['activity_type'] !== 'resolveDrainPolicy') return event;
  const { drain, ...policy } = valueOf(marker.details.result);
  const { karpenter: _, ...others } = drain as Record<string, unknown>;
  const result = { payloads: [payloadOf({ ...policy, drain: { ...others, allowKarpenter: true } })] };
  return { ...event, markerRecordedEventAttributes: { ...marker, details: { ...marker.details, result } } };
}

describe('a drain under way that began before drain.karpenter was in the policy', () => {
  it('goes on as it would have then', async () => {
    const history = anOlderDrain();
    await Worker.runReplayHistory(await replayable(), history, ownIdsOf(history).workflowId);
  });
});
