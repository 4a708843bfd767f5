import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { median, percentile } from '../../bench/statistics.ts';

describe('summing samples up', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  const cases = [
    { name: 'the middle of an odd number', of: median([9, 1, 5]), is: 5 },
    { name: 'the lower middle of an even number', of: median([4, 1, 3, 2]), is: 2 },
    { name: 'the 99th of a hundred', of: percentile(hundred, 99), is: 99 },
    { name: 'the largest', of: percentile(hundred, 100), is: 100 },
    { name: 'one sample for all', of: percentile([7], 99), is: 7 },
    { name: 'no figure without samples', of: median([]), is: NaN },
  ];
  for (const { name, of, is } of cases) it(`gives ${name}`, () => assert.equal(of, is));

  it('leaves the samples as they were', () => {
    const samples = [3, 1, 2];
    median(samples);
    assert.deepEqual(samples, [3, 1, 2]);
  });
});
