import type { Place } from './drain-pod.ts';
import { gpusOf } from './gpu-node.ts';
import {
  findNode,
  findRoom,
  keepsApart,
  only,
  openRoom,
  settle,
  whyNowhere,
  type Room,
  type Scene,
  type Seeker,
} from './node-choice.ts';

/** A pod that somebody would make anew when it is evicted. */
export interface Replacement extends Seeker {
  /** It goes last, if at all: its job is waited for. */
  readonly waits: boolean;
  /** Pods of a lower priority make room for it (preemptionPolicy). */
  readonly preempts: boolean;
}

/** A pod that has no node yet, and takes the first one with room. */
export interface PendingPod extends Seeker {
  /** namespace/name */
  readonly name: string;
  readonly createdAtMs: number;
  /** Those of one gang get their nodes together or not at all; null: it goes by itself. */
  readonly gang: string | null;
  /** The scheduler keeps room for it there (status.nominatedNodeName). */
  readonly nominatedTo: string | null;
}

interface Turn {
  /** Alike, or of one gang; empty where it is a replacement's turn. */
  readonly pending: readonly PendingPod[];
  readonly replacement: Replacement | null;
  readonly late: boolean;
  readonly rank: number;
}

/** Enough to find the others by. */
const NAMED = 3;

/**
 * Where the replacements of all evicted pods would go: one after the other, so that two do not count on the same room, and after
 * the pods that wait for a node already. By priority, then the largest first, as an estimate: the scheduler may choose otherwise.
 */
export function placeReplacements({
  pending,
  replacements,
  ...scene
}: Scene & {
  readonly pending: readonly PendingPod[];
  readonly replacements: readonly Replacement[];
}): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  if (replacements.length === 0) return places;
  const waiting = new Map(pending.map((pod) => [pod.uid, pod]));
  const nominated = pending.filter((pod) => isOpenNode(scene, pod.nominatedTo));
  const others = pending.filter((pod) => !nominated.includes(pod));
  const nowhere = new Set<string>();
  let room = nominated.reduce((all, pod) => settle(all, pod.nominatedTo ?? '', pod), openRoom(scene));
  for (const { pending, replacement, rank } of inTurn(others, replacements)) {
    if (replacement === null) {
      room = settlePending(room, pending, nowhere);
      continue;
    }
    const isAhead = ({ uid }: Seeker) => (waiting.get(uid)?.priority ?? Infinity) >= rank;
    const seen = only(room, isAhead);
    const node = findNode(seen, replacement);
    if (node !== undefined) room = settle(room, node, replacement);
    places.set(replacement.uid, {
      found: node !== undefined,
      reason: node === undefined ? whyNowhere(seen, replacement) + describeAhead(seen, replacement, waiting) : '',
    });
  }
  return places;
}

/** A nomination to a node that takes nothing is void. */
function isOpenNode({ nodes, drained }: Scene, name: string | null): boolean {
  return nodes.some((node) => node.name === name && node.schedulable && !drained.includes(node.name));
}

function inTurn(pending: readonly PendingPod[], replacements: readonly Replacement[]): readonly Turn[] {
  const groups = Map.groupBy(pending.toSorted(byAge), (pod) => pod.gang ?? likenessOf(pod));
  // of equals those go first that are there already
  return [
    ...[...groups.values()].map((group): Turn => {
      const rank = Math.max(...group.map(({ priority }) => priority));
      return { pending: group, replacement: null, late: false, rank };
    }),
    ...replacements.toSorted(byWeight).map((replacement): Turn => {
      const { waits, preempts, priority } = replacement;
      // who does not preempt finds no room that was taken before it, whatever its priority
      return { pending: [], replacement, late: waits, rank: preempts ? priority : -Infinity };
    }),
  ].toSorted(byTurn);
}

/** Of a gang all or none; else as many as find a node. `nowhere`: for what is alike there was none before, and room only shrinks. */
function settlePending(room: Room, pods: readonly PendingPod[], nowhere: Set<string>): Room {
  let after = room;
  for (const pod of pods) {
    const likeness = likenessOf(pod);
    const isGang = pod.gang !== null;
    const seen = only(after, ({ priority }) => priority >= pod.priority);
    const node = nowhere.has(likeness) ? undefined : findNode(seen, pod);
    if (node === undefined) {
      if (!isGang || after === room) nowhere.add(likeness);
      return isGang ? room : after;
    }
    after = settle(after, node, pod);
  }
  return after;
}

/** Equal for pods that find the same nodes open. */
function likenessOf({ owner, facts, priority }: PendingPod): string {
  return JSON.stringify([priority, facts, keepsApart(facts) ? owner : '']);
}

/** '; ml/train-4 waits for a node already and goes first', where only such pods are in its way; else nothing. */
function describeAhead(room: Room, replacement: Replacement, waiting: ReadonlyMap<string, PendingPod>): string {
  const firm = only(room, ({ uid }) => !waiting.has(uid));
  if (firm === room || findNode(firm, replacement) === undefined) return '';
  const open = findRoom(firm, replacement);
  const names = [...room.values()]
    .flatMap(({ node, settled }) => settled.map((seeker) => ({ seeker, isInWay: open.includes(node.name) })))
    .filter(({ seeker, isInWay }) => isInWay || seeker.owner === replacement.owner)
    .flatMap(({ seeker }) => waiting.get(seeker.uid)?.name ?? [])
    .toSorted();
  const named = names.length > NAMED ? [...names.slice(0, NAMED), `${names.length - NAMED} more`] : names;
  return `; ${named.join(', ')} ${names.length === 1 ? 'waits for a node already and goes' : 'wait for a node already and go'} first`;
}

/** The scheduler's order, but for pods that go late. */
function byTurn(a: Turn, b: Turn): number {
  if (a.late !== b.late) return a.late ? 1 : -1;
  if (a.rank === b.rank) return 0;
  return a.rank > b.rank ? -1 : 1;
}

function byAge(a: PendingPod, b: PendingPod): number {
  return a.createdAtMs - b.createdAtMs || a.uid.localeCompare(b.uid, 'en');
}

function byWeight(a: Replacement, b: Replacement): number {
  const gpus = gpusOf({ allocatable: b.facts.requests }) - gpusOf({ allocatable: a.facts.requests });
  return gpus === 0 ? a.uid.localeCompare(b.uid, 'en') : gpus;
}
