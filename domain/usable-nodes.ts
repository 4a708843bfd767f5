import { gpusOf, instanceIdOf, type NodeState } from './gpu-node.ts';
import type { InstanceState, NodeGroupState, ScalingActivity } from './node-group.ts';
import type { GpuInstanceType } from './policy.ts';

/** A new instance on its way to be worth its money, or there (R64). */
export interface NewNode {
  readonly instanceId: string;
  readonly type: string;
  readonly zone: string;
  /** Null until it has joined. */
  readonly node: { readonly name: string; readonly uid: string } | null;
  /** What is missing until it can compute; empty: it is usable. */
  readonly missing: readonly string[];
}

/** How an order stands: instances that were not there before it, and launches that failed since. */
export interface OrderStanding {
  readonly nodes: readonly NewNode[];
  /** Each failed launch once, with the words of AWS (R63). */
  readonly failures: readonly { readonly id: string; readonly why: string }[];
}

/** Taints that stand on a node until something on it has started; pods stay off meanwhile. */
const STARTUP_TAINTS =
  /^(node\.kubernetes\.io\/|node\.cloudprovider\.kubernetes\.io\/|startup-taint\.cluster-autoscaler\.kubernetes\.io\/|.*agent-not-ready$)/;

export function judgeOrder({
  group,
  nodes,
  activities,
  instancesBefore,
  expected,
}: {
  readonly group: NodeGroupState;
  readonly nodes: readonly NodeState[];
  readonly activities: readonly ScalingActivity[];
  /** Ids of the instances that were there when the order was made. */
  readonly instancesBefore: readonly string[];
  readonly expected: readonly GpuInstanceType[];
}): OrderStanding {
  const before = new Set(instancesBefore);
  const byInstance = new Map(
    nodes.flatMap((node) => {
      const id = instanceIdOf(node.providerId);
      return id === null ? [] : [[id, node] as const];
    }),
  );
  return {
    nodes: group.instances
      .filter(({ id, lifecycle }) => !before.has(id) && !lifecycle.startsWith('Terminat'))
      .map((instance) => newNode(instance, byInstance.get(instance.id), expected)),
    failures: activities
      .filter(({ status }) => status === 'Failed')
      .map(({ id, message, description }) => ({ id, why: message || description })),
  };
}

function newNode(
  { id, type, zone, lifecycle }: InstanceState,
  node: NodeState | undefined,
  expected: readonly GpuInstanceType[],
): NewNode {
  const gpus = expected.find(({ instanceType }) => instanceType === type)?.gpus;
  return {
    instanceId: id,
    type,
    zone,
    node: node === undefined ? null : { name: node.name, uid: node.uid },
    missing: lifecycle === 'InService' ? missingOf(node, gpus) : [`instance ${id} is ${lifecycle}`],
  };
}

function missingOf(node: NodeState | undefined, gpus: number | undefined): readonly string[] {
  if (node === undefined) return ['its node has not joined'];
  const startup = node.taints.filter(({ key, effect }) => effect !== 'PreferNoSchedule' && STARTUP_TAINTS.test(key));
  return [
    ...(node.ready ? [] : ['it is not Ready']),
    ...(gpus === undefined || gpusOf(node) === gpus ? [] : [`${gpusOf(node)} of ${gpus} GPUs are registered`]),
    ...startup.map(({ key }) => `taint ${key} is still there`),
    ...(node.schedulable ? [] : ['it is cordoned']),
  ];
}

export function usableOf({ nodes }: OrderStanding): readonly NewNode[] {
  return nodes.filter(({ missing }) => missing.length === 0);
}

/** In one line, for a wait that shows. */
export function describeOrder({ nodes, failures }: OrderStanding, count: number): string {
  const usable = usableOf({ nodes, failures });
  const coming = nodes.filter(({ missing }) => missing.length > 0);
  return [
    `${usable.length} of ${count} new nodes are usable`,
    ...(nodes.length < count ? [`${count - nodes.length} have no instance yet`] : []),
    ...coming.slice(0, 5).map(({ instanceId, node, missing }) => `${node?.name ?? instanceId}: ${missing.join(', ')}`),
    ...failures.slice(0, 2).map(({ why }) => `a launch failed: ${why}`),
  ].join('; ');
}
