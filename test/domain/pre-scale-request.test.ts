import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assert as assertThat, jsonValue, property } from 'fast-check';
import { readPreScaleRequest } from '../../domain/pre-scale-request.ts';

const nowMs = Date.parse('2026-11-27T08:00:00Z');
const hour = 3_600_000;
const whole = {
  workload: 'web',
  event: { name: 'sale', startMs: nowMs + hour, endMs: nowMs + 2 * hour },
  target: { kind: 'replicas', replicas: 6 },
  requestedBy: 'alice',
};

describe('reading what a pre-scale was started with', () => {
  it('hands on what is whole as it came', () => {
    for (const input of [
      whole,
      { ...whole, target: { kind: 'factor', factor: 1.5 } },
      { ...whole, leadMs: 0, trigger: 'schedule x', note: 'why', planOnly: true },
    ])
      assert.deepEqual(readPreScaleRequest(input, nowMs), { request: input, faults: [] });
  });

  const rows: readonly (readonly [name: string, input: unknown, faults: readonly RegExp[]])[] = [
    ['no argument', undefined, [/^the input is missing; give \{"workload":/]],
    ['null', null, [/^the input is null; give/]],
    ['a text', 'web', [/^the input is "web"; give/]],
    ['a list', [whole], [/^the input is \[.*; give/]],
    ['no workload', { ...whole, workload: undefined }, [/^workload is missing; give a workload of headroom\.yaml/]],
    ['an empty workload', { ...whole, workload: ' ' }, [/^workload is " "; give/]],
    ['nobody who asks', { ...whole, requestedBy: 7 }, [/^requestedBy is 7; give who asks/]],
    ['no event', { ...whole, event: 'sale' }, [/^event is "sale"; give one such as \{"name":"sale"/]],
    ['an event without a name', { ...whole, event: { ...whole.event, name: null } }, [/^event\.name is null; give/]],
    [
      'times as texts',
      { ...whole, event: { ...whole.event, startMs: '2026-11-27T09:00:00Z', endMs: undefined } },
      [
        /^event\.startMs is 2026-11-27T09:00:00Z; give milliseconds/,
        /^event\.endMs is undefined; give milliseconds since/,
      ],
    ],
    ['an event that is over', { ...whole, event: { ...whole.event, startMs: 1, endMs: 2 } }, [/window is over/]],
    ['no target', { ...whole, target: undefined }, [/^target is missing; give \{"kind":"replicas","replicas":6\} or/]],
    ['replicas without their kind', { ...whole, target: { replicas: 6 } }, [/^target is \{"replicas":6\}; give/]],
    [
      'replicas as a text',
      { ...whole, target: { kind: 'replicas', replicas: '6' } },
      [/^target\.replicas is "6"; give a number, such as 6/],
    ],
    ['half a replica', { ...whole, target: { kind: 'replicas', replicas: 0.5 } }, [/0\.5 is not a whole number/]],
    ['no factor', { ...whole, target: { kind: 'factor' } }, [/^target\.factor is missing; give a number, such as 2/]],
    ['a lead as a text', { ...whole, leadMs: '30m' }, [/^leadMs is "30m"; give milliseconds, such as 1800000, or/]],
    ['a lead before the end', { ...whole, leadMs: -1 }, [/the lead is negative/]],
    ['a plan that is asked for as a text', { ...whole, planOnly: 'true' }, [/^planOnly is "true"; give true or false/]],
    ['a note that is none', { ...whole, note: [], trigger: 1 }, [/^trigger is 1;/, /^note is \[\]; give a text/]],
    ['nothing in it: all at once', {}, [/^workload/, /^requestedBy/, /^event is missing/, /^target is missing/]],
  ];
  for (const [name, input, faults] of rows)
    it(`refuses ${name}`, () => {
      const found = readPreScaleRequest(input, nowMs).faults;
      assert.equal(found.length, faults.length, found.join('\n'));
      for (const [index, fault] of faults.entries()) assert.match(found[index] ?? '', fault);
    });

  it('shows of what it refuses what could be read', () => {
    const input = { ...whole, event: { name: 'sale', startMs: 'soon' }, requestedBy: null };
    assert.deepEqual(readPreScaleRequest(input, nowMs).request, {
      workload: 'web',
      event: { name: 'sale', startMs: 0, endMs: 0 },
      target: whole.target,
      requestedBy: '?',
    });
  });

  it('is total: whatever was typed is refused, and can be shown', () => {
    assertThat(
      property(jsonValue(), (input) => {
        const { request, faults } = readPreScaleRequest(input, nowMs);
        assert.ok(faults.length > 0);
        assert.equal(typeof request.workload, 'string');
        assert.doesNotThrow(() => new Date(request.event.startMs).toISOString());
      }),
    );
  });
});
