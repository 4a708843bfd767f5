import type { EventWindow } from './demo-steps.ts';

/** What Prometheus saw of the demo's load. */
export interface LoadSeen {
  /** Requests served per second: just before the event, at most in it, and at least in its second half. */
  readonly before: number;
  readonly peak: number;
  readonly lowest: number;
  /** The slowest that 95 of 100 requests got while the load was what was foreseen. */
  readonly p95Ms: number;
  /** In the storm, where there was one: at worst, and in its last seconds. */
  readonly storm?: { readonly worstP95Ms: number; readonly lastP95Ms: number };
}

const SERVED = 'sum(rate(tensafe_http_requests_total{namespace="tensafe",code="200"}[5s]))';
const P95_MS =
  '1000 * histogram_quantile(0.95, sum by (le) (rate(tensafe_inference_latency_seconds_bucket{namespace="tensafe"}[5s])))';

/** How far back a rate looks: what is read right after a change still has the old load in it. */
const RATE_MS = 5_000;

export async function readLoadSeen(prometheusUrl: string, { startMs, stormMs, endMs }: EventWindow): Promise<LoadSeen> {
  const range = (query: string, fromMs: number, toMs: number) => readRange(prometheusUrl, query, fromMs, toMs);
  const [before, during, late, p95, storm, last] = await Promise.all([
    range(SERVED, startMs - RATE_MS, startMs),
    range(SERVED, startMs, endMs),
    range(SERVED, Math.max(startMs + RATE_MS, (startMs + endMs) / 2), endMs),
    range(P95_MS, startMs + RATE_MS, stormMs ?? endMs),
    range(P95_MS, stormMs ?? endMs, endMs),
    range(P95_MS, endMs - RATE_MS, endMs),
  ]);
  return {
    before: highest(before),
    peak: highest(during),
    lowest: late.length === 0 ? 0 : Math.min(...late),
    p95Ms: highest(p95),
    ...(stormMs !== undefined && { storm: { worstP95Ms: highest(storm), lastP95Ms: highest(last) } }),
  };
}

/** Now; 0 without any traffic. */
export async function readP95Ms(prometheusUrl: string): Promise<number> {
  const nowMs = Date.now();
  return highest(await readRange(prometheusUrl, P95_MS, nowMs, nowMs));
}

const highest = (values: readonly number[]): number => Math.max(0, ...values);

interface RangeReply {
  readonly data?: { readonly result: readonly { readonly values: readonly (readonly [number, string])[] }[] };
}

async function readRange(url: string, query: string, fromMs: number, toMs: number): Promise<readonly number[]> {
  const parameters = new URLSearchParams({
    query,
    start: String(fromMs / 1_000),
    end: String(toMs / 1_000),
    step: '1',
  });
  const reply = await fetch(`${url}/api/v1/query_range?${parameters.toString()}`, {
    signal: AbortSignal.timeout(10_000),
  });
  if (!reply.ok) throw new Error(`Prometheus answers ${reply.status} to ${query}`);
  const { data }: RangeReply = JSON.parse(await reply.text());
  const values = (data?.result[0]?.values ?? []).map(([, value]) => Number(value));
  // without any traffic a quantile is not a number
  return values.filter((value) => !Number.isNaN(value));
}
