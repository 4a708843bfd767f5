import type { Procedure } from './capacity-plan.ts';
import { formatDuration } from './duration.ts';
import { canonicalJson } from './json.ts';

/** What a person approves: what is meant and how far it may go, not the facts that move by the second. */
export interface PlanIntent {
  readonly procedure: Procedure;
  readonly workload: string;
  readonly governorUid: string;
  /** ISO 8601. */
  readonly window: { readonly start: string; readonly end: string };
  readonly leadMs: number;
  readonly target: { readonly factor: number } | { readonly replicas: number } | { readonly added: number };
  /** The most replicas and the most money; null where no price is configured. */
  readonly ceilings: { readonly replicas: number; readonly cost: number | null };
}

/** How a run's approval stands. Absent (null in a status) where policy asks for none. */
export interface ApprovalView {
  readonly state: 'asked' | 'given' | 'rejected' | 'expired';
  /** Hash of the plan that it is about. */
  readonly planHash: string;
  /** Until when it can be answered. */
  readonly untilMs: number;
  readonly by?: string;
  /** Why it was asked for again: what of the new plan is outside of what was approved. */
  readonly changes: readonly string[];
}

/** The shortest beginning of a hash that still names one plan. */
const SHORTEST_HASH = 8;

/** Why an approval cannot be taken; empty when it can. A second person approves, and the plan that stands now. */
export function approvalFaults(
  given: { readonly as?: unknown; readonly planHash?: unknown },
  asked: { readonly requestedBy: string; readonly planHash: string },
): readonly string[] {
  const { as, planHash } = given;
  const isHash = typeof planHash === 'string' && planHash.length >= SHORTEST_HASH;
  return [
    ...(isSamePerson(as, asked.requestedBy)
      ? [`${asked.requestedBy} asked for this run, so somebody else must approve it; who asked may reject it`]
      : []),
    ...(isHash && asked.planHash.startsWith(planHash)
      ? []
      : [
          `plan ${typeof planHash === 'string' && planHash !== '' ? planHash : 'without a hash'} is not the one that waits; ${asked.planHash} is (its first ${SHORTEST_HASH} characters will do)`,
        ]),
  ];
}

/** Names are typed by hand: capitals and spaces around them make nobody else. */
export function isSamePerson(one: unknown, other: string): boolean {
  return typeof one === 'string' && one.trim().toLowerCase() === other.trim().toLowerCase();
}

/** What of a new plan is outside of the approved one, each with both values; empty when it is inside its bounds. */
export function outgrown(approved: PlanIntent, now: PlanIntent): readonly string[] {
  const { ceilings } = approved;
  const isEarlier = Date.parse(now.window.start) < Date.parse(approved.window.start);
  const isLater = Date.parse(now.window.end) > Date.parse(approved.window.end);
  const costs = now.ceilings.cost !== null && (ceilings.cost === null || now.ceilings.cost > ceilings.cost);
  return [
    ...(now.workload === approved.workload && now.governorUid === approved.governorUid
      ? []
      : ['another object governs the workload now']),
    ...(sameTarget(approved, now) ? [] : [`the target was ${describeTarget(approved)} and is ${describeTarget(now)}`]),
    ...(isEarlier || isLater
      ? [
          `the event was ${approved.window.start} to ${approved.window.end} and is ${now.window.start} to ${now.window.end}`,
        ]
      : []),
    ...(now.leadMs > approved.leadMs
      ? [`the lead was ${formatDuration(approved.leadMs)} and is ${formatDuration(now.leadMs)}`]
      : []),
    ...(now.ceilings.replicas > ceilings.replicas
      ? [`the most replicas were ${ceilings.replicas} and are ${now.ceilings.replicas}`]
      : []),
    ...(costs ? [`the most it may cost was ${ceilings.cost ?? 'not known'} and is ${now.ceilings.cost}`] : []),
  ];
}

/** The approved intent after a second person has moved the event's end: what it may cost grows with the time. */
export function withEnd(intent: PlanIntent, endMs: number): PlanIntent {
  const { window, leadMs, ceilings } = intent;
  const hours = (end: number) => end - Date.parse(window.start) + leadMs;
  const share = hours(endMs) / hours(Date.parse(window.end));
  // what was approved is a rounded figure: its half cent grows with it
  const cost = ceilings.cost === null ? null : Math.ceil((ceilings.cost + 0.005) * share * 100) / 100;
  return { ...intent, window: { ...window, end: new Date(endMs).toISOString() }, ceilings: { ...ceilings, cost } };
}

function sameTarget({ target: a }: PlanIntent, { target: b }: PlanIntent): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function describeTarget({ target }: PlanIntent): string {
  if ('added' in target) return `+ ${target.added} pods`;
  return 'factor' in target ? `× ${target.factor}` : `${target.replicas} replicas`;
}
