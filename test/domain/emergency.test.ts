import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { budgetFaults } from '../../domain/emergency.ts';

describe('the budget of what alerts may start', () => {
  const BUDGET = { perHour: 3, perDay: 10 };
  const faults = (hour: number, day: number) => budgetFaults('web', { hour, day }, BUDGET);

  for (const [hour, day, spans] of [
    [0, 0, []],
    [2, 9, []],
    [3, 9, ['hour']],
    [2, 10, ['day']],
    [3, 10, ['hour', 'day']],
  ] as const)
    it(`after ${hour} in an hour and ${day} in a day is spent for ${spans.join(' and ') || 'nothing'}`, () => {
      const found = faults(hour, day).map((fault) => /in the last (\w+)/.exec(fault)?.[1]);
      assert.deepEqual(found, spans);
    });

  it('says how many there were, how many are allowed, and what a person can do', () => {
    assert.deepEqual(faults(3, 0), [
      'alerts have started 3 emergencies of web in the last hour, of 3 that policy allows; start one by hand with: headroom emergency web',
    ]);
  });

  it('stops nobody when it could not be counted', () => {
    assert.deepEqual(budgetFaults('web', null, BUDGET), []);
  });
});
