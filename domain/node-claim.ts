import { instanceIdOf, type NodeIdentity, type NodeState } from './gpu-node.ts';
import type { Condition } from './scaling-facts.ts';
import { faultOfLastLook, type LastLook, type TerminationVerdict } from './termination.ts';

export interface NodeClaimRef {
  readonly name: string;
  readonly uid: string;
}

/** What Karpenter made a node for: when it is deleted, Karpenter drains that node and ends its instance (R48). */
export interface NodeClaimState extends NodeClaimRef {
  /** Another one after every change. */
  readonly version: string;
  /** Of the instance; null while none is launched. */
  readonly providerId: string | null;
  /** Null while no node has come of it. */
  readonly nodeName: string | null;
  readonly deleting: boolean;
  /** Bears Karpenter's finalizer: without it the object would just vanish, and the instance stay. */
  readonly guarded: boolean;
  /** As it is written, '24h'; null: there is none. */
  readonly terminationGracePeriod: string | null;
  readonly conditions: readonly Condition[];
}

/** Those that stand for this node. The instance decides: it is what ends with the NodeClaim, and names are used again (R46). */
export function claimsOf(
  claims: readonly NodeClaimState[],
  { name, instanceId }: Pick<NodeIdentity, 'name' | 'instanceId'>,
): readonly NodeClaimState[] {
  return claims.filter(
    (claim) => instanceIdOf(claim.providerId) === instanceId && (claim.nodeName === null || claim.nodeName === name),
  );
}

/** The same for a node as the cluster shows it; none stands for one without an instance. */
export function claimsOfNode(
  claims: readonly NodeClaimState[],
  { name, providerId }: Pick<NodeState, 'name' | 'providerId'>,
): readonly NodeClaimState[] {
  const instanceId = instanceIdOf(providerId);
  return instanceId === null ? [] : claimsOf(claims, { name, instanceId });
}

/** What is known of a node and its NodeClaim just before that is deleted. */
export interface ClaimFacts extends LastLook {
  /** Of that name now; null: there is none. */
  readonly claim: NodeClaimState | null;
}

export type ClaimVerdict =
  | { readonly kind: 'go'; readonly claim: NodeClaimState }
  | Exclude<TerminationVerdict, { readonly kind: 'go' | 'wait' }>;

/** Whether the NodeClaim may be deleted: never another node's, never of a node that works again, never twice (R46, R48). */
export function judgeClaimDeletion({
  node,
  ref,
  facts,
}: {
  readonly node: NodeIdentity;
  readonly ref: NodeClaimRef;
  readonly facts: ClaimFacts;
}): ClaimVerdict {
  const { claim } = facts;
  if (claim === null || claim.uid !== ref.uid) return { kind: 'gone' };
  if (claim.deleting) return { kind: 'asked' };
  const fault =
    faultOfClaim(claim) ??
    (claimsOf([claim], node).length === 0
      ? `NodeClaim ${claim.name} is of ${claim.providerId ?? 'no instance'} by now, not of ${node.instanceId}`
      : undefined) ??
    faultOfLastLook(node, facts);
  return fault === undefined ? { kind: 'go', claim } : { kind: 'refused', reason: fault };
}

export function faultOfClaim({ name, guarded }: NodeClaimState): string | undefined {
  return guarded
    ? undefined
    : `NodeClaim ${name} has no finalizer karpenter.sh/termination: Karpenter would not hear of its deletion, and its instance would stay; look whether Karpenter runs`;
}

/** How Karpenter tells how far it is, in its order. */
const STEPS = ['Drained', 'VolumesDetached', 'InstanceTerminating'];

/** 'Drained False (Draining: 1 pod waits), VolumesDetached Unknown' */
export function describeProgress({ conditions }: Pick<NodeClaimState, 'conditions'>): string {
  const told = STEPS.flatMap((type) => conditions.find((one) => one.type === type) ?? []);
  if (told.length > 0) return told.map(describeCondition).join(', ');
  const others = conditions.map(({ type, status }) => `${type} ${status}`).join(', ');
  return `Karpenter says nothing of its end${others === '' ? '' : ` (only ${others})`}; look whether it runs`;
}

function describeCondition({ type, status, reason, message }: Condition): string {
  const why = [reason, message].filter((word) => word !== '' && word !== type).join(': ');
  return `${type} ${status}${why === '' ? '' : ` (${why})`}`;
}
