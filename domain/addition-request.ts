import type { AdditionRequest } from './addition.ts';
import {
  fieldFaults,
  isAbsentOr,
  isFields,
  isText,
  shown,
  textOf,
  UNREAD,
  type WantedField,
} from './request-fields.ts';

const EXAMPLE = '{"group":"gpu-workers","count":2,"requestedBy":"alice"}';
/** Longer than a month is no loan. */
export const LONGEST_LOAN_MS = 31 * 24 * 3_600_000;
const isGroup = (value: unknown): boolean => isText(value) && /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(value);

const WANTED: readonly WantedField<AdditionRequest>[] = [
  { field: 'group', isGood: isGroup, accepted: 'a node group of headroom.yaml, such as "gpu-workers"' },
  {
    field: 'count',
    isGood: (value) => Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= 1_000,
    accepted: 'a whole number of nodes above 0, such as 2',
  },
  {
    field: 'orElse',
    isGood: (value) => value === undefined || (Array.isArray(value) && value.every(isGroup)),
    accepted: 'a list of other node groups, in the order in which they are tried, or leave it out',
  },
  {
    field: 'forMs',
    isGood: (value) =>
      value === undefined ||
      (Number.isSafeInteger(value) && Number(value) >= 60_000 && Number(value) <= LONGEST_LOAN_MS),
    accepted: 'whole milliseconds from 60000 (1m) to 31d, such as 14400000 for 4h, or leave it out',
  },
  { field: 'reason', isGood: isAbsentOr('string'), accepted: 'a text, or leave it out' },
  { field: 'requestedBy', isGood: isText, accepted: 'who asks, such as "alice"' },
  { field: 'planOnly', isGood: isAbsentOr('boolean'), accepted: 'true or false, or leave it out' },
];

/** A request out of whatever a workflow was started with: in Temporal's UI anybody types it by hand. */
export function readAdditionRequest(input: unknown): {
  readonly request: AdditionRequest;
  readonly faults: readonly string[];
} {
  const unread: AdditionRequest = { group: UNREAD, count: 0, requestedBy: UNREAD };
  if (!isFields(input)) return { request: unread, faults: [`the input is ${shown(input)}; give ${EXAMPLE}`] };
  const faults = fieldFaults(input, WANTED);
  const request = input as unknown as AdditionRequest;
  if (faults.length > 0)
    return { request: { ...unread, group: textOf(input['group']), requestedBy: textOf(input['requestedBy']) }, faults };
  const groups = [request.group, ...(request.orElse ?? [])];
  const twice = groups.filter((group, place) => groups.indexOf(group) !== place);
  return {
    request,
    faults: twice.length === 0 ? [] : [`node group ${twice.join(', ')} is named twice; each is tried once`],
  };
}
