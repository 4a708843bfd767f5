import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readHistories } from '../harness/histories.ts';

interface Event {
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: { readonly name: string } };
}

/** The activities of a recorded run, with which today's code is replayed (replay.test.ts). */
function activitiesOf(prefix: string): readonly string[] {
  const recorded = readHistories().find(({ name }) => name.startsWith(`${prefix}.pre-scale`));
  assert.ok(recorded, `there is a run that ended as ${prefix}`);
  const { events } = recorded.history as { readonly events: readonly Event[] };
  return events.flatMap(({ activityTaskScheduledEventAttributes: asked }) => asked?.activityType.name ?? []);
}

describe('a hold', () => {
  it('whose claim was not seen to stand says it again, all the while', () => {
    const asked = activitiesOf('short-4');
    assert.ok(asked.indexOf('keepClaimed') > asked.indexOf('awaitAvailable'), asked.join());
  });
  it('has no need to where all stands', () => {
    assert.ok(!activitiesOf('done-hpa').includes('keepClaimed'));
  });
});
