import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRecommendation } from '../../../adapters/kubernetes/recommendation.ts';

type Autoscaler = Parameters<typeof readRecommendation>[0];

/** As the API server sends it: quantities are texts. */
function anAutoscaler(metrics: readonly object[], currentMetrics: readonly object[], currentReplicas = 12): Autoscaler {
  return { spec: { metrics }, status: { currentReplicas, currentMetrics } } as unknown as Autoscaler;
}
const resource = (name: string, word: 'target' | 'current', value: object) => ({
  type: 'Resource',
  resource: { name, [word]: value },
});
const external = (word: 'target' | 'current', value: object) => ({
  type: 'External',
  external: { metric: { name: 's0-prometheus' }, [word]: value },
});

describe('reading what an HPA would have by its own metrics', () => {
  const rows: readonly (readonly [name: string, autoscaler: Autoscaler, count: number | undefined])[] = [
    [
      'the larger of cpu and memory, each by its own name',
      anAutoscaler(
        [
          resource('cpu', 'target', { averageUtilization: 70 }),
          resource('memory', 'target', { averageUtilization: 80 }),
        ],
        [
          resource('memory', 'current', { averageUtilization: 60 }),
          resource('cpu', 'current', { averageUtilization: 35 }),
        ],
      ),
      9,
    ],
    [
      'a quantity against a quantity, as KEDA writes them',
      anAutoscaler([external('target', { averageValue: '10' })], [external('current', { averageValue: '2500m' })]),
      3,
    ],
    [
      'nothing while a metric is not measured yet',
      anAutoscaler([resource('cpu', 'target', { averageUtilization: 70 })], []),
      undefined,
    ],
    [
      'nothing of another unit',
      anAutoscaler([external('target', { value: '10' })], [external('current', { averageValue: '20' })]),
      undefined,
    ],
    [
      'nothing at no pods, of which a ratio says nothing',
      anAutoscaler([external('target', { value: '10' })], [external('current', { value: '20' })], 0),
      undefined,
    ],
    ['nothing of an HPA that was just made', {} as Autoscaler, undefined],
  ];
  for (const [name, autoscaler, count] of rows)
    it(`finds ${name}`, () => assert.equal(readRecommendation(autoscaler), count));
});
