import { LONGEST_HOLD_MS, type CapacityHoldRequest } from './capacity-hold.ts';
import { isAbsentOr, isText, readFields, UNREAD, type WantedField } from './request-fields.ts';

const MODES: readonly unknown[] = ['freeze', 'pause'];
const EXAMPLE =
  '{"workload":"web","mode":"freeze","forMs":7200000,"reason":"database maintenance","requestedBy":"alice"}';
const UNREAD_REQUEST: CapacityHoldRequest = { workload: UNREAD, requestedBy: UNREAD, mode: 'freeze', forMs: 0 };

const WANTED: readonly WantedField<CapacityHoldRequest>[] = [
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

/** A request out of whatever a workflow was started with: in Temporal's UI anybody types it by hand. */
export function readCapacityHoldRequest(input: unknown): {
  readonly request: CapacityHoldRequest;
  readonly faults: readonly string[];
} {
  return readFields<CapacityHoldRequest>(input, { wanted: WANTED, example: EXAMPLE, unread: UNREAD_REQUEST });
}
