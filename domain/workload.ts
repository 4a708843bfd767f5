import type { GitOpsOwner } from './git-ops.ts';
import type { Json } from './json.ts';

/** Where a configured workload lives in the cluster. `name` is the configuration's word for it. */
export interface WorkloadRef {
  readonly name: string;
  readonly namespace: string;
  readonly kind: 'Deployment' | 'StatefulSet';
  readonly object: string;
}

/** What can decide a workload's count: its own spec, an HPA, or KEDA's ScaledObject. */
export type GovernorKind = 'workload' | 'horizontalPodAutoscaler' | 'scaledObject';

/**
 * The fields of a governor that a hold may touch, in our words. The adapter knows where each stands:
 * floor = spec.replicas | spec.minReplicas | spec.minReplicaCount,
 * ceiling = (none) | spec.maxReplicas | spec.maxReplicaCount,
 * freeze = (none) | spec.behavior | the annotation autoscaling.keda.sh/paused-scale-in (domain/freeze.ts).
 */
export const GOVERNOR_FIELDS = ['floor', 'ceiling', 'freeze'] as const;
export type GovernorField = (typeof GOVERNOR_FIELDS)[number];

/** Which object a governor is, and what a guarded change of it must know besides. */
export interface GovernorTarget {
  readonly kind: GovernorKind;
  /** The kind of the workload that it governs; for the kind 'workload' its own. */
  readonly workloadKind: WorkloadRef['kind'];
  readonly namespace: string;
  readonly name: string;
  /** Guard: the object must still be this one. */
  readonly uid: string;
  /** Guard of what was remembered: nothing of the object may have changed since. Absent where it was read just now. */
  readonly version?: string;
  /** Whether the object has any annotation or label at all: into an absent map no key can be added (R29). */
  readonly hasAnnotations: boolean;
  readonly hasLabels: boolean;
}

/** One object that decides a workload's count, as it stood when read. */
export interface Governor extends GovernorTarget {
  /** Raw values; a key that is absent on the object is absent here. */
  readonly fields: { readonly [field in GovernorField]?: Json };
  /** The headroom.dev/* annotations by their bare name ('baseline'), and the label `held`. */
  readonly marks: GovernorMarks;
  /** `headroom.dev/ignore=true` on the governor, the workload, or headroom's own namespace. */
  readonly ignored: boolean;
  /** What an autoscaler says of itself besides; absent for a plain workload. */
  readonly autoscaler?: AutoscalerFacts;
  /** Who wrote a field last, from managedFields; newest last (R30). */
  readonly writers?: readonly FieldWriter[];
  /** Whose manifest it comes from; absent where nothing tells. */
  readonly gitOps?: GitOpsOwner;
}

export interface AutoscalerFacts {
  /** What stops it altogether, as it stands there: 'autoscaling.keda.sh/paused-replicas=4'. */
  readonly paused?: string;
  /** KEDA's idleReplicaCount. */
  readonly idleReplicas?: number;
  /** KEDA's, from the label that it stamps on its HPA (R21); absent where that label is the owner's. */
  readonly version?: string;
  /** The count by its current metrics alone, without minimum and maximum; absent while it measures nothing. */
  readonly recommended?: number;
  /** A ScaledObject's own HPA, which is what acts; null when KEDA has made none. Absent for an HPA: it acts itself. */
  readonly inForce?: { readonly floor: number; readonly ceiling: number; readonly frozen: boolean } | null;
}

export interface FieldWriter {
  readonly field: GovernorField;
  /** The field manager: 'kubectl-edit', 'argocd-controller'. */
  readonly manager: string;
  readonly atMs: number;
}

/** What a hold writes beside the fields, as found: absent is undefined. Texts, because they are compared literally. */
export interface GovernorMarks {
  readonly baseline?: string;
  readonly claims?: string;
  readonly generation?: string;
  readonly windDown?: string;
  readonly held?: string;
}
export const MARKS = [
  'baseline',
  'claims',
  'generation',
  'windDown',
  'held',
] as const satisfies readonly (keyof GovernorMarks)[];

/** One guarded change of a governor: each mark and field goes from what was read to what is wanted. */
export interface GovernorChange extends GovernorTarget {
  readonly fields: readonly {
    readonly field: GovernorField;
    readonly from: Json | undefined;
    readonly to: Json | undefined;
  }[];
  /** Keys of the spec that no hold touches. */
  readonly spec?: readonly {
    readonly key: string;
    readonly from: Json | undefined;
    readonly to: Json | undefined;
  }[];
  readonly marks: readonly {
    readonly mark: keyof GovernorMarks;
    readonly from: string | undefined;
    readonly to: string | undefined;
  }[];
}

/** What matters of a StatefulSet when it is scaled (R31). */
export interface StatefulFacts {
  /** Of the containers, as written. */
  readonly images: readonly string[];
  /** Of the object and of its pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** Each pod waits until the one before it is ready (podManagementPolicy OrderedReady). */
  readonly ordered: boolean;
  /** What becomes of a pod's volumes when it is scaled away. */
  readonly whenScaled: 'Retain' | 'Delete';
  /** Names of the volumeClaimTemplates. */
  readonly claims: readonly string[];
  /** spec.ordinals.start */
  readonly firstOrdinal: number;
}

/** A workload and everything that decides its count, read together. */
export interface WorkloadState {
  readonly ref: WorkloadRef;
  readonly uid: string;
  /** Which cluster this is: the uid of its namespace kube-system. */
  readonly clusterUid?: string;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly paused: boolean;
  /** spec.replicas */
  readonly wantedReplicas: number;
  /** status: pods that exist, are of the newest template, pass readiness, and did so for minReadySeconds. */
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly terminatingReplicas: number;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  /** When the newest template was rolled out; absent while it is under way, and of a StatefulSet, which does not say. */
  readonly rolledOutAtMs?: number;
  /** spec.selector as a label selector string. */
  readonly selector: string;
  /** Of a StatefulSet: what scaling it does besides. */
  readonly stateful?: StatefulFacts;
  /** Autoscalers whose target is this workload; the HPA that KEDA made for a ScaledObject is not one of them. */
  readonly autoscalers: readonly Governor[];
  /** The workload itself, seen as a governor. */
  readonly self: Governor;
}

/** One object that decides the count: the only autoscaler, else the workload itself. */
export type Governance =
  | { readonly kind: 'governed'; readonly governor: Governor }
  | { readonly kind: 'conflict'; readonly governors: readonly Governor[] };

/** Two autoscalers on one workload stop each other (R20): neither is in charge. */
export function findGovernor(workload: Pick<WorkloadState, 'autoscalers' | 'self'>): Governance {
  const [first, ...others] = workload.autoscalers;
  if (first === undefined) return { kind: 'governed', governor: workload.self };
  if (others.length === 0) return { kind: 'governed', governor: first };
  return { kind: 'conflict', governors: workload.autoscalers };
}

/** KEDA's and the API server's defaults for a key that is absent: no floor, and a ceiling of 100 (ScaledObject). */
export const DEFAULT_CEILING = 100;

export function asCount(value: Json | undefined, whenAbsent: number): number {
  return typeof value === 'number' ? value : whenAbsent;
}
export function floorOf({ kind, fields }: Pick<Governor, 'kind' | 'fields'>): number {
  return asCount(fields.floor, kind === 'horizontalPodAutoscaler' ? 1 : 0);
}
export function ceilingOf({ kind, fields }: Pick<Governor, 'kind' | 'fields'>): number | undefined {
  return kind === 'workload' ? undefined : asCount(fields.ceiling, DEFAULT_CEILING);
}

/** 'HorizontalPodAutoscaler tensafe/tensafe-hpa': as an operator would look it up. */
export function describeGovernor({ kind, namespace, name }: Pick<Governor, 'kind' | 'namespace' | 'name'>): string {
  const words = {
    workload: 'workload',
    horizontalPodAutoscaler: 'HorizontalPodAutoscaler',
    scaledObject: 'ScaledObject',
  };
  return `${words[kind]} ${namespace}/${name}`;
}
