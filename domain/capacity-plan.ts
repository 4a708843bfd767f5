import { type Stand, findStand, limitsBeside } from './conflict.ts';
import { ownersValues } from './drift.ts';
import { gitOpsWarnings } from './git-ops-warnings.ts';
import { wantedCeiling, wantedFloor } from './hold-targets.ts';
import { replicasBeforeHold } from './marks.ts';
import type { ApprovalRule, EmergencyScaleUpPolicy, ResolvedPolicy } from './policy.ts';
import { judgeReadiness } from './readiness.ts';
import { describeAll, refusedByOwner, refusedByPolicy, refusedForConflict } from './refusals.ts';
import { statefulFaults, statefulWarnings } from './stateful.ts';
import { type Governor, type WorkloadState, describeGovernor, findGovernor } from './workload.ts';

/** The procedures that ask for capacity by a plan; also the names of their workflows. */
export type Procedure = 'preScale' | 'emergencyScaleUp' | 'stepScale' | 'holdCapacity';

/** How many replicas the event needs: a count, or a multiple of the count at the time of scaling. */
export type Target =
  | { readonly kind: 'replicas'; readonly replicas: number }
  | { readonly kind: 'factor'; readonly factor: number }
  /** So many more than there are; what is over the limit is left out. */
  | { readonly kind: 'added'; readonly pods: number };

/** What a plan is about: also the count as it is, of which nothing is asked. */
export type PlanTarget = Target | { readonly kind: 'asItIs' };

export interface EventWindow {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** What a run would do, as a value. */
export interface CapacityPlan {
  readonly procedure: Procedure;
  readonly cluster: string;
  readonly workload: string;
  readonly event: EventWindow;
  readonly scaleAtMs: number;
  readonly leadMs: number;
  readonly governor: { readonly kind: Governor['kind']; readonly name: string; readonly uid: string };
  /** Other autoscalers stand beside the governor: what this means and what repairs it, and how many replicas they let stand. */
  readonly conflict?: { readonly reason: string; readonly maximum: number };
  /** As the target would be now; it is computed again, once, when the lead begins. */
  readonly target: TargetEstimate;
  /** What the run may never pass, whatever the count is by then. */
  readonly ceilingReplicas: number;
  /** What is not available by then is diagnosed, and the run is short. */
  readonly availableWithinMs: number;
  readonly quiet: { readonly windowMs: number; readonly askAfterMs: number; readonly metrics: readonly string[] };
  readonly windDown: { readonly percent: number; readonly everyMs: number };
  /** Whether a second person has to approve it, and how long the run waits for that. */
  readonly approval: { readonly rule: ApprovalRule; readonly expiresAfterMs: number };
  /** Of `prices.currency`. */
  readonly currency: string;
  readonly costPerHour: number | null;
  /** Of all pods that the limit allows, from the lead to the end: a bound, whatever the count is by then. */
  readonly costCeiling: number | null;
  readonly warnings: readonly string[];
  /** Of an emergency: how it holds, for how long at most, and what it does where more pods may not help. */
  readonly emergency?: EmergencyScaleUpPolicy;
  /** Of a hold: `freeze` asks for no scale-in and for no count, `pause` for exactly the count of now. */
  readonly hold?: { readonly mode: 'freeze' | 'pause' };
  /** Where a person looks during the event. */
  readonly dashboards: readonly { readonly title: string; readonly url: string }[];
}

export interface TargetEstimate {
  readonly replicas: number;
  /** The count a factor was applied to; null where replicas were asked for. */
  readonly base: number | null;
  /** Where that base comes from while other claims live: the larger of the two. */
  readonly baseHeld: { readonly beforeHold: number; readonly recommended: number | null } | null;
  readonly clampedFrom: number | null;
  /** From what the owner has, which a hold of another run does not change. */
  readonly floor: { readonly from: number; readonly to: number };
  readonly ceiling: { readonly from: number; readonly to: number } | null;
}

/** What was found of the workload, or why nothing was. */
export type Survey =
  | { readonly kind: 'found'; readonly state: WorkloadState }
  /** `type` is the failure's, as in domain/failures.ts. */
  | { readonly kind: 'missing'; readonly reason: string; readonly type: string };

export type CapacityDecision =
  | { readonly kind: 'plan'; readonly plan: CapacityPlan }
  | { readonly kind: 'refuse'; readonly reasons: readonly string[] };

/** All that is wrong with a request that policy and cluster can tell, at once; else the plan. */
export function planCapacity({
  procedure,
  request,
  leadMs,
  policy,
  survey,
  faults,
  warnings,
}: {
  readonly procedure: Procedure;
  readonly request: { readonly workload: string; readonly event: EventWindow; readonly target: PlanTarget };
  readonly leadMs: number;
  readonly policy: ResolvedPolicy;
  readonly survey: Survey;
  /** What the procedure itself finds wrong with it. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}): CapacityDecision {
  const words = [
    ...faults,
    ...targetFaults(request),
    ...limitFaults(request, policy),
    ...policyFaults(procedure, policy),
  ];
  if (survey.kind === 'missing') return { kind: 'refuse', reasons: [...words, survey.reason] };
  const { state } = survey;
  const place = placeOf(procedure, state);
  const reasons = [...words, ...workloadFaults(policy, state, place), ...baseFaults(request, state, place)];
  if (reasons.length > 0 || place === undefined) return { kind: 'refuse', reasons };
  const { governor, rivals } = place;
  const { workload, event } = request;
  const limits = limitsBeside(policy.workload.limits, rivals);
  const target = estimateTarget(request.target, { workload: { ...policy.workload, limits } }, state, governor);
  const added = Math.max(0, target.replicas - state.wantedReplicas);
  const hours = (event.endMs - event.startMs + leadMs) / 3_600_000;
  const price = policy.workload.pricePerPodHour ?? null;
  return {
    kind: 'plan',
    plan: {
      procedure,
      cluster: policy.cluster,
      workload,
      event,
      scaleAtMs: event.startMs - leadMs,
      leadMs,
      governor: { kind: governor.kind, name: governor.name, uid: governor.uid },
      ...(rivals !== undefined && { conflict: { reason: rivals.reason, maximum: rivals.ceiling } }),
      target,
      ceilingReplicas: policy.workload.limits.max,
      availableWithinMs: policy.preScale.availableWithinMs,
      quiet: {
        windowMs: policy.preScale.quiet.windowMs,
        askAfterMs: policy.preScale.quiet.askAfterMs,
        metrics: policy.workload.load.map(({ name }) => name),
      },
      approval: { rule: approvalOf(procedure, policy), expiresAfterMs: policy.approval.expiresAfterMs },
      windDown: policy.windDown,
      currency: policy.currency,
      costPerHour: price === null ? null : roundMoney(added * price),
      costCeiling: price === null ? null : roundMoney(policy.workload.limits.max * price * hours),
      warnings: [...warnings, ...gitOpsWarnings(state, governor), ...statefulWarnings(state, target.replicas)],
      dashboards: policy.workload.dashboards,
    },
  };
}

/** What a claim would stand on. */
type Place = Pick<Stand, 'governor'> & Partial<Pick<Stand, 'rivals'>>;

/** Where two autoscalers stop each other only an emergency goes on, on the HPA of the two: by morning somebody has repaired it. */
function placeOf(procedure: Procedure, state: WorkloadState): Place | undefined {
  const governance = findGovernor(state);
  if (governance.kind === 'governed') return governance;
  return procedure === 'emergencyScaleUp' ? findStand(governance.governors) : undefined;
}

/** A step is what policy says already; a hold asks for nothing new, and ends at its date: no second person has to agree. */
function approvalOf(procedure: Procedure, { approval }: ResolvedPolicy): ApprovalRule {
  return procedure === 'stepScale' || procedure === 'holdCapacity' ? 'never' : approval[procedure];
}

/** '× 2', '+ 4 pods', '12 replicas' */
export function describeTarget(target: Target): string {
  if (target.kind === 'added') return `+ ${target.pods} pods`;
  return target.kind === 'factor' ? `× ${target.factor}` : `${target.replicas} replicas`;
}

/** What is wrong with the target by itself, whatever policy and cluster say. */
export function targetFaults({ target }: { readonly target: PlanTarget }): readonly string[] {
  if (target.kind === 'asItIs') return [];
  if (target.kind === 'factor') {
    return Number.isFinite(target.factor) && target.factor > 0
      ? []
      : [`factor ${target.factor} is not a number above 0; give one such as 2`];
  }
  if (target.kind === 'added')
    return Number.isSafeInteger(target.pods) && target.pods > 0
      ? []
      : [`${target.pods} pods to add are not a whole number above 0`];
  return Number.isSafeInteger(target.replicas) && target.replicas > 0
    ? []
    : [`replicas ${target.replicas} is not a whole number above 0`];
}

function limitFaults(
  { target }: { readonly target: PlanTarget },
  { workload: { name, limits } }: ResolvedPolicy,
): readonly string[] {
  if (
    target.kind !== 'replicas' ||
    targetFaults({ target }).length > 0 ||
    (target.replicas >= limits.min && target.replicas <= limits.max)
  )
    return [];
  const [side, bound] = target.replicas > limits.max ? ['above the limit', 'max'] : ['below the minimum', 'min'];
  return [
    `${target.replicas} replicas are ${side} of ${name} (workloads.${name}.limits.${bound}); ${limits.min} to ${limits.max} are accepted`,
  ];
}

/** A hold takes nothing from jobs at work, and the ledger looks whether they have ended before it lets go. */
function policyFaults(procedure: Procedure, { workload }: ResolvedPolicy): readonly string[] {
  return [
    ...refusedByPolicy({ workload }),
    ...(workload.jobs && procedure !== 'holdCapacity'
      ? [`${workload.name} runs jobs (jobs: true): an event cannot tell when they are done, so it is not pre-scaled`]
      : []),
  ];
}

function workloadFaults(
  { workload }: ResolvedPolicy,
  state: WorkloadState,
  place: Place | undefined,
): readonly string[] {
  return [
    ...conflictFaults(workload.name, state, place),
    ...refusedByOwner(workload.name, state),
    ...statefulFaults(workload, state),
    ...(place === undefined ? [] : readinessFaults(workload.name, place.governor, state)),
  ];
}

/** Beside a rival whose maximum is reached nothing more would stay. */
function conflictFaults(name: string, state: WorkloadState, place: Place | undefined): readonly string[] {
  const { autoscalers, wantedReplicas } = state;
  if (place === undefined) return refusedForConflict(name, state);
  const { governor, rivals } = place;
  if (rivals === undefined || rivals.ceiling > wantedReplicas) return [];
  return [
    `${describeAll(name, autoscalers)}; of more than the ${wantedReplicas} replicas of now nothing would stay: whatever ${describeGovernor(governor)} is given, the maximum of the other is ${rivals.ceiling}, and above it all is taken away at every sync; delete or retarget one`,
  ];
}

/** A floor on these would only look like a hold; what comes later, the ledger tells. */
function readinessFaults(name: string, governor: Governor, { wantedReplicas }: WorkloadState): readonly string[] {
  const readiness = judgeReadiness(governor, wantedReplicas);
  if (readiness.kind === 'off')
    return [`${name} is at 0 replicas, where an HPA is switched off and obeys no floor; scale it to 1 or more first`];
  if (readiness.kind === 'paused')
    return [
      `${describeGovernor(governor)} obeys no floor: ${readiness.reason}; remove the annotation, or wait until its owner does`,
    ];
  return [];
}

/** Nothing times a factor is nothing. */
function baseFaults(
  { target, workload }: { readonly target: PlanTarget; readonly workload: string },
  state: WorkloadState,
  place: Place | undefined,
): readonly string[] {
  if (target.kind !== 'factor' || place === undefined || factorBase(state, place.governor) > 0) return [];
  return [`${workload} is at 0 replicas, of which a factor makes nothing; give --replicas`];
}

/**
 * Without a live claim the live count; while claims live that is ours, so the larger of what was there before them and what
 * the autoscaler would have by its own metrics now: two events do not double a double. Never more than there is: of pods that
 * have just come there are no metrics yet, and those of the old ones times the new count ask for many times too much.
 */
function factorBase(state: WorkloadState, governor: Governor): number {
  const live = Math.max(state.wantedReplicas, state.readyReplicas);
  const held = heldBase(governor);
  if (held === null) return live;
  return Math.max(held.beforeHold, Math.min(held.recommended ?? 0, live));
}

function heldBase(governor: Governor): TargetEstimate['baseHeld'] {
  const beforeHold = replicasBeforeHold(governor);
  return beforeHold === undefined ? null : { beforeHold, recommended: governor.autoscaler?.recommended ?? null };
}

/** Target of a run: computed once, when the lead begins, and clamped to the limits (R27). */
export function estimateTarget(
  target: PlanTarget,
  policy: Pick<ResolvedPolicy, 'workload'>,
  state: WorkloadState,
  governor: Governor,
): TargetEstimate {
  const { limits } = policy.workload;
  if (target.kind === 'asItIs') return asItIs(state, governor);
  const base = factorBase(state, governor);
  const asked = askedFor(target, base);
  const replicas = Math.min(limits.max, Math.max(limits.min, asked));
  const { floor, ceiling } = ownersValues(governor);
  const to = wantedFloor([{ id: 'estimate', floor: replicas, reason: '' }], floor, limits);
  return {
    replicas,
    base: target.kind === 'replicas' ? null : base,
    baseHeld: target.kind === 'replicas' ? null : heldBase(governor),
    clampedFrom: asked === replicas ? null : asked,
    floor: { from: floor, to },
    ceiling: ceiling === null ? null : { from: ceiling, to: wantedCeiling(to, { floor, ceiling }, limits.max) },
  };
}

function askedFor(target: Target, base: number): number {
  if (target.kind === 'replicas') return target.replicas;
  return target.kind === 'added' ? base + target.pods : roundUp(base * target.factor);
}

function asItIs({ wantedReplicas }: WorkloadState, governor: Governor): TargetEstimate {
  const { floor, ceiling } = ownersValues(governor);
  return {
    replicas: wantedReplicas,
    base: null,
    baseHeld: null,
    clampedFrom: null,
    floor: { from: floor, to: floor },
    ceiling: ceiling === null ? null : { from: ceiling, to: ceiling },
  };
}

/** 100 × 1.1 is 110, although the product is 110.00000000000001. */
function roundUp(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(Number(value.toPrecision(12))));
}

export function isMoment(ms: number): boolean {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15;
}

export function iso(ms: number): string {
  return isMoment(ms) ? new Date(ms).toISOString() : String(ms);
}

function roundMoney(value: number): number {
  return Math.round(value * 100) / 100;
}
