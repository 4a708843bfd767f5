import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readCron, type Cron } from '../../domain/cron.ts';
import {
  canonicalZone,
  daysBeforeFor,
  dueOccurrence,
  firingDays,
  occurrencesAfter,
  wallClock,
} from '../../domain/occurrences.ts';

const HOUR_MS = 3_600_000;
const cronOf = (text: string): Cron => {
  const read = readCron(text);
  return read.kind === 'cron' ? read.cron : assert.fail(read.faults.join());
};
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 16);
const starts = (text: string, timeZone: string, after: string, count = 2, daysBefore = 1) =>
  occurrencesAfter({ cron: cronOf(text), timeZone }, { afterMs: Date.parse(after), daysBefore, count });

describe('finding the occurrences of a cron in a time zone', () => {
  const cases: readonly {
    readonly name: string;
    readonly cron: string;
    readonly zone: string;
    readonly after: string;
    readonly found: readonly string[];
  }[] = [
    {
      name: 'keeps the wall clock when clocks are put forward',
      cron: '0 8 * * 5',
      zone: 'Europe/Berlin',
      after: '2026-03-27T00:00:00Z',
      found: ['2026-03-27T07:00', '2026-04-03T06:00'],
    },
    {
      name: 'keeps the wall clock when clocks are put back',
      cron: '0 8 * * 5',
      zone: 'Europe/Berlin',
      after: '2026-10-23T00:00:00Z',
      found: ['2026-10-23T06:00', '2026-10-30T07:00'],
    },
    {
      name: 'takes a time that is skipped an hour later, and never leaves it out',
      cron: '30 2 * * *',
      zone: 'Europe/Berlin',
      after: '2026-03-28T12:00:00Z',
      found: ['2026-03-29T01:30', '2026-03-30T00:30'],
    },
    {
      name: 'takes a time that comes twice once, at first',
      cron: '30 2 * * *',
      zone: 'Europe/Berlin',
      after: '2026-10-24T12:00:00Z',
      found: ['2026-10-25T00:30', '2026-10-26T01:30'],
    },
    {
      name: 'knows clocks that change at midnight',
      cron: '30 0 * * *',
      zone: 'Africa/Cairo',
      after: '2026-04-23T12:00:00Z',
      found: ['2026-04-23T22:30', '2026-04-24T21:30'],
    },
    {
      name: 'knows half an hour of summer time',
      cron: '0 2 * * 0',
      zone: 'Australia/Lord_Howe',
      after: '2026-09-30T00:00:00Z',
      found: ['2026-10-03T15:30', '2026-10-10T15:00'],
    },
    {
      name: 'knows zones far ahead of Greenwich',
      cron: '0 1 1 * *',
      zone: 'Pacific/Kiritimati',
      after: '2026-12-31T00:00:00Z',
      found: ['2026-12-31T11:00', '2027-01-31T11:00'],
    },
    {
      name: 'leaves out months without the day',
      cron: '0 8 31 * *',
      zone: 'UTC',
      after: '2026-08-31T09:00:00Z',
      found: ['2026-10-31T08:00', '2026-12-31T08:00'],
    },
    {
      name: 'finds the 29th of February over eight years',
      cron: '0 8 29 2 *',
      zone: 'UTC',
      after: '2096-03-01T00:00:00Z',
      found: ['2104-02-29T08:00'],
    },
    {
      name: 'begins after the moment, not at it',
      cron: '0 8 * * *',
      zone: 'UTC',
      after: '2026-11-27T08:00:00Z',
      found: ['2026-11-28T08:00', '2026-11-29T08:00'],
    },
    {
      name: 'finds none on a day that there is not',
      cron: '0 8 30 2 *',
      zone: 'UTC',
      after: '2026-01-01T00:00:00Z',
      found: [],
    },
  ];
  for (const { name, cron, zone, after, found } of cases)
    it(name, () =>
      assert.deepEqual(
        starts(cron, zone, after, found.length === 1 ? 1 : 2).map(({ startMs }) => iso(startMs)),
        found,
      ),
    );

  it('names each after its date where it takes place, and starts its run at noon there, days before', () => {
    const [one] = starts('30 0 28 11 *', 'Pacific/Auckland', '2026-11-01T00:00:00Z', 1, 2);
    assert.deepEqual(
      [one?.date, iso(one?.startMs ?? 0), iso(one?.fireMs ?? 0)],
      ['2026-11-28', '2026-11-27T11:30', '2026-11-25T23:00'],
    );
    assert.equal(wallClock(one?.startMs ?? 0, 'Pacific/Auckland'), '2026-11-28 00:30');
  });
});

describe('starting the run of an occurrence days before', () => {
  const days: readonly (readonly [string, number, number])[] = [
    ['0 8 * * *', 0.5, 1],
    ['59 23 * * *', 0, 1],
    ['0 0 * * *', 0.5, 1],
    ['0 0 * * *', 9, 1],
    ['0 0 * * *', 9.5, 2],
    ['0 8 * * *', 17, 1],
    ['0 8 * * *', 17.5, 2],
    ['0 8 * * *', 48, 3],
  ];
  for (const [cron, leadHours, wanted] of days)
    it(`is ${wanted} before "${cron}" with a lead of ${leadHours} h`, () =>
      assert.equal(daysBeforeFor(cronOf(cron), leadHours * HOUR_MS), wanted));

  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Africa/Cairo',
    'America/Santiago',
    'Pacific/Apia',
  ];
  const texts = fc
    .tuple(
      fc.nat(59),
      fc.nat(23),
      fc.constantFrom('* * *', '* * 5', '* * 0,6', '1 * *', '31 * *', '29 2 *', '1-3 3 *', '* 11 5', '*/7 1,3 *'),
    )
    .map(([minute, hour, rest]) => `${minute} ${hour} ${rest}`);
  const moment = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2032, 0, 1) });
  const leads = fc.integer({ min: 0, max: 72 }).map((hours) => hours * HOUR_MS);

  it('leaves an hour before the lead, whatever clocks do', () => {
    fc.assert(
      fc.property(texts, fc.constantFrom(...zones), moment, leads, (text, timeZone, afterMs, leadMs) => {
        const cron = cronOf(text);
        const daysBefore = daysBeforeFor(cron, leadMs);
        const [one] = occurrencesAfter({ cron, timeZone }, { afterMs, daysBefore, count: 1 });
        return one !== undefined && one.startMs - leadMs - one.fireMs >= HOUR_MS;
      }),
    );
  });

  it('has a firing on the day of each occurrence’s run, and each firing finds its occurrence', () => {
    fc.assert(
      fc.property(texts, fc.constantFrom(...zones), moment, leads, (text, timeZone, afterMs, leadMs) => {
        const cron = cronOf(text);
        const daysBefore = daysBeforeFor(cron, leadMs);
        const [one] = occurrencesAfter({ cron, timeZone }, { afterMs, daysBefore, count: 1 });
        if (one === undefined) return false;
        const day = new Date(`${wallClock(one.fireMs, timeZone).slice(0, 10)}T00:00:00Z`);
        const fires = firingDays(cron, daysBefore).some(
          ({ months, days, weekdays }) =>
            months?.includes(day.getUTCMonth() + 1) !== false &&
            days?.includes(day.getUTCDate()) !== false &&
            weekdays?.includes(day.getUTCDay()) !== false,
        );
        const due = dueOccurrence({ cron, timeZone }, { firedMs: one.fireMs, daysBefore });
        return wallClock(one.fireMs, timeZone).endsWith('12:00') && fires && due?.date === one.date;
      }),
    );
  });

  const firings: readonly (readonly [string, number, ReturnType<typeof firingDays>])[] = [
    ['0 8 * * *', 1, [{}]],
    ['0 8 * * 1', 1, [{ weekdays: [0] }]],
    ['0 8 * * 0,5', 2, [{ weekdays: [3, 5] }]],
    [
      '0 8 1 * *',
      1,
      [
        { months: [1, 3, 5, 7, 8, 10, 12], days: [31] },
        { months: [2], days: [28, 29] },
        { months: [4, 6, 9, 11], days: [30] },
      ],
    ],
    ['0 8 29 2 *', 1, [{ months: [2], days: [28] }]],
    [
      '0 8 1-7 11 *',
      1,
      [
        { months: [10], days: [31] },
        { months: [11], days: [1, 2, 3, 4, 5, 6] },
      ],
    ],
  ];
  for (const [text, daysBefore, wanted] of firings)
    it(`fires for "${text}" ${daysBefore} before`, () => {
      const byMonth = firingDays(cronOf(text), daysBefore).toSorted(
        (a, b) => (a.months?.[0] ?? 0) - (b.months?.[0] ?? 0),
      );
      assert.deepEqual(byMonth, wanted);
    });
});

describe('knowing which occurrence a firing is for', () => {
  const due = (firedAt: string, text = '0 8 * * *', daysBefore = 1) =>
    dueOccurrence({ cron: cronOf(text), timeZone: 'UTC' }, { firedMs: Date.parse(firedAt), daysBefore })?.date;
  const cases = [
    { name: 'that of the next day, at noon', firedAt: '2026-11-26T12:00:00Z', date: '2026-11-27' },
    {
      name: 'the same when the server’s time zones are an hour off',
      firedAt: '2026-11-26T13:00:00Z',
      date: '2026-11-27',
    },
    { name: 'the next one when it is fired by hand', firedAt: '2026-11-26T20:00:00Z', date: '2026-11-28' },
    { name: 'that of the next week', firedAt: '2026-11-27T20:00:00Z', text: '0 8 * * 5', date: '2026-12-04' },
    { name: 'that of days later', firedAt: '2026-11-26T12:00:00Z', daysBefore: 3, date: '2026-11-29' },
    { name: 'none where there is none', firedAt: '2026-11-26T12:00:00Z', text: '0 8 30 2 *', date: undefined },
  ];
  for (const { name, firedAt, text, daysBefore, date } of cases)
    it(name, () => assert.equal(due(firedAt, text, daysBefore), date));
});

describe('checking the name of a time zone', () => {
  const cases = [
    ['Europe/Berlin', 'Europe/Berlin'],
    ['europe/berlin', 'Europe/Berlin'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['America/Port-au-Prince', 'America/Port-au-Prince'],
    ['UTC', 'UTC'],
    ['EUROPE/BERLIN', 'Europe/Berlin'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['asia/kolkata', 'Asia/Calcutta'],
    ['Berlin', undefined],
    ['+02:00', undefined],
    ['Europe/Berlin ', undefined],
    ['', undefined],
  ] as const;
  for (const [name, wanted] of cases)
    it(`takes ${JSON.stringify(name)} as ${wanted}`, () => assert.equal(canonicalZone(name), wanted));
});
