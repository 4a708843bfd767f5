import type { Claim } from './claim.ts';
import type { Drift } from './drift.ts';
import { canonicalJson } from './json.ts';
import type { Readiness } from './readiness.ts';

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
