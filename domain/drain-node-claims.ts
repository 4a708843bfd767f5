import { judgeBudgets, type Block } from './drain-budget.ts';
import { isFinished, podName, type DrainPod } from './drain-pod.ts';
import type { DrainedNode, DrainSurvey, NodeClaimReading } from './drain-survey.ts';
import type { NodeIdentity } from './gpu-node.ts';
import { claimsOf, faultOfClaim, type NodeClaimRef, type NodeClaimState } from './node-claim.ts';

/** A node of Karpenter's that is to be removed. */
export interface ClaimedNode extends Pick<NodeIdentity, 'name' | 'instanceId'> {
  readonly nodePool: string;
}

export interface NodeClaimsVerdict {
  /** What is to be deleted, by the node's name; only where nothing is against it. */
  readonly claims: ReadonlyMap<string, NodeClaimRef>;
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

/** What helps in all these cases. */
const OTHERWISE = 'or drain without --remove';

/** Everything that stands in the way of deleting exactly the NodeClaims of these nodes, at once. */
export function judgeNodeClaims(
  nodes: readonly ClaimedNode[],
  { nodeClaims: reading }: Pick<DrainSurvey, 'nodeClaims'>,
): NodeClaimsVerdict {
  const none = { claims: new Map<string, NodeClaimRef>(), warnings: [] };
  if (nodes.length === 0) return { ...none, reasons: [] };
  const unread = faultOfReading(reading);
  if (reading?.kind !== 'read') return { ...none, reasons: unread };
  const judged = nodes.map((node) => ({ node, own: claimsOf(reading.claims, node) }));
  return {
    claims: new Map(
      judged.flatMap(({ node, own: [claim] }) => (claim === undefined ? [] : [[node.name, refOf(claim)]])),
    ),
    reasons: [...unread, ...judged.flatMap(({ node, own }) => faultsOf(node, own))],
    warnings: [...judged.flatMap(({ own }) => own.flatMap(warningsOf)), ...poolWarnings(nodes)],
  };
}

export interface DaemonsVerdict {
  readonly blocks: readonly { readonly pod: DrainPod; readonly block: Block }[];
  readonly warnings: readonly string[];
}

/**
 * What we leave on a node is Karpenter's to drain, after its NodeClaim was deleted and nothing can be undone: what would hold it up
 * for ever is told before. A terminationGracePeriod bounds that.
 */
export function judgeDaemons(
  nodes: readonly DrainedNode[],
  { pods, budgets, nodeClaims: reading }: Pick<DrainSurvey, 'pods' | 'budgets' | 'nodeClaims'>,
): DaemonsVerdict {
  const claims = reading?.kind === 'read' ? reading.claims : [];
  const found = nodes.flatMap(({ name, nodeClaim }) => {
    if (nodeClaim === undefined) return [];
    const bound = claims.find(({ uid }) => uid === nodeClaim.uid)?.terminationGracePeriod ?? null;
    return pods
      .filter((pod) => pod.node === name && pod.karpenterDrains === true)
      .filter((pod) => pod.deletingSinceMs === null && !isFinished(pod))
      .flatMap((pod) =>
        [...optOutBlocks(pod), ...judgeBudgets(pod, budgets, { surged: false })].map((block) => ({
          pod,
          block,
          bound,
        })),
      );
  });
  return {
    blocks: found.flatMap(({ pod, block: { why, allow }, bound }) =>
      bound === null
        ? [
            {
              pod,
              block: {
                why: `Karpenter drains it before it ends the node, and would wait for ever: ${why}`,
                allow: `${allow}; or let its DaemonSet tolerate karpenter.sh/disrupted`,
              },
            },
          ]
        : [],
    ),
    warnings: found.flatMap(({ pod, block: { why }, bound }) =>
      bound === null
        ? []
        : [`${podName(pod)} holds Karpenter up until the terminationGracePeriod of ${bound} is over: ${why}`],
    ),
  };
}

/** Other autoscalers' words, and ours, are nothing to Karpenter. */
function optOutBlocks({ optOut }: DrainPod): readonly Block[] {
  if (optOut?.startsWith('karpenter.sh/') !== true) return [];
  return [{ why: `it asks not to be disrupted (${optOut})`, allow: 'remove the annotation' }];
}

function faultOfReading(reading: NodeClaimReading | undefined): readonly string[] {
  switch (reading?.kind) {
    case 'read':
      return reading.deletable
        ? []
        : [
            `headroom may not delete nodeclaims.karpenter.sh, which is how a node of Karpenter’s is removed; grant it as deploy/karpenter/rbac.yaml does, ${OTHERWISE}`,
          ];
    case 'absent':
      return [
        `the API server knows no NodeClaims (karpenter.sh/v1), so no node of Karpenter’s can be removed; install or update Karpenter (1.0 or later), ${OTHERWISE}`,
      ];
    case 'unread':
      return [`NodeClaims cannot be read, so no node of Karpenter’s is removed: ${reading.reason}`];
    case undefined:
      return [`NodeClaims were not read, so no node of Karpenter’s is removed; begin again, ${OTHERWISE}`];
  }
}

function faultsOf({ name, instanceId }: ClaimedNode, own: readonly NodeClaimState[]): readonly string[] {
  const [claim, ...more] = own;
  if (claim === undefined)
    return [
      `no NodeClaim stands for ${name}: none has instance ${instanceId} and that name (kubectl get nodeclaims -o wide), so nobody would end its instance; see whose node it is, ${OTHERWISE}`,
    ];
  if (more.length > 0)
    return [
      `${name} has ${own.length} NodeClaims (${own.map((one) => one.name).join(', ')}), and which of them is right cannot be told; see what Karpenter says of them, ${OTHERWISE}`,
    ];
  if (claim.deleting)
    return [
      `NodeClaim ${claim.name} of ${name} is being deleted already; leave it to Karpenter, which ends its instance`,
    ];
  return [faultOfClaim(claim)].filter((fault) => fault !== undefined);
}

function warningsOf({ name, terminationGracePeriod }: NodeClaimState): readonly string[] {
  if (terminationGracePeriod === null) return [];
  return [
    `NodeClaim ${name} has a terminationGracePeriod of ${terminationGracePeriod}: so long after its deletion Karpenter deletes what is still on the node, whatever budgets say`,
  ];
}

function poolWarnings(nodes: readonly ClaimedNode[]): readonly string[] {
  const pools = [...new Set(nodes.map(({ nodePool }) => nodePool))];
  return pools.map(
    (pool) =>
      `no group gets smaller: Karpenter may start another node of its pool ${pool} for pods that wait, or to keep the pool’s own number of nodes; lower the pool’s limits first where it must not`,
  );
}

function refOf({ name, uid }: NodeClaimState): NodeClaimRef {
  return { name, uid };
}
