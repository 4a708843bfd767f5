import type { NodeCapacity } from './cluster-capacity.ts';
import { gpusOf } from './gpu-node.ts';
import { findTaker, judgePlacement } from './placement.ts';
import type { PodFacts } from './pod-facts.ts';
import { addAmounts, amountsOf, asScheduled, resourceListOf } from './resource-list.ts';

/** A pod that looks for a node. */
export interface Seeker {
  readonly uid: string;
  /** uid of its owner: pods of one owner keep apart or spread among themselves. */
  readonly owner: string;
  readonly facts: PodFacts;
  /** spec.priority */
  readonly priority: number;
}

export interface Scene {
  /** Of the whole cluster, with what is taken. */
  readonly nodes: readonly NodeCapacity[];
  /** Names of those that take nothing more. */
  readonly drained: readonly string[];
  /** By uid of the owner: how many of its pods stand on which node, by name. */
  readonly standing: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

interface Spot {
  readonly node: NodeCapacity;
  /** Who has found a place there. */
  readonly settled: readonly Seeker[];
  /** With all of them. */
  readonly filled: NodeCapacity;
  /** By uid of the owner: how many of them are its own. */
  readonly owned: ReadonlyMap<string, number>;
  /** By uid of the owner: how many of its pods stood there before. */
  readonly stood: (owner: string) => number;
}

/** By name of the node. */
export type Room = ReadonlyMap<string, Spot>;

export function openRoom({ nodes, drained, standing }: Scene): Room {
  const spots = nodes.toSorted(byNeed).map((node): Spot => {
    const isDrained = drained.includes(node.name);
    const open = { ...node, schedulable: node.schedulable && !isDrained };
    // what is drained holds none of them back
    const stood = (owner: string) => (isDrained ? 0 : (standing.get(owner)?.get(node.name) ?? 0));
    return { node: open, settled: [], filled: open, owned: new Map(), stood };
  });
  return new Map(spots.map((spot) => [spot.node.name, spot]));
}

export function settle(room: Room, name: string, seeker: Seeker): Room {
  const spot = room.get(name);
  if (spot === undefined) return room;
  return new Map(room).set(name, withPods(spot, [seeker]));
}

/** As if only these had settled. */
export function only(room: Room, isThere: (seeker: Seeker) => boolean): Room {
  const changed = [...room].flatMap(([name, spot]): readonly (readonly [string, Spot])[] => {
    if (spot.settled.every(isThere)) return [];
    const empty = { ...spot, settled: [], filled: spot.node, owned: new Map<string, number>() };
    return [[name, withPods(empty, spot.settled.filter(isThere))]];
  });
  return changed.length === 0 ? room : new Map([...room, ...changed]);
}

/** Where it goes, if anywhere. */
export function findNode(room: Room, { owner, facts }: Seeker): string | undefined {
  return findTaker(nodesFor(room, owner), facts)?.name;
}

/** One owner's pods stand apart or spread, so that it matters where the others are. */
export function keepsApart({ apart, spread }: PodFacts): boolean {
  return apart.length + spread.length > 0;
}

/** Why it finds no node. */
export function whyNowhere(room: Room, { owner, facts }: Seeker): string {
  return judgePlacement({ cluster: { nodes: nodesFor(room, owner), unplacedPods: 0 }, pod: facts, podsToAdd: 1 })
    .reason;
}

/** The nodes that have room for it, whatever stands on others. */
export function findRoom(room: Room, { owner, facts }: Seeker): readonly string[] {
  const pod = { ...facts, apart: [], spread: [] };
  const nodes = nodesFor(room, owner);
  return nodes.filter((one) => findTaker([one], pod) !== undefined).map(({ name }) => name);
}

/** As the owner's next pod finds them, and where fewest of its own stand first. */
function nodesFor(room: Room, owner: string): readonly NodeCapacity[] {
  const nodes = [...room.values()].map(({ filled, owned, stood }) => ({
    ...filled,
    ownPods: stood(owner) + (owned.get(owner) ?? 0),
  }));
  return nodes.toSorted((a, b) => a.ownPods - b.ownPods);
}

function withPods(spot: Spot, pods: readonly Seeker[]): Spot {
  const { settled, filled } = spot;
  const taken = pods.map(({ facts }) => asScheduled(amountsOf(facts.requests)));
  const requested = resourceListOf(taken.reduce(addAmounts, amountsOf(filled.requested)));
  const owned = new Map(spot.owned);
  for (const { owner } of pods) owned.set(owner, (owned.get(owner) ?? 0) + 1);
  return {
    ...spot,
    settled: [...settled, ...pods],
    filled: { ...filled, requested, podCount: filled.podCount + pods.length },
    owned,
  };
}

/** GPU nodes last, for those that need them. */
function byNeed(a: NodeCapacity, b: NodeCapacity): number {
  return gpusOf(a) - gpusOf(b) || a.name.localeCompare(b.name, 'en');
}
