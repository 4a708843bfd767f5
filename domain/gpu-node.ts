import type { NodeFacts } from './cluster-capacity.ts';

/** One node as the cluster shows it, with all that tells it from another of the same name (R46). */
export interface NodeState extends NodeFacts {
  readonly uid: string;
  /** `aws:///us-east-1a/i-0…`; null where the node has none yet. */
  readonly providerId: string | null;
  readonly annotations: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** Of one that is not schedulable: who made it so, and when at the latest; absent where managedFields do not tell. */
  readonly cordonedBy?: { readonly manager: string; readonly atMs: number };
}

/** What every step on a node names: EKS names come from addresses, and are used again for another instance (R46). */
export interface NodeIdentity {
  readonly name: string;
  readonly uid: string;
  /** `i-0…` */
  readonly instanceId: string;
}

/** No more of it than tells it from others. */
export function identityOf({ name, uid, instanceId }: NodeIdentity): NodeIdentity {
  return { name, uid, instanceId };
}

/** Who decides over a node's life (R47, R48). */
export type NodeOwner =
  | { readonly kind: 'managed node group'; readonly group: string }
  | { readonly kind: 'self-managed' | 'Auto Mode' | 'Fargate' | 'unknown' }
  | { readonly kind: 'Karpenter'; readonly nodePool: string };

/** The extended resource by which a node offers its GPUs; registered late by the device plugin (R64). */
export const GPU = 'nvidia.com/gpu';

/** Cluster Autoscaler's own pattern: availability zone, then instance id; null for whatever EC2 does not know (R47). */
export function instanceIdOf(providerId: string | null): string | null {
  return /^aws:\/\/\/[-0-9a-z]+\/(i-[0-9a-f]+)$/.exec(providerId ?? '')?.[1] ?? null;
}

/** GPUs that the node offers now: 0 while its device plugin has not registered. */
export function gpusOf({ allocatable }: Pick<NodeFacts, 'allocatable'>): number {
  return Number(allocatable[GPU] ?? 0);
}

export function ownerOf({ labels, providerId }: Pick<NodeState, 'labels' | 'providerId'>): NodeOwner {
  const nodePool = labels['karpenter.sh/nodepool'];
  if (labels['eks.amazonaws.com/compute-type'] === 'auto') return { kind: 'Auto Mode' };
  if (labels['eks.amazonaws.com/compute-type'] === 'fargate') return { kind: 'Fargate' };
  if (nodePool !== undefined) return { kind: 'Karpenter', nodePool };
  const group = labels['eks.amazonaws.com/nodegroup'];
  if (group !== undefined) return { kind: 'managed node group', group };
  return { kind: instanceIdOf(providerId) === null ? 'unknown' : 'self-managed' };
}

/**
 * What a node that we cordoned bears, as annotation `headroom.dev/cordon` (JSON), beside label `headroom.dev/cordoned=true`: for
 * people with only kubectl, and for the sweep that ends the cordon of a run that was terminated.
 */
export interface CordonMark {
  /** `<workflowId>/<firstExecutionRunId>` of the run. */
  readonly owner: string;
  /** Temporal namespace of the run: of another one nobody here knows whether it goes on. */
  readonly namespace?: string;
  readonly requestedBy: string;
  readonly atMs: number;
  /** When it ends by itself; null: with its run. */
  readonly untilMs: number | null;
}
