import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import { judgeQuiet, regressed, type QuietFacts } from '../domain/quiet.ts';
import { currentCall } from './call.ts';
import type { Ports } from './ports.ts';

export interface LoadRequest {
  readonly policy: ResolvedPolicy;
  /** Where the window begins at the earliest. */
  readonly sinceMs: number;
  readonly baselinePods: number;
}
type LoadPorts = Pick<Ports, 'metrics' | 'workloads'>;

/**
 * One look at the load of a workload over the policy's window, which starts at `sinceMs` at the earliest (R83: no data is
 * never quiet). `lowForMs` is how much of the window has passed.
 */
export async function lookAtLoad(ports: LoadPorts, request: LoadRequest) {
  const { facts, passedMs } = await readLoad(ports, request, { countsPods: true });
  return { verdict: judgeQuiet(facts), lowForMs: passedMs };
}

/** The metrics that are back over their scale-up threshold since then, or undefined when none is. */
export async function lookForRegression(
  ports: LoadPorts,
  request: LoadRequest,
): Promise<readonly string[] | undefined> {
  // the count of pods tells something only of what is per pod; else load that is back is seen while the cluster is not
  const countsPods = request.policy.workload.load.some(({ perPod }) => perPod);
  return regressed((await readLoad(ports, request, { countsPods })).facts);
}

async function readLoad(
  { metrics, workloads }: LoadPorts,
  { policy, sinceMs, baselinePods }: LoadRequest,
  { countsPods }: { readonly countsPods: boolean },
): Promise<{ readonly facts: QuietFacts; readonly passedMs: number }> {
  const { windowMs, stepMs } = policy.preScale.quiet;
  const nowMs = Date.now();
  const window = { startMs: Math.max(sinceMs, nowMs - windowMs), endMs: nowMs, stepMs };
  const { load, dataHealthy } = policy.workload;
  const call = currentCall();
  const [pods, health, ...series] = await Promise.all([
    countsPods ? workloads.readWorkload(refOf(policy), call).then(({ availableReplicas }) => availableReplicas) : 0,
    dataHealthy === undefined ? undefined : metrics.range(dataHealthy, window, call),
    ...load.map(({ query }) => metrics.range(query, window, call)),
  ]);
  const facts: QuietFacts = {
    metrics: load.map((metric, index) => ({ metric, series: series[index] ?? [] })),
    dataHealthy: health,
    window,
    pods,
    baselinePods,
  };
  return { facts, passedMs: nowMs - sinceMs };
}
