import { countWhole, type Bound } from './bound.ts';
import type { ClusterCapacity, NodeCapacity, NodeFacts } from './cluster-capacity.ts';
import { findUntoleratedTaint, matchesNodeAffinity } from './node-matching.ts';
import { HOSTNAME, type PodFacts, type SpreadRule } from './pod-facts.ts';
import { NANO } from './quantity.ts';
import { amountsOf, asScheduled, formatAmount, supplyOf, type Amounts } from './resource-list.ts';

/** A node as one more such pod finds it. */
interface Candidate {
  readonly node: NodeCapacity;
  /** Why it takes none, whatever its room; undefined when it is open. */
  readonly closed: string | undefined;
  /** How many it still has room for. */
  readonly room: number;
  /** What it runs out of first. */
  readonly scarcest: string;
}

/** How many pods stand in each domain of a topology, and the rule on how they may stand. */
interface Topology {
  readonly key: string;
  readonly domains: Map<string, number>;
  /** Absent for anti-affinity: one pod a domain. */
  readonly rule?: SpreadRule;
}

interface BoundedTopology extends Topology {
  /** How many pods a domain may have at most just now. */
  readonly most: number;
}

/** Put there and taken away again by the node's state. */
const CONDITION_TAINTS = 'node.kubernetes.io/';

/** How many such pods find a node, and why the next one would not (R43). */
export function judgePlacement({
  cluster: { nodes, unplacedPods },
  pod,
  podsToAdd,
}: {
  readonly cluster: ClusterCapacity;
  readonly pod: PodFacts;
  readonly podsToAdd: number;
}): Bound {
  const asked = askedBy(pod);
  const matching = nodes.filter((node) => canMatch(node, pod));
  if (matching.length > 0 && matching.every((node) => lacksOf(node, asked).length > 0)) {
    return { fits: 0, reason: describeTooLarge(matching, asked), impossible: true };
  }
  const { placed, places } = placePods({
    candidates: nodes.map((node) => ({ node, closed: whyClosed(node, pod), ...roomOn(node, asked) })),
    topologies: findTopologies(nodes, pod),
    wanted: podsToAdd + unplacedPods,
  });
  const fits = Math.max(0, placed - unplacedPods);
  const first = unplacedPods > 0 ? ` besides ${unplacedPods} that wait for a node already` : '';
  return {
    fits,
    reason:
      `the nodes have room for ${fits} of ${podsToAdd} more pods${first} (an estimate): ` +
      `room for ${podsToAdd - fits} more is needed; ${describeNodes(places)}`,
    impossible: false,
  };
}

/** The first node, in their order, that takes one such pod. */
export function findTaker(nodes: readonly NodeCapacity[], pod: PodFacts): NodeCapacity | undefined {
  const asked = askedBy(pod);
  const bounded = findTopologies(nodes, pod).map(withMost);
  return nodes.find(
    (node) => whyClosed(node, pod) === undefined && crowdAt(node, bounded) < Infinity && roomOn(node, asked).room > 0,
  );
}

function askedBy({ requests }: PodFacts): Amounts {
  return asScheduled(amountsOf({ ...requests, pods: '1' }));
}

/** A cordoned or unready node may come back, so its own taints do not make a pod impossible. */
function canMatch(node: NodeFacts, pod: PodFacts): boolean {
  const lasting = node.taints.filter(({ key }) => !key.startsWith(CONDITION_TAINTS));
  return matchesNodeAffinity(node, pod) && findUntoleratedTaint(lasting, pod) === undefined;
}

/** What the node could not give even when empty. */
function lacksOf({ allocatable }: NodeFacts, asked: Amounts): readonly string[] {
  const has = supplyOf(allocatable);
  return [...asked].filter(([resource, nano]) => nano > (has.get(resource) ?? 0n)).map(([resource]) => resource);
}

function describeTooLarge(matching: readonly NodeFacts[], asked: Amounts): string {
  const lacking = matching.map((node) => lacksOf(node, asked));
  const resource = lacking[0]?.find((resource) => lacking.every((lacks) => lacks.includes(resource)));
  const who = 'no node can ever hold such a pod, even when empty (an estimate)';
  if (resource === undefined) return `${who}: each node that matches has too little of something it asks for`;
  const most = matching
    .map(({ allocatable }) => supplyOf(allocatable).get(resource) ?? 0n)
    .reduce((a, b) => (a > b ? a : b));
  return (
    `${who}: it asks for ${resource} ${formatAmount(resource, asked.get(resource) ?? 0n)}, ` +
    `the largest node that matches has ${formatAmount(resource, most)}`
  );
}

/** As the scheduler would put it. */
function whyClosed(node: NodeFacts, pod: PodFacts): string | undefined {
  if (!matchesNodeAffinity(node, pod)) return 'outside the node selector or affinity';
  if (!node.schedulable) return 'cordoned';
  if (!node.ready) return 'not ready';
  const taint = findUntoleratedTaint(node.taints, pod);
  return taint === undefined ? undefined : `tainted ${taint.key}:${taint.effect}`;
}

function roomOn({ allocatable, requested, podCount }: NodeCapacity, asked: Amounts) {
  const has = supplyOf(allocatable);
  const taken = amountsOf(requested);
  let [room, scarcest] = [Infinity, 'pods'];
  for (const [resource, each] of asked) {
    const given = resource === 'pods' ? BigInt(podCount) * NANO : (taken.get(resource) ?? 0n);
    const own = countWhole((has.get(resource) ?? 0n) - given, each);
    // a resource that is not asked for does not matter, even on a node that has given too much of it
    if (each > 0n && own < room) [room, scarcest] = [own, resource];
  }
  return { room, scarcest };
}

function findTopologies(nodes: readonly NodeCapacity[], pod: PodFacts): readonly Topology[] {
  return [
    ...pod.apart.map((key) => ({ key, domains: countDomains(nodes, key) })),
    ...pod.spread.map((rule) => {
      return { key: rule.topologyKey, domains: countDomains(spreadNodes(nodes, pod, rule), rule.topologyKey), rule };
    }),
  ];
}

/** The nodes whose domains a rule counts: a full or cordoned one holds the others back. */
function spreadNodes(nodes: readonly NodeCapacity[], pod: PodFacts, rule: SpreadRule): readonly NodeCapacity[] {
  return nodes.filter(
    (node) =>
      pod.spread.every(({ topologyKey }) => domainOf(node, topologyKey) !== undefined) &&
      (!rule.honorsNodeAffinity || matchesNodeAffinity(node, pod)) &&
      (!rule.honorsTaints || findUntoleratedTaint(node.taints, pod) === undefined),
  );
}

function countDomains(nodes: readonly NodeCapacity[], topologyKey: string): Map<string, number> {
  const domains = new Map<string, number>();
  for (const node of nodes) {
    const domain = domainOf(node, topologyKey);
    if (domain !== undefined) domains.set(domain, (domains.get(domain) ?? 0) + node.ownPods);
  }
  return domains;
}

function domainOf({ name, labels }: NodeFacts, topologyKey: string): string | undefined {
  return labels[topologyKey] ?? (topologyKey === HOSTNAME ? name : undefined);
}

/**
 * Places the pods as the scheduler may, so what is placed really packs. All pods are alike, so the order matters only
 * where they keep apart or spread; there each goes to the domains with the fewest.
 */
function placePods({
  candidates,
  topologies,
  wanted,
}: {
  readonly candidates: readonly Candidate[];
  readonly topologies: readonly Topology[];
  readonly wanted: number;
}): { readonly placed: number; readonly places: readonly Candidate[] } {
  const places = candidates.map((one) => ({ ...one, room: one.closed === undefined ? one.room : 0 }));
  // without rules between the pods every node is simply filled
  if (topologies.length === 0) {
    const room = places.reduce((sum, { room }) => sum + room, 0);
    return { placed: Math.min(wanted, room), places: places.map((one) => ({ ...one, room: 0 })) };
  }
  for (let placed = 0; placed < wanted; placed += 1) {
    const place = choosePlace(places, topologies);
    if (place === undefined) return { placed, places };
    place.room -= 1;
    for (const { key, domains } of topologies) {
      const domain = domainOf(place.node, key);
      if (domain !== undefined) domains.set(domain, (domains.get(domain) ?? 0) + 1);
    }
  }
  return { placed: wanted, places };
}

/** The one in the emptiest domains, of those that still take a pod. */
function choosePlace<Place extends Candidate>(
  places: readonly Place[],
  topologies: readonly Topology[],
): Place | undefined {
  const bounded = topologies.map(withMost);
  let [best, least]: [Place | undefined, number] = [undefined, Infinity];
  for (const place of places) {
    if (place.room === 0) continue;
    const crowd = crowdAt(place.node, bounded);
    if (crowd < least) [best, least] = [place, crowd];
  }
  return best;
}

/** How many pods stand in its domains; Infinity where one of these may have no more. */
function crowdAt(node: NodeFacts, topologies: readonly BoundedTopology[]): number {
  return topologies.reduce((sum, { key, domains, rule, most }) => {
    // a node outside the topology is free of anti-affinity, and barred by a spread
    const own = domains.get(domainOf(node, key) ?? '') ?? (rule === undefined ? 0 : Infinity);
    return own < most ? sum + own : Infinity;
  }, 0);
}

/** Never further than maxSkew from the emptiest. */
function withMost(topology: Topology): BoundedTopology {
  const { domains, rule } = topology;
  if (rule === undefined) return { ...topology, most: 1 };
  return { ...topology, most: rule.maxSkew + (domains.size < rule.minDomains ? 0 : Math.min(...domains.values())) };
}

/** Why the next pod finds no node. */
function describeNodes(places: readonly Candidate[]): string {
  if (places.length === 0) return 'there is no node';
  const why = places.map(({ closed, room, scarcest }) => {
    return closed ?? (room > 0 ? 'barred by anti-affinity or topology spread' : `without room for ${scarcest}`);
  });
  const counts = [...Map.groupBy(why, (text) => text)].map(([text, { length }]) => `${length} ${text}`);
  return `of ${places.length} nodes: ${counts.toSorted().join(', ')}`;
}
