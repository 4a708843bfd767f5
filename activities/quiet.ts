import { formatDuration } from '../domain/duration.ts';
import { currentCall } from './call.ts';
import { failure, lasting, messageOf } from './failure.ts';
import { lookAtLoad, lookForRegression, type LoadRequest } from './load.ts';
import type { Ports } from './ports.ts';

export interface AwaitQuietRequest extends LoadRequest {
  /** When to answer with the reasons instead of waiting on; absent: waits without end. */
  readonly askAtMs?: number;
}
export type QuietReport =
  | { readonly kind: 'quiet' }
  | { readonly kind: 'not quiet'; readonly reasons: readonly string[] };

export function createQuietActivities(ports: Pick<Ports, 'metrics' | 'workloads'>) {
  /**
   * Waits until all load metrics have stayed low for the policy's window, which starts at `sinceMs` at the earliest;
   * from `askAtMs` on it answers with what is in the way. One look an attempt, judged from range data, so a lost worker
   * loses nothing; no data is never quiet (R83).
   */
  async function awaitQuiet(request: AwaitQuietRequest): Promise<QuietReport> {
    const { windowMs, everyMs } = request.policy.preScale.quiet;
    const mayAnswer = request.askAtMs !== undefined && Date.now() >= request.askAtMs;
    // whatever cannot be read leaves the capacity where it is, so no failure here may end the run
    const seen = await lookAtLoad(ports, request).catch((error: unknown) => {
      if (currentCall().signal.aborted) throw error;
      if (mayAnswer) return { unread: messageOf(error) };
      throw failure('metricsUnavailable', messageOf(error), { cause: error, retryAfterMs: everyMs });
    });
    if ('unread' in seen) return { kind: 'not quiet', reasons: [seen.unread] };
    const { verdict, lowForMs } = seen;
    if (verdict.kind === 'quiet' && lowForMs >= windowMs) return { kind: 'quiet' };
    const reasons =
      verdict.kind === 'quiet'
        ? [`quiet for ${formatDuration(Math.floor(lowForMs / 1000) * 1000)} of ${formatDuration(windowMs)}`]
        : verdict.reasons;
    if (mayAnswer) return { kind: 'not quiet', reasons };
    throw failure(verdict.kind === 'unknown' ? 'metricsUnavailable' : 'notReady', reasons.join('; '), {
      retryAfterMs: everyMs,
    });
  }

  /**
   * Waits until a load metric is over its scale-up threshold for two samples; until then each attempt is one look.
   * What cannot be read is no regression: claiming again needs an explicit sign (R83).
   */
  async function awaitRegression(request: LoadRequest): Promise<{ readonly reasons: readonly string[] }> {
    const { everyMs } = request.policy.preScale.quiet;
    const reasons = await lookForRegression(ports, request).catch((error: unknown) => {
      throw lasting(error, everyMs);
    });
    if (reasons !== undefined) return { reasons };
    throw failure('notReady', 'the load has not come back', { retryAfterMs: everyMs });
  }

  return { awaitQuiet, awaitRegression };
}
