import { formatQuantity, readQuantity } from './quantity.ts';

/** Amounts by resource name as Kubernetes writes them ('500m', '1.5Gi'): texts, because bigint is no JSON. */
export type Quantities = { readonly [resource: string]: string };
type Labels = { readonly [label: string]: string };

export interface ContainerFacts {
  readonly name: string;
  readonly requests: Quantities;
  readonly limits: Quantities;
  /** status.containerStatuses[].allocatedResources and .resources.requests of a running pod, the larger of each. */
  readonly allocated?: Quantities;
  /** An init container with restartPolicy Always. */
  readonly sidecar?: boolean;
}

/** What decides how much of a node a pod takes. */
export interface PodResources {
  readonly containers: readonly ContainerFacts[];
  readonly initContainers: readonly ContainerFacts[];
  readonly overhead: Quantities;
  /** spec.resources, the pod's own. */
  readonly requests: Quantities;
  readonly limits: Quantities;
}

export interface LabelSelector {
  readonly matchLabels: Labels;
  readonly matchExpressions: readonly Requirement[];
}
export interface Requirement {
  readonly key: string;
  /** In, NotIn, Exists, DoesNotExist, and for nodes Gt, Lt. */
  readonly operator: string;
  readonly values: readonly string[];
}
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
export interface Taint {
  readonly key: string;
  readonly value: string;
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

/** A LimitRange item: what admission fills in, and what it refuses. */
export interface LimitRangeFacts {
  readonly name: string;
  /** 'Container' or 'Pod'; others do not concern pods. */
  readonly type: string;
  readonly default: Quantities;
  readonly defaultRequest: Quantities;
  readonly min: Quantities;
  readonly max: Quantities;
}

export interface SpreadRule {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly honorsNodeAffinity: boolean;
  readonly honorsTaints: boolean;
}

/** One more pod, as quotas and nodes will see it. */
export interface PodFacts {
  /** Effective amounts of the whole pod (R43). */
  readonly requests: Quantities;
  readonly limits: Quantities;
  /** 'limits.cpu' and the like that some container leaves out: a quota on it refuses the pod. */
  readonly unstated: readonly string[];
  /** What a LimitRange has against it: no such pod can be created. */
  readonly refusals: readonly string[];
  readonly bestEffort: boolean;
  readonly priorityClass: string;
  readonly deadline: boolean;
  readonly crossNamespaceAffinity: boolean;
  readonly nodeSelector: Labels;
  readonly nodeTerms?: readonly NodeTerm[];
  readonly tolerations: readonly Toleration[];
  /** Topology keys of which each value takes one pod of the workload: anti-affinity to itself, host ports. */
  readonly apart: readonly string[];
  readonly spread: readonly SpreadRule[];
}

/** A ResourceQuota's status, with spec.scopes and spec.scopeSelector as one list (a bare scope is operator Exists). */
export interface QuotaFacts {
  readonly name: string;
  readonly hard: Quantities;
  readonly used: Quantities;
  readonly scopes: readonly {
    readonly scope: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

export interface NodeFacts {
  readonly name: string;
  readonly labels: Labels;
  readonly taints: readonly Taint[];
  /** Not cordoned. */
  readonly schedulable: boolean;
  readonly ready: boolean;
  readonly allocatable: Quantities;
}
/** A node with what its pods already take of it. */
export interface NodeCapacity extends NodeFacts {
  readonly requested: Quantities;
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

export type Preflight =
  | { readonly kind: 'fits' }
  | {
      readonly kind: 'short';
      /** How many of the pods fit now. */
      readonly fits: number;
      readonly reasons: readonly string[];
      /** Waiting, and more of the same nodes, cannot help. */
      readonly impossible: boolean;
    };

const NANO = 1_000_000_000n;
const MILLI = 1_000_000n;
/**
 * The API server serves valid quantities only. Any other counts as more than the world has, so that a text that cannot
 * be read never makes room.
 */
const UNREADABLE = 10n ** 60n;
const INTEGER = /^[+-]?\d+$/;
/** Put there and taken away again by the node's state. */
const CONDITION_TAINTS = 'node.kubernetes.io/';
const HOSTNAME = 'kubernetes.io/hostname';

type Amounts = ReadonlyMap<string, bigint>;

function amountsOf(quantities: Quantities, unreadable = UNREADABLE): Amounts {
  return new Map(
    Object.entries(quantities).map(([resource, text]) => {
      const reading = readQuantity(text);
      return [resource, reading.ok ? reading.nano : unreadable];
    }),
  );
}

function quantitiesOf(amounts: Amounts): Quantities {
  return Object.fromEntries([...amounts].map(([resource, nano]) => [resource, format(resource, nano)]));
}

function merge(a: Amounts, b: Amounts, join: (a: bigint, b: bigint) => bigint): Amounts {
  const merged = new Map(a);
  for (const [resource, nano] of b) merged.set(resource, join(merged.get(resource) ?? 0n, nano));
  return merged;
}
const add = (a: Amounts, b: Amounts) => merge(a, b, (a, b) => a + b);
const largest = (a: Amounts, b: Amounts) => merge(a, b, (a, b) => (a > b ? a : b));

function format(resource: string, nano: bigint): string {
  return formatQuantity(nano, /memory|storage|hugepages/.test(resource) ? 'bytes' : 'decimal');
}

/** Σ containers + Σ sidecars, or the worst moment of starting: an init container beside the sidecars before it (R43). */
function effectiveAmounts(pod: PodResources, of: (container: ContainerFacts) => Amounts): Amounts {
  let running = pod.containers.map(of).reduce(add, new Map());
  let sidecars: Amounts = new Map();
  let starting: Amounts = new Map();
  for (const container of pod.initContainers) {
    const own = of(container);
    if (container.sidecar === true) {
      running = add(running, own);
      sidecars = add(sidecars, own);
    }
    starting = largest(starting, container.sidecar === true ? sidecars : add(own, sidecars));
  }
  return largest(running, starting);
}

/** A container that states only a limit requests as much; a resize under way counts with what it still has. */
function requestsOf({ requests, limits, allocated = {} }: ContainerFacts): Amounts {
  return largest(amountsOf({ ...limits, ...requests }), amountsOf(allocated));
}

/** The pod's own spec.resources speak for it as a whole, and only for these. */
function isPodLevel(resource: string): boolean {
  return resource === 'cpu' || resource === 'memory' || resource.startsWith('hugepages-');
}

function withPodLevel(sum: Amounts, own: Amounts): Amounts {
  return new Map([...sum, ...[...own].filter(([resource]) => isPodLevel(resource))]);
}

function podRequests(pod: PodResources): Amounts {
  const sum = effectiveAmounts(pod, requestsOf);
  // a pod-level limit without a request is the request where no container has one
  const implied = [...amountsOf(pod.limits)].filter(([resource]) => !sum.has(resource));
  return withPodLevel(sum, new Map([...implied, ...amountsOf(pod.requests)]));
}

function podLimits(pod: PodResources): Amounts {
  return withPodLevel(
    effectiveAmounts(pod, ({ limits }) => amountsOf(limits)),
    amountsOf(pod.limits),
  );
}

/** What one more pod of this spec asks of quotas and nodes. LimitRange admission is played through first (R42). */
export function findPodFacts(spec: PodSpecFacts, limitRanges: readonly LimitRangeFacts[] = []): PodFacts {
  const pod = {
    ...spec,
    containers: spec.containers.map((container) => fillIn(container, limitRanges)),
    initContainers: spec.initContainers.map((container) => fillIn(container, limitRanges)),
  };
  const overhead = amountsOf(spec.overhead);
  const [requests, limits] = [podRequests(pod), podLimits(pod)];
  const stated = [...limits].map(([resource, nano]) => [resource, nano + (overhead.get(resource) ?? 0n)] as const);
  const { priorityClass, deadline, crossNamespaceAffinity, nodeSelector, nodeTerms, tolerations } = spec;
  return {
    requests: quantitiesOf(add(requests, overhead)),
    limits: quantitiesOf(new Map(stated)),
    unstated: findUnstated(pod),
    refusals: limitRanges.flatMap((range) => judgeLimitRange(range, pod)),
    bestEffort: !['cpu', 'memory'].some(
      (resource) => (requests.get(resource) ?? 0n) + (limits.get(resource) ?? 0n) > 0n,
    ),
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

function fillIn(container: ContainerFacts, limitRanges: readonly LimitRangeFacts[]): ContainerFacts {
  const ranges = limitRanges.filter(({ type }) => type === 'Container');
  const defaults = (of: 'default' | 'defaultRequest') =>
    ranges.reduce<Quantities>((found, range) => ({ ...range[of], ...found }), {});
  return {
    ...container,
    requests: { ...defaults('defaultRequest'), ...container.limits, ...container.requests },
    limits: { ...defaults('default'), ...container.limits },
  };
}

/** Quota admission wants cpu and memory of every container, by an old rule that holds for these two only. */
function findUnstated(pod: PodResources): readonly string[] {
  const all = [...pod.containers, ...pod.initContainers];
  return ['cpu', 'memory'].flatMap((resource) => {
    const isStated = (own: Quantities, of: (container: ContainerFacts) => Quantities) =>
      own[resource] !== undefined || all.every((container) => of(container)[resource] !== undefined);
    return [
      ...(isStated({ ...pod.limits, ...pod.requests }, ({ requests, limits }) => ({ ...limits, ...requests }))
        ? []
        : [`requests.${resource}`]),
      ...(isStated(pod.limits, ({ limits }) => limits) ? [] : [`limits.${resource}`]),
    ];
  });
}

function judgeLimitRange(range: LimitRangeFacts, pod: PodResources): readonly string[] {
  const judged =
    range.type === 'Pod'
      ? [{ who: 'the pod', requests: podRequests(pod), limits: podLimits(pod) }]
      : [...pod.initContainers, ...pod.containers].map((container) => ({
          who: `container ${container.name}`,
          requests: requestsOf(container),
          limits: amountsOf(container.limits),
        }));
  if (range.type !== 'Pod' && range.type !== 'Container') return [];
  return judged.flatMap(({ who, requests, limits }) => [
    ...[...amountsOf(range.max)].flatMap(([resource, most]) => {
      const [request = 0n, limit] = [requests.get(resource), limits.get(resource)];
      if (limit !== undefined && limit <= most && request <= most) return [];
      const has =
        limit === undefined
          ? `no ${resource} limit`
          : `${resource} ${format(resource, limit > request ? limit : request)}`;
      return [`LimitRange ${range.name} allows at most ${resource} ${format(resource, most)}, ${who} has ${has}`];
    }),
    ...[...amountsOf(range.min)].flatMap(([resource, least]) => {
      const [request, limit = least] = [requests.get(resource), limits.get(resource)];
      if (request !== undefined && request >= least && limit >= least) return [];
      const has =
        request === undefined
          ? `no ${resource} request`
          : `${resource} ${format(resource, request < limit ? request : limit)}`;
      return [`LimitRange ${range.name} wants at least ${resource} ${format(resource, least)}, ${who} has ${has}`];
    }),
  ]);
}

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

function selects({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => meets(requirement, labels))
  );
}

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return compareIntegers(value, values[0], (a, b) => a > b);
    case 'Lt':
      return compareIntegers(value, values[0], (a, b) => a < b);
    default:
      return false;
  }
}

function compareIntegers(a = '', b = '', holds: (a: bigint, b: bigint) => boolean): boolean {
  return INTEGER.test(a) && INTEGER.test(b) && holds(BigInt(a.replace('+', '')), BigInt(b.replace('+', '')));
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
        asScheduled(add(podRequests(resources), amountsOf(resources.overhead))),
      );
      return {
        ...node,
        requested: quantitiesOf(taken.reduce(add, new Map())),
        podCount: placed.length,
        ownPods: placed.filter(({ own }) => own).length,
      };
    }),
    unplacedPods: (byNode.get('') ?? []).filter(({ own }) => own).length,
  };
}

/** The scheduler counts cpu in whole milli-units and all else in whole units, rounded up. */
function asScheduled(amounts: Amounts): Amounts {
  return new Map(
    [...amounts].map(([resource, nano]) => {
      const unit = resource === 'cpu' ? MILLI : NANO;
      return [resource, ((nano + unit - 1n) / unit) * unit];
    }),
  );
}

/** One thing that bounds how many pods fit. */
interface Bound {
  readonly fits: number;
  readonly reason: string;
  readonly impossible: boolean;
}

/**
 * Whether so many more pods would be let in by the quotas and find a node: an estimate, because other pods come and go,
 * and because affinity to other workloads and volumes is not looked at (R42, R43). During a rollout the caller adds its
 * surge to `podsToAdd`.
 */
export function judgePreflight({
  podsToAdd,
  pod,
  quotas,
  cluster,
}: {
  readonly podsToAdd: number;
  readonly pod: PodFacts;
  readonly quotas: readonly QuotaFacts[];
  readonly cluster: ClusterCapacity;
}): Preflight {
  const tight = [
    ...pod.refusals.map((reason) => ({ fits: 0, reason, impossible: true })),
    ...quotas.filter((quota) => concerns(quota, pod)).flatMap((quota) => boundsOfQuota(quota, pod, podsToAdd)),
    boundOfNodes(cluster, pod, podsToAdd),
  ].filter(({ fits }) => fits < podsToAdd);
  if (tight.length === 0) return { kind: 'fits' };
  return {
    kind: 'short',
    fits: Math.min(...tight.map(({ fits }) => fits)),
    reasons: tight.map(({ reason }) => reason),
    impossible: tight.some(({ impossible }) => impossible),
  };
}

/** All scopes of a quota must match the pod; one that we do not know counts as matching. */
function concerns({ scopes }: QuotaFacts, pod: PodFacts): boolean {
  return scopes.every(({ scope, operator, values }) => {
    switch (scope) {
      case 'Terminating':
        return pod.deadline;
      case 'NotTerminating':
        return !pod.deadline;
      case 'BestEffort':
        return pod.bestEffort;
      case 'NotBestEffort':
        return !pod.bestEffort;
      case 'CrossNamespacePodAffinity':
        return pod.crossNamespaceAffinity;
      case 'PriorityClass':
        return meets({ key: scope, operator, values }, pod.priorityClass === '' ? {} : { [scope]: pod.priorityClass });
      default:
        return true;
    }
  });
}

function boundsOfQuota({ name, hard, used }: QuotaFacts, pod: PodFacts, podsToAdd: number): readonly Bound[] {
  const [requests, limits] = [amountsOf(pod.requests), amountsOf(pod.limits)];
  const taken = amountsOf(used);
  const refused = (what: string, impossible: boolean) => [
    { fits: 0, reason: `ResourceQuota ${name} ${what}`, impossible },
  ];
  return [...amountsOf(hard, 0n)].flatMap(([resource, most]): readonly Bound[] => {
    const long = resource === 'cpu' || resource === 'memory' ? `requests.${resource}` : resource;
    if (pod.unstated.includes(long)) return refused(`refuses pods with a container that does not state ${long}`, true);
    const each = chargeOf(long, requests, limits);
    if (each === undefined) return [];
    const now = taken.get(resource);
    if (now === undefined) return refused(`has not counted ${resource} yet, and refuses pods until it has`, false);
    const hardest = format(resource, most);
    if (each > most) {
      return refused(`can never allow such a pod: ${resource} ${format(resource, each)} of ${hardest} in all`, true);
    }
    const fits = howMany(most - now, each, podsToAdd);
    const use = `${resource} ${format(resource, now)} of ${hardest} used, ${format(resource, each)} a pod`;
    const reason = `ResourceQuota ${name} allows ${fits} of ${podsToAdd} more pods: ${use}`;
    return [{ fits, reason, impossible: false }];
  });
}

/** What a pod uses of a quota's resource; undefined when the quota is about something else, or the pod has none of it. */
function chargeOf(resource: string, requests: Amounts, limits: Amounts): bigint | undefined {
  if (resource === 'pods' || resource === 'count/pods') return NANO;
  if (resource.startsWith('requests.')) return requests.get(resource.slice('requests.'.length));
  if (resource.startsWith('limits.')) return limits.get(resource.slice('limits.'.length));
  return resource === 'ephemeral-storage' || resource.startsWith('hugepages-') ? requests.get(resource) : undefined;
}

/** Whole pods of `each` in `free`, at most `most`. */
function howMany(free: bigint, each: bigint, most: number): number {
  if (free < 0n) return 0;
  return each === 0n ? most : Math.min(most, Number(free / each));
}

function boundOfNodes({ nodes, unplacedPods }: ClusterCapacity, pod: PodFacts, podsToAdd: number): Bound {
  const asked = asScheduled(new Map([...amountsOf(pod.requests), ['pods', NANO]]));
  // a cordoned or unready node may come back, so its own taints do not make a pod impossible
  const matching = nodes.filter(
    (node) => suits(node, pod) && untolerated(node, pod, ({ key }) => !key.startsWith(CONDITION_TAINTS)) === undefined,
  );
  if (matching.length > 0 && matching.every((node) => lacksOf(node, asked).length > 0)) {
    return { fits: 0, reason: describeTooLarge(matching, asked), impossible: true };
  }
  const { placed, left } = placePods(nodes, pod, asked, podsToAdd + unplacedPods);
  const fits = Math.max(0, placed - unplacedPods);
  const first = unplacedPods > 0 ? ` besides ${unplacedPods} that wait for a node already` : '';
  return {
    fits,
    reason:
      `the nodes have room for ${fits} of ${podsToAdd} more pods${first} (an estimate): ` +
      `room for ${podsToAdd - fits} more is needed; ${describeNodes(nodes, pod, asked, left)}`,
    impossible: false,
  };
}

function describeTooLarge(matching: readonly NodeCapacity[], asked: Amounts): string {
  const lacking = matching.map((node) => lacksOf(node, asked));
  const resource = lacking[0]?.find((resource) => lacking.every((lacks) => lacks.includes(resource)));
  const who = 'no node can ever hold such a pod, even when empty (an estimate)';
  if (resource === undefined) return `${who}: each node that matches has too little of something it asks for`;
  const most = matching
    .map(({ allocatable }) => amountsOf(allocatable, 0n).get(resource) ?? 0n)
    .reduce((a, b) => (a > b ? a : b));
  return (
    `${who}: it asks for ${resource} ${format(resource, asked.get(resource) ?? 0n)}, ` +
    `the largest node that matches has ${format(resource, most)}`
  );
}

/** What the node could not give even when empty. */
function lacksOf({ allocatable }: NodeCapacity, asked: Amounts): readonly string[] {
  const has = amountsOf(allocatable, 0n);
  return [...asked].filter(([resource, nano]) => nano > (has.get(resource) ?? 0n)).map(([resource]) => resource);
}

function suits({ name, labels }: NodeFacts, { nodeSelector, nodeTerms }: PodFacts): boolean {
  if (!Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)) return false;
  return (
    nodeTerms === undefined ||
    nodeTerms.some(({ matchExpressions, matchFields }) => {
      return (
        matchExpressions.length + matchFields.length > 0 &&
        matchExpressions.every((requirement) => meets(requirement, labels)) &&
        matchFields.every((requirement) => meets(requirement, { 'metadata.name': name }))
      );
    })
  );
}

function untolerated(
  { taints }: NodeFacts,
  { tolerations }: PodFacts,
  counts: (taint: Taint) => boolean = () => true,
): Taint | undefined {
  return taints
    .filter((taint) => (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && counts(taint))
    .find((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
}

function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || (key !== '' && value === taint.value);
}

/** How many such pods the node still takes, by each thing that they ask for. */
function roomByResource(node: NodeCapacity, asked: Amounts, most: number) {
  const has = amountsOf(node.allocatable, 0n);
  const taken = amountsOf({ ...node.requested, pods: String(node.podCount) });
  // a resource that is not asked for does not matter, even on a node that has given too much of it
  return [...asked]
    .filter(([, each]) => each > 0n)
    .map(([resource, each]) => {
      const free = (has.get(resource) ?? 0n) - (taken.get(resource) ?? 0n);
      return { resource, room: howMany(free, each, most) };
    });
}

/** How many pods stand in each domain of a topology, for a rule on how they may stand. */
interface Topology {
  readonly key: string;
  readonly domains: Map<string, number>;
  /** Absent for anti-affinity: one pod a domain. */
  readonly rule?: SpreadRule;
}

/**
 * Places the pods as the scheduler may, so what is placed really packs. All pods are alike, so the order matters only
 * where they keep apart or spread; there each goes to the domains with the fewest.
 */
function placePods(nodes: readonly NodeCapacity[], pod: PodFacts, asked: Amounts, wanted: number) {
  const left = nodes.map((node) => {
    const isOpen = node.ready && node.schedulable && suits(node, pod) && untolerated(node, pod) === undefined;
    return isOpen ? Math.min(...roomByResource(node, asked, wanted).map(({ room }) => room)) : 0;
  });
  const topologies: readonly Topology[] = [
    ...pod.apart.map((key) => ({ key, domains: countDomains(nodes, key) })),
    ...pod.spread.map((rule) => {
      return { key: rule.topologyKey, domains: countDomains(spreadNodes(nodes, pod, rule), rule.topologyKey), rule };
    }),
  ];
  const room = left.reduce((a, b) => a + b, 0);
  // without rules between the pods every node is simply filled
  if (topologies.length === 0) return { placed: Math.min(wanted, room), left: left.map(() => 0) };
  for (let placed = 0; placed < wanted; placed += 1) {
    const index = chooseNode(nodes, left, topologies);
    const node = nodes[index];
    if (node === undefined) return { placed, left };
    left[index] = (left[index] ?? 0) - 1;
    for (const { key, domains } of topologies) {
      const domain = domainOf(node, key);
      if (domain !== undefined) domains.set(domain, (domains.get(domain) ?? 0) + 1);
    }
  }
  return { placed: wanted, left };
}

/** The open node in the emptiest domains, or -1. */
function chooseNode(nodes: readonly NodeCapacity[], left: readonly number[], topologies: readonly Topology[]): number {
  const mosts = topologies.map(({ domains, rule }) => mostIn(domains, rule));
  let best = { index: -1, crowd: Infinity };
  for (const [index, node] of nodes.entries()) {
    if (left[index] === 0) continue;
    const crowd = topologies.reduce((sum, { key, domains, rule }, at) => {
      const own = domains.get(domainOf(node, key) ?? '') ?? (rule === undefined ? 0 : Infinity);
      return own < (mosts[at] ?? 0) ? sum + own : Infinity;
    }, 0);
    if (crowd < best.crowd) best = { index, crowd };
  }
  return best.index;
}

/** How many pods a domain may have at most just now: never further than maxSkew from the emptiest. */
function mostIn(domains: ReadonlyMap<string, number>, rule: SpreadRule | undefined): number {
  if (rule === undefined) return 1;
  const fewest = domains.size < rule.minDomains ? 0 : [...domains.values()].reduce((a, b) => Math.min(a, b), Infinity);
  return fewest + rule.maxSkew;
}

function domainOf({ name, labels }: NodeFacts, topologyKey: string): string | undefined {
  return labels[topologyKey] ?? (topologyKey === HOSTNAME ? name : undefined);
}

function countDomains(nodes: readonly NodeCapacity[], topologyKey: string): Map<string, number> {
  const domains = new Map<string, number>();
  for (const node of nodes) {
    const domain = domainOf(node, topologyKey);
    if (domain !== undefined) domains.set(domain, (domains.get(domain) ?? 0) + node.ownPods);
  }
  return domains;
}

/** The nodes whose domains a rule counts: a full or cordoned one holds the others back. */
function spreadNodes(nodes: readonly NodeCapacity[], pod: PodFacts, rule: SpreadRule): readonly NodeCapacity[] {
  return nodes.filter(
    (node) =>
      pod.spread.every(({ topologyKey }) => domainOf(node, topologyKey) !== undefined) &&
      (!rule.honorsNodeAffinity || suits(node, pod)) &&
      (!rule.honorsTaints || untolerated(node, pod) === undefined),
  );
}

/** Why the next pod finds no node, as the scheduler would put it. */
function describeNodes(nodes: readonly NodeCapacity[], pod: PodFacts, asked: Amounts, left: readonly number[]): string {
  if (nodes.length === 0) return 'there is no node';
  const why = nodes.map((node, index) => whyNot(node, pod, asked, left[index] ?? 0));
  const counts = [...Map.groupBy(why, (text) => text)].map(([text, { length }]) => `${length} ${text}`);
  return `of ${nodes.length} nodes: ${counts.toSorted().join(', ')}`;
}

function whyNot(node: NodeCapacity, pod: PodFacts, asked: Amounts, left: number): string {
  if (!suits(node, pod)) return 'outside the node selector or affinity';
  if (!node.schedulable) return 'cordoned';
  if (!node.ready) return 'not ready';
  const taint = untolerated(node, pod);
  if (taint !== undefined) return `tainted ${taint.key}:${taint.effect}`;
  if (left > 0) return 'barred by anti-affinity or topology spread';
  const [scarcest] = roomByResource(node, asked, Infinity).toSorted((a, b) => a.room - b.room);
  return `without room for ${scarcest?.resource ?? 'pods'}`;
}
