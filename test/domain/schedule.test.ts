import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRunOf, judgeExisting, judgeFiring, scheduledRequest, type PreScaleSchedule } from '../../domain/schedule.ts';

const schedule: PreScaleSchedule = {
  workload: 'web',
  event: 'sale',
  cronText: '0 8 * * 5',
  cron: {
    minute: 0,
    hour: 8,
    days: Array.from({ length: 31 }, (_, index) => index + 1),
    months: Array.from({ length: 12 }, (_, index) => index + 1),
    weekdays: [5],
  },
  timeZone: 'Europe/Berlin',
  lastsMs: 7_200_000,
  target: { kind: 'factor', factor: 2 },
  catchUpMs: 600_000,
  daysBefore: 1,
  requestedBy: 'alice@laptop',
};
const firedMs = Date.parse('2026-11-26T11:00:00Z');
const startMs = Date.parse('2026-11-27T07:00:00Z');

describe('a firing of a schedule', () => {
  it('starts a run of the occurrence, under its date, and says whose schedule it is', () => {
    const judged = judgeFiring(schedule, { firedMs, nowMs: firedMs });
    assert.deepEqual(judged, {
      kind: 'start',
      request: {
        workload: 'web',
        event: { name: 'sale-2026-11-27', startMs, endMs: startMs + 7_200_000 },
        target: { kind: 'factor', factor: 2 },
        requestedBy: 'alice@laptop',
        trigger: 'schedule pre-scale.web.sale',
      },
    });
  });

  it('takes lead and note along', () => {
    const request = scheduledRequest(
      { ...schedule, leadMs: 1, note: 'weekly' },
      { date: '2026-11-27', startMs, fireMs: 0 },
    );
    assert.deepEqual([request.leadMs, request.note], [1, 'weekly']);
  });

  const late = [
    { name: 'an hour late', nowMs: firedMs + 3_600_000, kind: 'start' },
    { name: 'as late as the catch-up allows', nowMs: startMs + 600_000, kind: 'start' },
    { name: 'later than that', nowMs: startMs + 600_001, kind: 'too late' },
  ];
  for (const { name, nowMs, kind } of late)
    it(`is ${kind} when it comes ${name}`, () => assert.equal(judgeFiring(schedule, { firedMs, nowMs }).kind, kind));
});

describe('telling the runs of a schedule', () => {
  const cases = [
    ['pre-scale.web.sale-2026-11-27', true],
    ['pre-scale.web.sale-big-2026-11-27', false],
    ['pre-scale.web.sale', false],
    ['pre-scale.web.sale-2026-11-27x', false],
    ['plan.pre-scale.web.sale-2026-11-27.ab', false],
  ] as const;
  for (const [id, is] of cases) it(`${id} is ${is ? 'one' : 'none'}`, () => assert.equal(isRunOf(schedule, id), is));
});

describe('a run that has an occurrence’s id already', () => {
  const request = scheduledRequest(schedule, { date: '2026-11-27', startMs, fireMs: 0 });
  const { trigger: _, ...byHand } = { ...request, requestedBy: 'bob' };
  const reasonOf = (input: unknown) => {
    const judged = judgeExisting(request, { runId: 'r1', input });
    return judged.kind === 'foreign' ? judged.reason : judged.kind;
  };

  it('is its own when this schedule started it for this start, whatever its target was then', () => {
    assert.equal(reasonOf(request), 'own');
    assert.equal(reasonOf({ ...request, target: { kind: 'replicas', replicas: 4 }, leadMs: 1 }), 'own');
  });

  it('is somebody else’s when a person started it, and the occurrence was not started', () => {
    assert.match(
      reasonOf(byHand),
      /^occurrence sale-2026-11-27 of schedule pre-scale\.web\.sale was NOT started: run r1 has its id pre-scale\.web\.sale-2026-11-27 .*asked for by bob, for 2026-11-27T07:00:00\.000Z to .*; start the occurrence under another event name/,
    );
  });

  it('is another one when another schedule started it, or this one for another time', () => {
    assert.match(
      reasonOf({ ...request, trigger: 'schedule pre-scale.web.other' }),
      /\(schedule pre-scale\.web\.other\)/,
    );
    const earlier = { ...request.event, startMs: startMs - 3_600_000 };
    assert.match(reasonOf({ ...request, event: earlier }), /NOT started.* for 2026-11-27T06:00:00\.000Z to/);
  });

  it('is nobody’s when it was started with what is no request', () => {
    for (const input of [null, 'sale', {}, { trigger: 7 }]) assert.match(reasonOf(input), /NOT started/);
  });

  it('is not taken for started when Temporal has forgotten it', () => {
    const judged = judgeExisting(request, null);
    assert.match(judged.kind === 'foreign' ? judged.reason : '', /NOT started: .*trigger the schedule again/);
  });
});
