import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Call, MetricsPort } from '../../activities/ports.ts';

/** Queries whose answer is known without any data; a fake is told what each of them says. */
export const QUERIES = {
  one: 'vector(1)',
  clock: 'time()',
  nothing: 'no_such_metric_of_headroom',
  notANumber: 'vector(0) / 0',
  infinite: 'vector(1) / 0',
  /** 1 on even minutes and no sample on odd ones. */
  evenMinutes: 'vector(1) and on() (minute() % 2 == 0)',
  labelled: 'label_replace(vector(1), "pod", "web-1", "", "")',
  two: 'label_replace(vector(1), "pod", "a", "", "") or label_replace(vector(2), "pod", "b", "", "")',
  broken: 'sum(',
  /** Valid, answered, and with a warning. */
  doubtful: 'quantile(2, vector(1))',
} as const;

/** What every MetricsPort promises; run against the fake and against a real Prometheus. */
export function describeMetricsPort(
  title: string,
  open: () => Promise<{ readonly port: MetricsPort; close(): Promise<void> }>,
): void {
  describe(title, () => {
    let world: Awaited<ReturnType<typeof open>>;
    before(async () => {
      world = await open();
    });
    after(() => world.close());
    const call: Call = { signal: new AbortController().signal, caller: 'contract/metrics-port' };
    const startMs = Date.UTC(2026, 0, 1, 12, 0, 0);
    const window = { startMs, endMs: startMs + 120_000, stepMs: 30_000 };
    const range = (query: string) => world.port.range(query, window, call);
    const moments = [0, 30, 60, 90, 120].map((seconds) => startMs + seconds * 1_000);

    it('samples from the start to the end of the window, both included, at each step', async () => {
      assert.deepEqual(await range(QUERIES.one), [
        { labels: {}, samples: moments.map((atMs) => ({ atMs, value: 1 })) },
      ]);
    });

    it('dates each sample in milliseconds', async () => {
      const [series] = await range(QUERIES.clock);
      assert.deepEqual(
        series?.samples,
        moments.map((atMs) => ({ atMs, value: atMs / 1_000 })),
      );
    });

    it('keeps windows that do not begin on a whole second', async () => {
      const [series] = await world.port.range(
        QUERIES.one,
        { startMs: startMs + 250, endMs: startMs + 1_250, stepMs: 500 },
        call,
      );
      assert.deepEqual(
        series?.samples.map(({ atMs }) => atMs - startMs),
        [250, 750, 1_250],
      );
    });

    it('finds no series where there is no data, and never a zero', async () => {
      assert.deepEqual(await range(QUERIES.nothing), []);
    });

    for (const query of ['notANumber', 'infinite'] as const) {
      it(`takes a sample that is ${query} for absent`, async () => {
        assert.deepEqual(
          (await range(QUERIES[query])).flatMap(({ samples }) => samples),
          [],
        );
      });
    }

    it('leaves a gap where a series has no sample', async () => {
      const [series] = await range(QUERIES.evenMinutes);
      assert.deepEqual(
        series?.samples.map(({ atMs }) => (atMs - startMs) / 1_000),
        [0, 30, 120],
      );
    });

    it('keeps the labels of each series', async () => {
      assert.deepEqual((await range(QUERIES.labelled))[0]?.labels, { pod: 'web-1' });
      const pairs = (await range(QUERIES.two)).map(
        ({ labels, samples }) => [labels['pod'] ?? '', samples[0]?.value] as const,
      );
      assert.deepEqual(Object.fromEntries(pairs), { a: 1, b: 2 });
    });

    it('fails as invalidRequest, naming the query, when it cannot be read', async () => {
      await assert.rejects(range(QUERIES.broken), { type: 'invalidRequest', nonRetryable: true, message: /sum\(/ });
    });

    it('fails as metricsUnavailable when the answer carries a warning: it may be partial', async () => {
      await assert.rejects(range(QUERIES.doubtful), {
        type: 'metricsUnavailable',
        nonRetryable: false,
        message: /warning/,
      });
    });

    it('stops with the reason of the signal when the caller gives up', async () => {
      const reason = new Error('given up');
      await assert.rejects(
        world.port.range(QUERIES.one, window, { ...call, signal: AbortSignal.abort(reason) }),
        reason,
      );
    });
  });
}
