import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CommandFailed } from '../../client/exit.ts';
import { readSchedule, type ScheduleOptions } from '../../client/schedule-request.ts';

const words = {
  event: 'friday-sale',
  cron: '0 8 * * 5',
  timeZone: 'Europe/Berlin',
  lasts: '2h',
  factor: '2',
};
const read = (options: ScheduleOptions, workload = 'web') =>
  readSchedule(workload, options, { nowMs: Date.UTC(2026, 10, 27), requestedBy: 'you@laptop' });
function faultsOf(options: ScheduleOptions, workload?: string): string {
  try {
    read(options, workload);
  } catch (error) {
    if (error instanceof CommandFailed && error.code === 2) return error.message;
    throw error;
  }
  return '';
}

describe('reading the words of a schedule', () => {
  it('takes the event, its rhythm and who asks', () => {
    const { cron, ...schedule } = read({ ...words, lead: '45m', note: 'every week', as: 'alice' });
    assert.deepEqual(schedule, {
      workload: 'web',
      event: 'friday-sale',
      cronText: '0 8 * * 5',
      timeZone: 'Europe/Berlin',
      lastsMs: 7_200_000,
      target: { kind: 'factor', factor: 2 },
      leadMs: 2_700_000,
      catchUpMs: 600_000,
      daysBefore: 1,
      requestedBy: 'alice',
      note: 'every week',
    });
    assert.deepEqual([cron.hour, cron.weekdays], [8, [5]]);
  });

  const faults: readonly { readonly name: string; readonly options: ScheduleOptions; readonly says: RegExp }[] = [
    { name: 'an event too long for its date', options: { ...words, event: 'x'.repeat(53) }, says: /up to 52 signs/ },
    { name: 'a cron of every minute', options: { ...words, cron: '* * * * *' }, says: /--cron: minute "\*"/ },
    { name: 'a day that never comes', options: { ...words, cron: '0 8 30 2 *' }, says: /no day that there is/ },
    { name: 'a zone that is none', options: { ...words, timeZone: 'CEST-ish' }, says: /--time-zone "CEST-ish"/ },
    { name: 'an offset for a zone', options: { ...words, timeZone: '+01:00' }, says: /IANA name/ },
    { name: 'an event without a length', options: { ...words, lasts: '0s' }, says: /--lasts 0s is no event/ },
    { name: 'a catch-up without a unit', options: { ...words, catchUp: '10' }, says: /--catch-up "10" has no unit/ },
    { name: 'a lead of a month', options: { ...words, lead: '30d' }, says: /--lead is longer than 27 days/ },
    { name: 'both targets', options: { ...words, replicas: '4' }, says: /either --replicas N or --factor F/ },
    { name: 'a factor of nothing', options: { ...words, factor: '0' }, says: /factor 0/ },
  ];
  for (const { name, options, says } of faults) it(`refuses ${name}`, () => assert.match(faultsOf(options), says));

  it('names all faults at once', () => {
    const said = faultsOf(
      { event: 'a.b', cron: '99 8 * * 9', timeZone: '?', lasts: 'x', lead: 'y', catchUp: 'z', replicas: '-1' },
      'no such/workload',
    );
    const parts = [
      /workload/,
      /--event/,
      /minute "99"/,
      /day of week/,
      /--time-zone/,
      /--lasts/,
      /--lead/,
      /--catch-up/,
      /replicas -1/,
    ];
    for (const part of parts) assert.match(said, part);
  });
});
