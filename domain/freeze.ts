import { sameJson, type Json } from './json.ts';
import type { Governor } from './workload.ts';

/**
 * How scale-in is stopped while scale-out stays alive (R23, R24). The raw value of the governor's field `freeze`:
 * of an HPA the whole `spec.behavior`, of a ScaledObject the annotation `autoscaling.keda.sh/paused-scale-in`.
 * A workload without an autoscaler is scaled in by nobody: there is nothing to freeze.
 */

/** What the API server fills in where `spec.behavior` was absent: written whole, so that it reads back as written. */
export const DEFAULT_BEHAVIOR = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
  },
  scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
} as const satisfies Json;

const FROZEN_FROM_NOTHING = {
  ...DEFAULT_BEHAVIOR,
  scaleDown: { ...DEFAULT_BEHAVIOR.scaleDown, selectPolicy: 'Disabled' },
} as const satisfies Json;

/** The first KEDA that knows the annotation (R21). */
const FREEZES_SINCE = [2, 18] as const;

type Freezable = Pick<Governor, 'kind' | 'fields' | 'autoscaler'>;

/** Why scale-in cannot be frozen; undefined when it can, or when nobody scales in. */
export function freezeFault({ kind, autoscaler }: Freezable): string | undefined {
  const version = autoscaler?.version;
  if (kind !== 'scaledObject' || version === undefined || isAtLeast(version, FREEZES_SINCE)) return undefined;
  return `KEDA ${version} cannot freeze scale-in (2.18 and newer can); the floor follows the count up instead`;
}

/** The field's value with scale-in off; undefined where there is nothing to freeze, or no way to. */
export function frozen(governor: Freezable): Json | undefined {
  if (governor.kind === 'workload' || freezeFault(governor) !== undefined) return undefined;
  if (governor.kind === 'scaledObject') return 'true';
  const { freeze: behavior } = governor.fields;
  if (!isRecord(behavior)) return FROZEN_FROM_NOTHING;
  return { ...behavior, scaleDown: { ...asRecord(behavior['scaleDown']), selectPolicy: 'Disabled' } };
}

export function isFrozen({ kind, fields }: Pick<Governor, 'kind' | 'fields'>): boolean {
  if (kind === 'scaledObject') return typeof fields.freeze === 'string' && isOnForKeda(fields.freeze);
  return selectPolicyOf(fields.freeze) === 'Disabled';
}

/** How KEDA reads the value of a pause annotation: what is no boolean to Go counts as true (R21). */
export function isOnForKeda(value: string): boolean {
  return !['0', 'f', 'F', 'false', 'False', 'FALSE'].includes(value);
}

/**
 * The field's value when a freeze of ours ends: what was there before; where somebody edited the rest meanwhile, their
 * edit without our freeze. A freeze of ours always goes.
 */
export function thawed(
  governor: Pick<Governor, 'kind' | 'fields'>,
  held: { readonly was?: Json; readonly set?: Json; readonly theirs?: true },
): Json | undefined {
  const { freeze: live } = governor.fields;
  if (held.theirs === true) return live;
  if (sameJson(live, held.set)) return held.was;
  if (governor.kind === 'scaledObject' || !isRecord(live) || !isFrozen(governor)) return live;
  return {
    ...live,
    scaleDown: { ...asRecord(live['scaleDown']), selectPolicy: selectPolicyOf(held.was) ?? 'Max' },
  };
}

function selectPolicyOf(behavior: Json | undefined): string | undefined {
  const policy = isRecord(behavior) ? asRecord(behavior['scaleDown'])['selectPolicy'] : undefined;
  return typeof policy === 'string' ? policy : undefined;
}

/** A version that cannot be read is a newer one than we know. */
function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, foundMajor, foundMinor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (foundMajor === undefined) return true;
  return Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor);
}

type JsonRecord = { readonly [key: string]: Json };
function isRecord(value: Json | undefined): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function asRecord(value: Json | undefined): JsonRecord {
  return isRecord(value) ? value : {};
}
