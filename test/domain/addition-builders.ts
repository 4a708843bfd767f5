import type { GroupSurvey, ResolvedAddition } from '../../domain/addition.ts';
import type { NodeState } from '../../domain/gpu-node.ts';
import type { InstanceState, NodeGroupState } from '../../domain/node-group.ts';

export function anInstance(id: string, of: Partial<InstanceState> = {}): InstanceState {
  const still = { type: 'p5.48xlarge', zone: 'us-east-1a', lifecycle: 'InService', healthy: true } as const;
  return { id, ...still, protectedFromScaleIn: false, ...of };
}

export function aGroup(of: Partial<NodeGroupState> = {}): NodeGroupState {
  const live = of.live ?? { min: 1, max: 10, desired: 4 };
  return {
    name: 'gpu-workers',
    autoScalingGroup: 'eks-gpu-workers',
    status: 'ACTIVE',
    capacityType: 'ON_DEMAND',
    instanceTypes: ['p5.48xlarge'],
    stored: live,
    live,
    instances: ['i-01', 'i-02', 'i-03', 'i-04'].map((id) => anInstance(id)),
    zones: ['us-east-1a'],
    suspendedProcesses: [],
    refreshing: false,
    issues: [],
    ...of,
  };
}

export function aSurvey(of: Partial<NodeGroupState> = {}, hasClusterAutoscaler = false): GroupSurvey {
  return { kind: 'found', state: aGroup(of), hasClusterAutoscaler, failedLaunches: [] };
}

export function aGpuNode(instanceId: string, of: Partial<NodeState> = {}): NodeState {
  return {
    name: `ip-${instanceId.slice(2)}.ec2.internal`,
    uid: `uid-${instanceId}`,
    providerId: `aws:///us-east-1a/${instanceId}`,
    labels: { 'eks.amazonaws.com/nodegroup': 'gpu-workers' },
    annotations: {},
    taints: [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }],
    schedulable: true,
    ready: true,
    allocatable: { 'nvidia.com/gpu': '8' },
    createdAtMs: 0,
    ...of,
  };
}

export const P5 = {
  instanceType: 'p5.48xlarge',
  gpus: 8,
  gpu: 'H100 80GB',
  memoryGb: 2048,
  vcpus: 192,
  useCase: 'Large models',
} as const;

export const ADDITION_POLICY: ResolvedAddition = {
  cluster: 'tensafe',
  terms: {
    maxPerRun: 20,
    usableWithinMs: 1_200_000,
    everyMs: 5_000,
    whenUnmet: 'ask',
    askForMs: 900_000,
    holdMinimumForMs: 1_800_000,
  },
  approval: { addGpuNodes: 'always', expiresAfterMs: 3_600_000 },
  nodeGroups: { 'gpu-workers': { limits: { min: 1, max: 20 }, instanceTypes: ['p5-48xlarge'] } },
  gpuInstanceTypes: { 'p5-48xlarge': P5 },
  pricePerHour: { 'p5.48xlarge': 55.04 },
  currency: 'USD',
  known: ['gpu-workers'],
};
