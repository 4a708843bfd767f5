import { type Json, sameJson } from './json.ts';
import { type Baseline, type HeldField, readMarks } from './marks.ts';
import {
  DEFAULT_CEILING,
  type FieldWriter,
  GOVERNOR_FIELDS,
  type Governor,
  type GovernorField,
  asCount,
  ceilingOf,
  floorOf,
} from './workload.ts';

/** What the owner wants: what was there before the hold, or what somebody else has set since. */
export interface OwnersValues {
  readonly floor: number;
  readonly ceiling: number | undefined;
}

/** A field that is not what we wrote: somebody else changed it during the hold, so it is theirs. */
export interface Drift {
  readonly field: GovernorField;
  readonly ours: Json | null;
  readonly found: Json | null;
  /** The field manager that wrote it last, where the object tells. */
  readonly by?: string;
}

export function heldFields(held: Baseline | undefined): readonly (readonly [GovernorField, HeldField])[] {
  return GOVERNOR_FIELDS.flatMap((field) => {
    const one = held?.fields[field];
    return one === undefined ? [] : [[field, one] as const];
  });
}

/**
 * Field by field, also where the marks came with a copy of another object (a backup, `kubectl replace --force`):
 * what holds the value that we set is ours, whatever the uid.
 */
export function driftOf(governor: Marked, held: Baseline | undefined): readonly Drift[] {
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

export function isTheirs(drift: readonly Drift[], field: GovernorField): boolean {
  return drift.some((one) => one.field === field);
}

export function ownersValuesOf(governor: Marked, held: Baseline | undefined): OwnersValues {
  const drift = driftOf(governor, held);
  const isOurs = (field: GovernorField) => held?.fields[field] !== undefined && !isTheirs(drift, field);
  const ceiling = ceilingOf(governor);
  return {
    floor: isOurs('floor') ? asCount(held?.fields.floor?.was, 0) : floorOf(governor),
    ceiling: ceiling !== undefined && isOurs('ceiling') ? asCount(held?.fields.ceiling?.was, DEFAULT_CEILING) : ceiling,
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
