import { setTimeout as sleep } from 'node:timers/promises';
import { failure } from '../activities/failure.ts';
import type { Call, MetricsPort } from '../activities/ports.ts';
import type { Series } from '../domain/quiet.ts';

export interface MetricsOptions {
  /** The base address: `http://prometheus.monitoring:9090`, with a path prefix where there is one. */
  readonly url: string;
  /** Sent with every query, for a Prometheus behind a proxy: { authorization: 'Bearer …' }. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
}

/** A query that a dashboard would wait for; a slower one is a fault to be told, not a reason to hang. */
const DEADLINE_MS = 10_000;

export function createMetricsPort({ url, headers = {}, deadlineMs = DEADLINE_MS }: MetricsOptions): MetricsPort {
  const endpoint = new URL(`${url.replace(/\/$/, '')}/api/v1/query_range`);

  async function ask(form: URLSearchParams, { signal, caller }: Call): Promise<Answer> {
    const either = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
    const send = async (): Promise<Answer | { readonly lost: unknown }> => {
      try {
        const response = await fetch(endpoint, {
          method: 'POST',
          body: form,
          signal: either,
          headers: { ...headers, 'user-agent': `headroom ${caller.replaceAll(/[^\x20-\x7e]/g, '_')}` },
        });
        return {
          status: response.status,
          body: readBody(await response.text()),
          retryAfter: response.headers.get('retry-after'),
        };
      } catch (error) {
        return { lost: error };
      }
    };
    let outcome = await send();
    // a lost connection only: after a 503 the same query would overload Prometheus once more
    if ('lost' in outcome && !either.aborted) {
      await sleep(100 + Math.random() * 200);
      outcome = await send();
    }
    if (!('lost' in outcome)) return outcome;
    signal.throwIfAborted();
    const why = either.aborted ? `no answer within ${deadlineMs / 1_000} s` : errorText(outcome.lost);
    throw failure('metricsUnavailable', `prometheus ${endpoint.host}: ${why}`, { cause: outcome.lost });
  }

  async function range(
    query: string,
    { startMs, endMs, stepMs }: Parameters<MetricsPort['range']>[1],
    call: Call,
  ): Promise<readonly Series[]> {
    const form = new URLSearchParams({
      query,
      start: String(startMs / 1_000),
      end: String(endMs / 1_000),
      step: String(stepMs / 1_000),
      // Prometheus gives up first, and says what it was doing
      timeout: String((deadlineMs * 0.9) / 1_000),
    });
    return readSeries(await ask(form, call), query, endpoint.host);
  }
  return { range };
}

interface Answer {
  readonly status: number;
  readonly body: Body | undefined;
  readonly retryAfter: string | null;
}
/** https://prometheus.io/docs/prometheus/latest/querying/api/: `warnings` mean that the answer may be partial (R82). */
interface Body {
  readonly status?: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: {
    readonly resultType?: string;
    readonly result?: readonly {
      readonly metric: Series['labels'];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}

function readSeries({ status, body, retryAfter }: Answer, query: string, host: string): readonly Series[] {
  if (body?.errorType === 'bad_data')
    throw failure(
      'invalidRequest',
      `prometheus ${host} cannot read the query ${shorten(query)}: ${shorten(body.error ?? '')}`,
    );
  if (status !== 200 || body?.status !== 'success') {
    const seconds = Number(retryAfter ?? Number.NaN);
    const said = body?.error ?? 'it does not speak the Prometheus API; is the address right?';
    throw failure(
      'metricsUnavailable',
      `prometheus ${host} answers ${status} to ${shorten(query)}: ${shorten(said)}`,
      seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {},
    );
  }
  if (body.warnings !== undefined && body.warnings.length > 0) {
    throw failure(
      'metricsUnavailable',
      `prometheus ${host} answers ${shorten(query)} with a warning, so perhaps not whole: ${shorten(body.warnings.join('; '))}`,
    );
  }
  const { resultType, result } = body.data ?? {};
  if (resultType !== 'matrix' || result === undefined) {
    throw failure(
      'metricsUnavailable',
      `prometheus ${host} answers ${shorten(query)} with a ${resultType ?? 'nothing'} instead of a matrix`,
    );
  }
  return result.map(({ metric, values = [] }) => ({ labels: metric, samples: values.flatMap(readSample) }));
}

/** Values are texts; NaN and infinities are no data (R83), so they are left out. */
function readSample([seconds, text]: readonly [number, string]): Series['samples'] {
  const value = Number(text);
  return Number.isFinite(value) && text.trim() !== '' ? [{ atMs: Math.round(seconds * 1_000), value }] : [];
}

function readBody(text: string): Body | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

function errorText(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return 'connection failed';
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return shorten(cause.message === '' ? code : `${code}, ${cause.message}`);
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}
