import type { NodeCapacity } from '../../domain/cluster-capacity.ts';
import { findPodFacts, type PodFacts, type PodSpecFacts } from '../../domain/pod-facts.ts';
import type { ContainerFacts } from '../../domain/pod-requests.ts';
import { judgePreflight } from '../../domain/preflight.ts';
import type { QuotaFacts } from '../../domain/quota.ts';

export const ZONE = 'topology.kubernetes.io/zone';
export const HOSTNAME = 'kubernetes.io/hostname';
export const gpuTaint = { key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' };

export function aContainer(of: Partial<ContainerFacts> = {}): ContainerFacts {
  return { name: 'app', requests: {}, limits: {}, ...of };
}
export function aSpec(of: Partial<PodSpecFacts> = {}): PodSpecFacts {
  return {
    namespace: 'tensafe',
    labels: { app: 'server' },
    containers: [aContainer({ requests: { cpu: '1', memory: '1Gi' } })],
    initContainers: [],
    overhead: {},
    requests: {},
    limits: {},
    nodeSelector: {},
    tolerations: [],
    antiAffinity: [],
    spread: [],
    hostPorts: false,
    priorityClass: '',
    deadline: false,
    crossNamespaceAffinity: false,
    ...of,
  };
}
/** Asks for one cpu and a gibibyte. */
export function aPod(of: Partial<PodFacts> = {}): PodFacts {
  return { ...findPodFacts(aSpec()), unstated: [], ...of };
}
/** Four cpu, empty, in zone a. */
export function aNode(of: Partial<NodeCapacity> = {}): NodeCapacity {
  return {
    name: 'n1',
    labels: { [ZONE]: 'a' },
    taints: [],
    schedulable: true,
    ready: true,
    allocatable: { cpu: '4', memory: '16Gi', pods: '110' },
    requested: {},
    podCount: 0,
    ownPods: 0,
    ...of,
  };
}
export function aQuota(
  hard: Record<string, string>,
  used: Record<string, string>,
  of: Partial<QuotaFacts> = {},
): QuotaFacts {
  return { name: 'q', hard, used, scopes: [], ...of };
}
export function judge(
  podsToAdd: number,
  {
    pod = aPod(),
    nodes = [aNode({ allocatable: { cpu: '1000', memory: '4Ti', pods: '1000' } })],
    quotas = [],
    unplacedPods = 0,
  }: {
    readonly pod?: PodFacts;
    readonly nodes?: readonly NodeCapacity[];
    readonly quotas?: readonly QuotaFacts[];
    readonly unplacedPods?: number;
  } = {},
) {
  const verdict = judgePreflight({ podsToAdd, pod, quotas, cluster: { nodes, unplacedPods } });
  return verdict.kind === 'fits' ? { fits: podsToAdd, reasons: [], impossible: false } : verdict;
}
export function fitting(podsToAdd: number, of: Parameters<typeof judge>[1]): number {
  return judge(podsToAdd, of).fits;
}
