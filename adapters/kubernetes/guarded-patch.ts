import { sameJson, type Json } from '../../domain/json.ts';
import type { JsonPatch } from './client.ts';

/** One key of an object's JSON, from what was read to what it is to be; undefined: absent. */
export interface Edit {
  readonly path: string;
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}
export interface KeyEdit {
  readonly key: string;
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}

/**
 * One JSON Patch: first a `test` of everything that was read, then the changes. Kubernetes applies it whole
 * or not at all, so this is a compare-and-set. A `test` with null passes where the key is absent (R28).
 */
export function guardedPatch(
  { uid, version }: { readonly uid: string; readonly version?: string | undefined },
  edits: readonly Edit[],
): JsonPatch {
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    ...(version === undefined ? [] : [{ op: 'test', path: '/metadata/resourceVersion', value: version } as const]),
    ...edits.map(({ path, from }) => ({ op: 'test', path, value: from ?? null }) as const),
    ...edits.flatMap(operation),
  ];
}

function operation({ path, from, to }: Edit): JsonPatch {
  if (sameJson(from, to)) return [];
  if (to === undefined) return [{ op: 'remove', path }];
  return [{ op: from === undefined ? 'add' : 'replace', path, value: to }];
}

/** A key cannot be added to a map that is not there: then the map itself is guarded and added whole. */
export function mapEdits(
  map: 'annotations' | 'labels',
  { present, edits }: { readonly present: boolean; readonly edits: readonly KeyEdit[] },
): readonly Edit[] {
  if (edits.length === 0) return [];
  if (present) return edits.map(({ key, from, to }) => ({ path: `/metadata/${map}/${pointer(key)}`, from, to }));
  const added = Object.fromEntries(edits.flatMap(({ key, to }) => (to === undefined ? [] : [[key, to]])));
  return [{ path: `/metadata/${map}`, from: undefined, to: Object.keys(added).length === 0 ? undefined : added }];
}

/** RFC 6901: '~' and '/' inside a key. */
function pointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
