import type { Claim } from './claim.ts';
import type { Json } from './json.ts';
import { GOVERNOR_FIELDS, type Governor, type GovernorField, type GovernorMarks } from './workload.ts';

/**
 * What a hold writes on the object beside the fields: for people who have only kubectl, and for a ledger without memory.
 * Everything that is read here may have been edited by hand.
 */

/** What the owner wants a field to be, and what we wrote last. `was` is absent where the key was absent. */
export interface HeldField {
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
  /**
   * Of a hold that stands beside another autoscaler, or did: its highest floor there. Up to it the count is what the hold
   * brought, because nobody scales in.
   */
  readonly brought?: number;
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

export type MarksRead =
  | {
      readonly kind: 'read';
      readonly baseline: Baseline | undefined;
      readonly windDown: WindDown | undefined;
      readonly generation: number;
    }
  | { readonly kind: 'unreadable'; readonly reason: string };

const FIELD_NAMES: readonly string[] = GOVERNOR_FIELDS;

export function readMarks(marks: GovernorMarks): MarksRead {
  const baseline = readMark(marks.baseline, isBaseline);
  const windDown = readMark(marks.windDown, isWindDown);
  const generation = marks.generation === undefined ? 0 : Number(marks.generation);
  const isNumbered = Number.isSafeInteger(generation) && generation >= 0;
  if (baseline !== 'unreadable' && windDown !== 'unreadable' && isNumbered)
    return { kind: 'read', baseline, windDown, generation };
  const faults = [
    ...(baseline === 'unreadable' ? ['headroom.dev/baseline'] : []),
    ...(windDown === 'unreadable' ? ['headroom.dev/wind-down'] : []),
    ...(isNumbered ? [] : ['headroom.dev/generation']),
  ];
  return {
    kind: 'unreadable',
    reason: `${faults.join(' and ')} cannot be read: somebody edited it; remove the headroom.dev/* annotations to start afresh`,
  };
}

/** spec.replicas when the hold on this governor began; undefined when there is none. */
export function replicasBeforeHold(governor: Pick<Governor, 'marks'>): number | undefined {
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
    (value['brought'] === undefined || isCount(value['brought'])) &&
    isRecord(value['fields']) &&
    Object.entries(value['fields']).every(([field, one]) => FIELD_NAMES.includes(field) && isRecord(one))
  );
}
function isClaims(value: unknown): value is readonly Claim[] {
  return Array.isArray(value) && value.every(isClaim);
}
function isClaim(value: unknown): value is Claim {
  return (
    isRecord(value) &&
    typeof value['id'] === 'string' &&
    typeof value['reason'] === 'string' &&
    ['floor', 'pin'].every((key) => value[key] === undefined || isCount(value[key])) &&
    (value['freezeScaleIn'] === undefined || typeof value['freezeScaleIn'] === 'boolean') &&
    (value['inConflict'] === undefined || value['inConflict'] === true)
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
