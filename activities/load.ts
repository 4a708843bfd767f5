import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import { judgeQuiet } from '../domain/quiet.ts';
import { currentCall } from './call.ts';
import type { Ports } from './ports.ts';

/**
 * One look at the load of a workload over the policy's window, which starts at `sinceMs` at the earliest (R83: no data is
 * never quiet). `lowForMs` is how much of the window has passed.
 */
export async function lookAtLoad(
  { metrics, workloads }: Pick<Ports, 'metrics' | 'workloads'>,
  {
    policy,
    sinceMs,
    baselinePods,
  }: { readonly policy: ResolvedPolicy; readonly sinceMs: number; readonly baselinePods: number },
) {
  const { windowMs, stepMs } = policy.preScale.quiet;
  const nowMs = Date.now();
  const window = { startMs: Math.max(sinceMs, nowMs - windowMs), endMs: nowMs, stepMs };
  const { load, dataHealthy } = policy.workload;
  const call = currentCall();
  const [state, health, ...series] = await Promise.all([
    workloads.readWorkload(refOf(policy), call),
    dataHealthy === undefined ? undefined : metrics.range(dataHealthy, window, call),
    ...load.map(({ query }) => metrics.range(query, window, call)),
  ]);
  const verdict = judgeQuiet({
    metrics: load.map((metric, index) => ({ metric, series: series[index] ?? [] })),
    dataHealthy: health,
    window,
    pods: state.availableReplicas,
    baselinePods,
  });
  return { verdict, lowForMs: nowMs - sinceMs };
}
