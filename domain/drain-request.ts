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

/** What starts a drain: the nodes, and what becomes of them afterwards. */
export interface DrainRequest {
  readonly nodes: readonly string[];
  /** Terminates exactly their instances when they are empty, and makes the group smaller by as many. */
  readonly remove?: boolean;
  /** How long they stay cordoned once they are empty; absent: as long as policy says. Not with `remove`. */
  readonly forMs?: number;
  /** Why, for people. */
  readonly reason?: string;
  readonly requestedBy: string;
  /** Instance ids by node name, where they are known: a name that is another node's by now is refused (R46). */
  readonly instances?: Readonly<Record<string, string>>;
  /** Ends with the plan and touches nothing. */
  readonly planOnly?: boolean;
}

/** As many nodes as a GPU node group of the runbook may have. */
const MOST_NODES = 20;
/** A node that stays cordoned for longer is paid for and forgotten. */
export const LONGEST_CORDON_MS = 7 * 24 * 3_600_000;

const NODE_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const EXAMPLE = '{"nodes":["ip-10-0-1-7.ec2.internal"],"remove":true,"requestedBy":"alice"}';

const WANTED: readonly WantedField<DrainRequest>[] = [
  { field: 'requestedBy', isGood: isText, accepted: 'who asks, such as "alice"' },
  { field: 'remove', isGood: isAbsentOr('boolean'), accepted: 'true or false, or leave it out' },
  {
    field: 'forMs',
    isGood: (value) =>
      value === undefined || (Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= LONGEST_CORDON_MS),
    accepted: 'whole milliseconds above 0, at most 7d (604800000), such as 7200000 for 2h, or leave it out',
  },
  { field: 'reason', isGood: isAbsentOr('string'), accepted: 'a text, or leave it out' },
  { field: 'instances', isGood: isAbsentOr('object'), accepted: 'instance ids by node name, or leave it out' },
  { field: 'planOnly', isGood: isAbsentOr('boolean'), accepted: 'true or false, or leave it out' },
];

/** A request out of whatever a workflow was started with, with everything that is wrong with it. */
export function readDrainRequest(input: unknown): {
  readonly request: DrainRequest;
  readonly faults: readonly string[];
} {
  const unread: DrainRequest = { nodes: [UNREAD], requestedBy: UNREAD };
  if (!isFields(input)) return { request: unread, faults: [`the input is ${shown(input)}; give ${EXAMPLE}`] };
  const { nodes, remove, forMs, requestedBy } = input;
  const faults = [
    ...nodeFaults(nodes),
    ...fieldFaults(input, WANTED),
    ...(remove === true && forMs !== undefined
      ? ['remove and forMs exclude each other: a node that is removed does not stay cordoned; give one of them']
      : []),
  ];
  // what is whole is handed on as it came
  if (faults.length === 0) return { request: input as unknown as DrainRequest, faults };
  const names = Array.isArray(nodes) ? nodes.filter(isText) : [];
  return {
    request: { nodes: names.length > 0 ? names : unread.nodes, requestedBy: textOf(requestedBy) },
    faults,
  };
}

function nodeFaults(nodes: unknown): readonly string[] {
  const accepted = `1 to ${MOST_NODES} names of nodes, as kubectl get nodes shows them`;
  if (!Array.isArray(nodes) || nodes.length === 0) return [`nodes is ${shown(nodes)}; give ${accepted}`];
  const listed: readonly unknown[] = nodes;
  const repeated = new Set(listed.filter((name, i) => listed.indexOf(name) !== i));
  return [
    ...(listed.length > MOST_NODES ? [`nodes are ${listed.length}; give ${accepted}`] : []),
    ...listed
      .filter((name) => typeof name !== 'string' || !NODE_NAME.test(name))
      .map((name) => `nodes has ${shown(name)}; give a node's name: lower-case letters, digits, - and .`),
    ...[...repeated].map((name) => `nodes has ${shown(name)} more than once; give each node once`),
  ];
}
