import { formatQuantity, NANO, readQuantity } from './quantity.ts';

/** Amounts by resource name as Kubernetes writes them ('500m', '1.5Gi'): texts, because bigint is no JSON. */
export type ResourceList = { readonly [resource: string]: string };
/** The same in nano-units, to reckon with. */
export type Amounts = ReadonlyMap<string, bigint>;

/**
 * The API server serves valid quantities only. Any other counts as more than the world has where it is asked for or
 * taken, and as nothing where it is given, so that a text that cannot be read never makes room.
 */
const UNREADABLE = 10n ** 60n;
const MILLI = NANO / 1_000n;

/** What is asked for or taken. */
export const amountsOf = once((list) => readList(list, UNREADABLE));

/** What there is to give. */
export const supplyOf = once((list) => readList(list, 0n));

/** A list never changes, and those of a cluster's nodes are looked at again for each pod that is placed. */
function once(read: (list: ResourceList) => Amounts): (list: ResourceList) => Amounts {
  const known = new WeakMap<ResourceList, Amounts>();
  return (list) => {
    const amounts = known.get(list) ?? read(list);
    known.set(list, amounts);
    return amounts;
  };
}

function readList(list: ResourceList, unreadable: bigint): Amounts {
  return new Map(
    Object.entries(list).map(([resource, text]) => {
      const reading = readQuantity(text);
      return [resource, reading.ok ? reading.nano : unreadable];
    }),
  );
}

export function resourceListOf(amounts: Amounts): ResourceList {
  return Object.fromEntries([...amounts].map(([resource, nano]) => [resource, formatAmount(resource, nano)]));
}

export function formatAmount(resource: string, nano: bigint): string {
  return formatQuantity(nano, /memory|storage|hugepages/.test(resource) ? 'bytes' : 'decimal');
}

export function addAmounts(a: Amounts, b: Amounts): Amounts {
  return merge(a, b, (a, b) => a + b);
}

export function largestAmounts(a: Amounts, b: Amounts): Amounts {
  return merge(a, b, (a, b) => (a > b ? a : b));
}

function merge(a: Amounts, b: Amounts, join: (a: bigint, b: bigint) => bigint): Amounts {
  const merged = new Map(a);
  for (const [resource, nano] of b) merged.set(resource, join(merged.get(resource) ?? 0n, nano));
  return merged;
}

/** The scheduler counts cpu in whole milli-units and all else in whole units, rounded up. */
export function asScheduled(amounts: Amounts): Amounts {
  return new Map(
    [...amounts].map(([resource, nano]) => {
      const unit = resource === 'cpu' ? MILLI : NANO;
      return [resource, ((nano + unit - 1n) / unit) * unit];
    }),
  );
}
