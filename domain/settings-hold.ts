import { findDrift } from './drift.ts';
import { frozen } from './freeze.ts';
import { canonicalJson, sameJson, type Json } from './json.ts';
import { readMarks, type Baseline, type HeldField } from './marks.ts';
import type { SettingChange, Spec } from './settings.ts';
import type { Governor, GovernorChange, GovernorField, GovernorKind } from './workload.ts';

/**
 * The owner's settings of a governor beside a hold. While claims live, what the owner wants of a held field stands in the
 * baseline: a change of it is a change there, and the ledger goes on from it. Everything else is the owner's to read and write.
 */

/** The keys of a spec that a hold may touch; a ScaledObject is frozen by an annotation, so its behavior is not one. */
const FIELDS: { readonly [kind in GovernorKind]: { readonly [key: string]: GovernorField } } = {
  workload: {},
  horizontalPodAutoscaler: { minReplicas: 'floor', maxReplicas: 'ceiling', behavior: 'freeze' },
  scaledObject: { minReplicaCount: 'floor', maxReplicaCount: 'ceiling' },
};

/** The spec as its owner wants it: of a held field what will come back, else what is there. */
export function ownersSpec(governor: Pick<Governor, 'kind' | 'marks'>, spec: Spec): Spec {
  const baseline = baselineOf(governor);
  const held = Object.entries(FIELDS[governor.kind]).filter(([, field]) => baseline?.fields[field] !== undefined);
  const without = Object.entries(spec).filter(([key]) => !held.some(([one]) => one === key));
  const owners = held.flatMap(([key, field]) => {
    const { was } = baseline?.fields[field] ?? {};
    return was === undefined ? [] : [[key, was] as const];
  });
  return Object.fromEntries([...without, ...owners]);
}

/** Held fields that somebody else has changed since: whose the value is has to be settled before it is changed again. */
export function contestedSettings(governor: Governor, changes: readonly SettingChange[]): readonly string[] {
  const drift = findDrift(governor);
  return changes.flatMap(({ key }) => {
    const found = drift.find(({ field }) => field === FIELDS[governor.kind][key]);
    if (found === undefined) return [];
    return [
      `${key} is held, and ${found.by ?? 'somebody else'} has set it to ${JSON.stringify(found.found)} meanwhile: end the hold, or put ${JSON.stringify(found.ours)} back, first`,
    ];
  });
}

/** One guarded write of the owner's settings; what is held changes in the baseline, in the same write. */
export function settingsChange(governor: Governor, spec: Spec, changes: readonly SettingChange[]): GovernorChange {
  const { kind, namespace, name, uid, workloadKind, hasAnnotations, hasLabels, marks } = governor;
  const baseline = baselineOf(governor);
  const parts = changes.map((change) => {
    const field = FIELDS[kind][change.key];
    return { ...change, field, held: field === undefined ? undefined : baseline?.fields[field] };
  });
  const heldParts = parts.flatMap(({ field, held, set }) =>
    field === undefined || held === undefined ? [] : [{ field, held: heldAs(governor, field, held, set) }],
  );
  const frozenPart = heldParts.find(({ field }) => field === 'freeze');
  const fields = [
    ...parts.flatMap(({ field, held, key, set }) =>
      field === undefined || held !== undefined ? [] : [{ field, from: spec[key], to: set }],
    ),
    // the new rules hold for what is not frozen, at once
    ...(frozenPart === undefined
      ? []
      : [{ field: 'freeze' as const, from: governor.fields.freeze, to: frozenPart.held.set }]),
  ];
  const next = baseline && canonicalJson(withHeld(baseline, heldParts));
  return {
    kind,
    namespace,
    name,
    uid,
    workloadKind,
    hasAnnotations,
    hasLabels,
    fields,
    spec: parts.flatMap(({ field, key, set }) => (field === undefined ? [{ key, from: spec[key], to: set }] : [])),
    // whoever begins, changes or ends a hold meanwhile is ahead of us: then both are looked at again
    marks: [
      { mark: 'baseline', from: marks.baseline, to: next },
      { mark: 'generation', from: marks.generation, to: marks.generation },
    ],
  };
}

function heldAs(governor: Governor, field: GovernorField, held: HeldField, set: Json | undefined): HeldField {
  const { was: _, ...rest } = held;
  const was = set === undefined ? {} : { was: set };
  if (field !== 'freeze') return { ...rest, ...was };
  const { freeze: _live, ...others } = governor.fields;
  const freeze = frozen({ ...governor, fields: set === undefined ? others : { ...others, freeze: set } });
  return { ...rest, ...was, ...(freeze !== undefined && { set: freeze }) };
}

function withHeld(
  baseline: Baseline,
  parts: readonly { readonly field: GovernorField; readonly held: HeldField }[],
): Baseline {
  const fields = Object.fromEntries(parts.map(({ field, held }) => [field, held]));
  return { ...baseline, fields: { ...baseline.fields, ...fields } };
}

function baselineOf({ marks }: Pick<Governor, 'marks'>): Baseline | undefined {
  const read = readMarks(marks);
  return read.kind === 'read' ? read.baseline : undefined;
}

/** What of the changes is not so yet, as the owner's; nothing: all of them are. */
export function missingSettings(owners: Spec, changes: readonly SettingChange[]): readonly SettingChange[] {
  return changes.filter(({ key, set }) => !sameJson(owners[key], set));
}
