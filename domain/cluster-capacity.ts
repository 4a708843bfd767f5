import type { Labels } from './label-selector.ts';
import { podRequests, type PodResources } from './pod-requests.ts';
import { addAmounts, amountsOf, asScheduled, resourceListOf, type ResourceList } from './resource-list.ts';

export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}
export interface NodeFacts {
  readonly name: string;
  readonly labels: Labels;
  readonly taints: readonly Taint[];
  /** Not cordoned. */
  readonly schedulable: boolean;
  readonly ready: boolean;
  readonly allocatable: ResourceList;
}

/** A node with what its pods already take of it. */
export interface NodeCapacity extends NodeFacts {
  readonly requested: ResourceList;
  readonly podCount: number;
  /** How many of those are the workload's. */
  readonly ownPods: number;
}
export interface ClusterCapacity {
  readonly nodes: readonly NodeCapacity[];
  /** Pods of the workload that exist and have no node yet: they take room before any new one. */
  readonly unplacedPods: number;
}

/** Any pod of the cluster, for the sum of what is taken. */
export interface PlacedPod {
  /** spec.nodeName; empty while it has none. */
  readonly node: string;
  readonly phase: string;
  /** It is the workload's. */
  readonly own: boolean;
  readonly resources: PodResources;
}

/** Adds up what is taken on each node. A pod that is terminating still holds its room; one that is over does not (R43). */
export function findClusterCapacity({
  nodes,
  pods,
}: {
  readonly nodes: readonly NodeFacts[];
  readonly pods: readonly PlacedPod[];
}): ClusterCapacity {
  const live = pods.filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed');
  const byNode = Map.groupBy(live, ({ node }) => node);
  return {
    nodes: nodes.map((node) => {
      const placed = byNode.get(node.name) ?? [];
      const taken = placed.map(({ resources }) =>
        asScheduled(addAmounts(podRequests(resources), amountsOf(resources.overhead))),
      );
      return {
        ...node,
        requested: resourceListOf(taken.reduce(addAmounts, new Map())),
        podCount: placed.length,
        ownPods: placed.filter(({ own }) => own).length,
      };
    }),
    unplacedPods: (byNode.get('') ?? []).filter(({ own }) => own).length,
  };
}
