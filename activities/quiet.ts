import { formatDuration } from '../domain/duration.ts';
import type { ResolvedPolicy } from '../domain/policy.ts';
import { currentCall } from './call.ts';
import { failure, messageOf } from './failure.ts';
import { lookAtLoad } from './load.ts';
import type { Ports } from './ports.ts';

export function createQuietActivities(ports: Pick<Ports, 'metrics' | 'workloads'>) {
  /**
   * Waits until all load metrics have stayed low for the policy's window, which starts at `sinceMs` at the earliest.
   * Judged from range data, so a lost worker loses nothing; no data is never quiet (R83).
   */
  async function awaitQuiet(request: {
    readonly policy: ResolvedPolicy;
    readonly sinceMs: number;
    readonly baselinePods: number;
  }): Promise<void> {
    const { windowMs, everyMs } = request.policy.preScale.quiet;
    // whatever cannot be read leaves the capacity where it is, so no failure here may end the run
    const { verdict, lowForMs } = await lookAtLoad(ports, request).catch((error: unknown) => {
      if (currentCall().signal.aborted) throw error;
      throw failure('metricsUnavailable', messageOf(error), { cause: error, retryAfterMs: everyMs });
    });
    if (verdict.kind === 'quiet' && lowForMs >= windowMs) return;
    const said =
      verdict.kind === 'quiet'
        ? `quiet for ${formatDuration(Math.floor(lowForMs / 1000) * 1000)} of ${formatDuration(windowMs)}`
        : verdict.reasons.join('; ');
    throw failure(verdict.kind === 'unknown' ? 'metricsUnavailable' : 'notReady', said, { retryAfterMs: everyMs });
  }

  return { awaitQuiet };
}
