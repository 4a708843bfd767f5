import type { EmergencyRequest } from './emergency.ts';
import { isAbsentOr, isText, readFields, UNREAD, type WantedField } from './request-fields.ts';

/** It stands in an annotation, where all that is claimed has its place. */
const LONGEST_REASON = 300;
const MODES: readonly unknown[] = ['freeze', 'pause'];
const EXAMPLE = '{"workload":"web","factor":2,"mode":"freeze","reason":"checkout is slow","requestedBy":"alice"}';
const UNREAD_REQUEST: EmergencyRequest = { workload: UNREAD, requestedBy: UNREAD };

const WANTED: readonly WantedField<EmergencyRequest>[] = [
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

/** A request out of whatever a workflow was started with: in Temporal's UI anybody types it by hand. */
export function readEmergencyRequest(input: unknown): {
  readonly request: EmergencyRequest;
  readonly faults: readonly string[];
} {
  return readFields<EmergencyRequest>(input, { wanted: WANTED, example: EXAMPLE, unread: UNREAD_REQUEST });
}
