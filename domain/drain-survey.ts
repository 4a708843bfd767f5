import type { BudgetFacts, DrainJob, DrainPod } from './drain-pod.ts';
import type { NodeIdentity, NodeState } from './gpu-node.ts';
import type { NodeClaimRef, NodeClaimState } from './node-claim.ts';
import type { NodeGroupState } from './node-group.ts';

/** All that is known of the nodes that are to be drained, at one moment. */
export interface DrainSurvey {
  readonly atMs: number;
  /** In the order in which they were asked for; null: no such node. */
  readonly nodes: readonly { readonly name: string; readonly state: NodeState | null }[];
  /** The managed node groups of these nodes, each once. */
  readonly groups: readonly GroupReading[];
  /** Absent: none of these nodes is Karpenter's, or none is to be removed. */
  readonly nodeClaims?: NodeClaimReading;
  /** Every pod on these nodes. */
  readonly pods: readonly DrainPod[];
  /** Those that select one of these pods. */
  readonly budgets: readonly BudgetFacts[];
  /** Those that one of these pods belongs to. */
  readonly jobs: readonly DrainJob[];
}

export interface GroupReading {
  readonly name: string;
  /** Null: it could not be read, for the reason `unread`. */
  readonly state: NodeGroupState | null;
  readonly unread: string;
}

export type NodeClaimReading =
  /** Those of the nodes, and whether RBAC lets us delete them. */
  | { readonly kind: 'read'; readonly claims: readonly NodeClaimState[]; readonly deletable: boolean }
  /** The API server knows no such kind. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'unread'; readonly reason: string };

/** A node that is to be drained, as the plan names it. */
export interface DrainedNode extends NodeIdentity {
  /** Of the managed node group; null where the node belongs to none. */
  readonly group: string | null;
  readonly instanceType: string | null;
  readonly gpus: number;
  /** A person cordoned it: that stays, whatever becomes of the drain. */
  readonly wasCordoned: boolean;
  /** The run whose mark it bears (CordonMark.owner): it is cordoned by headroom already. Null: by none. */
  readonly cordonedBy: string | null;
  /** Of a node of Karpenter's that is to be removed: what is deleted for that. */
  readonly nodeClaim?: NodeClaimRef;
}
