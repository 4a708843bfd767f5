import { type Drift, heldFields, isTheirs } from './drift.ts';
import { thawed } from './freeze.ts';
import type { HoldFacts, Targets } from './hold-targets.ts';
import { type Json, sameJson } from './json.ts';
import type { Baseline, HeldField } from './marks.ts';
import {
  GOVERNOR_FIELDS,
  type Governor,
  type GovernorChange,
  type GovernorField,
  type GovernorMarks,
  MARKS,
  asCount,
} from './workload.ts';

type FieldChanges = { readonly [field in GovernorField]?: { readonly to: Json | undefined } };

export type FieldValues = { readonly [field in GovernorField]?: Json | undefined };

export function fieldChanges(governor: Governor, set: FieldValues): FieldChanges {
  return Object.fromEntries(
    GOVERNOR_FIELDS.filter((field) => set[field] !== undefined && !sameJson(governor.fields[field], set[field])).map(
      (field) => [field, { to: set[field] }],
    ),
  );
}

/** A freeze that no claim asks for any more goes at once, also while the floor stays held. */
export function thaw(governor: Governor, held: Baseline | undefined, set: FieldValues): FieldChanges {
  const ours = held?.fields.freeze;
  if (ours === undefined || set.freeze !== undefined) return {};
  const to = thawed(governor, ours);
  return sameJson(governor.fields.freeze, to) ? {} : { freeze: { to } };
}

/** What still holds our value gets the old one back; what somebody else set stays. A maximum never comes back under the floor. */
export function restoredFields(
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
export function heldBaseline(
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

export function changeOf(governor: Governor, fields: FieldChanges, marks: GovernorMarks): GovernorChange {
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
