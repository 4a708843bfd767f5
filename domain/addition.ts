import type { GroupSizes, NodeGroupState } from './node-group.ts';
import type {
  AdditionPolicy,
  ApprovalPolicy,
  ApprovalRule,
  GpuInstanceType,
  NodeGroupPolicy,
  Policy,
} from './policy.ts';

/** More nodes of one group. Bad input is named by readAdditionRequest. */
export interface AdditionRequest {
  /** A key of `nodeGroups`. */
  readonly group: string;
  readonly count: number;
  /** What the first group cannot give is asked of these, in this order. */
  readonly orElse?: readonly string[];
  /** After so long the nodes that came are drained and removed; absent: they stay. */
  readonly forMs?: number;
  readonly reason?: string;
  readonly requestedBy: string;
  readonly planOnly?: boolean;
}

/** The part of the policy that an addition uses; `nodeGroups` those of the request that are known. */
export interface ResolvedAddition {
  readonly cluster: string;
  readonly terms: AdditionPolicy;
  readonly approval: Pick<ApprovalPolicy, 'addGpuNodes' | 'expiresAfterMs'>;
  readonly nodeGroups: Readonly<Record<string, NodeGroupPolicy>>;
  readonly gpuInstanceTypes: Readonly<Record<string, GpuInstanceType>>;
  /** By instance type as AWS spells it. */
  readonly pricePerHour: Readonly<Record<string, number>>;
  readonly currency: string;
  /** Sorted; for a refusal. */
  readonly known: readonly string[];
}

/** What was found of a group, or why nothing was. */
export type GroupSurvey =
  | {
      readonly kind: 'found';
      readonly state: NodeGroupState;
      readonly hasClusterAutoscaler: boolean;
      /** The right to see it is missing: then it is taken for absent. */
      readonly clusterAutoscalerUnknown?: boolean;
      /** Ids of the launches that have failed lately: not of an order that comes after. */
      readonly failedLaunches: readonly string[];
    }
  | { readonly kind: 'missing'; readonly reason: string };

/** What an addition would do, as a value. */
export interface AdditionPlan {
  readonly procedure: 'addGpuNodes';
  readonly cluster: string;
  readonly group: string;
  readonly autoScalingGroup: string;
  readonly count: number;
  readonly before: GroupSizes;
  readonly after: GroupSizes;
  /** Beside Cluster Autoscaler the minimum keeps the new nodes for a while. */
  readonly holdsMinimum: boolean;
  readonly orElse: readonly string[];
  /** What each new node has to offer before it counts (R64). */
  readonly expected: readonly GpuInstanceType[];
  readonly usableWithinMs: number;
  readonly forMs: number | null;
  readonly currency: string;
  readonly costPerHour: number | null;
  /** Of all nodes for all the time, where the time has an end. */
  readonly costCeiling: number | null;
  readonly approval: { readonly rule: ApprovalRule; readonly expiresAfterMs: number };
  readonly warnings: readonly string[];
}

/** What a second person approves: which group, how many nodes and how far it may go. */
export interface AdditionIntent {
  readonly procedure: 'addGpuNodes';
  readonly group: string;
  readonly autoScalingGroup: string;
  readonly count: number;
  readonly orElse: readonly string[];
  readonly forMs: number | null;
  readonly ceilings: { readonly desired: number; readonly costPerHour: number | null };
}

export type AdditionDecision =
  | { readonly kind: 'plan'; readonly plan: AdditionPlan }
  | { readonly kind: 'refuse'; readonly reasons: readonly string[] };

/** The part of the policy for these groups; those that the file does not have are left out, and refused by the plan. */
export function resolveAddition(policy: Policy, groups: readonly string[]): ResolvedAddition {
  const types = Object.entries(policy.gpuInstanceTypes);
  const named = groups.flatMap((name) => {
    const group = Object.hasOwn(policy.nodeGroups, name) ? policy.nodeGroups[name] : undefined;
    return group === undefined ? [] : [[name, group] as const];
  });
  return {
    cluster: policy.cluster.name,
    terms: policy.addGpuNodes,
    approval: policy.approval,
    nodeGroups: Object.fromEntries(named),
    gpuInstanceTypes: policy.gpuInstanceTypes,
    pricePerHour: Object.fromEntries(
      types.flatMap(([key, { instanceType }]) => {
        const price = policy.prices.perNodeHour[key];
        return price === undefined ? [] : [[instanceType, price] as const];
      }),
    ),
    currency: policy.prices.currency,
    known: Object.keys(policy.nodeGroups).toSorted(),
  };
}

/** Everything that policy and cloud have against it, at once; else the plan, relative to the group as it is (R59, R60). */
export function planAddition({
  request,
  policy,
  surveys,
}: {
  readonly request: AdditionRequest;
  readonly policy: ResolvedAddition;
  /** By group. */
  readonly surveys: Readonly<Record<string, GroupSurvey>>;
}): AdditionDecision {
  const { group, count, orElse = [], forMs = null } = request;
  const reasons = [
    ...countFaults(count, policy.terms.maxPerRun),
    ...[group, ...orElse].flatMap((name) => groupFaults(name, request, policy, surveys[name])),
  ];
  const survey = surveys[group];
  if (reasons.length > 0 || survey?.kind !== 'found') return { kind: 'refuse', reasons };
  const { state, hasClusterAutoscaler } = survey;
  const expected = listedTypes(group, policy).filter(({ instanceType }) => state.instanceTypes.includes(instanceType));
  const prices = state.instanceTypes.flatMap((type) => policy.pricePerHour[type] ?? []);
  const costPerHour = prices.length === 0 ? null : toCents(Math.max(...prices) * count);
  return {
    kind: 'plan',
    plan: {
      procedure: 'addGpuNodes',
      cluster: policy.cluster,
      group,
      autoScalingGroup: state.autoScalingGroup,
      count,
      before: state.live,
      after: raisedSizes(state.live, count),
      holdsMinimum: hasClusterAutoscaler,
      orElse,
      expected,
      usableWithinMs: policy.terms.usableWithinMs,
      forMs,
      currency: policy.currency,
      costPerHour,
      costCeiling: costPerHour === null || forMs === null ? null : toCents((costPerHour * forMs) / 3_600_000),
      approval: { rule: policy.approval.addGpuNodes, expiresAfterMs: policy.approval.expiresAfterMs },
      warnings: [
        ...(survey.clusterAutoscalerUnknown === true ? [CLUSTER_AUTOSCALER_UNKNOWN] : []),
        ...[group, ...orElse].flatMap((name) => groupWarnings(surveys[name])),
      ],
    },
  };
}

/** Relative to the live group, so nothing is ever lowered: not the desired count, not the minimum, not the maximum (R60). */
export function raisedSizes(live: GroupSizes, count: number): GroupSizes {
  return { ...live, desired: live.desired + count };
}

export function additionIntent(plan: AdditionPlan): AdditionIntent {
  const { procedure, group, autoScalingGroup, count, orElse, forMs, after, costPerHour } = plan;
  return {
    procedure,
    group,
    autoScalingGroup,
    count,
    orElse,
    forMs,
    ceilings: { desired: after.desired, costPerHour },
  };
}

/** What of a new plan is outside of the approved one: that the group has grown by itself meanwhile is named too. */
export function outgrownAddition(approved: AdditionIntent, now: AdditionIntent): readonly string[] {
  const { ceilings } = approved;
  const costs =
    now.ceilings.costPerHour !== null &&
    (ceilings.costPerHour === null || now.ceilings.costPerHour > ceilings.costPerHour);
  return [
    ...(now.autoScalingGroup === approved.autoScalingGroup
      ? []
      : ['another Auto Scaling group is behind the node group now']),
    ...(now.ceilings.desired > ceilings.desired
      ? [`the group would have had ${ceilings.desired} nodes and would have ${now.ceilings.desired}`]
      : []),
    ...(costs
      ? [`an hour cost ${ceilings.costPerHour ?? 'what is not known'} and costs ${now.ceilings.costPerHour}`]
      : []),
  ];
}

function countFaults(count: number, most: number): readonly string[] {
  return count <= most ? [] : [`${count} nodes are more than one run may add: at most ${most} (addGpuNodes.maxPerRun)`];
}

const USABLE_STATUSES = ['ACTIVE', 'UPDATING', 'DEGRADED'];

function groupFaults(
  name: string,
  { count }: AdditionRequest,
  policy: ResolvedAddition,
  survey: GroupSurvey | undefined,
): readonly string[] {
  const { nodeGroups, known } = policy;
  const group = nodeGroups[name];
  if (group === undefined)
    return [`node group ${name} is not in headroom.yaml; known are ${known.join(', ') || 'none'}`];
  if (survey === undefined || survey.kind === 'missing') return [survey?.reason ?? `node group ${name} was not read`];
  const { live, status, instanceTypes, refreshing } = survey.state;
  const total = live.desired + count;
  const limits = [
    ...(total > group.limits.max ? [`headroom.yaml allows ${group.limits.max} (nodeGroups.${name}.limits.max)`] : []),
    ...(total > live.max
      ? [`the Auto Scaling group allows ${live.max} (its maximum, which an addition never raises)`]
      : []),
  ];
  const most = Math.min(group.limits.max, live.max) - live.desired;
  const listed = listedTypes(name, policy).map(({ instanceType }) => instanceType);
  const unlisted = instanceTypes.filter((type) => !listed.includes(type));
  return [
    ...(limits.length === 0
      ? []
      : [
          `${name} has ${live.desired} nodes, and ${count} more would be ${total}: ${limits.join('; ')}; at most ${Math.max(0, most)} more can be added`,
        ]),
    ...(USABLE_STATUSES.includes(status) ? [] : [`${name} is ${status}; a group that is ACTIVE takes more nodes`]),
    ...(refreshing
      ? [`an instance refresh of ${name} is under way, which moves its sizes by itself; wait for its end`]
      : []),
    ...(unlisted.length === 0
      ? []
      : [
          `${name} launches ${unlisted.join(', ')}, which headroom.yaml does not list for it (nodeGroups.${name}.instanceTypes): how many GPUs to wait for is not known`,
        ]),
  ];
}

/** What the file expects of the group's new nodes. */
function listedTypes(name: string, { nodeGroups, gpuInstanceTypes }: ResolvedAddition): readonly GpuInstanceType[] {
  return (nodeGroups[name]?.instanceTypes ?? []).flatMap((key) => gpuInstanceTypes[key] ?? []);
}

const CLUSTER_AUTOSCALER_UNKNOWN =
  'whether Cluster Autoscaler is there cannot be told, and it would take new nodes away while they are empty: the worker may not get ConfigMap kube-system/cluster-autoscaler-status; grant it as deploy/kubernetes/rbac.yaml does';

function groupWarnings(survey: GroupSurvey | undefined): readonly string[] {
  if (survey?.kind !== 'found') return [];
  const { state, hasClusterAutoscaler } = survey;
  const { name, capacityType, status, issues, live, stored } = state;
  return [
    ...(status === 'ACTIVE' ? [] : [`${name} is ${status}: the order waits until it is ACTIVE`]),
    ...issues.map(({ code, message }) => `EKS reports of ${name}: ${code}, ${message}`),
    ...(capacityType === 'CAPACITY_BLOCK'
      ? [
          `${name} is a Capacity Block: nothing launches before it begins, and its nodes go from 30 minutes before its end`,
        ]
      : []),
    ...(capacityType === 'SPOT' ? [`${name} is Spot: its nodes can be taken away at any time`] : []),
    ...(live.desired === stored.desired
      ? []
      : [`EKS has ${stored.desired} stored as desired and ${live.desired} are: somebody else sizes ${name} too`]),
    ...(hasClusterAutoscaler
      ? [
          `Cluster Autoscaler is there: the minimum of ${name} is raised for a while when they are there, so that it does not take new nodes away while they are empty`,
        ]
      : []),
  ];
}

function toCents(amount: number): number {
  return Math.round(amount * 100) / 100;
}
