import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunView } from '../../client/runs.ts';
import { judgeEvent, judgeStorm } from '../../sandbox/demo-verdict.ts';

type Event = Parameters<typeof judgeEvent>[0];
type Storm = Parameters<typeof judgeStorm>[0];

const run = (outcome: string, over: Partial<RunView> = {}): RunView => ({
  id: 'pre-scale.tensafe-server.demo',
  runId: 'r1',
  state: 'COMPLETED',
  startedAt: '2026-11-28T17:00:00Z',
  closedAt: '2026-11-28T17:02:00Z',
  status: null,
  result: { outcome } as RunView['result'],
  pending: [],
  workerAnswers: true,
  ...over,
});
const holding = (target: number, replicas: number): RunView =>
  run('', {
    result: null,
    status: { target, available: { kind: 'available', replicas, reasons: [] } } as unknown as RunView['status'],
  });
const governor = (floor: number, annotations: Readonly<Record<string, string>> = {}) => ({
  floor,
  ceiling: 20,
  annotations,
  labels: {},
  spec: { minReplicas: floor, maxReplicas: 20 },
});
const load = { before: 100, peak: 910, lowest: 900, p95Ms: 37, storm: { worstP95Ms: 1_700, lastP95Ms: 38 } };
const answers = { notifications: 100, started: 1, joined: 99, kept: 0, unanswered: 0, tookMs: 900 };
const write = {
  atMs: 0,
  floorBefore: 6,
  floor: 12,
  runs: ['pre-scale.tensafe-server.demo', 'emergency-scale-up.tensafe-server'],
};

const event = (over: Partial<Event> = {}) =>
  judgeEvent({
    atStart: holding(6, 6),
    atEnd: run('done'),
    load,
    before: governor(3),
    after: governor(3),
    ...over,
  });
const storm = (over: Partial<Storm> = {}) =>
  judgeStorm({
    atEnd: run('done'),
    runs: 1,
    told: answers,
    resolved: { ...answers, started: 0, joined: 100 },
    relievedAfterMs: 7_000,
    writes: [write],
    load,
    ...over,
  });
/** Which of the proofs do not hold, by their words. */
const failing = (proofs: ReturnType<typeof judgeEvent>) => proofs.flatMap(({ holds, text }) => (holds ? [] : [text]));

describe('judging the demo', () => {
  it('finds nothing amiss when all went as it should', () => {
    assert.deepEqual([failing(event()), failing(storm())], [[], []]);
  });

  for (const [what, over, said] of [
    ['pods that came late', { atStart: holding(6, 5) }, /^when the event began, 5 pods were available of the 6/],
    [
      'a worker that did not answer',
      { atStart: run('', { result: null, workerAnswers: false }) },
      /^when the event began, no worker answered/,
    ],
    ['a load that went away', { load: { ...load, lowest: 0 } }, /never fewer than 0 requests\/s/],
    ['a service that was slow', { load: { ...load, p95Ms: 140 } }, /was 140 ms$/],
    ['a run that did not get all', { atEnd: run('short') }, /^the run ended as short$/],
    ['a floor that stayed', { after: governor(4) }, /^the autoscaler is not as its owner left it: floor 3 was 4/],
    ['a mark that stayed', { after: governor(3, { 'headroom.dev/held': 'true' }) }, /compare its annotations too$/],
  ] satisfies readonly (readonly [string, Partial<Event>, RegExp])[]) {
    it(`names ${what}, and nothing else`, () => {
      const [only, ...others] = failing(event(over));
      assert.deepEqual(others, []);
      assert.match(only ?? '', said);
    });
  }

  for (const [what, over, said] of [
    [
      'an alert that nobody took',
      { told: { ...answers, joined: 98, unanswered: 1 } },
      /^100 notifications answered .* 1 WERE NOT TAKEN$/,
    ],
    [
      'an alert that a rule kept',
      { told: { ...answers, joined: 98, kept: 1, keptBy: 'the cooldown of 20s' } },
      /98 joined it, 1 started nothing: the cooldown of 20s, none was lost/,
    ],
    ['two emergency runs', { runs: 2 }, /^2 emergency runs came of it$/],
    [
      'a second write',
      { writes: [write, { ...write, floorBefore: 12, floor: 24 }] },
      /2 writes .*6 -> 12, floor 12 -> 24/,
    ],
    ['a write that raised nothing', { writes: [{ ...write, floor: 6 }] }, /floor 6 -> 6/],
    [
      'a claim that took the place of the event’s',
      { writes: [{ ...write, runs: ['emergency-scale-up.tensafe-server'] }] },
      /with the claims of emergency-scale-up.tensafe-server$/,
    ],
    [
      'relief that did not last',
      { load: { ...load, storm: { worstP95Ms: 1_700, lastP95Ms: 300 } } },
      /and 300 ms at the end of the event/,
    ],
    ['a resolved alert that nobody took', { resolved: { ...answers, unanswered: 2 } }, /2 WERE NOT TAKEN$/],
    [
      'an emergency that is not home',
      { atEnd: run('', { result: null, state: 'RUNNING' }) },
      /^the emergency is running$/,
    ],
  ] satisfies readonly (readonly [string, Partial<Storm>, RegExp])[]) {
    it(`names ${what}, and nothing else`, () => {
      const [only, ...others] = failing(storm(over));
      assert.deepEqual(others, []);
      assert.match(only ?? '', said);
    });
  }

  it('says what did not come to pass when no alert fired', () => {
    assert.deepEqual(
      failing(judgeStorm({ runs: 0, writes: [], load: { ...load, storm: { worstP95Ms: 40, lastP95Ms: 38 } } })),
      [
        'no alert fired, so there was nothing to answer',
        '0 emergency runs came of it',
        'the storm cost 0 writes to the autoscaler',
        'p95 was 40 ms at worst, and 38 ms at the end of the event under the same load',
        'no alert was resolved',
        'there was no emergency run',
      ],
    );
  });
});
