import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recommend, type MetricAim } from '../../domain/recommendation.ts';

describe('what an autoscaler would have by its metrics alone', () => {
  const rows: readonly (readonly [name: string, metrics: readonly MetricAim[], count: number | undefined])[] = [
    ['half of the pods at half of the aim', [{ current: 35, target: 70 }], 6],
    [
      'the largest of its metrics',
      [
        { current: 10, target: 70 },
        { current: 140, target: 70 },
      ],
      24,
    ],
    ['the next whole pod', [{ current: 46, target: 70 }], 8],
    ['the same within the tolerance', [{ current: 75, target: 70 }], 12],
    ['more just outside of it', [{ current: 78, target: 70 }], 14],
    ['nothing at no load', [{ current: 0, target: 70 }], 0],
    ['no word without metrics', [], undefined],
    [
      'no word of what is no number',
      [
        { current: Number.NaN, target: 70 },
        { current: 1, target: 0 },
      ],
      undefined,
    ],
  ];
  for (const [name, metrics, count] of rows) it(`is ${name}`, () => assert.equal(recommend(metrics, 12), count));
});
