import {
  planCapacity,
  type CapacityDecision,
  type EventWindow,
  type PlanTarget,
  type Survey,
} from './capacity-plan.ts';
import { freezeFault } from './freeze.ts';
import { isFrozenByOwner } from './pauses.ts';
import type { ResolvedPolicy } from './policy.ts';
import { describeGovernor, findGovernor, type WorkloadState } from './workload.ts';

/** What starts a hold of an autoscaler: an operator who wants it to leave the count alone for a while. */
export interface CapacityHoldRequest {
  readonly workload: string;
  /** `freeze` stops scale-in and leaves floor and scale-out alone; `pause` holds exactly the count of now. */
  readonly mode: 'freeze' | 'pause';
  /** How long, from the start of the run: a hold without an end is a forgotten one. */
  readonly forMs: number;
  /** Why, for people. */
  readonly reason?: string;
  readonly requestedBy: string;
  /** Ends with the plan and touches nothing. */
  readonly planOnly?: boolean;
}

/** Longer than this it is a change of the autoscaler's configuration, and belongs to its manifest. */
export const LONGEST_HOLD_MS = 7 * 24 * 3_600_000;

/** All that is wrong with a request that policy and cluster can tell, at once; else the plan. */
export function planCapacityHold({
  request: { workload, mode },
  policy,
  survey,
  event,
}: {
  readonly request: CapacityHoldRequest;
  readonly policy: ResolvedPolicy;
  readonly survey: Survey;
  /** From the start of the run to the end of the hold. */
  readonly event: EventWindow;
}): CapacityDecision {
  const state = survey.kind === 'found' ? survey.state : undefined;
  const decision = planCapacity({
    procedure: 'holdCapacity',
    request: { workload, event, target: targetOf(mode, state) },
    leadMs: 0,
    policy,
    survey,
    faults: state === undefined ? [] : modeFaults(mode, workload, state),
    warnings: state === undefined ? [] : modeWarnings(mode, state),
  });
  if (decision.kind === 'refuse') return decision;
  const { plan } = decision;
  const { floor, replicas } = plan.target;
  const raised =
    replicas < floor.to
      ? [`its count is ${replicas}, under its floor: the hold brings it to ${floor.to}, which is the owner’s own`]
      : [];
  return { kind: 'plan', plan: { ...plan, hold: { mode }, warnings: [...plan.warnings, ...raised] } };
}

/** At 0 there is no count to hold: that is a fault of its own, beside which the target has none. */
function targetOf(mode: CapacityHoldRequest['mode'], state: WorkloadState | undefined): PlanTarget {
  if (mode === 'freeze' || state === undefined || state.wantedReplicas === 0) return { kind: 'asItIs' };
  return { kind: 'replicas', replicas: state.wantedReplicas };
}

function modeFaults(
  mode: CapacityHoldRequest['mode'],
  workload: string,
  { autoscalers, wantedReplicas }: WorkloadState,
): readonly string[] {
  if (mode === 'freeze' && autoscalers.length === 0)
    return [
      `${workload} has no autoscaler, so nobody scales it in and there is nothing to freeze; --mode pause holds exactly its count`,
    ];
  // under an HPA it is said in the words of its readiness
  const isOff = autoscalers.some(({ kind }) => kind === 'horizontalPodAutoscaler');
  if (mode === 'pause' && wantedReplicas === 0 && !isOff)
    return [`${workload} is at 0 replicas, which nothing can hold; scale it to 1 or more first`];
  return [];
}

function modeWarnings(mode: CapacityHoldRequest['mode'], state: WorkloadState): readonly string[] {
  const governance = findGovernor(state);
  if (mode === 'pause' || governance.kind === 'conflict') return [];
  const { governor } = governance;
  const tooOld = freezeFault(governor);
  return [
    ...(tooOld === undefined ? [] : [tooOld]),
    ...(isFrozenByOwner(governor)
      ? [`scale-in of ${describeGovernor(governor)} is off already, not by headroom: that stays when the hold ends`]
      : []),
  ];
}
