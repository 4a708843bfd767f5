import { judgeEvidence, type Evidence } from '../domain/evidence.ts';
import { refOf, type ResolvedEmergency } from '../domain/policy.ts';
import type { MeasuredMetric } from '../domain/quiet.ts';
import { currentCall } from './call.ts';
import { messageOf } from './failure.ts';
import type { Ports } from './ports.ts';

export function createEvidenceActivities({ metrics, workloads }: Pick<Ports, 'metrics' | 'workloads'>) {
  /**
   * Whether pods are what the workload misses, from its load metrics and its last rollout. A Prometheus or an API server
   * without an answer is no evidence and no failure: an emergency must not wait for either.
   */
  async function readEvidence({ policy, emergency, matrix }: ResolvedEmergency): Promise<Evidence> {
    const call = currentCall();
    const nowMs = Date.now();
    const { stepMs } = policy.preScale.quiet;
    const window = { startMs: nowMs - 2 * stepMs, endMs: nowMs, stepMs };
    const measure = async (metric: MeasuredMetric['metric'] & { readonly query: string }): Promise<MeasuredMetric> => ({
      metric,
      series: await metrics.range(metric.query, window, call).catch(() => 'unavailable' as const),
    });
    try {
      const [state, ...measured] = await Promise.all([
        workloads.readWorkload(refOf(policy), call),
        ...policy.workload.load.map(measure),
      ]);
      const { rolloutYoungerThanMs } = emergency;
      return judgeEvidence({ metrics: measured, state, rolloutYoungerThanMs, ...(matrix && { matrix }), nowMs });
    } catch (error) {
      if (call.signal.aborted) throw error;
      return { kind: 'missing', reasons: [`the workload was not read: ${messageOf(error)}`], readings: [] };
    }
  }
  return { readEvidence };
}
