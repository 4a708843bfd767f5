import { formatDuration } from './duration.ts';
import { isFinished, type DrainPod } from './drain-pod.ts';
import { gpusOf, instanceIdOf, type CordonMark, type NodeState } from './gpu-node.ts';
import type { NodeGroupState } from './node-group.ts';
import type { GpuInstanceType, NodeGroupPolicy } from './policy.ts';

/** All that a status of the GPU nodes rests on, at one moment. */
export interface GpuFacts {
  readonly atMs: number;
  readonly nodes: readonly {
    readonly state: NodeState;
    readonly mark: CordonMark | null;
    readonly ownerRuns: boolean;
  }[];
  readonly pods: readonly Pick<DrainPod, 'namespace' | 'name' | 'node' | 'phase' | 'ready' | 'owner' | 'gpus'>[];
  /** Of headroom.yaml; null: not read, for the reason `unread`. */
  readonly groups: readonly {
    readonly name: string;
    readonly policy: NodeGroupPolicy;
    readonly state: NodeGroupState | null;
    readonly unread: string;
  }[];
  readonly types: readonly GpuInstanceType[];
  /** Percent by node name, mean of its GPUs; null: Prometheus has none of it, for the reason `unread`. */
  readonly utilisation: Readonly<Record<string, number>> | null;
  readonly unread: string;
}

export interface GpuFinding {
  /** A node or a node group. */
  readonly subject: string;
  readonly says: string;
  readonly needsPerson: boolean;
}

export interface GpuNodeLine {
  readonly name: string;
  readonly instanceId: string | null;
  readonly type: string;
  readonly group: string | null;
  readonly gpus: { readonly allocatable: number; readonly used: number; readonly expected: number | null };
  readonly utilisation: number | null;
  readonly devicePlugin: DaemonState;
  readonly dcgm: DaemonState;
  readonly pods: readonly string[];
}

/** Of what a DaemonSet should run on a node; `none` also where it runs as no pod, as in an image that brings it. */
export type DaemonState = 'ready' | 'not ready' | 'none';

export interface GpuStatus {
  readonly nodes: readonly GpuNodeLine[];
  readonly findings: readonly GpuFinding[];
  readonly isWell: boolean;
}

const INSTANCE_TYPE = 'node.kubernetes.io/instance-type';
/** NVIDIA's DaemonSets are called so by its charts and by the GPU operator. */
const DEVICE_PLUGIN = /device-plugin/;
const DCGM = /dcgm/;

/** The nodes that have GPUs or should have, and what of them needs somebody: also why a GPU is not there (R64). */
export function judgeGpus(facts: GpuFacts): GpuStatus {
  const gpuNodes = facts.nodes
    .filter(({ state }) => expectedOf(state, facts) !== null || gpusOf(state) > 0)
    .toSorted((a, b) => (a.state.name < b.state.name ? -1 : 1));
  const findings = [
    ...gpuNodes.flatMap((node) => nodeFindings(node, facts)),
    ...facts.groups.flatMap(groupFindings),
    ...(facts.utilisation === null ? [{ subject: 'utilisation', says: facts.unread, needsPerson: false }] : []),
  ];
  return {
    nodes: gpuNodes.map(({ state }) => nodeLine(state, facts)),
    findings,
    isWell: findings.every(({ needsPerson }) => !needsPerson),
  };
}

function nodeLine(state: NodeState, facts: GpuFacts): GpuNodeLine {
  const users = facts.pods.filter(({ node, gpus, phase }) => node === state.name && gpus > 0 && phase === 'Running');
  return {
    name: state.name,
    instanceId: instanceIdOf(state.providerId),
    type: state.labels[INSTANCE_TYPE] ?? 'unknown',
    group: state.labels['eks.amazonaws.com/nodegroup'] ?? null,
    gpus: {
      allocatable: gpusOf(state),
      used: users.reduce((sum, { gpus }) => sum + gpus, 0),
      expected: expectedOf(state, facts),
    },
    utilisation: facts.utilisation?.[state.name] ?? null,
    devicePlugin: daemonState(state, facts, DEVICE_PLUGIN),
    dcgm: daemonState(state, facts, DCGM),
    pods: users.map(({ namespace, name, gpus }) => `${namespace}/${name} (${gpus})`).toSorted(),
  };
}

function nodeFindings({ state, mark, ownerRuns }: GpuFacts['nodes'][number], facts: GpuFacts): readonly GpuFinding[] {
  const subject = state.name;
  const needs = (says: string): GpuFinding => ({ subject, says, needsPerson: true });
  const expected = expectedOf(state, facts);
  const lacks = expected !== null && gpusOf(state) < expected;
  return [
    ...(state.ready ? [] : [needs('it is not Ready: its kubelet does not answer, and nothing on it can be drained')]),
    ...(lacks ? [needs(`${gpusOf(state)} of ${expected} GPUs are registered: ${whyMissing(state, facts)}`)] : []),
    ...(state.schedulable ? [] : [cordonFinding(state, { mark, ownerRuns }, facts.atMs)]),
    ...(facts.pods.some((pod) => isDaemon(pod, DCGM))
      ? facts.pods
          .filter((pod) => pod.node === state.name && isDaemon(pod, DCGM) && !pod.ready)
          .map(({ name }) => ({
            subject,
            says: `its DCGM exporter ${name} is not ready, so its GPUs are not measured`,
            needsPerson: false,
          }))
      : []),
  ];
}

/** The runbook's checks of a GPU that is not detected, in their order. */
function whyMissing(state: NodeState, { pods, atMs }: GpuFacts): string {
  const plugins = pods.filter((pod) => isDaemon(pod, DEVICE_PLUGIN));
  const own = plugins.filter(({ node }) => node === state.name);
  const age = `the node is ${formatDuration(Math.max(0, Math.round((atMs - state.createdAtMs) / 60_000) * 60_000))} old`;
  if (plugins.length === 0) return `no device plugin runs anywhere among these nodes (${age})`;
  if (own.length === 0)
    return `no device plugin runs on it; look at the DaemonSet's tolerations and node selector (${age})`;
  const unready = own.filter(({ ready }) => !ready).map(({ namespace, name }) => `${namespace}/${name}`);
  if (unready.length > 0) return `its device plugin ${unready.join(', ')} is not ready (${age})`;
  return `its device plugin is ready and has not registered them: look at the driver, and at Xid errors in the kernel log (${age})`;
}

function cordonFinding(
  { name: subject, cordonedBy }: NodeState,
  { mark, ownerRuns }: { readonly mark: CordonMark | null; readonly ownerRuns: boolean },
  nowMs: number,
): GpuFinding {
  const ago = (atMs: number) => `${formatDuration(Math.max(0, Math.round((nowMs - atMs) / 1_000) * 1_000))} ago`;
  if (mark === null) {
    const whose =
      cordonedBy === undefined
        ? 'by nobody that can be told'
        : `by ${cordonedBy.manager}, since at least ${ago(cordonedBy.atMs)}`;
    return {
      subject,
      says: `it is cordoned ${whose}, and for no run of headroom: kubectl uncordon, when nobody needs that any more`,
      needsPerson: true,
    };
  }
  const since = ago(mark.atMs);
  const run = mark.owner.split('/')[0] ?? mark.owner;
  if (ownerRuns)
    return { subject, says: `it is cordoned by ${run} for ${mark.requestedBy}, ${since}`, needsPerson: false };
  return {
    subject,
    says: `it is cordoned by ${run}, ${since}, which has ended: a worker makes it schedulable within a minute`,
    needsPerson: true,
  };
}

function groupFindings({ name, policy, state, unread }: GpuFacts['groups'][number]): readonly GpuFinding[] {
  if (state === null) return [{ subject: name, says: `AWS was not read: ${unread}`, needsPerson: false }];
  const { live, stored, status, issues, instances } = state;
  const { limits } = policy;
  const needs = (says: string): GpuFinding => ({ subject: name, says, needsPerson: true });
  const inService = instances.filter(({ lifecycle }) => lifecycle === 'InService').length;
  return [
    {
      subject: name,
      says: `minimum ${live.min}, desired ${live.desired}, maximum ${live.max}; ${inService} in service; headroom.yaml allows ${limits.min} to ${limits.max}`,
      needsPerson: false,
    },
    ...(status === 'ACTIVE' || status === 'UPDATING' ? [] : [needs(`EKS calls it ${status}`)]),
    ...issues.map(({ code, message }) => needs(`${code}: ${message}`)),
    ...(live.desired > limits.max
      ? [needs(`it wants ${live.desired} nodes and headroom.yaml allows ${limits.max}`)]
      : []),
    ...(live.min < limits.min
      ? [
          {
            subject: name,
            says: `its minimum ${live.min} is under that of headroom.yaml, ${limits.min}`,
            needsPerson: false,
          },
        ]
      : []),
    ...(live.desired > inService
      ? [{ subject: name, says: `${live.desired - inService} nodes are on order`, needsPerson: false }]
      : []),
    ...(live.desired === stored.desired
      ? []
      : [
          {
            subject: name,
            says: `EKS has ${stored.desired} stored as desired: somebody else sizes it too`,
            needsPerson: false,
          },
        ]),
  ];
}

function expectedOf({ labels }: NodeState, { types }: Pick<GpuFacts, 'types'>): number | null {
  return types.find(({ instanceType }) => instanceType === labels[INSTANCE_TYPE])?.gpus ?? null;
}

function daemonState({ name }: NodeState, { pods }: GpuFacts, what: RegExp): DaemonState {
  const own = pods.filter((pod) => pod.node === name && isDaemon(pod, what) && !isFinished(pod));
  if (own.length === 0) return 'none';
  return own.every(({ ready }) => ready) ? 'ready' : 'not ready';
}

function isDaemon({ owner }: Pick<DrainPod, 'owner'>, name: RegExp): boolean {
  return owner?.kind === 'DaemonSet' && name.test(owner.name);
}
