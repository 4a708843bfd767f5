import { sameJson, type Json } from './json.ts';

/** The spec of an autoscaler, raw, by its own keys: minReplicas, behavior; minReplicaCount, triggers. */
export type Spec = { readonly [key: string]: Json };

/** One key of a spec, as it was and as it is set; absent where the key itself is. */
export interface SettingChange {
  readonly key: string;
  readonly was?: Json;
  readonly set?: Json;
}

export function changesBetween(before: Spec, after: Spec): readonly SettingChange[] {
  return keysOf(before, after)
    .filter((key) => !sameJson(before[key], after[key]))
    .map((key) => settingChange(key, before[key], after[key]));
}

function settingChange(key: string, was: Json | undefined, set: Json | undefined): SettingChange {
  return { key, ...(was !== undefined && { was }), ...(set !== undefined && { set }) };
}

/** One line for each value that differs: 'behavior.scaleDown.stabilizationWindowSeconds: 300 -> 600'. */
export function describeChanges(changes: readonly SettingChange[]): readonly string[] {
  return changes.flatMap(({ key, was, set }) => differences(key, was, set));
}

function differences(path: string, was: Json | undefined, set: Json | undefined): readonly string[] {
  if (sameJson(was, set)) return [];
  if ((isRecord(was) || was === undefined) && (isRecord(set) || set === undefined) && (isRecord(was) || isRecord(set)))
    return keysOf(was ?? {}, set ?? {}).flatMap((key) => differences(`${path}.${key}`, was?.[key], set?.[key]));
  if (isNamedList(was) && isNamedList(set) && was.length === set.length)
    return set.flatMap((one, index) => differences(`${path}.${nameOf(one) ?? index}`, was[index], one));
  return [`${path}: ${shown(was)} -> ${shown(set)}`];
}

/** What comes back of a change, and what stays because somebody else has set it meanwhile, by its path. */
export interface PutBack {
  readonly changes: readonly SettingChange[];
  readonly left: readonly string[];
}

/** Value by value: what still is as it was set becomes what it was, and what somebody else has set stays. */
export function putBack(live: Spec, changes: readonly SettingChange[]): PutBack {
  const back = changes.map(({ key, was, set }) => ({ key, ...backOf(key, live[key], { was, set }) }));
  return {
    changes: back.flatMap(({ key, value }) =>
      sameJson(live[key], value) ? [] : [settingChange(key, live[key], value)],
    ),
    left: back.flatMap(({ left }) => left),
  };
}

interface Ours {
  readonly was: Json | undefined;
  readonly set: Json | undefined;
}

function backOf(
  path: string,
  live: Json | undefined,
  { was, set }: Ours,
): { readonly value: Json | undefined; readonly left: readonly string[] } {
  if (sameJson(was, set) || sameJson(live, was)) return { value: live, left: [] };
  if (sameJson(live, set)) return { value: was, left: [] };
  if (!isRecord(live) || !(isRecord(was) || was === undefined) || !isRecord(set))
    return { value: live, left: [`${path} is ${shown(live)}, not ${shown(set)}: somebody else set it`] };
  const keys = [...new Set([...keysOf(was ?? {}, set), ...Object.keys(live)])];
  const parts = keys.map((key) => ({
    key,
    ...backOf(`${path}.${key}`, live[key], { was: was?.[key], set: set[key] }),
  }));
  const kept = Object.fromEntries(
    parts.flatMap(({ key, value }) => (value === undefined ? [] : [[key, value] as const])),
  );
  const value = was === undefined && isEmpty(kept) ? undefined : kept;
  return { value, left: parts.flatMap(({ left }) => left) };
}

/** KEDA writes empty records into what it takes over: they say nothing. */
function isEmpty(value: Json): boolean {
  return isRecord(value) && Object.values(value).every(isEmpty);
}

export function isRecord(value: Json | undefined): value is Spec {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
export function asRecord(value: Json | undefined): Spec {
  return isRecord(value) ? value : {};
}
export function asList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** Triggers and metrics: lists whose items are records. */
function isNamedList(value: Json | undefined): value is readonly Json[] {
  return asList(value).length > 0 && asList(value).every((one) => isRecord(one) && nameOf(one) !== undefined);
}
/** A trigger has a name, a metric that of its resource. */
function nameOf(item: Json): string | undefined {
  const { name, resource } = asRecord(item);
  const found = name ?? asRecord(resource)['name'];
  return typeof found === 'string' ? found : undefined;
}

function keysOf(before: Spec, after: Spec): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])];
}
function shown(value: Json | undefined): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}

/** A name, a quantity: as a text, whatever stands there. */
export function asText(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
