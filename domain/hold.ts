import type { Claim } from './claim.ts';
import { canonicalJson, sameJson, type Json } from './json.ts';
import type { Governor, GovernorChange, GovernorField, GovernorMarks } from './workload.ts';
import { GOVERNOR_FIELDS, MARKS } from './workload.ts';

/**
 * The decisions of the capacity ledger: what a governor must say, given the claims on its workload.
 * Everything here reads only the object, the claims and a given now, so that a ledger that lost its
 * history decides the same.
 */

/** What the owner wants a field to be, and what we wrote last. `was` is absent where the key was absent. */
interface HeldField {
  readonly was?: Json;
  readonly set?: Json;
  /** Somebody else set the field during the hold: it stays as it is, even when they write our own value later. */
  readonly theirs?: true;
}

/** The annotation `headroom.dev/baseline`: written by the first PATCH of a hold, removed by the PATCH that restores. */
export interface Baseline {
  readonly uid: string;
  /** spec.replicas when the hold began: what a factor is applied to while claims live. */
  readonly replicas: number;
  readonly fields: { readonly [field in GovernorField]?: HeldField };
}

/**
 * The annotation `headroom.dev/wind-down`: the floor when it began, and when its last step was made.
 * It stays for an interval after the last step: claims that come and go may not make the steps shorter.
 */
export interface WindDown {
  readonly from: number;
  readonly steppedAt: string;
}

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
}

/** How a governor stands once the decision is carried out. */
export interface HoldStanding {
  readonly generation: number;
  /** What the governor says now. */
  readonly floor: number;
  readonly ceiling: number | undefined;
  /** What the claims ask for after clamping; `floor` is above it while a wind-down is under way. */
  readonly wantedFloor: number;
  readonly baselineFloor: number;
  /** False once the owner's values are back and our marks are gone. */
  readonly held: boolean;
  readonly drift: readonly Drift[];
  /** When to look again although nothing was asked: the next step of a wind-down, or the old maximum. */
  readonly nextCheckAtMs?: number;
  readonly waitingFor?: string;
}

export type HoldDecision =
  | { readonly kind: 'idle' }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'fenced'; readonly generation: number }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'unchanged'; readonly standing: HoldStanding }
  | { readonly kind: 'change'; readonly change: GovernorChange; readonly standing: HoldStanding };

export interface HoldFacts {
  readonly governor: Governor;
  /** spec.replicas of the workload: lowering a maximum under it would cut live pods at once. */
  readonly liveReplicas: number;
  readonly claims: readonly Claim[];
  /** The ledger's number for this decision: never lower than one that was written before. */
  readonly generation: number;
  /** An operator asked to skip the steps of the wind-down. */
  readonly skipSteps: boolean;
  readonly policy: HoldPolicy;
  readonly nowMs: number;
}

const FIELD_NAMES: readonly string[] = GOVERNOR_FIELDS;

/** How often to look whether the live count has fallen under the owner's maximum. */
const CEILING_CHECK_MS = 5_000;

/** max(baseline, clamp(max of the claims)): a hold never lowers what the owner had. */
export function wantedFloor(claims: readonly Claim[], baselineFloor: number, limits: HoldPolicy['limits']): number {
  const claimed = claims.flatMap(({ floor }) => (floor === undefined ? [] : [floor]));
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
  readonly windDown: WindDown | undefined;
  readonly drift: readonly Drift[];
}

function targets(facts: HoldFacts, held: Baseline | undefined, windDown: WindDown | undefined): Targets {
  const { governor, claims, policy } = facts;
  const drift = driftOf(governor, held);
  const baseline = ownersValuesOf(governor, held);
  const wanted = wantedFloor(claims, baseline.floor, policy.limits);
  const stepped = stepDown(facts, floorOf(governor), wanted, windDown);
  return {
    baseline,
    wantedFloor: wanted,
    floor: stepped.floor,
    ceiling: ceilingFor(governor, stepped.floor, baseline, { drift, limit: policy.limits.max }),
    windDown: stepped.windDown,
    drift,
  };
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

/** Up at once; down by at most one step of the policy each interval. */
function stepDown(
  { policy, nowMs, skipSteps }: HoldFacts,
  live: number,
  wanted: number,
  last: WindDown | undefined,
): { readonly floor: number; readonly windDown: WindDown | undefined } {
  const recent = last !== undefined && isRecent(last, policy.windDown.everyMs, nowMs) ? last : undefined;
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
  const goingHome = claims.length === 0 && to.floor <= to.baseline.floor;
  const homeCeiling = to.baseline.ceiling === undefined ? undefined : Math.max(to.baseline.ceiling, to.floor);
  const tooMany = homeCeiling !== undefined && to.ceiling !== homeCeiling && facts.liveReplicas > homeCeiling;
  const common = { generation, wantedFloor: to.wantedFloor, baselineFloor: to.baseline.floor, drift: to.drift };
  if (goingHome && !tooMany) {
    const fields = restoredFields(governor, held, { drift: to.drift, homeCeiling });
    const standing: HoldStanding = { ...common, held: false, floor: to.floor, ceiling: homeCeiling };
    return { kind: 'change', change: changeOf(governor, fields, {}), standing };
  }
  const set: FieldCounts = { floor: to.floor, ceiling: to.ceiling };
  const marks: GovernorMarks = {
    baseline: canonicalJson(heldBaseline(facts, held, set, to.drift)),
    claims: canonicalJson(claims),
    generation: String(generation),
    held: 'true',
    ...(to.windDown !== undefined && { windDown: canonicalJson(to.windDown) }),
  };
  const awaited = goingHome
    ? {
        nextCheckAtMs: facts.nowMs + CEILING_CHECK_MS,
        waitingFor: `the count to fall from ${facts.liveReplicas} to the maximum of before, ${homeCeiling}`,
      }
    : nextStep(facts, to);
  const standing: HoldStanding = { ...common, held: true, floor: to.floor, ceiling: to.ceiling, ...awaited };
  const change = changeOf(governor, fieldChanges(governor, set), marks);
  const silent = change.fields.length === 0 && change.marks.every(({ mark }) => mark === 'generation');
  return silent ? { kind: 'unchanged', standing } : { kind: 'change', change, standing };
}

function nextStep({ policy }: HoldFacts, { floor, wantedFloor, windDown }: Targets) {
  if (windDown === undefined) return {};
  const nextCheckAtMs = Date.parse(windDown.steppedAt) + policy.windDown.everyMs;
  return floor > wantedFloor ? { nextCheckAtMs, waitingFor: 'the next step down' } : { nextCheckAtMs };
}

type FieldChanges = { readonly [field in GovernorField]?: { readonly to: Json | undefined } };
type FieldCounts = { readonly [field in GovernorField]?: number | undefined };

function fieldChanges(governor: Governor, set: FieldCounts): FieldChanges {
  return Object.fromEntries(
    GOVERNOR_FIELDS.filter((field) => set[field] !== undefined && !sameJson(governor.fields[field], set[field])).map(
      (field) => [field, { to: set[field] }],
    ),
  );
}

/** What still holds our value gets the old one back; what somebody else set stays. A maximum never comes back under the floor. */
function restoredFields(
  governor: Governor,
  held: Baseline | undefined,
  { drift, homeCeiling }: { readonly drift: readonly Drift[]; readonly homeCeiling: number | undefined },
): FieldChanges {
  const entries = heldFields(held).map(([field, { was }]) => {
    const to = field === 'ceiling' && typeof was === 'number' ? homeCeiling : was;
    return [field, { to }] as const;
  });
  return Object.fromEntries(
    entries.filter(([field, { to }]) => !isTheirs(drift, field) && !sameJson(governor.fields[field], to)),
  );
}

/** A field that somebody changed meanwhile is theirs, and what they set is what it goes back to if a claim needs more. */
function heldBaseline(
  { governor, liveReplicas }: HoldFacts,
  held: Baseline | undefined,
  set: FieldCounts,
  drift: readonly Drift[],
): Baseline {
  const fields = Object.fromEntries(
    GOVERNOR_FIELDS.flatMap((field) => {
      const value = set[field];
      if (value === undefined) return [];
      const known = held?.fields[field];
      const live = governor.fields[field];
      if (known === undefined) return [[field, heldField(live, value)]];
      if (!isTheirs(drift, field)) return [[field, heldField(known.was, value)]];
      const stays = sameJson(live, value);
      return [[field, stays ? { ...heldField(live, known.set), theirs: true } : heldField(live, value)]];
    }),
  );
  return { uid: governor.uid, replicas: held?.replicas ?? liveReplicas, fields };
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
function driftOf(governor: Governor, held: Baseline | undefined): readonly Drift[] {
  return heldFields(held)
    .filter(([field, { set, theirs }]) => theirs === true || !sameJson(governor.fields[field], set))
    .map(([field, { set }]) => ({ field, ours: set ?? null, found: governor.fields[field] ?? null }));
}

function isTheirs(drift: readonly Drift[], field: GovernorField): boolean {
  return drift.some((one) => one.field === field);
}

function ownersValuesOf(governor: Governor, held: Baseline | undefined): Targets['baseline'] {
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

/** KEDA's and the API server's defaults for a key that is absent: no floor, and a ceiling of 100 (ScaledObject). */
const DEFAULT_CEILING = 100;

function asCount(value: Json | undefined, whenAbsent: number): number {
  return typeof value === 'number' ? value : whenAbsent;
}
function floorOf(governor: Governor): number {
  return asCount(governor.fields.floor, 0);
}
function ceilingOf(governor: Governor): number | undefined {
  return governor.kind === 'workload' ? undefined : asCount(governor.fields.ceiling, DEFAULT_CEILING);
}

type Read = {
  readonly kind: 'read';
  readonly baseline: Baseline | undefined;
  readonly windDown: WindDown | undefined;
  readonly generation: number;
};

function readMarks(marks: GovernorMarks): Read | Extract<HoldDecision, { kind: 'unreadable' }> {
  const baseline = readMark(marks.baseline, isBaseline);
  const windDown = readMark(marks.windDown, isWindDown);
  const generation = marks.generation === undefined ? 0 : Number(marks.generation);
  if (baseline !== 'unreadable' && windDown !== 'unreadable' && Number.isSafeInteger(generation) && generation >= 0) {
    return { kind: 'read', baseline, windDown, generation };
  }
  const faults = [
    ...(baseline === 'unreadable' ? ['headroom.dev/baseline'] : []),
    ...(windDown === 'unreadable' ? ['headroom.dev/wind-down'] : []),
    ...(Number.isSafeInteger(generation) && generation >= 0 ? [] : ['headroom.dev/generation']),
  ];
  return {
    kind: 'unreadable',
    reason: `${faults.join(' and ')} cannot be read: somebody edited it; remove the headroom.dev/* annotations to start afresh`,
  };
}

/** The floor and the ceiling as the owner wants them: from the baseline while a hold lives, else from the object. */
export function ownersValues(governor: Governor): { readonly floor: number; readonly ceiling: number | null } {
  const read = readMarks(governor.marks);
  const { floor, ceiling } = ownersValuesOf(governor, read.kind === 'read' ? read.baseline : undefined);
  return { floor, ceiling: ceiling ?? null };
}

/** spec.replicas when the hold on this governor began; undefined when there is none. */
export function replicasBeforeHold(governor: Governor): number | undefined {
  const read = readMarks(governor.marks);
  return read.kind === 'read' ? read.baseline?.replicas : undefined;
}

/** The generation on the object: a ledger that lost its own goes on from it. */
export function readGeneration(marks: GovernorMarks): number {
  const read = readMarks(marks);
  return read.kind === 'read' ? read.generation : 0;
}

/** The live claims as they stand on the object; undefined when there is no such mark, 'unreadable' when it was edited. */
export function readClaims(marks: GovernorMarks): readonly Claim[] | 'unreadable' | undefined {
  return readMark(marks.claims, isClaims);
}

function readMark<Value>(
  text: string | undefined,
  is: (value: unknown) => value is Value,
): Value | 'unreadable' | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return is(value) ? value : 'unreadable';
  } catch {
    return 'unreadable';
  }
}
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
/** A field that we do not know was written by a newer headroom, which must restore it. */
function isBaseline(value: unknown): value is Baseline {
  return (
    isRecord(value) &&
    typeof value['uid'] === 'string' &&
    isCount(value['replicas']) &&
    isRecord(value['fields']) &&
    Object.entries(value['fields']).every(([field, one]) => FIELD_NAMES.includes(field) && isRecord(one))
  );
}
function isClaims(value: unknown): value is readonly Claim[] {
  return (
    Array.isArray(value) &&
    value.every(
      (one: unknown) =>
        isRecord(one) &&
        typeof one['id'] === 'string' &&
        typeof one['reason'] === 'string' &&
        (one['floor'] === undefined || isCount(one['floor'])),
    )
  );
}
function isWindDown(value: unknown): value is WindDown {
  return (
    isRecord(value) &&
    isCount(value['from']) &&
    typeof value['steppedAt'] === 'string' &&
    !Number.isNaN(Date.parse(value['steppedAt']))
  );
}
function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
