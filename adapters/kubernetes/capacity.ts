import type {
  V1Container,
  V1ContainerStatus,
  V1LabelSelector,
  V1NodeSelectorRequirement,
  V1PodAffinityTerm,
  V1PodSpec,
  V1PodTemplateSpec,
} from '@kubernetes/client-node';
import type { Call, WorkloadPort } from '../../activities/ports.ts';
import { findClusterCapacity, type NodeFacts, type PlacedPod } from '../../domain/cluster-capacity.ts';
import type { LabelSelector, Requirement } from '../../domain/label-selector.ts';
import type { LimitRangeFacts } from '../../domain/limit-range.ts';
import { findPodFacts, type PodSpecFacts } from '../../domain/pod-facts.ts';
import type { ContainerFacts, PodResources } from '../../domain/pod-requests.ts';
import { compareQuantities } from '../../domain/quantity.ts';
import type { QuotaFacts } from '../../domain/quota.ts';
import type { ResourceList } from '../../domain/resource-list.ts';
import type { WorkloadRef } from '../../domain/workload.ts';
import type { KubernetesClient } from './client.ts';
import { isCreatedBy, readCreators, type Creator } from './creators.ts';
import { findWorkload, type Workload } from './governors.ts';
import type { Raw, RawObject } from './kinds.ts';

type Pod = RawObject<'Pod'>;

/** Reads what one more pod would ask for and what stands in its way; the sums are the domain's (R42, R43). */
export async function readCapacity(
  client: KubernetesClient,
  ref: WorkloadRef,
  call: Call,
): ReturnType<WorkloadPort['readCapacity']> {
  const { namespace } = ref;
  const workload = await findWorkload(client, ref, call);
  const [creators, pods, nodes, quotas, ranges] = await Promise.all([
    readCreators(client, { ref, workload }, call),
    client.list({ kind: 'Pod' }, { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' }, call),
    client.list({ kind: 'Node' }, {}, call),
    client.list({ kind: 'ResourceQuota', namespace }, {}, call),
    client.list({ kind: 'LimitRange', namespace }, {}, call),
  ]);
  const example = exampleOf({ workload, creators, pods });
  const placed = pods.map((pod) => asPlaced(pod, isCreatedBy(pod, creators)));
  return {
    pod: findPodFacts(asPodSpec(example, namespace), ranges.flatMap(asLimitRanges)),
    quotas: quotas.map(asQuota),
    cluster: findClusterCapacity({ nodes: nodes.map(asNode), pods: placed }),
  };
}

export function asPlaced({ spec, status }: Pod, own: boolean): PlacedPod {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return { node: spec?.nodeName ?? '', phase: status?.phase ?? '', own, resources: asResources(spec, statuses) };
}

/**
 * A pod of the newest template says more than the template: admission has added overhead, priority and sidecars.
 * While there is none, the template has to do.
 */
function exampleOf({
  workload,
  creators,
  pods,
}: {
  readonly workload: Workload;
  readonly creators: readonly Creator[];
  readonly pods: readonly Pod[];
}): Raw<V1PodTemplateSpec> {
  const [newest] = creators;
  const revision =
    workload.status !== undefined && 'updateRevision' in workload.status ? workload.status.updateRevision : undefined;
  const isNewest = ({ metadata }: Pod) =>
    revision === undefined || metadata?.labels?.['controller-revision-hash'] === revision;
  const made = newest === undefined ? [] : pods.filter((pod) => isCreatedBy(pod, [newest]) && isNewest(pod));
  return made[0] ?? workload.spec?.template ?? {};
}

export function asPodSpec({ metadata, spec }: Raw<V1PodTemplateSpec>, namespace: string): PodSpecFacts {
  const { nodeAffinity, podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  const required = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const terms = [podAffinity, podAntiAffinity].flatMap((one) => [
    ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  const nodeTerms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return {
    ...asResources(spec, []),
    namespace,
    labels: metadata?.labels ?? {},
    nodeSelector: spec?.nodeSelector ?? {},
    ...(nodeTerms !== undefined && {
      nodeTerms: nodeTerms.map(({ matchExpressions, matchFields }) => ({
        matchExpressions: (matchExpressions ?? []).map(asRequirement),
        matchFields: (matchFields ?? []).map(asRequirement),
      })),
    }),
    tolerations: (spec?.tolerations ?? []).map(({ key = '', operator = '', value = '', effect = '' }) => ({
      key,
      operator,
      value,
      effect,
    })),
    antiAffinity: required.map(({ topologyKey, labelSelector, namespaces = [], namespaceSelector }) => ({
      topologyKey,
      namespaces,
      selectsNamespaces: namespaceSelector !== undefined,
      ...asSelector(labelSelector),
    })),
    spread: (spec?.topologySpreadConstraints ?? []).map((one) => ({
      topologyKey: one.topologyKey,
      maxSkew: one.maxSkew,
      ...(one.minDomains !== undefined && { minDomains: one.minDomains }),
      whenUnsatisfiable: one.whenUnsatisfiable,
      ...asSelector(one.labelSelector),
      nodeAffinityPolicy: one.nodeAffinityPolicy ?? '',
      nodeTaintsPolicy: one.nodeTaintsPolicy ?? '',
    })),
    hostPorts: [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].some(({ ports = [] }) =>
      ports.some(({ hostPort = 0 }) => hostPort > 0),
    ),
    priorityClass: spec?.priorityClassName ?? '',
    deadline: spec?.activeDeadlineSeconds !== undefined,
    crossNamespaceAffinity: terms.some(isCrossNamespace),
  };
}

function isCrossNamespace({ namespaces = [], namespaceSelector }: Raw<V1PodAffinityTerm>): boolean {
  return namespaces.length > 0 || namespaceSelector !== undefined;
}

export function asSelector(selector: Raw<V1LabelSelector> | undefined): { readonly selector?: LabelSelector } {
  if (selector === undefined) return {};
  return {
    selector: {
      matchLabels: selector.matchLabels ?? {},
      matchExpressions: (selector.matchExpressions ?? []).map(asRequirement),
    },
  };
}

function asRequirement({ key, operator, values = [] }: Raw<V1NodeSelectorRequirement>): Requirement {
  return { key, operator, values };
}

function asResources(spec: Raw<V1PodSpec> | undefined, statuses: readonly Raw<V1ContainerStatus>[]): PodResources {
  return {
    containers: (spec?.containers ?? []).map((one) => asContainer(one, statuses)),
    initContainers: (spec?.initContainers ?? []).map((one) => asContainer(one, statuses)),
    overhead: spec?.overhead ?? {},
    requests: spec?.resources?.requests ?? {},
    limits: spec?.resources?.limits ?? {},
  };
}

function asContainer(
  { name, resources, restartPolicy }: Raw<V1Container>,
  statuses: readonly Raw<V1ContainerStatus>[],
): ContainerFacts {
  const status = statuses.find((one) => one.name === name);
  const allocated = largest(status?.allocatedResources ?? {}, status?.resources?.requests ?? {});
  return {
    name,
    requests: resources?.requests ?? {},
    limits: resources?.limits ?? {},
    ...(Object.keys(allocated).length > 0 && { allocated }),
    ...(restartPolicy === 'Always' && { sidecar: true }),
  };
}

function largest(a: ResourceList, b: ResourceList): ResourceList {
  const bigger = Object.entries(b).filter(([resource, amount]) => compareQuantities(amount, a[resource] ?? '0') === 1);
  return { ...a, ...Object.fromEntries(bigger) };
}

function asLimitRanges({ metadata, spec }: RawObject<'LimitRange'>): readonly LimitRangeFacts[] {
  return (spec?.limits ?? []).map(({ type = '', default: defaults = {}, defaultRequest = {}, min = {}, max = {} }) => ({
    name: metadata?.name ?? '',
    type,
    default: defaults,
    defaultRequest,
    min,
    max,
  }));
}

function asQuota({ metadata, spec, status }: RawObject<'ResourceQuota'>): QuotaFacts {
  return {
    name: metadata?.name ?? '',
    hard: status?.hard ?? spec?.hard ?? {},
    used: status?.used ?? {},
    scopes: [
      ...(spec?.scopes ?? []).map((scope) => ({ scope, operator: 'Exists', values: [] })),
      ...(spec?.scopeSelector?.matchExpressions ?? []).map(({ scopeName, operator, values = [] }) => ({
        scope: scopeName,
        operator,
        values,
      })),
    ],
  };
}

export function asNode({ metadata, spec, status }: RawObject<'Node'>): NodeFacts {
  return {
    name: metadata?.name ?? '',
    labels: metadata?.labels ?? {},
    taints: (spec?.taints ?? []).map(({ key, value = '', effect }) => ({ key, value, effect })),
    schedulable: spec?.unschedulable !== true,
    ready: (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
    allocatable: status?.allocatable ?? {},
  };
}
