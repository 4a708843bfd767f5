export type Labels = { readonly [label: string]: string };

export interface LabelSelector {
  readonly matchLabels: Labels;
  readonly matchExpressions: readonly Requirement[];
}
export interface Requirement {
  readonly key: string;
  /** In, NotIn, Exists, DoesNotExist, and for nodes Gt, Lt. */
  readonly operator: string;
  readonly values: readonly string[];
}

const INTEGER = /^[+-]?\d+$/;

export function selects({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean {
  return hasLabels(labels, matchLabels) && matchExpressions.every((requirement) => meets(requirement, labels));
}

export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** An operator that we do not know is never met. */
export function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return compareIntegers(value, values[0], (a, b) => a > b);
    case 'Lt':
      return compareIntegers(value, values[0], (a, b) => a < b);
    default:
      return false;
  }
}

function compareIntegers(a = '', b = '', holds: (a: bigint, b: bigint) => boolean): boolean {
  return INTEGER.test(a) && INTEGER.test(b) && holds(BigInt(a), BigInt(b));
}
