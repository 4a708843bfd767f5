import type { Claim } from './claim.ts';
import { limitsBeside, type Rivals } from './conflict.ts';
import { freezeFault, frozen, isFrozen, thawed } from './freeze.ts';
import { canonicalJson, sameJson, type Json } from './json.ts';
import { readMarks, type Baseline, type HeldField, type WindDown } from './marks.ts';
import { idleReplicasOf, judgeReadiness, type Readiness } from './readiness.ts';
import type { FieldWriter, Governor, GovernorChange, GovernorField, GovernorMarks } from './workload.ts';
import { asCount, ceilingOf, DEFAULT_CEILING, floorOf, GOVERNOR_FIELDS, MARKS } from './workload.ts';

/**
 * The decisions of the capacity ledger: what a governor must say, given the claims on its workload.
 * Everything here reads only the object, the claims and a given now, so that a ledger that lost its
 * history decides the same.
 */

export interface HoldPolicy {
  readonly limits: { readonly min: number; readonly max: number };
  /** At most this share of the floor at release goes with each step, rounded down, at least one replica. */
  readonly windDown: { readonly percent: number; readonly everyMs: number };
}

/** A field that is not what we wrote: somebody else changed it during the hold, so it is theirs. */
export interface Drift {
  readonly field: GovernorField;
  readonly ours: Json | null;
  readonly found: Json | null;
  /** The field manager that wrote it last, where the object tells. */
  readonly by?: string;
}

/** Somebody took from what is claimed: `found` instead of `wanted` (a count, or whether scale-in is frozen). */
export interface Taken {
  readonly field: 'floor' | 'freeze';
  readonly found: number | boolean;
  readonly wanted: number | boolean;
  readonly by: string;
  readonly person: boolean;
}

/** How a governor stands once the decision is carried out. */
export interface HoldStanding {
  readonly generation: number;
  /** What the governor says now. */
  readonly floor: number;
  readonly ceiling: number | undefined;
  /** Scale-in is off. */
  readonly frozen?: true;
  /** What the claims ask for after clamping; `floor` is above it while a wind-down is under way. */
  readonly wantedFloor: number;
  readonly baselineFloor: number;
  /** False once the owner's values are back and our marks are gone. */
  readonly held: boolean;
  readonly drift: readonly Drift[];
  /** Somebody lowered the floor under the claims, or took the freeze off, and it was left so. */
  readonly contested?: Taken;
  /** The same, and this decision puts it back. */
  readonly overruled?: Taken;
  /** Why the governor does not do what its floor says, although it says so. */
  readonly unprotected?: {
    readonly kind: Exclude<Readiness['kind'], 'effective'> | 'tooOld';
    readonly reason: string;
  };
  /** Other autoscalers bound it and scale on no metrics while they are there: what this means, and what repairs it. */
  readonly conflict?: string;
  /** When to look again although nothing was asked: the next step of a wind-down, or the old maximum. */
  readonly nextCheckAtMs?: number;
  readonly waitingFor?: string;
}

export type HoldDecision =
  | { readonly kind: 'idle' }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'fenced'; readonly generation: number }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'unchanged'; readonly standing: HoldStanding; readonly lift?: number }
  | {
      readonly kind: 'change';
      readonly change: GovernorChange;
      readonly standing: HoldStanding;
      /** spec.replicas to set besides: an autoscaler at its idle count does not go up by itself. */
      readonly lift?: number;
    };

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

/** How often to look whether the live count has fallen under the owner's maximum. */
const CEILING_CHECK_MS = 5_000;
/** How often to look whether jobs have ended. */
const BUSY_CHECK_MS = 30_000;

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

export interface Reapply {
  readonly overPersons: boolean;
  readonly overControllers: boolean;
}
/** A controller that reverts us is overruled this often in ten minutes; then it is contested. */
export const REAPPLIES = { times: 3, withinMs: 600_000 };

/** Times that still count against a further try. */
export function recentReapplies(atMs: readonly number[], nowMs: number): readonly number[] {
  return atMs.filter((one) => nowMs - one < REAPPLIES.withinMs);
}

/** A claim that has just come or changed is worth any edit of before; later edits of persons are left where policy says so. */
export function mayReapplyOver(
  { fresh, reappliedAtMs }: { readonly fresh: boolean; readonly reappliedAtMs: readonly number[] },
  whenPersonLowers: 'leave' | 'reapply',
  nowMs: number,
): Reapply {
  if (fresh) return { overPersons: true, overControllers: true };
  const hasTries = recentReapplies(reappliedAtMs, nowMs).length < REAPPLIES.times;
  return { overPersons: whenPersonLowers === 'reapply' && hasTries, overControllers: hasTries };
}

/** What of a standing can turn into something else without a write; the rest shows as a decision to change. */
export function standingKey({ held, contested, unprotected, conflict }: HoldStanding): string {
  return canonicalJson({ held, contested, unprotected, conflict });
}

/** Why a write was made, for the report: the claims, the step, or the hand that it answers. */
export function reasonOfWrite(
  before: Pick<HoldStanding, 'floor'> | null,
  claims: readonly Claim[],
  { floor, held, overruled, wantedFloor: wanted }: HoldStanding,
): string {
  if (!held) return 'the owner’s values are back';
  if (overruled !== undefined)
    return `${overruled.by} set ${overruled.field} to ${String(overruled.found)}: put back to ${String(overruled.wanted)}`;
  if (before !== null && floor < before.floor) return floor > wanted ? 'one step down' : 'the last step down';
  const reasons = claims.map(({ reason }) => reason);
  return reasons.length === 0 ? 'nobody claims it any more' : `for ${reasons.join(', and ')}`;
}

export function decideHold(facts: HoldFacts): HoldDecision {
  const { governor, claims, generation } = facts;
  if (claims.length === 0 && !isMarked(governor)) return { kind: 'idle' };
  if (governor.ignored) return { kind: 'ignored' };
  const read = readMarks(governor.marks);
  if (read.kind === 'unreadable') return read;
  if (read.generation > generation) return { kind: 'fenced', generation: read.generation };
  if (read.baseline === undefined && claims.length === 0) return noHold(governor);
  return settle(facts, targets(facts, read.baseline, read.windDown), read.baseline);
}

function isMarked(governor: Governor): boolean {
  return MARKS.some((mark) => governor.marks[mark] !== undefined);
}

/** Marks without a baseline are leftovers of ours on an object we do not hold: they go. */
function noHold(governor: Governor): HoldDecision {
  const floor = floorOf(governor);
  const standing: HoldStanding = {
    generation: 0,
    floor,
    ceiling: ceilingOf(governor),
    wantedFloor: floor,
    baselineFloor: floor,
    held: false,
    drift: [],
  };
  return { kind: 'change', change: changeOf(governor, {}, {}), standing };
}

/**
 * Takes our marks off an object that no longer governs (an autoscaler was made for a workload that we held by itself):
 * its fields are its new governor's business. Undefined when there is none.
 */
export function forsake(governor: Governor): GovernorChange | undefined {
  return isMarked(governor) ? changeOf(governor, {}, {}) : undefined;
}

interface Targets {
  /** What the owner wants: what was there before the hold, or what somebody else has set since. */
  readonly baseline: { readonly floor: number; readonly ceiling: number | undefined };
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

function targets(facts: HoldFacts, held: Baseline | undefined, windDown: WindDown | undefined): Targets {
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
function mayIdle(governor: Governor, { kind }: Readiness): boolean {
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
  baseline: Targets['baseline'],
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

function settle(facts: HoldFacts, to: Targets, held: Baseline | undefined): HoldDecision {
  const { governor, claims, generation } = facts;
  const goingHome = claims.length === 0 && to.floor <= to.baseline.floor && !to.keptBusy;
  const homeCeiling = to.baseline.ceiling === undefined ? undefined : Math.max(to.baseline.ceiling, to.floor);
  const fallsTo = Math.min(
    to.rest ?? Infinity,
    homeCeiling === undefined || to.ceiling === homeCeiling ? Infinity : homeCeiling,
  );
  const tooMany = facts.liveReplicas > fallsTo;
  const common = { generation, wantedFloor: to.wantedFloor, baselineFloor: to.baseline.floor, drift: to.drift };
  if (goingHome && !tooMany) {
    const fields = restoredFields(governor, held, { drift: to.drift, homeCeiling });
    const standing: HoldStanding = { ...common, held: false, floor: to.floor, ceiling: homeCeiling };
    return { kind: 'change', change: changeOf(governor, fields, {}), standing };
  }
  const set: FieldValues = { floor: to.floor, ceiling: to.ceiling, freeze: to.freeze };
  const marks: GovernorMarks = {
    baseline: canonicalJson(heldBaseline(facts, held, set, to)),
    claims: canonicalJson(claims),
    generation: String(generation),
    held: 'true',
    ...(to.windDown !== undefined && { windDown: canonicalJson(to.windDown) }),
  };
  const awaited = goingHome
    ? {
        nextCheckAtMs: facts.nowMs + CEILING_CHECK_MS,
        waitingFor: `the count to fall from ${facts.liveReplicas} to ${to.rest === undefined ? 'the maximum of before' : 'what it was'}, ${fallsTo}`,
      }
    : nextStep(facts, to);
  const standing: HoldStanding = {
    ...common,
    held: true,
    floor: to.floor,
    ceiling: to.ceiling,
    ...(to.freeze !== undefined && { frozen: true }),
    ...(to.contested !== undefined && { contested: to.contested }),
    ...(to.overruled !== undefined && { overruled: to.overruled }),
    ...unprotectedOf(facts, to),
    ...(facts.rivals !== undefined && { conflict: facts.rivals.reason }),
    ...awaited,
  };
  const lift = liftOf(facts, to);
  const change = changeOf(governor, { ...fieldChanges(governor, set), ...thaw(governor, held, set) }, marks);
  const silent = change.fields.length === 0 && change.marks.every(({ mark }) => mark === 'generation');
  const rest = { standing, ...(lift !== undefined && { lift }) };
  return silent ? { kind: 'unchanged', ...rest } : { kind: 'change', change, ...rest };
}

/** What the claims are told although the object says what they asked for. */
function unprotectedOf(
  { claims, governor }: HoldFacts,
  { readiness, freeze, unfrozen }: Targets,
): Pick<HoldStanding, 'unprotected'> {
  if (claims.length === 0) return {};
  if (readiness.kind === 'idleable') {
    if (freeze !== undefined) return {};
    const reason = `without a freeze KEDA goes down to its idleReplicaCount of ${readiness.idleReplicas} while no trigger is active (${freezeFault(governor)})`;
    return { unprotected: { kind: 'idleable', reason } };
  }
  if (readiness.kind !== 'effective') return { unprotected: { kind: readiness.kind, reason: readiness.reason } };
  return unfrozen === undefined ? {} : { unprotected: { kind: 'tooOld', reason: unfrozen } };
}

/** An autoscaler at its idle count stays there until somebody scales its workload. */
function liftOf(
  { claims, governor, liveReplicas }: HoldFacts,
  { readiness, floor, freeze }: Targets,
): number | undefined {
  const isStuck = mayIdle(governor, readiness) && freeze !== undefined && liveReplicas < floor;
  return claims.length > 0 && isStuck ? floor : undefined;
}

function nextStep(facts: HoldFacts, { floor, wantedFloor, windDown, keptBusy }: Targets) {
  if (keptBusy) return { nextCheckAtMs: facts.nowMs + BUSY_CHECK_MS, waitingFor: facts.busy ?? '' };
  if (windDown === undefined) return {};
  const nextCheckAtMs = Date.parse(windDown.steppedAt) + facts.policy.windDown.everyMs;
  return floor > wantedFloor ? { nextCheckAtMs, waitingFor: 'the next step down' } : { nextCheckAtMs };
}

type FieldChanges = { readonly [field in GovernorField]?: { readonly to: Json | undefined } };
type FieldValues = { readonly [field in GovernorField]?: Json | undefined };

function fieldChanges(governor: Governor, set: FieldValues): FieldChanges {
  return Object.fromEntries(
    GOVERNOR_FIELDS.filter((field) => set[field] !== undefined && !sameJson(governor.fields[field], set[field])).map(
      (field) => [field, { to: set[field] }],
    ),
  );
}

/** A freeze that no claim asks for any more goes at once, also while the floor stays held. */
function thaw(governor: Governor, held: Baseline | undefined, set: FieldValues): FieldChanges {
  const ours = held?.fields.freeze;
  if (ours === undefined || set.freeze !== undefined) return {};
  const to = thawed(governor, ours);
  return sameJson(governor.fields.freeze, to) ? {} : { freeze: { to } };
}

/** What still holds our value gets the old one back; what somebody else set stays. A maximum never comes back under the floor. */
function restoredFields(
  governor: Governor,
  held: Baseline | undefined,
  { drift, homeCeiling }: { readonly drift: readonly Drift[]; readonly homeCeiling: number | undefined },
): FieldChanges {
  const back = (field: GovernorField, one: HeldField): Json | undefined => {
    if (field === 'freeze') return thawed(governor, one);
    if (isTheirs(drift, field)) return governor.fields[field];
    return field === 'ceiling' && typeof one.was === 'number' ? homeCeiling : one.was;
  };
  const entries = heldFields(held).map(([field, one]) => [field, { to: back(field, one) }] as const);
  return Object.fromEntries(entries.filter(([field, { to }]) => !sameJson(governor.fields[field], to)));
}

/** A field that somebody changed meanwhile is theirs, and what they set is what it goes back to if a claim needs more. */
function heldBaseline(
  { governor, liveReplicas, replicasBefore, rivals }: HoldFacts,
  held: Baseline | undefined,
  set: FieldValues,
  { drift, yieldsFreeze }: Pick<Targets, 'drift' | 'yieldsFreeze'>,
): Baseline {
  const saved = (field: GovernorField, value: Json): HeldField => {
    const known = held?.fields[field];
    const live = governor.fields[field];
    if (known === undefined) return heldField(live, value);
    if (!isTheirs(drift, field)) return heldField(known.was, value);
    // who edits a frozen behavior has not taken the freeze over
    const isOurs = field === 'freeze' && known.theirs !== true;
    if (isOurs) return heldField(thawed(governor, known), value);
    return sameJson(live, value) ? { ...heldField(live, known.set), theirs: true } : heldField(live, value);
  };
  const fields = Object.fromEntries(
    GOVERNOR_FIELDS.flatMap((field) => {
      const value = set[field];
      if (value !== undefined) return [[field, saved(field, value)] as const];
      // a freeze that somebody took off is remembered as theirs, or it would look like one that was never ours
      const known = yieldsFreeze && field === 'freeze' ? held?.fields.freeze : undefined;
      const theirs = { ...heldField(governor.fields.freeze, known?.set), theirs: true } as const;
      return known === undefined ? [] : [[field, theirs] as const];
    }),
  );
  const brought = Math.max(held?.brought ?? 0, rivals === undefined ? 0 : asCount(set.floor, 0));
  return {
    uid: governor.uid,
    replicas: held?.replicas ?? replicasBefore ?? liveReplicas,
    ...(brought > 0 && { brought }),
    fields,
  };
}

function heldField(was: Json | undefined, set: Json | undefined): HeldField {
  return { ...(was !== undefined && { was }), ...(set !== undefined && { set }) };
}

function heldFields(held: Baseline | undefined): readonly (readonly [GovernorField, HeldField])[] {
  return GOVERNOR_FIELDS.flatMap((field) => {
    const one = held?.fields[field];
    return one === undefined ? [] : [[field, one] as const];
  });
}

/**
 * Field by field, also where the marks came with a copy of another object (a backup, `kubectl replace --force`):
 * what holds the value that we set is ours, whatever the uid.
 */
function driftOf(governor: Marked, held: Baseline | undefined): readonly Drift[] {
  return heldFields(held)
    .filter(([field, { set, theirs }]) => theirs === true || !sameJson(governor.fields[field], set))
    .map(([field, { set }]) => {
      const by = strangerAt(governor.writers ?? [], field);
      const found = governor.fields[field] ?? null;
      return { field, ours: set ?? null, found, ...(by !== undefined && { by }) };
    });
}

/** Who else wrote the field last. Times are in whole seconds: of two writers in one of them it was not us, or it would hold what is ours. */
function strangerAt(writers: readonly FieldWriter[], field: GovernorField): string | undefined {
  const those = writers.filter((writer) => writer.field === field);
  const lastMs = Math.max(...those.map(({ atMs }) => atMs));
  return those.findLast(({ manager, atMs }) => manager !== 'headroom' && atMs === lastMs)?.manager;
}

function isTheirs(drift: readonly Drift[], field: GovernorField): boolean {
  return drift.some((one) => one.field === field);
}

function ownersValuesOf(governor: Marked, held: Baseline | undefined): Targets['baseline'] {
  const drift = driftOf(governor, held);
  const isOurs = (field: GovernorField) => held?.fields[field] !== undefined && !isTheirs(drift, field);
  const ceiling = ceilingOf(governor);
  return {
    floor: isOurs('floor') ? asCount(held?.fields.floor?.was, 0) : floorOf(governor),
    ceiling: ceiling !== undefined && isOurs('ceiling') ? asCount(held?.fields.ceiling?.was, DEFAULT_CEILING) : ceiling,
  };
}

function changeOf(governor: Governor, fields: FieldChanges, marks: GovernorMarks): GovernorChange {
  return {
    kind: governor.kind,
    namespace: governor.namespace,
    name: governor.name,
    uid: governor.uid,
    ...(governor.version !== undefined && { version: governor.version }),
    workloadKind: governor.workloadKind,
    hasAnnotations: governor.hasAnnotations,
    hasLabels: governor.hasLabels,
    fields: GOVERNOR_FIELDS.flatMap((field) => {
      const one = fields[field];
      return one === undefined ? [] : [{ field, from: governor.fields[field], to: one.to }];
    }),
    marks: MARKS.filter((mark) => governor.marks[mark] !== marks[mark]).map((mark) => ({
      mark,
      from: governor.marks[mark],
      to: marks[mark],
    })),
  };
}

/** As much of a governor as its owner's values are told by. */
type Marked = Pick<Governor, 'kind' | 'fields' | 'marks' | 'writers'>;

/** The floor and the ceiling as the owner wants them: from the baseline while a hold lives, else from the object. */
export function ownersValues(governor: Marked): { readonly floor: number; readonly ceiling: number | null } {
  const read = readMarks(governor.marks);
  const { floor, ceiling } = ownersValuesOf(governor, read.kind === 'read' ? read.baseline : undefined);
  return { floor, ceiling: ceiling ?? null };
}

/** What of a hold somebody else has changed since, as it stands on the object. */
export function findDrift(governor: Governor): readonly Drift[] {
  const read = readMarks(governor.marks);
  return driftOf(governor, read.kind === 'read' ? read.baseline : undefined);
}

/** Whether a decision lets pods go: the floor goes down, or our freeze ends. */
export function isLettingGo(governor: Governor, { floor, frozen: staysFrozen }: HoldStanding): boolean {
  const read = readMarks(governor.marks);
  const endsFreeze =
    read.kind === 'read' && read.baseline?.fields.freeze !== undefined && isFrozen(governor) && staysFrozen !== true;
  return floor < floorOf(governor) || endsFreeze;
}
