import type { BudgetFacts, DrainJob, DrainPod } from '../../domain/drain-pod.ts';
import type { DrainPolicy, ResolvedDrain } from '../../domain/drain-policy.ts';
import { planDrain, type DrainPlan } from '../../domain/drain.ts';
import type { DrainRequest } from '../../domain/drain-request.ts';
import type { DrainSurvey } from '../../domain/drain-survey.ts';
import type { NodeState } from '../../domain/gpu-node.ts';
import type { NodeClaimState } from '../../domain/node-claim.ts';
import type { NodeGroupState } from '../../domain/node-group.ts';

export const NOW_MS = Date.UTC(2026, 10, 27, 6);
export const HOUR_MS = 3_600_000;

const DRAIN_POLICY: DrainPolicy = {
  protectYoungGpuJobsMs: HOUR_MS / 6,
  waitForJobsMs: 4 * HOUR_MS,
  jobsLeft: 'checkpoint',
  checkpointWithinMs: HOUR_MS / 4,
  checkEveryMs: 15_000,
  evictionDeadlineMs: HOUR_MS,
  goneWithinMs: HOUR_MS / 4,
  cordonForMs: 4 * HOUR_MS,
  allowLocalData: false,
  allowBarePods: false,
  allowUnplacedGpuPods: false,
  karpenter: 'refuse',
  oneByOne: false,
  surgeSingleReplicas: true,
};

export function aDrainPolicy(drain: Partial<DrainPolicy> = {}, of: Partial<ResolvedDrain> = {}): ResolvedDrain {
  return {
    cluster: 'prod',
    drain: { ...DRAIN_POLICY, ...drain },
    approval: { drainGpuNode: 'always', expiresAfterMs: HOUR_MS },
    nodeGroups: { 'gpu-workers': { limits: { min: 1, max: 20 }, instanceTypes: ['p4d-24xlarge'] } },
    gpuInstanceTypes: { 'p4d-24xlarge': { instanceType: 'p4d.24xlarge' } },
    prices: { currency: 'USD', perNodeHour: { 'p4d-24xlarge': 20 } },
    closedWindows: [],
    surgeable: [{ workload: 'web', namespace: 'shop', object: 'web' }],
    ...of,
  };
}

/** A p4d node of gpu-workers; the nth instance is i-0n. */
export function aGpuNode(of: Partial<NodeState> = {}): NodeState {
  const { name = 'n1' } = of;
  return {
    name,
    uid: `uid-${name}`,
    providerId: `aws:///us-east-1a/i-0${name.slice(1)}`,
    labels: { 'node.kubernetes.io/instance-type': 'p4d.24xlarge', 'eks.amazonaws.com/nodegroup': 'gpu-workers' },
    annotations: {},
    taints: [],
    schedulable: true,
    ready: true,
    allocatable: { 'nvidia.com/gpu': '8', cpu: '96', pods: '110' },
    createdAtMs: NOW_MS - 24 * HOUR_MS,
    ...of,
  };
}

/** What Karpenter made n1 for. */
export function aClaim(of: Partial<NodeClaimState> = {}): NodeClaimState {
  const { name = 'gpu-a' } = of;
  return {
    name,
    uid: `uid-${name}`,
    version: '7',
    providerId: 'aws:///us-east-1a/i-01',
    nodeName: 'n1',
    deleting: false,
    guarded: true,
    terminationGracePeriod: null,
    conditions: [],
    ...of,
  };
}

export function aGroup(of: Partial<NodeGroupState> = {}): NodeGroupState {
  return {
    name: 'gpu-workers',
    autoScalingGroup: 'eks-gpu-workers-1',
    status: 'ACTIVE',
    capacityType: 'ON_DEMAND',
    instanceTypes: ['p4d.24xlarge'],
    stored: { min: 1, max: 10, desired: 4 },
    live: { min: 1, max: 10, desired: 4 },
    instances: [1, 2, 3, 4].map((n) => ({
      id: `i-0${n}`,
      type: 'p4d.24xlarge',
      zone: 'us-east-1a',
      lifecycle: 'InService',
      healthy: true,
      protectedFromScaleIn: false,
    })),
    zones: ['us-east-1a'],
    suspendedProcesses: [],
    refreshing: false,
    issues: [],
    ...of,
  };
}

/** A running pod of Deployment web with three replicas. */
export function aDrainPod(of: Partial<DrainPod> = {}): DrainPod {
  const { name = 'web-1' } = of;
  return {
    namespace: 'shop',
    name,
    uid: `uid-${name}`,
    node: 'n1',
    phase: 'Running',
    ready: true,
    owner: { kind: 'Deployment', name: 'web', uid: 'uid-web' },
    ownerReplicas: 3,
    job: null,
    gpus: 0,
    startedAtMs: NOW_MS - HOUR_MS,
    localData: [],
    mirror: false,
    toleratesCordon: false,
    finalizers: [],
    deletingSinceMs: null,
    optOut: null,
    budgets: [],
    place: { found: true, reason: '' },
    ...of,
  };
}

/** A budget of web that lets one pod go. */
export function aBudget(of: Partial<BudgetFacts> = {}): BudgetFacts {
  return {
    namespace: 'shop',
    name: 'web-pdb',
    rule: 'minAvailable 2',
    countsPods: true,
    allowed: 1,
    currentHealthy: 3,
    desiredHealthy: 2,
    expectedPods: 3,
    allowsUnhealthy: false,
    stale: false,
    ...of,
  };
}

/** A GPU job of two nodes for two hours, one pod on n1 and one on n2. */
export function aJob(of: Partial<DrainJob> = {}): DrainJob {
  const pod = (n: number) => ({
    namespace: 'ml',
    name: `train-${n}`,
    uid: `uid-train-${n}`,
    node: `n${n}`,
    checkpoint: null,
  });
  return {
    kind: 'JobSet',
    namespace: 'ml',
    name: 'train',
    uid: 'uid-train',
    startedAtMs: NOW_MS - 2 * HOUR_MS,
    gpus: 16,
    pods: [pod(1), pod(2)],
    nodes: ['n1', 'n2'].map((name) => ({ name, instanceType: 'p4d.24xlarge' })),
    optOut: null,
    ...of,
  };
}

/** The pod of that job on n1. */
export function aJobPod(of: Partial<DrainPod> = {}): DrainPod {
  return aDrainPod({
    namespace: 'ml',
    name: 'train-1',
    owner: { kind: 'JobSet', name: 'train', uid: 'uid-train' },
    ownerReplicas: null,
    job: 'uid-train',
    gpus: 8,
    startedAtMs: NOW_MS - 2 * HOUR_MS,
    ...of,
  });
}

/** n1 alone, with what is said of it. */
export function aSurvey({
  nodes = [aGpuNode()],
  groups = [aGroup()],
  ...of
}: {
  readonly nodes?: readonly NodeState[];
  readonly groups?: readonly NodeGroupState[];
} & Partial<Omit<DrainSurvey, 'nodes' | 'groups'>> = {}): DrainSurvey {
  return {
    atMs: NOW_MS,
    nodes: nodes.map((state) => ({ name: state.name, state })),
    groups: groups.map((state) => ({ name: state.name, state, unread: '' })),
    pods: [],
    budgets: [],
    jobs: [],
    ...of,
  };
}

export function decideDrain(
  survey: DrainSurvey,
  {
    request = {},
    policy = aDrainPolicy(),
    interrupt = [],
  }: {
    readonly request?: Partial<DrainRequest>;
    readonly policy?: ResolvedDrain;
    readonly interrupt?: readonly string[];
  } = {},
) {
  const nodes = survey.nodes.map(({ name }) => name);
  return planDrain({
    request: { nodes, requestedBy: 'alice', ...request },
    policy,
    survey,
    interrupt,
    nowMs: NOW_MS,
  });
}

export function drainPlanOf(...given: Parameters<typeof decideDrain>): DrainPlan {
  const decision = decideDrain(...given);
  if (decision.kind === 'refuse') throw new Error(decision.reasons.join('; '));
  return decision.plan;
}

export function reasonsOf(...given: Parameters<typeof decideDrain>): readonly string[] {
  const decision = decideDrain(...given);
  return decision.kind === 'refuse' ? decision.reasons : [];
}
