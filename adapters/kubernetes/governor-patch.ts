import { failure } from '../../activities/failure.ts';
import type { Call } from '../../activities/ports.ts';
import { sameJson, type Json } from '../../domain/json.ts';
import type { GovernorChange, GovernorField, GovernorKind } from '../../domain/workload.ts';
import type { JsonPatch, KubernetesClient } from './client.ts';
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

/**
 * One JSON Patch: first a `test` of everything that was read, then the changes. Kubernetes applies it whole
 * or not at all, so this is a compare-and-set. A `test` with null passes where the key is absent (R28).
 */
function patchOf(change: GovernorChange): JsonPatch {
  const edits = [
    ...change.fields
      .filter((one) => placeOf(change.kind, one.field).map === 'spec')
      .map((one) => specEdit(change, one)),
    ...(change.spec ?? []).map(({ key, from, to }): Edit => ({ path: `/spec/${key}`, from, to })),
    ...mapEdits(change, 'annotations'),
    ...mapEdits(change, 'labels'),
  ];
  return [
    { op: 'test', path: '/metadata/uid', value: change.uid },
    ...(change.version === undefined
      ? []
      : [{ op: 'test', path: '/metadata/resourceVersion', value: change.version } as const]),
    ...edits.map(({ path, from }) => ({ op: 'test', path, value: from ?? null }) as const),
    ...edits.flatMap(operation),
  ];
}

interface Edit {
  readonly path: string;
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}

function operation({ path, from, to }: Edit): JsonPatch {
  if (sameJson(from, to)) return [];
  if (to === undefined) return [{ op: 'remove', path }];
  return [{ op: from === undefined ? 'add' : 'replace', path, value: to }];
}

function placeOf(kind: GovernorKind, field: GovernorField) {
  const place = FIELD_KEYS[kind][field];
  if (place === undefined) throw failure('invalidRequest', `a ${kind} has no ${field} to change`);
  return place;
}

function specEdit({ kind }: GovernorChange, { field, from, to }: GovernorChange['fields'][number]): Edit {
  return { path: `/spec/${placeOf(kind, field).key}`, from, to };
}

/** A key cannot be added to a map that is not there: then the map itself is guarded and added whole. */
function mapEdits(change: GovernorChange, map: 'annotations' | 'labels'): readonly Edit[] {
  const marks = change.marks
    .filter(({ mark }) => MARK_KEYS[mark].map === map)
    .map(({ mark, from, to }): KeyEdit => ({ key: MARK_KEYS[mark].key, from, to }));
  const fields = change.fields
    .filter(({ field }) => placeOf(change.kind, field).map === map)
    .map(({ field, from, to }): KeyEdit => ({ key: placeOf(change.kind, field).key, from, to }));
  const edits = [...marks, ...fields];
  if (edits.length === 0) return [];
  const present = map === 'annotations' ? change.hasAnnotations : change.hasLabels;
  if (present) return edits.map(({ key, from, to }) => ({ path: `/metadata/${map}/${pointer(key)}`, from, to }));
  const added = Object.fromEntries(edits.flatMap(({ key, to }) => (to === undefined ? [] : [[key, to]])));
  return [{ path: `/metadata/${map}`, from: undefined, to: Object.keys(added).length === 0 ? undefined : added }];
}

interface KeyEdit {
  readonly key: string;
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}

/** RFC 6901: '~' and '/' inside a key. */
function pointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
