import { containerRequests, podLimits, podRequests, type ContainerFacts, type PodResources } from './pod-requests.ts';
import { amountsOf, formatAmount, type ResourceList } from './resource-list.ts';

/** A LimitRange item: what admission fills in, and what it refuses (R42). */
export interface LimitRangeFacts {
  readonly name: string;
  /** 'Container' or 'Pod'; others do not concern pods. */
  readonly type: string;
  readonly default: ResourceList;
  readonly defaultRequest: ResourceList;
  readonly min: ResourceList;
  readonly max: ResourceList;
}

/** The pod as admission makes it: each container gets what it leaves out. */
export function fillInDefaults(pod: PodResources, ranges: readonly LimitRangeFacts[]): PodResources {
  const own = ranges.filter(({ type }) => type === 'Container');
  const defaults = (of: 'default' | 'defaultRequest') =>
    own.reduce<ResourceList>((found, range) => ({ ...range[of], ...found }), {});
  const fillIn = (container: ContainerFacts) => ({
    ...container,
    requests: { ...defaults('defaultRequest'), ...container.limits, ...container.requests },
    limits: { ...defaults('default'), ...container.limits },
  });
  return { ...pod, containers: pod.containers.map(fillIn), initContainers: pod.initContainers.map(fillIn) };
}

/** What the range has against the pod. A missing limit breaks a maximum, a missing request a minimum. */
export function judgeLimitRange(range: LimitRangeFacts, pod: PodResources): readonly string[] {
  return judgedBy(range, pod).flatMap(({ who, requests, limits }) => [
    ...[...amountsOf(range.max)].flatMap(([resource, most]) => {
      const [request = 0n, limit] = [requests.get(resource), limits.get(resource)];
      if (limit !== undefined && limit <= most && request <= most) return [];
      const has =
        limit === undefined
          ? `no ${resource} limit`
          : `${resource} ${formatAmount(resource, limit > request ? limit : request)}`;
      return [`LimitRange ${range.name} allows at most ${resource} ${formatAmount(resource, most)}, ${who} has ${has}`];
    }),
    ...[...amountsOf(range.min)].flatMap(([resource, least]) => {
      const [request, limit = least] = [requests.get(resource), limits.get(resource)];
      if (request !== undefined && request >= least && limit >= least) return [];
      const has =
        request === undefined
          ? `no ${resource} request`
          : `${resource} ${formatAmount(resource, request < limit ? request : limit)}`;
      return [
        `LimitRange ${range.name} wants at least ${resource} ${formatAmount(resource, least)}, ${who} has ${has}`,
      ];
    }),
  ]);
}

function judgedBy({ type }: LimitRangeFacts, pod: PodResources) {
  if (type === 'Pod') return [{ who: 'the pod', requests: podRequests(pod), limits: podLimits(pod) }];
  if (type !== 'Container') return [];
  return [...pod.initContainers, ...pod.containers].map((container) => ({
    who: `container ${container.name}`,
    requests: containerRequests(container),
    limits: amountsOf(container.limits),
  }));
}
