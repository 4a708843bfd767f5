import type {
  CoreV1Event,
  V1APIService,
  V1ConfigMap,
  V1DaemonSet,
  V1Deployment,
  V1Job,
  V1Namespace,
  V1Node,
  V1Pod,
  V1PodDisruptionBudget,
  V1ReplicaSet,
  V1ResourceQuota,
  V1SelfSubjectAccessReview,
  V1StatefulSet,
  V2HorizontalPodAutoscaler,
} from '@kubernetes/client-node';
import type { Json } from '../../domain/json.ts';

/**
 * The API's own JSON under the client's types: typed reads would drop every field that the client
 * does not know and turn dates into Date objects (R8, R9).
 */
export type Raw<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Raw<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Raw<T[Key]> }
      : T;

/** What headroom reads of KEDA's ScaledObject; the fields of a hold stay raw JSON. */
interface ScaledObject {
  readonly metadata?: V1Deployment['metadata'];
  readonly spec?: {
    readonly scaleTargetRef?: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string };
    readonly minReplicaCount?: Json;
    readonly maxReplicaCount?: Json;
    readonly idleReplicaCount?: number;
  };
  readonly status?: {
    readonly hpaName?: string;
    readonly conditions?: readonly {
      readonly type?: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

/** The client's type calls the key `default` `_default`, which is not what the API says. */
interface LimitRange {
  readonly metadata?: V1Namespace['metadata'];
  readonly spec?: {
    readonly limits?: readonly {
      readonly type?: string;
      readonly default?: Amounts;
      readonly defaultRequest?: Amounts;
      readonly min?: Amounts;
      readonly max?: Amounts;
    }[];
  };
}
type Amounts = Readonly<Record<string, string>>;

/** What headroom reads of Karpenter's NodeClaim. */
interface NodeClaim {
  readonly metadata?: V1Node['metadata'];
  readonly spec?: { readonly terminationGracePeriod?: string };
  readonly status?: {
    readonly providerID?: string;
    readonly nodeName?: string;
    readonly conditions?: NonNullable<ScaledObject['status']>['conditions'];
  };
}

interface Kinds {
  readonly Deployment: V1Deployment;
  readonly StatefulSet: V1StatefulSet;
  readonly ReplicaSet: V1ReplicaSet;
  readonly DaemonSet: V1DaemonSet;
  readonly Job: V1Job;
  readonly HorizontalPodAutoscaler: V2HorizontalPodAutoscaler;
  readonly ScaledObject: ScaledObject;
  readonly Pod: V1Pod;
  readonly PodDisruptionBudget: V1PodDisruptionBudget;
  readonly Event: CoreV1Event;
  readonly Node: V1Node;
  readonly NodeClaim: NodeClaim;
  readonly Namespace: V1Namespace;
  readonly ResourceQuota: V1ResourceQuota;
  readonly LimitRange: LimitRange;
  readonly ConfigMap: V1ConfigMap;
  readonly APIService: V1APIService;
  readonly SelfSubjectAccessReview: V1SelfSubjectAccessReview;
}
export type Kind = keyof Kinds;
export type RawObject<K extends Kind> = Raw<Kinds[K]>;

interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}
const RESOURCES: { readonly [K in Kind]: Resource } = {
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments' },
  StatefulSet: { group: 'apps', version: 'v1', plural: 'statefulsets' },
  ReplicaSet: { group: 'apps', version: 'v1', plural: 'replicasets' },
  DaemonSet: { group: 'apps', version: 'v1', plural: 'daemonsets' },
  Job: { group: 'batch', version: 'v1', plural: 'jobs' },
  HorizontalPodAutoscaler: { group: 'autoscaling', version: 'v2', plural: 'horizontalpodautoscalers' },
  ScaledObject: { group: 'keda.sh', version: 'v1alpha1', plural: 'scaledobjects' },
  Pod: { group: '', version: 'v1', plural: 'pods' },
  PodDisruptionBudget: { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets' },
  Event: { group: '', version: 'v1', plural: 'events' },
  Node: { group: '', version: 'v1', plural: 'nodes' },
  NodeClaim: { group: 'karpenter.sh', version: 'v1', plural: 'nodeclaims' },
  Namespace: { group: '', version: 'v1', plural: 'namespaces' },
  ResourceQuota: { group: '', version: 'v1', plural: 'resourcequotas' },
  LimitRange: { group: '', version: 'v1', plural: 'limitranges' },
  ConfigMap: { group: '', version: 'v1', plural: 'configmaps' },
  APIService: { group: 'apiregistration.k8s.io', version: 'v1', plural: 'apiservices' },
  SelfSubjectAccessReview: { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews' },
};

/** KEDA and Karpenter need not be installed; that a kind of Kubernetes itself is missing is a fault, and no empty list. */
export function isOptional(kind: Kind): boolean {
  return kind === 'ScaledObject' || kind === 'NodeClaim';
}

/** Group and plural: as RBAC names a kind. */
export function resourceOf(kind: Kind): Pick<Resource, 'group' | 'plural'> {
  return RESOURCES[kind];
}

/** Where an object, or without a name a list of them, is found. */
export interface Address {
  readonly kind: Kind;
  readonly namespace?: string;
  readonly name?: string;
  /** 'eviction' of a pod. */
  readonly subresource?: string;
}

export function pathOf({ kind, namespace, name, subresource }: Address): string {
  const { group, version, plural } = RESOURCES[kind];
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const parts = [name, subresource].filter((part) => part !== undefined).map(encodeURIComponent);
  return [`${root}${scope}/${plural}`, ...parts].join('/');
}

/** 'deployments.apps tensafe/tensafe-server': the resource as RBAC calls it, and which one. */
export function describeAddress({ kind, namespace, name, subresource }: Address): string {
  const { group, plural } = RESOURCES[kind];
  const whole = subresource === undefined ? plural : `${plural}/${subresource}`;
  const resource = group === '' ? whole : `${whole}.${group}`;
  const where = [namespace, name].filter((part) => part !== undefined).join('/');
  return where === '' ? resource : `${resource} ${where}`;
}
