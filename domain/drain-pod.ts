import type { PodRef } from './eviction.ts';

/** The top of the chain of controllers: for a ReplicaSet's pod its Deployment, for a Job's the JobSet or MPIJob above it. */
export interface PodOwner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** Named by the pod, and not there any more: nobody makes the pod anew. */
  readonly gone?: true;
}

/** A pod on a node that is to be drained, as far as judging it goes. */
export interface DrainPod extends PodRef {
  readonly node: string;
  /** Pending, Running, Succeeded, Failed, Unknown. */
  readonly phase: string;
  readonly ready: boolean;
  /** Null: a bare pod. */
  readonly owner: PodOwner | null;
  /** Wanted replicas of that owner, where it has such a number. */
  readonly ownerReplicas: number | null;
  /** uid of the job (DrainJob) that it belongs to. */
  readonly job: string | null;
  readonly gpus: number;
  readonly startedAtMs: number;
  /** Its emptyDir volumes, without those that `cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes` gives up. */
  readonly localData: readonly string[];
  /** Made by the kubelet from a file on the node. */
  readonly mirror: boolean;
  /** It may be scheduled onto a cordoned node. */
  readonly toleratesCordon: boolean;
  /** Of a DaemonSet, and does not tolerate `karpenter.sh/disrupted`: we leave it, and Karpenter drains it before it ends the node. */
  readonly karpenterDrains?: true;
  readonly finalizers: readonly string[];
  readonly deletingSinceMs: number | null;
  /** The annotation that forbids to disrupt it, as it is written: `karpenter.sh/do-not-disrupt: "true"`. */
  readonly optOut: string | null;
  /** Names of the PodDisruptionBudgets of its namespace that select it. */
  readonly budgets: readonly string[];
  /** Whether another node would take its replacement, besides all others that have to go; null where it needs none. */
  readonly place: Place | null;
}

export interface Place {
  readonly found: boolean;
  /** Why not, for people; empty where there is one. */
  readonly reason: string;
}

/** A PodDisruptionBudget. */
export interface BudgetFacts {
  readonly namespace: string;
  readonly name: string;
  /** `minAvailable 2`, `maxUnavailable 10%` */
  readonly rule: string;
  /** minAvailable is a number of pods, so that one replica more would let one go. */
  readonly countsPods: boolean;
  readonly allowed: number;
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
  /** unhealthyPodEvictionPolicy: AlwaysAllow. */
  readonly allowsUnhealthy: boolean;
  /** The controller has not seen its newest version: its figures say nothing. */
  readonly stale: boolean;
}

/** The checkpoint handshake as it stands on a pod: annotations `headroom.dev/checkpoint` and `headroom.dev/checkpoint-for`. */
export interface CheckpointMark {
  /** We write `requested`, the workload answers `done`. */
  readonly state: string;
  /** `<workflowId>/<firstExecutionRunId>` of the run that asked; an answer to an earlier one says nothing of today. */
  readonly owner: string;
}

/** What names one job. */
export interface JobRef extends PodRef {
  /** Job, JobSet, MPIJob, PyTorchJob … */
  readonly kind: string;
}

/** A Job, or what stands above it, with all its pods: an interruption of one is one of all. */
export interface DrainJob extends JobRef {
  readonly startedAtMs: number;
  /** Of all its pods. */
  readonly gpus: number;
  /** Its pods that are not over, on whichever node. */
  readonly pods: readonly JobPod[];
  /** The nodes that these keep busy, with their instance type where the node says one. */
  readonly nodes: readonly { readonly name: string; readonly instanceType: string | null }[];
  /** Of any of its pods. */
  readonly optOut: string | null;
}

export interface JobPod extends PodRef {
  /** Empty while it has none. */
  readonly node: string;
  readonly checkpoint: CheckpointMark | null;
}

export function podName({ namespace, name }: Pick<PodRef, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** 'Job tensafe/train' */
export function jobName({ kind, namespace, name }: Pick<JobRef, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace}/${name}`;
}

/** Neither its phase nor its containers go on. */
export function isFinished({ phase }: Pick<DrainPod, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
