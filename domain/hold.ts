import { freezeFault, isFrozen } from './freeze.ts';
import { type FieldValues, changeOf, fieldChanges, heldBaseline, restoredFields, thaw } from './hold-change.ts';
import type { HoldStanding } from './hold-standing.ts';
import { type HoldFacts, type Targets, mayIdle, targets } from './hold-targets.ts';
import { canonicalJson } from './json.ts';
import { type Baseline, readMarks } from './marks.ts';
import { type Governor, type GovernorChange, type GovernorMarks, MARKS, ceilingOf, floorOf } from './workload.ts';

/**
 * The decisions of the capacity ledger: what a governor must say, given the claims on its workload.
 * Everything here reads only the object, the claims and a given now, so that a ledger that lost its
 * history decides the same.
 */

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

/** How often to look whether the live count has fallen under the owner's maximum. */
const CEILING_CHECK_MS = 5_000;

/** How often to look whether jobs have ended. */
const BUSY_CHECK_MS = 30_000;

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

/** Whether a decision lets pods go: the floor goes down, or our freeze ends. */
export function isLettingGo(governor: Governor, { floor, frozen: staysFrozen }: HoldStanding): boolean {
  const read = readMarks(governor.marks);
  const endsFreeze =
    read.kind === 'read' && read.baseline?.fields.freeze !== undefined && isFrozen(governor) && staysFrozen !== true;
  return floor < floorOf(governor) || endsFreeze;
}
