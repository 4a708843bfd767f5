import type { NodeCapacity } from './cluster-capacity.ts';
import type { Place } from './drain-pod.ts';
import { gpusOf } from './gpu-node.ts';
import { judgePlacement } from './placement.ts';
import type { PodFacts } from './pod-facts.ts';
import { addAmounts, amountsOf, resourceListOf } from './resource-list.ts';

/** A pod that somebody would make anew when it is evicted. */
export interface Replacement {
  readonly uid: string;
  /** uid of its owner: pods of one owner keep apart or spread among themselves. */
  readonly owner: string;
  readonly facts: PodFacts;
  /** It goes last, if at all: its job is waited for. */
  readonly waits: boolean;
}

/**
 * Where the replacements of all evicted pods would go: one after the other, so that two do not count on the same room. The
 * largest first, as an estimate: the scheduler may choose otherwise.
 */
export function placeReplacements({
  nodes,
  drained,
  standing,
  replacements,
}: {
  /** Of the whole cluster, with what is taken. */
  readonly nodes: readonly NodeCapacity[];
  /** Names of those that take nothing more. */
  readonly drained: readonly string[];
  /** By uid of the owner: how many of its pods stand on which node, by name. */
  readonly standing: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly replacements: readonly Replacement[];
}): ReadonlyMap<string, Place> {
  const room = new Map(
    nodes.map((node) => [node.name, drained.includes(node.name) ? { ...node, schedulable: false } : node]),
  );
  const counts = new Map([...standing].map(([owner, on]) => [owner, new Map(on)]));
  const places = new Map<string, Place>();
  for (const { uid, owner, facts } of replacements.toSorted(byWeight)) {
    const own = counts.get(owner) ?? new Map<string, number>();
    const seen = [...room.values()].map((node) => ({
      ...node,
      // what is drained holds none of them back
      ownPods: drained.includes(node.name) ? 0 : (own.get(node.name) ?? 0),
    }));
    const { fits, reason } = judgePlacement({ cluster: { nodes: seen, unplacedPods: 0 }, pod: facts, podsToAdd: 1 });
    places.set(uid, fits > 0 ? { found: true, reason: '' } : { found: false, reason });
    const node = fits > 0 ? seen.toSorted(byChoice).find((one) => takes(one, facts)) : undefined;
    if (node === undefined) continue;
    const requested = resourceListOf(addAmounts(amountsOf(node.requested), amountsOf(facts.requests)));
    room.set(node.name, { ...node, requested, podCount: node.podCount + 1 });
    counts.set(owner, own.set(node.name, (own.get(node.name) ?? 0) + 1));
  }
  return places;
}

/** By itself, whatever stands elsewhere. */
function takes(node: NodeCapacity, facts: PodFacts): boolean {
  const pod = { ...facts, apart: [], spread: [] };
  return judgePlacement({ cluster: { nodes: [node], unplacedPods: 0 }, pod, podsToAdd: 1 }).fits > 0;
}

function byWeight(a: Replacement, b: Replacement): number {
  if (a.waits !== b.waits) return a.waits ? 1 : -1;
  const gpus = gpusOf({ allocatable: b.facts.requests }) - gpusOf({ allocatable: a.facts.requests });
  return gpus === 0 ? a.uid.localeCompare(b.uid, 'en') : gpus;
}

/** Where fewest of the same stand; GPU nodes last, for those that need them. */
function byChoice(a: NodeCapacity, b: NodeCapacity): number {
  return a.ownPods - b.ownPods || gpusOf(a) - gpusOf(b) || a.name.localeCompare(b.name, 'en');
}
