import type { EmergencyRequest } from './emergency.ts';

/** It stands in an annotation, where all that is claimed has its place. */
const LONGEST_REASON = 300;
const MODES: readonly unknown[] = ['freeze', 'pause'];
const EXAMPLE = '{"workload":"web","factor":2,"mode":"freeze","reason":"checkout is slow","requestedBy":"alice"}';
/** Stands where nothing could be read: a run that refuses is looked at too. */
const UNREAD = '?';

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isAbsentOr = (type: string) => (value: unknown) => value === undefined || typeof value === type;

const WANTED: readonly {
  readonly field: keyof EmergencyRequest;
  readonly isGood: (value: unknown) => boolean;
  readonly accepted: string;
}[] = [
  { field: 'workload', isGood: isText, accepted: 'a workload of headroom.yaml, such as "web"' },
  { field: 'requestedBy', isGood: isText, accepted: 'who asks, such as "alice"' },
  {
    field: 'factor',
    isGood: (value) =>
      value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 1 && value <= 10),
    accepted: 'a number from 1 to 10, such as 2, or leave it out',
  },
  {
    field: 'mode',
    isGood: (value) => value === undefined || MODES.includes(value),
    accepted: '"freeze" or "pause", or leave it out',
  },
  {
    field: 'reason',
    isGood: (value) => value === undefined || (typeof value === 'string' && value.length <= LONGEST_REASON),
    accepted: `a text of at most ${LONGEST_REASON} characters, or leave it out`,
  },
  { field: 'trigger', isGood: isAbsentOr('string'), accepted: 'a text, or leave it out' },
  { field: 'planOnly', isGood: isAbsentOr('boolean'), accepted: 'true or false, or leave it out' },
];

/** A request out of whatever a workflow was started with; with faults, all of them, it is only what could be read. */
export function readEmergencyRequest(input: unknown): {
  readonly request: EmergencyRequest;
  readonly faults: readonly string[];
} {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return {
      request: { workload: UNREAD, requestedBy: UNREAD },
      faults: [`the input is ${JSON.stringify(input)}; give ${EXAMPLE}`],
    };
  const fields = input as { readonly [field: string]: unknown };
  const faults = WANTED.filter(({ field, isGood }) => !isGood(fields[field])).map(
    ({ field, accepted }) =>
      `${field} is ${fields[field] === undefined ? 'missing' : JSON.stringify(fields[field])}; give ${accepted}`,
  );
  if (faults.length === 0) return { request: input as EmergencyRequest, faults };
  const { workload, requestedBy } = fields;
  const read = (value: unknown) => (isText(value) ? value : UNREAD);
  return { request: { workload: read(workload), requestedBy: read(requestedBy) }, faults };
}
