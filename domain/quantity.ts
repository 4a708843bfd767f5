/** A quantity as an exact count of nano-units (the finest step Kubernetes keeps), or what is wrong with its text. */
export type QuantityReading =
  | { readonly ok: true; readonly nano: bigint }
  | { readonly ok: false; readonly fault: string };

/** One, in nano-units. */
export const NANO = 1_000_000_000n;

/** Power of ten of each decimal suffix; `1E` is exa, `1E3` an exponent. */
const DECIMAL_POWERS: { readonly [suffix: string]: number } = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_UNITS = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const NUMBER_AND_SUFFIX = /^([+-]?)(\d*)(?:\.(\d*))?(?:([numkMGTPE]?)|([KMGTPE]i)|[eE]([+-]?\d+))$/;
/** Kubernetes caps binary quantities here (and only those). */
const BINARY_MAX = (2n ** 63n - 1n) * NANO;
/** Far past any resource; keeps `1e999999999` from filling the memory. */
const EXPONENT_LIMIT = 1_000;

/**
 * Reads a Kubernetes quantity exactly (R44): sign, decimals, n…E, Ki…Ei, exponents. What is finer than
 * a nano-unit is rounded away from zero, as the API server does.
 */
export function readQuantity(text: string): QuantityReading {
  const parts = NUMBER_AND_SUFFIX.exec(text);
  const [, sign, whole = '', fraction = '', decimal = '', binary, exponent] = parts ?? [];
  if (parts === null || whole + fraction === '') {
    return { ok: false, fault: `'${text}' is not a quantity such as 500m, 1.5Gi or 2e3` };
  }
  const power = exponent === undefined ? (DECIMAL_POWERS[decimal] ?? 0) : Number(exponent);
  if (Math.abs(power) > EXPONENT_LIMIT) return { ok: false, fault: `the exponent of '${text}' is out of range` };

  const factor = binary === undefined ? 1n : 1_024n ** BigInt(BINARY_UNITS.indexOf(binary) + 1);
  const exact = scaleUp(BigInt(whole + fraction) * factor, power + 9 - fraction.length);
  const nano = binary !== undefined && exact > BINARY_MAX ? BINARY_MAX : exact;
  return { ok: true, nano: sign === '-' ? -nano : nano };
}

/** `digits × 10^power`, rounded up. */
function scaleUp(digits: bigint, power: number): bigint {
  if (power >= 0) return digits * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  return (digits + divisor - 1n) / divisor;
}

/** The exact sum; the first text that is no quantity makes the whole sum a fault. */
export function addQuantities(texts: readonly string[]): QuantityReading {
  let nano = 0n;
  for (const text of texts) {
    const reading = readQuantity(text);
    if (!reading.ok) return reading;
    nano += reading.nano;
  }
  return { ok: true, nano };
}

/** Negative, zero or positive as `a` is less than, the same as or more than `b`; undefined when either is no quantity. */
export function compareQuantities(a: string, b: string): -1 | 0 | 1 | undefined {
  const [first, second] = [readQuantity(a), readQuantity(b)];
  if (!first.ok || !second.ok) return undefined;
  if (first.nano === second.nano) return 0;
  return first.nano < second.nano ? -1 : 1;
}

/** The quantity as a person writes it: 500m, 12, and for bytes 1.5Gi. Reading it again gives the same amount. */
export function formatQuantity(nano: bigint, style: 'decimal' | 'bytes' = 'decimal'): string {
  if (nano < 0n) return `-${formatQuantity(-nano, style)}`;
  return (style === 'bytes' ? formatBytes(nano) : undefined) ?? formatDecimal(nano);
}

/** In the largest unit that needs at most two decimals; undefined when there is none. */
function formatBytes(nano: bigint): string | undefined {
  for (const [index, unit] of [...BINARY_UNITS.entries()].toReversed()) {
    const size = NANO * 1_024n ** BigInt(index + 1);
    const hundredths = (nano * 100n) / size;
    // past the cap a binary suffix no longer means what it says
    if (nano < size || nano > BINARY_MAX || hundredths * size !== nano * 100n) continue;
    return `${Number(hundredths) / 100}${unit}`;
  }
  return undefined;
}

function formatDecimal(nano: bigint): string {
  const [suffix, size] = (
    [
      ['', NANO],
      ['m', 1_000_000n],
      ['u', 1_000n],
    ] as const
  ).find(([, size]) => nano % size === 0n) ?? ['n', 1n];
  return `${nano / size}${suffix}`;
}
