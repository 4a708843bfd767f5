import { addAmounts, amountsOf, largestAmounts, type Amounts, type ResourceList } from './resource-list.ts';

export interface ContainerFacts {
  readonly name: string;
  readonly requests: ResourceList;
  readonly limits: ResourceList;
  /** status.containerStatuses[].allocatedResources and .resources.requests of a running pod, the larger of each. */
  readonly allocated?: ResourceList;
  /** An init container with restartPolicy Always. */
  readonly sidecar?: boolean;
}

/** What decides how much of a node a pod takes. */
export interface PodResources {
  readonly containers: readonly ContainerFacts[];
  readonly initContainers: readonly ContainerFacts[];
  readonly overhead: ResourceList;
  /** spec.resources, the pod's own. */
  readonly requests: ResourceList;
  readonly limits: ResourceList;
}

/** What a pod requests as a whole, without its overhead (R43). */
export function podRequests(pod: PodResources): Amounts {
  const sum = effectiveAmounts(pod, containerRequests);
  // a pod-level limit without a request is the request where no container has one
  const implied = [...amountsOf(pod.limits)].filter(([resource]) => !sum.has(resource));
  return withPodLevel(sum, new Map([...implied, ...amountsOf(pod.requests)]));
}

/** What a pod is limited to as a whole, without its overhead (R43). */
export function podLimits(pod: PodResources): Amounts {
  const sum = effectiveAmounts(pod, ({ limits }) => amountsOf(limits));
  return withPodLevel(sum, amountsOf(pod.limits));
}

/** A container that states only a limit requests as much; a resize under way counts with what it still has. */
export function containerRequests({ requests, limits, allocated = {} }: ContainerFacts): Amounts {
  return largestAmounts(amountsOf({ ...limits, ...requests }), amountsOf(allocated));
}

/** Σ containers + Σ sidecars, or the worst moment of starting: an init container beside the sidecars before it (R43). */
function effectiveAmounts(pod: PodResources, of: (container: ContainerFacts) => Amounts): Amounts {
  let sidecars: Amounts = new Map();
  let starting: Amounts = new Map();
  for (const container of pod.initContainers) {
    const beside = addAmounts(sidecars, of(container));
    if (container.sidecar === true) sidecars = beside;
    else starting = largestAmounts(starting, beside);
  }
  const running = pod.containers.map(of).reduce(addAmounts, new Map());
  return largestAmounts(addAmounts(running, sidecars), starting);
}

/** The pod's own spec.resources speak for it as a whole, and only for these resources. */
function withPodLevel(sum: Amounts, own: Amounts): Amounts {
  const isPodLevel = (resource: string) => /^(cpu$|memory$|hugepages-)/.test(resource);
  return new Map([...sum, ...[...own].filter(([resource]) => isPodLevel(resource))]);
}
