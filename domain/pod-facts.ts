import { selects, type Labels, type LabelSelector, type Requirement } from './label-selector.ts';
import { fillInDefaults, judgeLimitRange, type LimitRangeFacts } from './limit-range.ts';
import { podLimits, podRequests, type ContainerFacts, type PodResources } from './pod-requests.ts';
import { addAmounts, amountsOf, resourceListOf, type ResourceList } from './resource-list.ts';

/** One of a required node affinity's terms: all of it must hold. */
export interface NodeTerm {
  readonly matchExpressions: readonly Requirement[];
  readonly matchFields: readonly Requirement[];
}
export interface Toleration {
  readonly key: string;
  /** Exists, or else Equal. */
  readonly operator: string;
  readonly value: string;
  /** Empty: every effect. */
  readonly effect: string;
}

/** A pod template, or better a running pod of it (admission has filled in the defaults), as far as placing it goes. */
export interface PodSpecFacts extends PodResources {
  readonly namespace: string;
  readonly labels: Labels;
  readonly nodeSelector: Labels;
  /** requiredDuringScheduling… nodeSelectorTerms; absent when there is no such affinity. */
  readonly nodeTerms?: readonly NodeTerm[];
  readonly tolerations: readonly Toleration[];
  /** Required anti-affinity terms. */
  readonly antiAffinity: readonly {
    readonly topologyKey: string;
    readonly selector?: LabelSelector;
    readonly namespaces: readonly string[];
    /** A namespaceSelector is present. */
    readonly selectsNamespaces: boolean;
  }[];
  readonly spread: readonly {
    readonly topologyKey: string;
    readonly maxSkew: number;
    readonly minDomains?: number;
    readonly whenUnsatisfiable: string;
    readonly selector?: LabelSelector;
    /** 'Honor' or 'Ignore'; empty is the default, Honor. */
    readonly nodeAffinityPolicy: string;
    /** 'Honor' or 'Ignore'; empty is the default, Ignore. */
    readonly nodeTaintsPolicy: string;
  }[];
  /** Some container has a hostPort. */
  readonly hostPorts: boolean;
  readonly priorityClass: string;
  /** spec.activeDeadlineSeconds is set. */
  readonly deadline: boolean;
  /** Any (anti-)affinity term with namespaces or a namespaceSelector. */
  readonly crossNamespaceAffinity: boolean;
}

export interface SpreadRule {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly honorsNodeAffinity: boolean;
  readonly honorsTaints: boolean;
}

/** One more pod, as quotas and nodes will see it. */
export interface PodFacts extends Pick<
  PodSpecFacts,
  'priorityClass' | 'deadline' | 'crossNamespaceAffinity' | 'nodeSelector' | 'nodeTerms' | 'tolerations'
> {
  /** Effective amounts of the whole pod (R43). */
  readonly requests: ResourceList;
  readonly limits: ResourceList;
  /** 'limits.cpu' and the like that some container leaves out: a quota on it refuses the pod. */
  readonly unstated: readonly string[];
  /** What a LimitRange has against it: no such pod can be created. */
  readonly refusals: readonly string[];
  readonly bestEffort: boolean;
  /** Topology keys of which each value takes one pod of the workload: anti-affinity to itself, host ports. */
  readonly apart: readonly string[];
  readonly spread: readonly SpreadRule[];
}

/** The topology of single nodes. */
export const HOSTNAME = 'kubernetes.io/hostname';

/** What one more pod of this spec asks of quotas and nodes. LimitRange admission is played through first (R42). */
export function findPodFacts(spec: PodSpecFacts, limitRanges: readonly LimitRangeFacts[] = []): PodFacts {
  const pod = fillInDefaults(spec, limitRanges);
  const overhead = amountsOf(pod.overhead);
  const [requests, limits] = [podRequests(pod), podLimits(pod)];
  // an overhead makes no limit where none is stated
  const limited = [...overhead].filter(([resource]) => limits.has(resource));
  const { priorityClass, deadline, crossNamespaceAffinity, nodeSelector, nodeTerms, tolerations } = spec;
  return {
    requests: resourceListOf(addAmounts(requests, overhead)),
    limits: resourceListOf(addAmounts(limits, new Map(limited))),
    unstated: findUnstated(pod),
    refusals: limitRanges.flatMap((range) => judgeLimitRange(range, pod)),
    bestEffort: ['cpu', 'memory'].every((resource) => !requests.get(resource) && !limits.get(resource)),
    priorityClass,
    deadline,
    crossNamespaceAffinity,
    nodeSelector,
    ...(nodeTerms !== undefined && { nodeTerms }),
    tolerations,
    apart: findApart(spec),
    spread: findSpread(spec),
  };
}

/** Quota admission wants cpu and memory of every container, by an old rule that holds for these two only. */
function findUnstated(pod: PodResources): readonly string[] {
  const containers = [...pod.containers, ...pod.initContainers];
  const isStated = (resource: string, of: (one: Pick<ContainerFacts, 'requests' | 'limits'>) => ResourceList) =>
    of(pod)[resource] !== undefined || containers.every((container) => of(container)[resource] !== undefined);
  return ['cpu', 'memory'].flatMap((resource) => [
    ...(isStated(resource, ({ requests, limits }) => ({ ...limits, ...requests })) ? [] : [`requests.${resource}`]),
    ...(isStated(resource, ({ limits }) => limits) ? [] : [`limits.${resource}`]),
  ]);
}

/** Only terms that select the pod itself: where other workloads are is not looked at. A missing selector selects nothing. */
function findApart({ antiAffinity, hostPorts, namespace, labels }: PodSpecFacts): readonly string[] {
  const keys = antiAffinity
    .filter(({ namespaces, selectsNamespaces }) => {
      return selectsNamespaces || namespaces.length === 0 || namespaces.includes(namespace);
    })
    .filter(({ selector }) => selector !== undefined && selects(selector, labels))
    .map(({ topologyKey }) => topologyKey);
  return [...new Set(hostPorts ? [...keys, HOSTNAME] : keys)];
}

function findSpread({ spread, labels }: PodSpecFacts): readonly SpreadRule[] {
  return spread
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
    .filter(({ selector }) => selector !== undefined && selects(selector, labels))
    .map(({ topologyKey, maxSkew, minDomains = 1, nodeAffinityPolicy, nodeTaintsPolicy }) => ({
      topologyKey,
      maxSkew,
      minDomains,
      honorsNodeAffinity: nodeAffinityPolicy !== 'Ignore',
      honorsTaints: nodeTaintsPolicy === 'Honor',
    }));
}
