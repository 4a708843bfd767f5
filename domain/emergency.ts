import { planCapacity, type CapacityDecision, type EventWindow, type Survey, type Target } from './capacity-plan.ts';
import type { ResolvedEmergency } from './policy.ts';

/** What starts an emergency scale-up: an operator, or an alert that the allow-list sends here. */
export interface EmergencyRequest {
  readonly workload: string;
  /** Times the count of now; absent: the policy's (2 in the runbook). */
  readonly factor?: number;
  /** `freeze` stops scale-in and leaves scale-out alive; `pause` holds exactly the target. Absent: the policy's. */
  readonly mode?: 'freeze' | 'pause';
  /** Why, for people. */
  readonly reason?: string;
  readonly requestedBy: string;
  /** What started the run for them: 'alert TensafeEmergencyLatency'. Absent: they did. */
  readonly trigger?: string;
  /** Ends with the plan and touches nothing. */
  readonly planOnly?: boolean;
}

/** What an emergency has to know before it asks for anything. */
export interface EmergencyLook {
  readonly resolved: ResolvedEmergency;
  /** Null: the cluster did not answer. */
  readonly survey: Survey | null;
  /** How many emergencies of the workload were started lately; null: that was not asked, or could not be told. */
  readonly started: { readonly hour: number; readonly day: number } | null;
}

/** All that is wrong with a request that policy and cluster can tell, at once; else the plan. */
export function planEmergency({
  request,
  resolved: { policy, emergency },
  survey,
  event,
}: {
  readonly request: EmergencyRequest;
  readonly resolved: ResolvedEmergency;
  readonly survey: Survey;
  /** From the start of the run to the end of its longest hold. */
  readonly event: EventWindow;
}): CapacityDecision {
  const factor = request.factor ?? emergency.factor;
  const mode = request.mode ?? emergency.mode;
  const target = targetOf(factor, { policy, emergency }, survey);
  const decision = planCapacity({
    procedure: 'emergencyScaleUp',
    request: { workload: request.workload, event, target },
    leadMs: 0,
    policy,
    survey,
    faults: factor >= 1 ? [] : [`factor ${factor} would take capacity away; give one of 1 or more, such as 2`],
    warnings:
      policy.workload.load.length === 0
        ? ['no load metric is configured: the end of the load cannot be measured, so the hold lasts until its maximum']
        : [],
  });
  if (decision.kind === 'refuse') return decision;
  return { kind: 'plan', plan: { ...decision.plan, emergency: { ...emergency, factor, mode } } };
}

/** Alerts may start so many runs and no more: beyond that it is a person's decision. What could not be counted stops nobody. */
export function budgetFaults(
  workload: string,
  started: { readonly hour: number; readonly day: number } | null,
  { perHour, perDay }: ResolvedEmergency['emergency']['budget'],
): readonly string[] {
  if (started === null) return [];
  const spent = (count: number, span: string, limit: number) =>
    count < limit
      ? []
      : [
          `alerts have started ${count} emergencies of ${workload} in the last ${span}, of ${limit} that policy allows; start one by hand with: headroom emergency ${workload}`,
        ];
  return [...spent(started.hour, 'hour', perHour), ...spent(started.day, 'day', perDay)];
}

/** Nothing times a factor is nothing: from 0 it is the workload's minimum, where policy allows to bring it up at all. */
function targetOf(
  factor: number,
  { policy: { workload }, emergency }: Pick<ResolvedEmergency, 'policy' | 'emergency'>,
  survey: Survey,
): Target {
  const isAtZero = survey.kind === 'found' && survey.state.wantedReplicas === 0;
  return isAtZero && emergency.fromZero
    ? { kind: 'replicas', replicas: Math.max(1, workload.limits.min) }
    : { kind: 'factor', factor };
}

/** The next step of a run whose target is available and not enough: times the factor again, within the limit. */
export function nextTarget(target: number, factor: number, limit: number): number {
  return Math.min(limit, Math.ceil(target * factor));
}
