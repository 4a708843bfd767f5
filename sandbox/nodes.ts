import type { KubeObject } from './kube.ts';

/** What an instance type has: as the runbook's table of GPU nodes says. */
interface Hardware {
  readonly vcpus: number;
  readonly memoryGb: number;
  readonly gpu?: { readonly count: number; readonly product: string };
}

const HARDWARE: Readonly<Record<string, Hardware>> = {
  'm6i.16xlarge': { vcpus: 64, memoryGb: 256 },
  'p4d.24xlarge': { vcpus: 96, memoryGb: 1152, gpu: { count: 8, product: 'NVIDIA-A100-SXM4-40GB' } },
  'p5.48xlarge': { vcpus: 192, memoryGb: 2048, gpu: { count: 8, product: 'NVIDIA-H100-80GB-HBM3' } },
  'g5.12xlarge': { vcpus: 48, memoryGb: 192, gpu: { count: 4, product: 'NVIDIA-A10G' } },
  'g5.xlarge': { vcpus: 4, memoryGb: 16, gpu: { count: 1, product: 'NVIDIA-A10G' } },
};

/**
 * The example's node groups; the nodes of each row are spread over the zones in turn. Room for its limits, one GPU a pod: 50 API
 * pods on g5.12xlarge with some left for a rollout, 10 training workers on p4d and p5.
 */
const ROWS = [
  { nodegroup: 'general', instanceType: 'm6i.16xlarge', count: 3 },
  { nodegroup: 'gpu-workers', instanceType: 'p4d.24xlarge', count: 2 },
  { nodegroup: 'gpu-workers', instanceType: 'p5.48xlarge', count: 2 },
  { nodegroup: 'gpu-inference', instanceType: 'g5.12xlarge', count: 14 },
  { nodegroup: 'gpu-inference', instanceType: 'g5.xlarge', count: 2 },
] as const;

const REGION = 'us-east-1';
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'] as const;

/** An instance of EC2, as far as its Node shows it. */
export interface NodeInstance {
  readonly nodegroup: string;
  readonly instanceType: string;
  readonly instanceId: string;
  readonly zone: string;
  readonly address: string;
}

export const exampleInstances = (): readonly NodeInstance[] =>
  ROWS.flatMap(({ nodegroup, instanceType, count }, row) =>
    Array.from({ length: count }, (_, index) => ({
      nodegroup,
      instanceType,
      instanceId: `i-0${(row * 256 + index + 1).toString(16).padStart(16, '0')}`,
      zone: ZONES[index % ZONES.length] ?? ZONES[0],
      address: `10.0.${row}.${10 + index}`,
    })),
  );

export const exampleNodes = (): readonly KubeObject[] =>
  exampleInstances().map((instance) => nodeOf(instance, gpusOf(instance)));

/** EKS names a node by its address, so that the name comes again with it (R46). */
export const nodeNameOf = ({ address }: Pick<NodeInstance, 'address'>): string =>
  `ip-${address.replaceAll('.', '-')}.ec2.internal`;

/** The extended resource that the device plugin registers; none for a type without GPUs. */
export function gpusOf({ instanceType }: Pick<NodeInstance, 'instanceType'>): Readonly<Record<string, string>> {
  const gpu = HARDWARE[instanceType]?.gpu;
  return gpu === undefined ? {} : { 'nvidia.com/gpu': String(gpu.count) };
}

/** Looks like a node of EKS, and is played by kwok; `gpus` as `gpusOf` has them, or none yet. */
export function nodeOf(instance: NodeInstance, gpus: Readonly<Record<string, string>>): KubeObject {
  const { nodegroup, instanceType, instanceId, zone, address } = instance;
  const { vcpus, memoryGb, gpu } = HARDWARE[instanceType] ?? { vcpus: 4, memoryGb: 16 };
  const name = nodeNameOf(instance);
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
