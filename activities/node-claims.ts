import type { NodeIdentity } from '../domain/gpu-node.ts';
import { isToBeEvicted } from '../domain/eviction.ts';
import { describeProgress, judgeClaimDeletion, type NodeClaimRef } from '../domain/node-claim.ts';
import { currentCall } from './call.ts';
import { failure } from './failure.ts';
import { answered, GONE_EVERY_MS, lookUntil, type TerminationReport } from './nodes.ts';
import type { Ports } from './ports.ts';

/** Karpenter writes the status of a NodeClaim when pods come and go on its node: it is soon quiet again. */
const RACED_MS = 500;

export interface DeleteNodeClaimRequest {
  readonly node: NodeIdentity;
  readonly claim: NodeClaimRef;
}

export interface AwaitClaimGoneRequest extends DeleteNodeClaimRequest {
  readonly deadlineMs: number;
}
export type ClaimGoneReport =
  | { readonly kind: 'gone' }
  /** With what Karpenter says of it. */
  | { readonly kind: 'still there'; readonly reasons: readonly string[] };

export function createNodeClaimActivities({
  nodes,
  evictions,
  nodeClaims,
}: Pick<Ports, 'nodes' | 'evictions' | 'nodeClaims'>) {
  /**
   * Tells Karpenter to end exactly this node (R48). Each attempt looks first, as directly before an instance is ended: a NodeClaim
   * that is being deleted, or has gone, was asked for by an attempt whose answer was lost.
   */
  async function deleteNodeClaim({ node, claim: ref }: DeleteNodeClaimRequest): Promise<TerminationReport> {
    return answered(async () => {
      const call = currentCall();
      const [found, pods] = await Promise.all([nodes.readNode(node.name, call), evictions.readPodsOn(node.name, call)]);
      // after the list, which takes a tenth of a second (R11): it is deleted in just this version
      const claim = await nodeClaims.readNodeClaim(ref.name, call);
      const facts = {
        claim,
        nodeUid: found?.uid ?? null,
        schedulable: found?.schedulable === true,
        pods: pods.filter(isToBeEvicted).map(({ namespace, name }) => `${namespace}/${name}`),
      };
      const verdict = judgeClaimDeletion({ node, ref, facts });
      if (verdict.kind !== 'go') return verdict;
      const answer = await nodeClaims.deleteNodeClaim(verdict.claim, call);
      if (answer === 'raced')
        throw failure('stateConflict', `NodeClaim ${ref.name} was changed meanwhile; it is looked at again`, {
          retryAfterMs: RACED_MS,
        });
      return { kind: answer };
    });
  }

  /** Done is: Karpenter has let the NodeClaim go, which it does when the instance has ended, and the node is gone; one look an attempt. */
  async function awaitClaimGone({ node, claim: ref, deadlineMs }: AwaitClaimGoneRequest): Promise<ClaimGoneReport> {
    const call = currentCall();
    const seen = await lookUntil(
      deadlineMs,
      Promise.all([nodeClaims.readNodeClaim(ref.name, call), nodes.readNode(node.name, call)]),
    );
    if ('unread' in seen) return { kind: 'still there', reasons: [`whether ${node.name} has gone: ${seen.unread}`] };
    const [claim, found] = seen;
    const reasons = [
      ...(claim?.uid === ref.uid ? [`NodeClaim ${ref.name} is still there: ${describeProgress(claim)}`] : []),
      ...(found?.uid === node.uid ? [`node ${node.name} is still there`] : []),
    ];
    if (reasons.length === 0) return { kind: 'gone' };
    if (Date.now() >= deadlineMs) return { kind: 'still there', reasons };
    throw failure('notReady', reasons.join('; '), { retryAfterMs: GONE_EVERY_MS });
  }

  return { deleteNodeClaim, awaitClaimGone };
}
