import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRunOf, judgeFiring, scheduledRequest, type PreScaleSchedule } from '../../domain/schedule.ts';

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
        requestedBy: 'alice@laptop (schedule pre-scale.web.sale)',
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
