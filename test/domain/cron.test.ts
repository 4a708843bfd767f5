import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readCron } from '../../domain/cron.ts';

const cronOf = (text: string) => {
  const read = readCron(text);
  assert.equal(read.kind, 'cron', JSON.stringify(read));
  return read.kind === 'cron' ? read.cron : assert.fail();
};
const upTo = (least: number, most: number) => Array.from({ length: most - least + 1 }, (_, index) => least + index);

describe('reading a cron expression', () => {
  const read: readonly (readonly [string, Partial<ReturnType<typeof cronOf>>])[] = [
    ['0 8 * * 5', { minute: 0, hour: 8, days: upTo(1, 31), months: upTo(1, 12), weekdays: [5] }],
    ['30 23 * * FRI', { minute: 30, hour: 23, weekdays: [5] }],
    ['0 8 * * fri', { weekdays: [5] }],
    ['0 8 * * mon-fri', { weekdays: [1, 2, 3, 4, 5] }],
    ['0 8 * * 7', { weekdays: [0] }],
    ['0 8 * * 0,7', { weekdays: [0] }],
    ['0 8 * * 5-7', { weekdays: [0, 5, 6] }],
    ['0 8 * * */2', { weekdays: [0, 2, 4, 6] }],
    ['0 8 1,15 * *', { days: [1, 15] }],
    ['0 8 */10 * *', { days: [1, 11, 21, 31] }],
    ['0 8 20/5 * *', { days: [20, 25, 30] }],
    ['0 8 10-20/5 * *', { days: [10, 15, 20] }],
    ['0 8 29 2 *', { days: [29], months: [2] }],
    ['0 8 * NOV,dec *', { months: [11, 12] }],
    ['  0  8 * * *  ', { weekdays: upTo(0, 6) }],
    ['0 8 1-31 * 5', { days: upTo(1, 31), weekdays: [5] }],
  ];
  for (const [text, wanted] of read)
    it(`reads "${text}"`, () => {
      const cron = cronOf(text);
      for (const [key, value] of Object.entries(wanted)) assert.deepEqual(cron[key as keyof typeof cron], value);
    });

  const faults: readonly (readonly [string, readonly RegExp[]])[] = [
    ['', [/five fields/]],
    ['@daily', [/five fields/]],
    ['0 8 * *', [/five fields/]],
    ['0 0 8 * * 5', [/five fields/]],
    ['*/5 8 * * *', [/minute "\*\/5" is not one number from 0 to 59/]],
    ['0 8,9 * * *', [/hour "8,9" is not one number .* make a schedule for each/]],
    ['60 24 * * *', [/minute "60"/, /hour "24"/]],
    ['0 8 0 * *', [/day of month "0"/]],
    ['0 8 32 * *', [/1 to 31/]],
    ['0 8 L * *', [/day of month "L"/]],
    ['0 8 * 13 *', [/month "13" .* JAN to DEC/]],
    ['0 8 * * 8', [/day of week "8" .* SUN to SAT/]],
    ['0 8 * * 5#2', [/day of week/]],
    ['0 8 * * 5-1', [/day of week "5-1"/]],
    ['0 8 * * 1-2-3', [/day of week/]],
    ['0 8 * * */0', [/day of week/]],
    ['0 8 * * -1', [/day of week/]],
    ['0 8 13 * 5', [/read in two ways; make two schedules/]],
  ];
  for (const [text, says] of faults)
    it(`refuses "${text}"`, () => {
      const found = readCron(text);
      assert.equal(found.kind, 'faults');
      for (const part of says) assert.match(found.kind === 'faults' ? found.faults.join('\n') : '', part);
    });

  it('answers any words with a cron or with faults', () => {
    const field = fc.oneof(fc.stringMatching(/^[0-9*,/A-Z-]{1,6}$/), fc.string());
    fc.assert(
      fc.property(fc.array(field, { minLength: 4, maxLength: 6 }), (fields) => {
        const found = readCron(fields.join(' '));
        return found.kind === 'cron' ? found.cron.weekdays.length > 0 : found.faults.length > 0;
      }),
    );
  });
});
