import {
  iso,
  isMoment,
  planCapacity,
  type CapacityDecision,
  type EventWindow,
  type Survey,
  type Target,
} from './capacity-plan.ts';
import { formatDuration } from './duration.ts';
import type { ResolvedPolicy } from './policy.ts';

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

const LONGEST_LEAD_MS = 365 * 24 * 3_600_000;

/** All that is wrong with a request that policy and cluster can tell, at once; else the plan. */
export function planPreScale({
  request,
  policy,
  survey,
  nowMs,
}: {
  readonly request: PreScaleRequest;
  readonly policy: ResolvedPolicy;
  readonly survey: Survey;
  readonly nowMs: number;
}): CapacityDecision {
  const leadMs = request.leadMs ?? policy.preScale.leadMs;
  const faults = windowFaults(request, nowMs);
  const warnings = planWarnings(request, policy, nowMs, leadMs);
  return planCapacity({ procedure: 'preScale', request, leadMs, policy, survey, faults, warnings });
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
