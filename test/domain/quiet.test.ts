import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { judgeQuiet, regressed, type JudgedMetric, type QuietFacts, type Series } from '../../domain/quiet.ts';

const startMs = Date.UTC(2026, 10, 23, 14, 0, 0);
const stepMs = 30_000;
/** Eleven steps, 14:00:00 to 14:05:00. */
const window = { startMs, endMs: startMs + 10 * stepMs, stepMs };
const cpu: JudgedMetric = { name: 'cpu', unit: '%', scaleDownBelow: 30, scaleUpAbove: 70, perPod: true };
const latency: JudgedMetric = {
  name: 'p95 latency',
  unit: 'ms',
  scaleDownBelow: 100,
  scaleUpAbove: 200,
  perPod: false,
};

function aSeries(values: readonly (number | null)[], fromMs = startMs): Series {
  const samples = values.map((value, index) => ({ atMs: fromMs + index * stepMs, value: value ?? Infinity }));
  return { labels: {}, samples: samples.filter((_, index) => values[index] !== null) };
}
function flat(value: number, count = 11): (number | null)[] {
  return Array.from({ length: count }, () => value);
}
function withAt(values: readonly (number | null)[], index: number, value: number | null): (number | null)[] {
  return values.with(index, value);
}
function facts(of: Partial<QuietFacts> & { readonly values?: readonly (number | null)[] } = {}): QuietFacts {
  const { values = flat(50), ...others } = of;
  return {
    metrics: [{ metric: latency, series: [aSeries(values)] }],
    dataHealthy: undefined,
    window,
    pods: 6,
    baselinePods: 3,
    ...others,
  };
}
function flatCpu(value: number) {
  return [{ metric: cpu, series: [aSeries(flat(value))] }];
}
function reasonsOf(facts: QuietFacts): readonly string[] {
  const verdict = judgeQuiet(facts);
  return verdict.kind === 'quiet' ? [] : verdict.reasons;
}

describe('judging whether the load is over', () => {
  it('answers quiet when each sample of the window is under the threshold', () => {
    assert.deepEqual(judgeQuiet(facts({ values: withAt(flat(50), 4, 99) })), {
      kind: 'quiet',
      quietSinceMs: startMs,
      values: [
        {
          name: 'p95 latency',
          unit: 'ms',
          threshold: 100,
          worst: 99,
          worstAtMs: startMs + 4 * stepMs,
          judged: 99,
          quietSinceMs: startMs,
        },
      ],
    });
  });

  const unknown: readonly {
    readonly name: string;
    readonly of: Partial<QuietFacts> & { values?: (number | null)[] };
    readonly says: string;
  }[] = [
    {
      name: 'a sample is missing',
      of: { values: withAt(flat(50), 5, null) },
      says: 'p95 latency: no sample at 2026-11-23T14:02:30Z',
    },
    {
      name: 'the first sample is missing',
      of: { values: withAt(flat(50), 0, null) },
      says: 'p95 latency: no sample at 2026-11-23T14:00:00Z',
    },
    {
      name: 'the last two samples are missing',
      of: { values: flat(50, 9) },
      says: 'p95 latency: no sample at 2026-11-23T14:04:30Z',
    },
    {
      name: 'a sample is NaN',
      of: { values: withAt(flat(50), 5, NaN) },
      says: 'p95 latency: NaN at 2026-11-23T14:02:30Z',
    },
    {
      name: 'the newest sample is NaN',
      of: { values: withAt(flat(50), 10, NaN) },
      says: 'p95 latency: NaN at 2026-11-23T14:05:00Z',
    },
    {
      name: 'a sample is infinite',
      of: { values: withAt(flat(50), 5, Infinity) },
      says: 'p95 latency: Infinity at 2026-11-23T14:02:30Z',
    },
    {
      name: 'a sample is minus infinity',
      of: { values: withAt(flat(50), 5, -Infinity) },
      says: 'p95 latency: -Infinity at 2026-11-23T14:02:30Z',
    },
    { name: 'there is no series', of: { metrics: [{ metric: latency, series: [] }] }, says: 'p95 latency: no data' },
    {
      name: 'the series is empty',
      of: { values: [] },
      says: 'p95 latency: no sample at 2026-11-23T14:04:30Z (and so at 10 of 10 steps)',
    },
    {
      name: 'Prometheus does not answer',
      of: { metrics: [{ metric: latency, series: 'unavailable' }] },
      says: 'p95 latency: Prometheus does not answer',
    },
    {
      name: 'two series come back',
      of: { metrics: [{ metric: latency, series: [aSeries(flat(1)), aSeries(flat(1))] }] },
      says: 'p95 latency: 2 series where one is expected; the query must aggregate them',
    },
    {
      name: 'no metric is configured',
      of: { metrics: [] },
      says: 'no load metric is configured, so nothing tells that the load is over',
    },
    { name: 'the freshness query has no answer', of: { dataHealthy: [] }, says: 'data health: no data' },
    {
      name: 'the freshness query fails',
      of: { dataHealthy: 'unavailable' },
      says: 'data health: Prometheus does not answer',
    },
    {
      name: 'targets were missing once',
      of: { dataHealthy: [aSeries(withAt(flat(1), 3, 0))] },
      says: 'data health: 0 instead of 1 at 2026-11-23T14:01:30Z: targets are missing',
    },
    {
      name: 'the freshness query is over 1',
      of: { dataHealthy: [aSeries(withAt(flat(1), 3, 2))] },
      says: 'data health: 2 instead of 1 at 2026-11-23T14:01:30Z: targets are missing',
    },
    {
      name: 'freshness itself has a gap',
      of: { dataHealthy: [aSeries(withAt(flat(1), 3, null))] },
      says: 'data health: no sample at 2026-11-23T14:01:30Z',
    },
    {
      name: 'two freshness series come back',
      of: { dataHealthy: [aSeries(flat(1)), aSeries(flat(1))] },
      says: 'data health: 2 series where one is expected; the query must aggregate them',
    },
    {
      name: 'the window ends before it begins',
      of: { window: { ...window, endMs: startMs - 1 } },
      says: 'the window begins at 2026-11-23T14:00:00Z, after 2026-11-23T13:59:59Z',
    },
    {
      name: 'the step is zero',
      of: { window: { ...window, stepMs: 0 } },
      says: 'a window from 2026-11-23T14:00:00Z to 2026-11-23T14:05:00Z in steps of 0 ms cannot be judged',
    },
    {
      name: 'the window has no end',
      of: { window: { ...window, endMs: Infinity } },
      says: 'a window from 2026-11-23T14:00:00Z to Infinity in steps of 30000 ms cannot be judged',
    },
    {
      name: 'a ratio per pod meets no pods',
      of: { metrics: [{ metric: cpu, series: [aSeries(flat(1))] }], pods: 0 },
      says: 'cpu: a ratio per pod says nothing while 0 pods are available',
    },
  ];
  for (const { name, of, says } of unknown) {
    it(`answers unknown, and says why, when ${name}`, () => {
      const verdict = judgeQuiet(facts(of));
      assert.equal(verdict.kind, 'unknown');
      assert.deepEqual(reasonsOf(facts(of)), [says]);
    });
  }

  it('does not take a value exactly at the threshold for quiet', () => {
    assert.equal(judgeQuiet(facts({ values: withAt(flat(50), 10, 99.9) })).kind, 'quiet');
    const verdict = judgeQuiet(facts({ values: withAt(flat(50), 10, 100) }));
    assert.equal(verdict.kind, 'busy');
    assert.ok(verdict.kind === 'busy');
    assert.deepEqual(verdict.reasons, ['p95 latency 100 ms, must stay under 100 ms']);
    assert.equal(verdict.quietSinceMs, undefined);
  });

  it('judges a ratio per pod as it would be at the baseline count', () => {
    assert.deepEqual(reasonsOf(facts({ metrics: flatCpu(26) })), [
      'cpu 52 % as it would be at 3 pods (26 % at 6), must stay under 30 %',
    ]);
    assert.equal(judgeQuiet(facts({ metrics: flatCpu(14.9) })).kind, 'quiet');
    assert.equal(judgeQuiet(facts({ metrics: flatCpu(15) })).kind, 'busy');
    assert.equal(judgeQuiet(facts({ metrics: flatCpu(26), pods: 3 })).kind, 'quiet');
  });

  it('judges a ratio per pod at one pod when the baseline is none', () => {
    const metrics = [{ metric: cpu, series: [aSeries(flat(6))] }];
    assert.deepEqual(reasonsOf(facts({ metrics, baselinePods: 0 })), [
      'cpu 36 % as it would be at 1 pod (6 % at 6), must stay under 30 %',
    ]);
    assert.equal(judgeQuiet(facts({ metrics, pods: 4, baselinePods: 0 })).kind, 'quiet');
  });

  it('leaves a total as measured, however many pods there are', () => {
    assert.equal(judgeQuiet(facts({ values: flat(99), pods: 100 })).kind, 'quiet');
  });

  it('takes the worst sample of two that fall on one step', () => {
    const double = aSeries(flat(50));
    const series = [{ ...double, samples: [...double.samples, { atMs: startMs + stepMs, value: 500 }] }];
    assert.equal(judgeQuiet(facts({ metrics: [{ metric: latency, series }] })).kind, 'busy');
  });

  it('ignores samples outside of the window', () => {
    const series = [aSeries([900, ...flat(50), 900], startMs - stepMs)];
    assert.equal(judgeQuiet(facts({ metrics: [{ metric: latency, series }] })).kind, 'quiet');
  });

  it('lets the sample due at the very end be on its way', () => {
    assert.equal(judgeQuiet(facts({ values: flat(50, 10) })).kind, 'quiet');
    assert.equal(judgeQuiet(facts({ dataHealthy: [aSeries(flat(1, 10))] })).kind, 'quiet');
  });

  it('wants the newest sample to be no older than a step', () => {
    const offGrid = { ...window, endMs: window.endMs - 1_000 };
    assert.equal(judgeQuiet(facts({ values: flat(50, 10), window: offGrid })).kind, 'quiet');
    assert.equal(judgeQuiet(facts({ values: flat(50, 9), window: offGrid })).kind, 'unknown');
    assert.equal(judgeQuiet(facts({ values: [], window: { ...window, endMs: startMs } })).kind, 'unknown');
  });

  it('takes one sample for a window that has just begun', () => {
    assert.equal(judgeQuiet(facts({ values: [50], window: { ...window, endMs: startMs } })).kind, 'quiet');
  });

  it('shows the newest of equal worst samples', () => {
    assert.equal(judgeQuiet(facts({ values: flat(50) })).values[0]?.worstAtMs, window.endMs);
  });

  it('judges no ratio per pod with counts that are none', () => {
    for (const [pods, baselinePods] of [
      [-1, 3],
      [6, -1],
      [6, Infinity],
      [NaN, 3],
    ] as const) {
      assert.equal(judgeQuiet(facts({ metrics: flatCpu(1), pods, baselinePods })).kind, 'unknown');
    }
  });

  it('says since when it is quiet: after the last loud, missing or unhealthy sample of any metric', () => {
    const since = (of: Parameters<typeof facts>[0]) => {
      const { quietSinceMs } = judgeQuiet(facts(of));
      return quietSinceMs === undefined ? undefined : (quietSinceMs - startMs) / stepMs;
    };
    assert.equal(since({ values: withAt(flat(50), 3, 500) }), 4);
    assert.equal(since({ values: withAt(flat(50), 5, null) }), 6);
    assert.equal(since({ dataHealthy: [aSeries(withAt(flat(1), 7, 0))] }), 8);
    assert.equal(since({ dataHealthy: [aSeries(withAt(flat(1), 7, 2))] }), 8);
    assert.equal(since({ values: withAt(flat(50, 10), 3, 500) }), 4);
    assert.equal(since({ values: withAt(flat(50), 10, 500) }), undefined);
    const metrics = [
      { metric: latency, series: [aSeries(withAt(flat(50), 2, 500))] },
      { metric: cpu, series: [aSeries(withAt(flat(1), 6, 90))] },
    ];
    assert.equal(since({ metrics }), 7);
    assert.equal(since({ metrics: [...metrics, { metric: latency, series: [] }] }), undefined);
    assert.deepEqual(reasonsOf(facts({ values: withAt(flat(50), 3, 500) })), [
      'p95 latency 500 ms, must stay under 100 ms; quiet since 2026-11-23T14:02:00Z',
    ]);
  });

  it('names every metric that is in the way, the unknown before the busy', () => {
    const metrics = [
      { metric: latency, series: [aSeries(flat(150))] },
      { metric: cpu, series: [] },
    ];
    assert.deepEqual(reasonsOf(facts({ metrics })), ['cpu: no data', 'p95 latency 150 ms, must stay under 100 ms']);
  });
});

const value = fc.double({ min: 0, max: 200, noNaN: true });
const values = fc.array(value, { minLength: 11, maxLength: 11 });
const anyFacts = fc.record({
  values: fc.tuple(values, values),
  pods: fc.integer({ min: 1, max: 50 }),
  baselinePods: fc.integer({ min: 0, max: 50 }),
});
function twoMetrics([first, second]: readonly (readonly (number | null)[])[], pods: number, baselinePods: number) {
  return facts({
    metrics: [
      { metric: latency, series: [aSeries(first ?? [])] },
      { metric: cpu, series: [aSeries(second ?? [])] },
    ],
    dataHealthy: [aSeries(flat(1))],
    pods,
    baselinePods,
  });
}
/** Mostly quiet samples, so that the properties meet both answers. */
const calm = anyFacts.map(({ values: [a, b], pods, baselinePods }) => {
  const scale = Math.max(1, baselinePods) / pods;
  return { values: [a.map((v) => v / 1.9), b.map((v) => (v / 6) * scale)], pods, baselinePods };
});

describe('quiet, whatever the numbers', () => {
  it('is never answered when a sample is missing or is no number', () => {
    const hole = fc.constantFrom(null, NaN, Infinity, -Infinity);
    fc.assert(
      fc.property(calm, fc.nat(1), fc.nat(9), hole, ({ values, pods, baselinePods }, metric, at, hole) => {
        const holed = values.map((own, index) => (index === metric ? withAt(own, at, hole) : own));
        const verdict = judgeQuiet(twoMetrics(holed, pods, baselinePods));
        assert.equal(verdict.kind, 'unknown');
      }),
    );
  });

  it('does not come about by a higher value, or by more pods', () => {
    const raise = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        fc.oneof(calm, anyFacts),
        fc.nat(1),
        fc.nat(10),
        raise,
        fc.nat(20),
        (given, metric, at, by, morePods) => {
          const { values, pods, baselinePods } = given;
          const raised = values.map((own, index) => (index === metric ? own.with(at, (own[at] ?? 0) + by) : own));
          const before = judgeQuiet(twoMetrics(values, pods, baselinePods)).kind;
          const after = judgeQuiet(twoMetrics(raised, pods + morePods, baselinePods)).kind;
          assert.ok(!(after === 'quiet' && before !== 'quiet'), `${before} became ${after}`);
        },
      ),
    );
  });

  it('is exactly that all judged values are under their thresholds', () => {
    let quiet = 0;
    fc.assert(
      fc.property(calm, ({ values, pods, baselinePods }) => {
        const [first = [], second = []] = values;
        const expected =
          first.every((v) => v < 100) && second.every((v) => (v * pods) / Math.max(1, baselinePods) < 30);
        const verdict = judgeQuiet(twoMetrics(values, pods, baselinePods));
        quiet += verdict.kind === 'quiet' ? 1 : 0;
        assert.equal(verdict.kind, expected ? 'quiet' : 'busy');
        if (verdict.kind === 'quiet') assert.equal(verdict.quietSinceMs, startMs);
      }),
      // often enough to see both
      { numRuns: 200 },
    );
    assert.ok(quiet > 0);
  });
});

function cameBack(values: readonly (number | null)[], metric = latency) {
  return regressed(facts({ metrics: [{ metric, series: [aSeries(values)] }] }));
}

describe('judging whether the load came back', () => {
  it('sees two samples in a row over the scale-up threshold', () => {
    assert.deepEqual(cameBack([...flat(50, 4), 210, 250, ...flat(50, 5)]), [
      'p95 latency 250 ms at 2026-11-23T14:02:30Z, over 200 ms since 2026-11-23T14:02:00Z at least',
    ]);
  });

  const steady = [
    { name: 'one sample alone', values: withAt(flat(50), 4, 900) },
    { name: 'two that are not in a row', values: withAt(withAt(flat(50), 4, 900), 6, 900) },
    { name: 'two with a missing one between', values: [...flat(50, 4), 900, null, 900, ...flat(50, 4)] },
    { name: 'values exactly at the threshold', values: flat(200) },
    { name: 'NaN', values: flat(NaN) },
    { name: 'infinity', values: flat(Infinity) },
    { name: 'no samples', values: [] },
  ];
  for (const { name, values } of steady) {
    it(`is not moved by ${name}`, () => assert.equal(cameBack(values), undefined));
  }

  it('is not moved by an ambiguous or missing answer', () => {
    for (const series of [[], 'unavailable' as const, [aSeries(flat(900)), aSeries(flat(900))]]) {
      assert.equal(regressed(facts({ metrics: [{ metric: latency, series }] })), undefined);
    }
  });

  it('judges a ratio per pod at the count that the wind-down leads to', () => {
    assert.deepEqual(cameBack(flat(36), cpu), [
      'cpu 72 % as it would be at 3 pods (36 % at 6) at 2026-11-23T14:05:00Z, over 70 % since 2026-11-23T14:04:30Z at least',
    ]);
    assert.equal(cameBack(flat(35), cpu), undefined);
  });

  it('counts a ratio per pod as measured where fewer pods are left than the baseline', () => {
    const metrics = [{ metric: cpu, series: [aSeries(flat(71))] }];
    assert.ok(regressed(facts({ metrics, pods: 1, baselinePods: 3 })));
  });
});
