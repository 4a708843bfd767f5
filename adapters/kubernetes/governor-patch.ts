import { failure } from '../../activities/failure.ts';
import type { Call } from '../../activities/ports.ts';
import type { GovernorChange, GovernorField, GovernorKind } from '../../domain/workload.ts';
import type { JsonPatch, KubernetesClient } from './client.ts';
import { guardedPatch, mapEdits, type Edit, type KeyEdit } from './guarded-patch.ts';
import type { Kind, RawObject } from './kinds.ts';
import { FIELD_KEYS, MARK_KEYS } from './places.ts';

/** The object as it stands then; undefined when a guard failed. */
export async function changeGovernor(
  client: KubernetesClient,
  change: GovernorChange,
  call: Call,
): Promise<RawObject<Kind> | undefined> {
  const kinds: { readonly [kind in GovernorKind]: Kind } = {
    workload: change.workloadKind,
    horizontalPodAutoscaler: 'HorizontalPodAutoscaler',
    scaledObject: 'ScaledObject',
  };
  const { namespace, name } = change;
  return client.patch({ kind: kinds[change.kind], namespace, name }, patchOf(change), call);
}

function patchOf(change: GovernorChange): JsonPatch {
  return guardedPatch(change, [
    ...change.fields
      .filter((one) => placeOf(change.kind, one.field).map === 'spec')
      .map((one) => specEdit(change, one)),
    ...(change.spec ?? []).map(({ key, from, to }): Edit => ({ path: `/spec/${key}`, from, to })),
    ...mapEdits('annotations', { present: change.hasAnnotations, edits: keyEdits(change, 'annotations') }),
    ...mapEdits('labels', { present: change.hasLabels, edits: keyEdits(change, 'labels') }),
  ]);
}

function placeOf(kind: GovernorKind, field: GovernorField) {
  const place = FIELD_KEYS[kind][field];
  if (place === undefined) throw failure('invalidRequest', `a ${kind} has no ${field} to change`);
  return place;
}

function specEdit({ kind }: GovernorChange, { field, from, to }: GovernorChange['fields'][number]): Edit {
  return { path: `/spec/${placeOf(kind, field).key}`, from, to };
}

function keyEdits(change: GovernorChange, map: 'annotations' | 'labels'): readonly KeyEdit[] {
  const marks = change.marks
    .filter(({ mark }) => MARK_KEYS[mark].map === map)
    .map(({ mark, from, to }) => ({ key: MARK_KEYS[mark].key, from, to }));
  const fields = change.fields
    .filter(({ field }) => placeOf(change.kind, field).map === map)
    .map(({ field, from, to }) => ({ key: placeOf(change.kind, field).key, from, to }));
  return [...marks, ...fields];
}
