import { judgeQuiet } from '../domain/quiet.ts';
import { formatDuration } from '../domain/duration.ts';
import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import { currentCall } from './call.ts';
import { failure, messageOf } from './failure.ts';
import type { Ports } from './ports.ts';

export function createQuietActivities({ metrics, workloads }: Pick<Ports, 'metrics' | 'workloads'>) {
  /**
   * Waits until all load metrics have stayed low for the policy's window, which starts at `sinceMs` at the earliest.
   * Judged from range data, so a lost worker loses nothing; no data is never quiet (R83).
   */
  async function awaitQuiet({
    policy,
    sinceMs,
    baselinePods,
  }: {
    readonly policy: ResolvedPolicy;
    readonly sinceMs: number;
    readonly baselinePods: number;
  }): Promise<void> {
    const { windowMs, everyMs, stepMs } = policy.preScale.quiet;
    const nowMs = Date.now();
    // whatever cannot be read leaves the capacity where it is, so no failure here may end the run
    const read = async <T>(what: Promise<T>): Promise<T> =>
      what.catch((error: unknown) => {
        if (currentCall().signal.aborted) throw error;
        throw failure('metricsUnavailable', messageOf(error), { cause: error, retryAfterMs: everyMs });
      });
    const lowFor = nowMs - sinceMs;
    const window = { startMs: Math.max(sinceMs, nowMs - windowMs), endMs: nowMs, stepMs };
    const { load, dataHealthy } = policy.workload;
    const state = await read(workloads.readWorkload(refOf(policy), currentCall()));
    const verdict = judgeQuiet({
      metrics: await Promise.all(
        load.map(async (metric) => ({
          metric,
          series: await read(metrics.range(metric.query, window, currentCall())),
        })),
      ),
      dataHealthy:
        dataHealthy === undefined ? undefined : await read(metrics.range(dataHealthy, window, currentCall())),
      window,
      pods: state.availableReplicas,
      baselinePods,
    });
    if (verdict.kind === 'quiet' && lowFor >= windowMs) return;
    const said =
      verdict.kind === 'quiet'
        ? `quiet for ${formatDuration(Math.floor(lowFor / 1000) * 1000)} of ${formatDuration(windowMs)}`
        : verdict.reasons.join('; ');
    throw failure(verdict.kind === 'unknown' ? 'metricsUnavailable' : 'notReady', said, { retryAfterMs: everyMs });
  }

  return { awaitQuiet };
}
