import type { ApprovalPolicy, ClosedWindow, GpuInstanceType, NodeGroupPolicy, Policy, Prices } from './policy.ts';

/** What may happen to a node that is drained, and how long each part of it may take. */
export interface DrainPolicy {
  /** A GPU job that started less than this ago is not interrupted: it has had no time for a checkpoint. */
  readonly protectYoungGpuJobsMs: number;
  /** How long jobs on the node may go on to their end before anything is done about them. */
  readonly waitForJobsMs: number;
  /** What is done about those that run on: they are asked for a checkpoint, a person is asked, or the drain ends. */
  readonly jobsLeft: 'checkpoint' | 'ask' | 'stop';
  /** How long a checkpoint may take; who has not answered by then is what a person is asked about. */
  readonly checkpointWithinMs: number;
  /** How often jobs are looked at. */
  readonly checkEveryMs: number;
  /** What has not let itself be evicted by then is named, and the drain is undone. */
  readonly evictionDeadlineMs: number;
  /** How long an instance may take to go once it was told to. */
  readonly goneWithinMs: number;
  /** How long a node stays cordoned that is not removed, where the request does not say. */
  readonly cordonForMs: number;
  /** Pods with emptyDir volumes may go, and their data with them. */
  readonly allowLocalData: boolean;
  /** Pods that nobody would make anew may go. */
  readonly allowBarePods: boolean;
  /** GPU pods may go for which no other node has room. */
  readonly allowUnplacedGpuPods: boolean;
  /** What may be done to Karpenter's nodes: nothing, or they are emptied, or removed too, by deleting their NodeClaims. */
  readonly karpenter: 'refuse' | 'empty' | 'remove';
  /** The next pod of a controller goes when the one before has been replaced, whatever budgets allow (R54). */
  readonly oneByOne: boolean;
  /** A Deployment of one replica gets a second one before the first is evicted. */
  readonly surgeSingleReplicas: boolean;
}

/** What a drain needs of the policy. */
export interface ResolvedDrain {
  readonly cluster: string;
  readonly drain: DrainPolicy;
  readonly approval: Pick<ApprovalPolicy, 'drainGpuNode' | 'expiresAfterMs'>;
  readonly nodeGroups: Readonly<Record<string, NodeGroupPolicy>>;
  readonly gpuInstanceTypes: Readonly<Record<string, Pick<GpuInstanceType, 'instanceType'>>>;
  readonly prices: Prices;
  readonly closedWindows: readonly ClosedWindow[];
  /** Deployments that may be given a replica more. */
  readonly surgeable: readonly { readonly workload: string; readonly namespace: string; readonly object: string }[];
}

export function resolveDrain(policy: Policy): ResolvedDrain {
  const { drainGpuNode, expiresAfterMs } = policy.approval;
  return {
    cluster: policy.cluster.name,
    drain: policy.drain,
    approval: { drainGpuNode, expiresAfterMs },
    nodeGroups: policy.nodeGroups,
    gpuInstanceTypes: Object.fromEntries(
      Object.entries(policy.gpuInstanceTypes).map(([key, { instanceType }]) => [key, { instanceType }]),
    ),
    prices: policy.prices,
    closedWindows: Object.values(policy.closedWindows),
    surgeable: Object.values(policy.workloads)
      .filter(({ kind, refuse }) => kind === 'Deployment' && refuse === undefined)
      .map(({ name: workload, namespace, object }) => ({ workload, namespace, object })),
  };
}

/** As a run has it in its history, which may be older than `karpenter`. */
export interface RecordedDrain extends Omit<ResolvedDrain, 'drain'> {
  readonly drain: Omit<DrainPolicy, 'karpenter'> & {
    readonly karpenter?: DrainPolicy['karpenter'];
    /** What stood in its place: nodes of Karpenter may be emptied. */
    readonly allowKarpenter?: boolean;
  };
}

export function readRecordedDrain({ drain, ...others }: RecordedDrain): ResolvedDrain {
  const { allowKarpenter, karpenter = allowKarpenter === true ? 'empty' : 'refuse', ...rest } = drain;
  return { ...others, drain: { ...rest, karpenter } };
}

/** What an hour of a node of this type costs; null where the file has no price for it. */
export function pricePerNodeHour(
  { gpuInstanceTypes, prices }: Pick<ResolvedDrain, 'gpuInstanceTypes' | 'prices'>,
  instanceType: string | null,
): number | null {
  const key = Object.keys(gpuInstanceTypes).find((key) => gpuInstanceTypes[key]?.instanceType === instanceType);
  return key === undefined ? null : (prices.perNodeHour[key] ?? null);
}
