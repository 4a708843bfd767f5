import { LONGEST_HOLD_MS } from './capacity-hold.ts';
import type { ConfigurationRequest } from './configuration.ts';
import { isAbsentOr, isFields, isText, readFields, UNREAD, type WantedField } from './request-fields.ts';

const KINDS: readonly unknown[] = ['policy', 'calm'];
const EXAMPLE = '{"workload":"web","what":"calm","stabilisationMs":600000,"forMs":7200000,"requestedBy":"alice"}';
const UNREAD_REQUEST: ConfigurationRequest = { workload: UNREAD, requestedBy: UNREAD, what: 'policy' };

const isLength = (value: unknown) =>
  Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= LONGEST_HOLD_MS;

const WANTED: readonly WantedField<ConfigurationRequest>[] = [
  { field: 'workload', isGood: isText, accepted: 'a workload of headroom.yaml, such as "web"' },
  { field: 'requestedBy', isGood: isText, accepted: 'who asks, such as "alice"' },
  { field: 'what', isGood: (value) => KINDS.includes(value), accepted: '"policy" or "calm"' },
  {
    field: 'stabilisationMs',
    isGood: (value) => value === undefined || isLength(value),
    accepted: 'whole milliseconds above 0, such as 600000 for 10m, or leave it out',
  },
  {
    field: 'forMs',
    isGood: (value) => value === undefined || isLength(value),
    accepted: 'whole milliseconds above 0, at most 7d (604800000), such as 7200000 for 2h, or leave it out',
  },
  { field: 'reason', isGood: isAbsentOr('string'), accepted: 'a text, or leave it out' },
  { field: 'planOnly', isGood: isAbsentOr('boolean'), accepted: 'true or false, or leave it out' },
];

/** A request out of whatever a workflow was started with: in Temporal's UI anybody types it by hand. */
export function readConfigurationRequest(input: unknown): {
  readonly request: ConfigurationRequest;
  readonly faults: readonly string[];
} {
  const read = readFields<ConfigurationRequest>(input, { wanted: WANTED, example: EXAMPLE, unread: UNREAD_REQUEST });
  if (!isFields(input)) return read;
  const { what, forMs, stabilisationMs } = input;
  const apart = [
    ...(what === 'calm' && forMs === undefined
      ? [
          'forMs is missing; give how long the count is to be calmed, such as 7200000 for 2h: for good, change the policy',
        ]
      : []),
    ...(what === 'policy' && stabilisationMs !== undefined
      ? ['stabilisationMs is of "calm" alone; of "policy" leave it out']
      : []),
  ];
  return { request: read.request, faults: [...read.faults, ...apart] };
}
