import { failure } from '../../activities/failure.ts';
import type { Call, MetricsPort } from '../../activities/ports.ts';
import type { FailureType } from '../../domain/failures.ts';
import type { SampleWindow, Series } from '../../domain/quiet.ts';

export interface FakeSeries {
  readonly labels?: Series['labels'];
  /** The value at a moment; undefined where there is no sample. */
  readonly at: (atMs: number) => number | undefined;
}
/** 'warning' is an answer that may be partial. */
export type FakeAnswer = readonly FakeSeries[] | 'badQuery' | 'warning' | 'down';

/** Prometheus in memory: says to each query what it was told, sampled as a range query would. */
export class FakeMetrics implements MetricsPort {
  /** By query text; a query that is not here finds no series, as in Prometheus. */
  readonly answers = new Map<string, FakeAnswer>();
  /** Fails whatever is asked, until cleared. */
  outage: FailureType | undefined;
  readonly calls: { readonly query: string; readonly window: SampleWindow; readonly caller: string }[] = [];

  /** One series of this value at any time. */
  say(query: string, value: number | ((atMs: number) => number | undefined)): void {
    this.answers.set(query, [{ at: typeof value === 'number' ? () => value : value }]);
  }

  async range(query: string, window: SampleWindow, { signal, caller }: Call): Promise<readonly Series[]> {
    signal.throwIfAborted();
    this.calls.push({ query, window, caller });
    await Promise.resolve();
    if (this.outage !== undefined) throw failure(this.outage, `the fake's outage at ${query}`);
    const answer = this.answers.get(query) ?? [];
    if (answer === 'badQuery') throw failure('invalidRequest', `the fake cannot read the query ${query}`);
    if (answer === 'warning') throw failure('metricsUnavailable', `the fake answers ${query} with a warning`);
    if (answer === 'down') throw failure('metricsUnavailable', `the fake is down at ${query}`);
    return answer.map(({ labels = {}, at }) => ({ labels, samples: samplesOf(at, window) }));
  }
}

function samplesOf(at: FakeSeries['at'], { startMs, endMs, stepMs }: SampleWindow): Series['samples'] {
  const count = Math.floor((endMs - startMs) / stepMs) + 1;
  const moments = Array.from({ length: Math.max(0, count) }, (_, index) => startMs + index * stepMs);
  return moments.flatMap((atMs) => {
    const value = at(atMs);
    return value === undefined || !Number.isFinite(value) ? [] : [{ atMs, value }];
  });
}
