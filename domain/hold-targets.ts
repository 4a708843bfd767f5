import type { Claim } from './claim.ts';
import { type Rivals, limitsBeside } from './conflict.ts';
import { type Drift, type OwnersValues, driftOf, isTheirs, ownersValuesOf } from './drift.ts';
import { freezeFault, frozen, isFrozen } from './freeze.ts';
import type { Taken } from './hold-standing.ts';
import type { Json } from './json.ts';
import type { Baseline, WindDown } from './marks.ts';
import { type Readiness, idleReplicasOf, judgeReadiness } from './readiness.ts';
import type { Reapply } from './reapply.ts';
import { type Governor, asCount, ceilingOf, floorOf } from './workload.ts';

export interface HoldPolicy {
  readonly limits: { readonly min: number; readonly max: number };
  /** At most this share of the floor at release goes with each step, rounded down, at least one replica. */
  readonly windDown: { readonly percent: number; readonly everyMs: number };
}

export interface HoldFacts {
  readonly governor: Governor;
  /** spec.replicas of the workload: lowering a maximum under it would cut live pods at once. */
  readonly liveReplicas: number;
  readonly claims: readonly Claim[];
  /** The ledger's number for this decision: never lower than one that was written before. */
  readonly generation: number;
  /** An operator asked to skip the steps of the wind-down. */
  readonly skipSteps: boolean;
  /** Whether what somebody took from under the claims is put back; absent: it is. */
  readonly reapply?: Reapply;
  /** KEDA has not followed its ScaledObject for longer than it ever needs. */
  readonly silent?: boolean;
  /** Why the floor must not go down now: pods may be at work. Absent: it may. */
  readonly busy?: string;
  /** Those pods run jobs, which no autoscaler may take either. Absent: only the way down to nothing has to wait. */
  readonly runsJobs?: boolean;
  /** Other autoscalers of the workload, beside which the governor is held all the same. */
  readonly rivals?: Rivals;
  /** spec.replicas before the hold that another object of this workload bore until now. */
  readonly replicasBefore?: number;
  readonly policy: HoldPolicy;
  readonly nowMs: number;
}

/** max(baseline, clamp(max of floors and pins)): a hold never lowers what the owner had. */
export function wantedFloor(claims: readonly Claim[], baselineFloor: number, limits: HoldPolicy['limits']): number {
  const claimed = claims.flatMap(({ floor, pin }) => [floor, pin].filter((count) => count !== undefined));
  if (claimed.length === 0) return baselineFloor;
  return Math.max(baselineFloor, Math.min(limits.max, Math.max(limits.min, ...claimed)));
}

/** Keeps the room above the floor that the owner's maximum had above its minimum, within the limit; never lower than it was. */
export function wantedCeiling(
  floor: number,
  baseline: { readonly floor: number; readonly ceiling: number },
  limit: number,
): number {
  return Math.max(baseline.ceiling, floor, Math.min(limit, floor + baseline.ceiling - baseline.floor));
}

export interface Targets {
  readonly baseline: OwnersValues;
  readonly wantedFloor: number;
  readonly floor: number;
  readonly ceiling: number | undefined;
  /** The count that a maximum of ours brings back, where nobody else would. */
  readonly rest: number | undefined;
  /** Absent: scale-in is as its owner has it. */
  readonly freeze: Json | undefined;
  readonly windDown: WindDown | undefined;
  readonly drift: readonly Drift[];
  readonly readiness: Readiness;
  readonly contested: Taken | undefined;
  readonly yieldsFreeze: boolean;
  readonly overruled: Taken | undefined;
  readonly unfrozen: string | undefined;
  readonly keptBusy: boolean;
}

export function targets(facts: HoldFacts, held: Baseline | undefined, windDown: WindDown | undefined): Targets {
  const { governor, claims, rivals } = facts;
  const policy = { limits: limitsBeside(facts.policy.limits, rivals) };
  const drift = driftOf(governor, held);
  const baseline = ownersValuesOf(governor, held);
  const readiness = readinessOf(facts);
  const wantsFreeze = claims.some(({ freezeScaleIn }) => freezeScaleIn === true);
  const freezes = wantsFreeze || (mayIdle(governor, readiness) && claims.length > 0);
  const unfrozen = wantsFreeze ? freezeFault(governor) : undefined;
  const asked = wantedFloor(claims, baseline.floor, policy.limits);
  // where scale-in cannot be frozen, the floor follows the count up (R23)
  const wanted = unfrozen === undefined ? asked : Math.max(asked, Math.min(policy.limits.max, facts.liveReplicas));
  const taken = takenOf(governor, { drift, wanted, freezes, held });
  const contested = taken.filter((one) => !mayReapply(facts, one));
  const yields = (field: Taken['field']) => contested.some((one) => one.field === field);
  const stepped = yields('floor')
    ? { floor: floorOf(governor), windDown }
    : stepDown(facts, reachOf(governor, baseline.floor, rivals), wanted, windDown);
  // what jobs are at work behind stays frozen, whoever let go of it
  // the floor alone keeps it from going to nothing, so a freeze has no reason to outlast its claim, but with an idle count
  const needsFreeze = facts.runsJobs === true || idleReplicasOf(governor) !== undefined;
  const isOurFreeze = held?.fields.freeze !== undefined && isFrozen(governor);
  const keepsFreeze = facts.busy !== undefined && needsFreeze && isOurFreeze;
  const isPinned = claims.some(({ pin }) => pin !== undefined);
  const rest = isTheirs(drift, 'ceiling') ? undefined : restOf(facts, stepped.floor, held);
  const roomy = () => ceilingFor(governor, stepped.floor, baseline, { drift, limit: policy.limits.max });
  const ceiling = isPinned ? pinnedCeiling(facts, stepped.floor) : (rest ?? roomy());
  return {
    baseline,
    wantedFloor: wanted,
    floor: stepped.floor,
    ceiling,
    rest,
    freeze: (freezes && !yields('freeze')) || keepsFreeze ? frozen(governor) : undefined,
    windDown: stepped.windDown,
    drift,
    readiness,
    contested: contested[0],
    yieldsFreeze: yields('freeze'),
    overruled: taken.find((one) => !contested.includes(one)),
    unfrozen,
    keptBusy: facts.busy !== undefined && (stepped.floor > wanted || (keepsFreeze && !freezes)),
  };
}

/** KEDA needs some 50 ms to follow: what it has not done yet is no silence until somebody has waited for it. */
function readinessOf({ governor, liveReplicas, silent }: HoldFacts): Readiness {
  const readiness = judgeReadiness(governor, liveReplicas);
  return readiness.kind === 'silent' && silent !== true ? { kind: 'effective' } : readiness;
}

/** KEDA goes under the floor unless it is frozen: also when it follows late, and then too late for a hold that waits for it. */
export function mayIdle(governor: Governor, { kind }: Readiness): boolean {
  return kind !== 'paused' && idleReplicasOf(governor) !== undefined;
}

/** What is under the claims and is not our own writing. */
function takenOf(
  governor: Governor,
  {
    drift,
    wanted,
    freezes,
    held,
  }: {
    readonly drift: readonly Drift[];
    readonly wanted: number;
    readonly freezes: boolean;
    readonly held: Baseline | undefined;
  },
): readonly Taken[] {
  const found = floorOf(governor);
  const ours = asCount(held?.fields.floor?.set, 0);
  return drift.flatMap(({ field, by = 'somebody' }): readonly Taken[] => {
    const whose = { by, person: isPerson(by) };
    if (field === 'floor' && found < wanted && found < ours) return [{ field, found, wanted, ...whose }];
    if (field === 'freeze' && freezes && !isFrozen(governor)) return [{ field, found: false, wanted: true, ...whose }];
    return [];
  });
}

/** Field managers behind which a person sits: kubectl in all its verbs, and the usual consoles. */
function isPerson(manager: string): boolean {
  return /^(kubectl|k9s|lens|openlens|headlamp|rancher|mozilla|node-fetch|dashboard)/i.test(manager);
}

function mayReapply({ reapply }: HoldFacts, { person }: Taken): boolean {
  if (reapply === undefined) return true;
  return person ? reapply.overPersons : reapply.overControllers;
}

/** A pin leaves no room above the floor; but live pods are not cut for it: the room goes when the count has fallen. */
function pinnedCeiling({ governor, liveReplicas, rivals }: HoldFacts, floor: number): number | undefined {
  const live = ceilingOf(governor);
  if (live === undefined) return undefined;
  return Math.max(floor, rivals?.floor ?? 0, Math.min(live, liveReplicas));
}

/** How much of the floor holds: what is above the maximum of a rival goes at every sync, and is nothing to step down from. */
function reachOf(governor: Governor, ownersFloor: number, rivals: Rivals | undefined): number {
  return rivals === undefined ? floorOf(governor) : Math.min(floorOf(governor), Math.max(ownersFloor, rivals.ceiling));
}

/**
 * In a conflict nobody scales in on metrics. Without claims the maximum goes down with the floor, to the count of before the
 * hold, or what the hold brought would stay for ever. A count above that is somebody else's, and stays.
 */
function restOf(
  { governor, claims, rivals, liveReplicas }: HoldFacts,
  floor: number,
  held: Baseline | undefined,
): number | undefined {
  if (rivals === undefined || claims.length > 0 || held === undefined) return undefined;
  const brought = Math.max(held.brought ?? 0, floorOf(governor));
  return liveReplicas > brought ? undefined : Math.max(floor, held.replicas, rivals.floor);
}

function ceilingFor(
  governor: Governor,
  floor: number,
  baseline: OwnersValues,
  { drift, limit }: { readonly drift: readonly Drift[]; readonly limit: number },
): number | undefined {
  const live = ceilingOf(governor);
  if (live === undefined || baseline.ceiling === undefined) return undefined;
  if (isTheirs(drift, 'ceiling') && live >= floor) return live;
  // the old maximum comes back last, in the PATCH that restores: until then it only rises
  return Math.max(live, wantedCeiling(floor, { floor: baseline.floor, ceiling: baseline.ceiling }, limit));
}

/** Up at once; down by at most one step of the policy each interval, and not at all while pods may be at work. */
function stepDown(
  { policy, nowMs, skipSteps, busy }: HoldFacts,
  live: number,
  wanted: number,
  last: WindDown | undefined,
): { readonly floor: number; readonly windDown: WindDown | undefined } {
  const recent = last !== undefined && isRecent(last, policy.windDown.everyMs, nowMs) ? last : undefined;
  if (wanted < live && busy !== undefined) return { floor: live, windDown: recent };
  if (wanted >= live || skipSteps) return { floor: wanted, windDown: recent && { ...recent, from: wanted } };
  if (recent !== undefined) return { floor: live, windDown: recent };
  const from = last?.from ?? live;
  const floor = Math.max(wanted, live - Math.max(1, Math.floor((from * policy.windDown.percent) / 100)));
  return { floor, windDown: { from: floor === wanted ? floor : from, steppedAt: new Date(nowMs).toISOString() } };
}

/** A step that lies more than an interval ahead is somebody's edit or a broken clock, and nothing waits for it. */
function isRecent({ steppedAt }: WindDown, everyMs: number, nowMs: number): boolean {
  const agoMs = nowMs - Date.parse(steppedAt);
  return agoMs < everyMs && agoMs >= -everyMs;
}
