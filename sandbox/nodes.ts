import type { KubeObject } from './kube.ts';

/** One node group of the example's cluster; its nodes are spread over the zones in turn. */
interface NodeGroup {
  readonly nodegroup: string;
  readonly instanceType: string;
  readonly count: number;
  readonly vcpus: number;
  readonly memoryGb: number;
  readonly gpu?: { readonly count: number; readonly product: string };
}

/**
 * Sizes as the runbook's table of GPU nodes has them. Room for its limits, one GPU a pod: 50 API pods on g5.12xlarge
 * with some left for a rollout, 10 training workers on p4d and p5.
 */
const NODE_GROUPS: readonly NodeGroup[] = [
  { nodegroup: 'general', instanceType: 'm6i.16xlarge', count: 3, vcpus: 64, memoryGb: 256 },
  {
    nodegroup: 'gpu-workers',
    instanceType: 'p4d.24xlarge',
    count: 2,
    vcpus: 96,
    memoryGb: 1152,
    gpu: { count: 8, product: 'NVIDIA-A100-SXM4-40GB' },
  },
  {
    nodegroup: 'gpu-workers',
    instanceType: 'p5.48xlarge',
    count: 2,
    vcpus: 192,
    memoryGb: 2048,
    gpu: { count: 8, product: 'NVIDIA-H100-80GB-HBM3' },
  },
  {
    nodegroup: 'gpu-inference',
    instanceType: 'g5.12xlarge',
    count: 14,
    vcpus: 48,
    memoryGb: 192,
    gpu: { count: 4, product: 'NVIDIA-A10G' },
  },
  {
    nodegroup: 'gpu-inference',
    instanceType: 'g5.xlarge',
    count: 2,
    vcpus: 4,
    memoryGb: 16,
    gpu: { count: 1, product: 'NVIDIA-A10G' },
  },
];

const REGION = 'us-east-1';
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'] as const;

export const exampleNodes = (): readonly KubeObject[] =>
  NODE_GROUPS.flatMap((group, row) => Array.from({ length: group.count }, (_, index) => node(group, row, index)));

/** Looks like a node of EKS, and is played by kwok. */
function node({ nodegroup, instanceType, vcpus, memoryGb, gpu }: NodeGroup, row: number, index: number): KubeObject {
  const zone = ZONES[index % ZONES.length] ?? ZONES[0];
  const address = `10.0.${row}.${10 + index}`;
  const name = `ip-${address.replaceAll('.', '-')}.ec2.internal`;
  const instanceId = `i-0${(row * 256 + index + 1).toString(16).padStart(16, '0')}`;
  const gpus = gpu === undefined ? {} : { 'nvidia.com/gpu': String(gpu.count) };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      // where metrics-server asks kwok for this node's usage
      annotations: { 'metrics.k8s.io/resource-metrics-path': `/metrics/nodes/${name}/metrics/resource` },
      labels: {
        type: 'kwok',
        'kubernetes.io/hostname': name,
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/os': 'linux',
        'node.kubernetes.io/instance-type': instanceType,
        'topology.kubernetes.io/region': REGION,
        'topology.kubernetes.io/zone': zone,
        'eks.amazonaws.com/nodegroup': nodegroup,
        'eks.amazonaws.com/capacityType': 'ON_DEMAND',
        ...(gpu !== undefined && {
          'nvidia.com/gpu.present': 'true',
          'nvidia.com/gpu.count': String(gpu.count),
          'nvidia.com/gpu.product': gpu.product,
        }),
      },
    },
    spec: {
      providerID: `aws:///${zone}/${instanceId}`,
      ...(gpu !== undefined && { taints: [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }] }),
    },
    status: {
      // the hostname that metrics-server dials is put in by kwok: its own
      addresses: [{ type: 'InternalIP', address }],
      capacity: { cpu: String(vcpus), memory: `${memoryGb}Gi`, pods: '110', ...gpus },
      allocatable: { cpu: `${vcpus * 1000 - 100}m`, memory: `${memoryGb - 2}Gi`, pods: '110', ...gpus },
    },
  };
}
