import { readClaims } from '../domain/marks.ts';
import { findPauses } from '../domain/pauses.ts';
import { refOf } from '../domain/policy.ts';
import type { ObservedAutoscaler, ScalingFacts } from '../domain/scaling-facts.ts';
import type { WorkloadRef, WorkloadState } from '../domain/workload.ts';
import { currentCall } from './call.ts';
import { isFinal, messageOf } from './failure.ts';
import { policyOf } from './policy.ts';
import type { Ports } from './ports.ts';

export function createAutoscalerActivities(ports: Pick<Ports, 'workloads' | 'runs' | 'policy'>) {
  const { workloads, runs } = ports;

  /** All that a status of the workload's autoscaling rests on. Reads only. */
  async function readScaling(workload: string): Promise<ScalingFacts> {
    const ref = refOf(policyOf(ports, workload));
    const call = currentCall();
    const [state, autoscalers, metricsApis] = await Promise.all([
      workloads.readWorkload(ref, call),
      workloads.readAutoscalers(ref.namespace, call),
      readMetricsApis(),
    ]);
    const ids = claimsOn(state);
    const owners = await Promise.all(ids.map(async (id) => [id, await runs.isRunning(id, call)] as const));
    return {
      state,
      autoscalers: autoscalers.filter((one) => isOf(ref, one) || findPauses(one).length > 0),
      metricsApis,
      owners: Object.fromEntries(owners),
    };
  }

  /** A status without this is still one: a right that is missing is part of what it says. */
  async function readMetricsApis(): Promise<ScalingFacts['metricsApis']> {
    try {
      return { kind: 'read', apis: await workloads.readMetricsApis(currentCall()) };
    } catch (error) {
      if (isFinal(error)) return { kind: 'unread', reason: messageOf(error) };
      throw error;
    }
  }

  return { readScaling };
}

function isOf({ kind, object }: WorkloadRef, { target }: ObservedAutoscaler): boolean {
  return target.kind === kind && target.name === object;
}

function claimsOn({ self, autoscalers }: WorkloadState): readonly string[] {
  const found = [self, ...autoscalers].map(({ marks }) => readClaims(marks));
  return found.flatMap((claims) => (claims === undefined || claims === 'unreadable' ? [] : claims.map(({ id }) => id)));
}
