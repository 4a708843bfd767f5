import { LONGEST_HOLD_MS, type CapacityHoldRequest } from './capacity-hold.ts';

const MODES: readonly unknown[] = ['freeze', 'pause'];
const EXAMPLE =
  '{"workload":"web","mode":"freeze","forMs":7200000,"reason":"database maintenance","requestedBy":"alice"}';
/** Stands where nothing could be read: a run that refuses is looked at too. */
const UNREAD = '?';

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isAbsentOr = (type: string) => (value: unknown) => value === undefined || typeof value === type;

const WANTED: readonly {
  readonly field: keyof CapacityHoldRequest;
  readonly isGood: (value: unknown) => boolean;
  readonly accepted: string;
}[] = [
  { field: 'workload', isGood: isText, accepted: 'a workload of headroom.yaml, such as "web"' },
  { field: 'requestedBy', isGood: isText, accepted: 'who asks, such as "alice"' },
  { field: 'mode', isGood: (value) => MODES.includes(value), accepted: '"freeze" or "pause"' },
  {
    field: 'forMs',
    isGood: (value) => Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= LONGEST_HOLD_MS,
    accepted: 'whole milliseconds above 0, at most 7d (604800000), such as 7200000 for 2h',
  },
  { field: 'reason', isGood: isAbsentOr('string'), accepted: 'a text, or leave it out' },
  { field: 'planOnly', isGood: isAbsentOr('boolean'), accepted: 'true or false, or leave it out' },
];

/** A request out of whatever a workflow was started with; with faults, all of them, it is only what could be read. */
export function readCapacityHoldRequest(input: unknown): {
  readonly request: CapacityHoldRequest;
  readonly faults: readonly string[];
} {
  const unread = { workload: UNREAD, requestedBy: UNREAD, mode: 'freeze', forMs: 0 } as const;
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return { request: unread, faults: [`the input is ${JSON.stringify(input)}; give ${EXAMPLE}`] };
  const fields = input as { readonly [field: string]: unknown };
  const faults = WANTED.filter(({ field, isGood }) => !isGood(fields[field])).map(
    ({ field, accepted }) =>
      `${field} is ${fields[field] === undefined ? 'missing' : JSON.stringify(fields[field])}; give ${accepted}`,
  );
  if (faults.length === 0) return { request: input as CapacityHoldRequest, faults };
  const { workload, requestedBy } = fields;
  const read = (value: unknown) => (isText(value) ? value : UNREAD);
  return { request: { ...unread, workload: read(workload), requestedBy: read(requestedBy) }, faults };
}
