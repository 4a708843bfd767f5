/** One field of a request that may have been typed by hand: whether it will do, and what would. */
export interface WantedField<Request> {
  readonly field: keyof Request & string;
  readonly isGood: (value: unknown) => boolean;
  readonly accepted: string;
}
export type Fields = { readonly [field: string]: unknown };

/** Stands where nothing could be read: a run that refuses is looked at too. */
export const UNREAD = '?';

export const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
export const isAbsentOr = (type: string) => (value: unknown) => value === undefined || typeof value === type;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
export function textOf(value: unknown): string {
  return isText(value) ? value : UNREAD;
}
/** As it would be typed. */
export function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}

/** Everything that is wrong with the fields of an input, with what would be accepted. */
export function fieldFaults<Request>(input: Fields, wanted: readonly WantedField<Request>[]): readonly string[] {
  return wanted
    .filter(({ field, isGood }) => !isGood(input[field]))
    .map(({ field, accepted }) => `${field} is ${shown(input[field])}; give ${accepted}`);
}

/** A request out of whatever a workflow was started with; with faults, all of them, it is only what could be read. */
export function readFields<Request>(
  input: unknown,
  {
    wanted,
    example,
    unread,
  }: {
    readonly wanted: readonly WantedField<Request>[];
    readonly example: string;
    /** The request of which nothing could be read. */
    readonly unread: Request;
  },
): { readonly request: Request; readonly faults: readonly string[] } {
  if (!isFields(input)) return { request: unread, faults: [`the input is ${shown(input)}; give ${example}`] };
  const faults = fieldFaults(input, wanted);
  // what is whole is handed on as it came
  if (faults.length === 0) return { request: input as Request, faults };
  const { workload, requestedBy } = input;
  return { request: { ...unread, workload: textOf(workload), requestedBy: textOf(requestedBy) }, faults };
}
