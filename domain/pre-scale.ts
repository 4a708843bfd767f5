import type { ApprovalRule, ResolvedPolicy } from './policy.ts';
import type { PlanIntent } from './approval.ts';
import { formatDuration } from './duration.ts';
import { gitOpsWarnings } from './git-ops.ts';
import { describeGovernor, findGovernor, type Governor, type WorkloadState } from './workload.ts';
import { ownersValues, wantedCeiling, wantedFloor } from './hold.ts';
import { replicasBeforeHold } from './marks.ts';
import { judgeReadiness } from './readiness.ts';
import { statefulFaults, statefulWarnings } from './stateful.ts';

/** How many replicas the event needs: a count, or a multiple of the count at the time of scaling. */
export type Target =
  | { readonly kind: 'replicas'; readonly replicas: number }
  | { readonly kind: 'factor'; readonly factor: number };

export interface EventWindow {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

export interface PreScaleRequest {
  readonly workload: string;
  readonly event: EventWindow;
  readonly target: Target;
  /** How long before the start the capacity is asked for; absent: the policy's (30 min in the runbook). */
  readonly leadMs?: number;
  /** A person: who must not be the one that approves. */
  readonly requestedBy: string;
  /** What started the run for them: 'schedule pre-scale.web.weekly'. Absent: they did. */
  readonly trigger?: string;
  readonly note?: string;
  /** Ends with the plan and touches nothing. */
  readonly planOnly?: boolean;
}

/** What a run would do, as a value. */
export interface PreScalePlan {
  readonly cluster: string;
  readonly workload: string;
  readonly event: EventWindow;
  readonly scaleAtMs: number;
  readonly leadMs: number;
  readonly governor: { readonly kind: Governor['kind']; readonly name: string; readonly uid: string };
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

const LONGEST_LEAD_MS = 365 * 24 * 3_600_000;

/** What was found of the workload, or why nothing was. */
export type Survey =
  | { readonly kind: 'found'; readonly state: WorkloadState }
  /** `type` is the failure's, as in domain/failures.ts. */
  | { readonly kind: 'missing'; readonly reason: string; readonly type: string };

export type PreScaleDecision =
  | { readonly kind: 'plan'; readonly plan: PreScalePlan }
  | { readonly kind: 'refuse'; readonly reasons: readonly string[] };

/** All that is wrong with a request that policy and cluster can tell, at once; else the plan. */
export function planPreScale(of: {
  readonly request: PreScaleRequest;
  readonly policy: ResolvedPolicy;
  readonly survey: Survey;
  readonly nowMs: number;
}): PreScaleDecision {
  const { request, policy, survey, nowMs } = of;
  const words = [
    ...windowFaults(request, nowMs),
    ...targetFaults(request),
    ...limitFaults(request, policy),
    ...policyFaults(policy),
  ];
  if (survey.kind === 'missing') return { kind: 'refuse', reasons: [...words, survey.reason] };
  const { state } = survey;
  const reasons = [...words, ...workloadFaults(policy, state), ...baseFaults(request, state)];
  const governance = findGovernor(state);
  if (reasons.length > 0 || governance.kind === 'conflict') return { kind: 'refuse', reasons };
  const leadMs = request.leadMs ?? policy.preScale.leadMs;
  const target = estimateTarget(request.target, policy, state, governance.governor);
  const added = Math.max(0, target.replicas - state.wantedReplicas);
  const hours = (request.event.endMs - request.event.startMs + leadMs) / 3_600_000;
  const price = policy.workload.pricePerPodHour ?? null;
  return {
    kind: 'plan',
    plan: {
      cluster: policy.cluster,
      workload: request.workload,
      event: request.event,
      scaleAtMs: request.event.startMs - leadMs,
      leadMs,
      governor: { kind: governance.governor.kind, name: governance.governor.name, uid: governance.governor.uid },
      target,
      ceilingReplicas: policy.workload.limits.max,
      availableWithinMs: policy.preScale.availableWithinMs,
      quiet: {
        windowMs: policy.preScale.quiet.windowMs,
        askAfterMs: policy.preScale.quiet.askAfterMs,
        metrics: policy.workload.load.map(({ name }) => name),
      },
      approval: { rule: policy.approval.preScale, expiresAfterMs: policy.approval.expiresAfterMs },
      windDown: policy.windDown,
      currency: policy.currency,
      costPerHour: price === null ? null : roundMoney(added * price),
      costCeiling: price === null ? null : roundMoney(policy.workload.limits.max * price * hours),
      warnings: [
        ...planWarnings(request, policy, nowMs, leadMs),
        ...gitOpsWarnings(state, governance.governor),
        ...statefulWarnings(state, target.replicas),
      ],
      dashboards: policy.workload.dashboards,
    },
  };
}

export function windowFaults({ event, leadMs }: PreScaleRequest, nowMs: number): readonly string[] {
  const { startMs, endMs } = event;
  const unclear = (['startMs', 'endMs'] as const).filter((key) => !isMoment(event[key]));
  const window = [
    ...(endMs > startMs
      ? []
      : [`the event ends (${iso(endMs)}) before it starts (${iso(startMs)}); give an end after the start`]),
    ...(endMs > nowMs
      ? []
      : [
          `the event's window is over: it ended ${iso(endMs)} and it is ${iso(nowMs)}; give a window that ends in the future`,
        ]),
  ];
  return [
    ...unclear.map((key) => `event.${key} is ${String(event[key])}; give milliseconds since 1970`),
    ...(unclear.length > 0 ? [] : window),
    ...leadFaults(leadMs),
  ];
}

function leadFaults(leadMs: number | undefined): readonly string[] {
  if (leadMs === undefined || (leadMs >= 0 && leadMs <= LONGEST_LEAD_MS)) return [];
  if (leadMs > LONGEST_LEAD_MS) return [`the lead is longer than a year; give one such as 30m`];
  return ['the lead is negative; give a lead of zero or more, such as 30m'];
}

/** What is wrong with the target by itself, whatever policy and cluster say. */
export function targetFaults({ target }: Pick<PreScaleRequest, 'target'>): readonly string[] {
  if (target.kind === 'factor') {
    return Number.isFinite(target.factor) && target.factor > 0
      ? []
      : [`factor ${target.factor} is not a number above 0; give one such as 2`];
  }
  return Number.isSafeInteger(target.replicas) && target.replicas > 0
    ? []
    : [`replicas ${target.replicas} is not a whole number above 0`];
}

function limitFaults({ target }: PreScaleRequest, { workload: { name, limits } }: ResolvedPolicy): readonly string[] {
  if (
    target.kind === 'factor' ||
    targetFaults({ target }).length > 0 ||
    (target.replicas >= limits.min && target.replicas <= limits.max)
  )
    return [];
  const [side, bound] = target.replicas > limits.max ? ['above the limit', 'max'] : ['below the minimum', 'min'];
  return [
    `${target.replicas} replicas are ${side} of ${name} (workloads.${name}.limits.${bound}); ${limits.min} to ${limits.max} are accepted`,
  ];
}

function policyFaults({ workload }: ResolvedPolicy): readonly string[] {
  return [
    ...(workload.refuse === undefined ? [] : [`${workload.name} is not scaled by replicas: ${workload.refuse}`]),
    ...(workload.jobs
      ? [`${workload.name} runs jobs (jobs: true): an event cannot tell when they are done, so it is not pre-scaled`]
      : []),
  ];
}

function workloadFaults({ workload }: ResolvedPolicy, state: WorkloadState): readonly string[] {
  const governance = findGovernor(state);
  const governors = [state.self, ...state.autoscalers];
  return [
    ...(governance.kind === 'conflict'
      ? [
          `${governance.governors.length} autoscalers target ${workload.name}: ${governance.governors.map(describeGovernor).join(' and ')}; Kubernetes lets neither scale on metrics while both exist: delete or retarget one`,
        ]
      : []),
    ...(governors.some(({ ignored }) => ignored)
      ? [`headroom.dev/ignore=true is set for ${workload.name}; remove the annotation to let headroom act`]
      : []),
    ...statefulFaults(workload, state),
    ...(governance.kind === 'governed' ? readinessFaults(workload.name, governance.governor, state) : []),
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
function baseFaults({ target, workload }: PreScaleRequest, state: WorkloadState): readonly string[] {
  const governance = findGovernor(state);
  if (target.kind !== 'factor' || governance.kind === 'conflict' || factorBase(state, governance.governor) > 0)
    return [];
  return [`${workload} is at 0 replicas, of which a factor makes nothing; give --replicas`];
}

/**
 * Without a live claim the live count; while claims live that is ours, so the larger of what was there before them and what
 * the autoscaler would have by its own metrics now: two events do not double a double.
 */
function factorBase(state: WorkloadState, governor: Governor): number {
  const held = heldBase(governor);
  if (held === null) return Math.max(state.wantedReplicas, state.readyReplicas);
  return Math.max(held.beforeHold, held.recommended ?? 0);
}

function heldBase(governor: Governor): TargetEstimate['baseHeld'] {
  const beforeHold = replicasBeforeHold(governor);
  return beforeHold === undefined ? null : { beforeHold, recommended: governor.autoscaler?.recommended ?? null };
}

/** Target of a run: computed once, when the lead begins, and clamped to the limits (R27). */
export function estimateTarget(
  target: Target,
  policy: Pick<ResolvedPolicy, 'workload'>,
  state: WorkloadState,
  governor: Governor,
): TargetEstimate {
  const { limits } = policy.workload;
  const base = factorBase(state, governor);
  const asked = target.kind === 'replicas' ? target.replicas : roundUp(base * target.factor);
  const replicas = Math.min(limits.max, Math.max(limits.min, asked));
  const { floor, ceiling } = ownersValues(governor);
  const to = wantedFloor([{ id: 'estimate', floor: replicas, reason: '' }], floor, limits);
  return {
    replicas,
    base: target.kind === 'factor' ? base : null,
    baseHeld: target.kind === 'factor' ? heldBase(governor) : null,
    clampedFrom: asked === replicas ? null : asked,
    floor: { from: floor, to },
    ceiling: ceiling === null ? null : { from: ceiling, to: wantedCeiling(to, { floor, ceiling }, limits.max) },
  };
}

/** 100 × 1.1 is 110, although the product is 110.00000000000001. */
function roundUp(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(Number(value.toPrecision(12))));
}

function planWarnings(
  { event }: PreScaleRequest,
  policy: ResolvedPolicy,
  nowMs: number,
  leadMs: number,
): readonly string[] {
  const late = nowMs - (event.startMs - leadMs);
  return [
    ...(late > 1_000
      ? [
          `the lead of ${formatDuration(leadMs)} began ${formatDuration(Math.round(late / 1_000) * 1_000)} ago: capacity is asked for at once`,
        ]
      : []),
    ...(policy.workload.load.length === 0
      ? ['no load metric is configured: the end of the load cannot be measured, so the capacity stays until skipWait']
      : []),
  ];
}

/** The part of a plan that an approval and a hash are about: intent and bounds, not facts that move by the second. */
export function planIntent(request: PreScaleRequest, plan: PreScalePlan): PlanIntent {
  return {
    procedure: 'preScale',
    workload: plan.workload,
    governorUid: plan.governor.uid,
    window: { start: iso(plan.event.startMs), end: iso(plan.event.endMs) },
    leadMs: plan.leadMs,
    target:
      request.target.kind === 'factor' ? { factor: request.target.factor } : { replicas: request.target.replicas },
    ceilings: { replicas: plan.ceilingReplicas, cost: plan.costCeiling },
  };
}

function roundMoney(value: number): number {
  return Math.round(value * 100) / 100;
}
export function isMoment(ms: number): boolean {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15;
}
function iso(ms: number): string {
  return isMoment(ms) ? new Date(ms).toISOString() : String(ms);
}
