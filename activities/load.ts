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
  const { facts, passedMs } = await readLoad(ports, request);
  return { verdict: judgeQuiet(facts), lowForMs: passedMs };
}

/** The metrics that are back over their scale-up threshold since then, or undefined when none is. */
export async function lookForRegression(
  ports: LoadPorts,
  request: LoadRequest,
): Promise<readonly string[] | undefined> {
  return regressed((await readLoad(ports, request)).facts);
}

async function readLoad(
  { metrics, workloads }: LoadPorts,
  { policy, sinceMs, baselinePods }: LoadRequest,
): Promise<{ readonly facts: QuietFacts; readonly passedMs: number }> {
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
  const facts: QuietFacts = {
    metrics: load.map((metric, index) => ({ metric, series: series[index] ?? [] })),
    dataHealthy: health,
    window,
    pods: state.availableReplicas,
    baselinePods,
  };
  return { facts, passedMs: nowMs - sinceMs };
}
