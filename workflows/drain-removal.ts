import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { CancellationScope } from '@temporalio/workflow';
import type { GoneReport, TerminationReport } from '../activities/nodes.ts';
import type { ClaimGoneReport } from '../activities/node-claims.ts';
import type { DrainPlan } from '../domain/drain.ts';
import type { DrainedNode } from '../domain/drain-survey.ts';
import { identityOf } from '../domain/gpu-node.ts';
import type { NodeClaimRef } from '../domain/node-claim.ts';
import { describeAmiss, desiredWithout } from '../domain/termination.ts';
import type { DrainParts } from './drain-record.ts';
import { keepTurn } from './node-turn.ts';
import { deletingClaims, reading, terminating, watching } from './stubs.ts';
import { reasonOf } from './tell-owners.ts';

interface Removal {
  readonly node: DrainedNode;
  readonly group: string;
  readonly what: string;
}

/** How exactly this node is ended: by whom it was made. */
interface Way {
  /** 'instance i-01', 'NodeClaim gpu-7x' */
  readonly subject: string;
  /** What has become of it when it is asked for. */
  readonly asked: string;
  /** Where it is seen what came of a request whose answer was lost. */
  readonly look: string;
  readonly ask: () => Promise<TerminationReport>;
  readonly awaitGone: (deadlineMs: number) => Promise<GoneReport | ClaimGoneReport>;
}

/** Exactly this node; nothing can be undone from the request on. Answers with why it went no further. */
export async function removeNode(
  { run, steering, record }: DrainParts,
  plan: DrainPlan,
  { node, group, what }: Removal,
): Promise<readonly string[]> {
  if (!(await keepTurn(run, { group, what, isEnded: steering.isEnded }))) return ['an operator ended the drain'];
  const way = node.nodeClaim === undefined ? await byInstance(node, group) : byNodeClaim(node, node.nodeClaim);
  run.enter('removing', { what: `see ${way.subject} and node ${node.name} gone`, atMs: null });
  try {
    // whoever cancels now waits for the answer: whether the instance goes has to be known
    const answer = await CancellationScope.nonCancellable(way.ask);
    if (answer.kind === 'refused') return [answer.reason];
    run.say(`${way.subject} ${answer.kind === 'asked' ? way.asked : 'was gone already'}`);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    // a plain no is an answer
    if (error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true) return [reasonOf(error)];
    // a request may have come through although its answer was lost: a node that may be going is not given back
    record.note(node.name, { state: 'going' });
    return [`whether ${way.subject} goes is not known: ${reasonOf(error)}; look at ${way.look} before anything else`];
  }
  record.note(node.name, { state: 'going' });
  const deadlineMs = Date.now() + plan.policy.goneWithinMs;
  // from here on a cancelled run has nothing to undo: it sees the instance go, and says so
  const report = await CancellationScope.nonCancellable(() => way.awaitGone(deadlineMs));
  if (report.kind === 'still there') return report.reasons;
  record.note(node.name, { state: 'removed' });
  if (!('lost' in report)) {
    run.say(`${node.name} is removed; whether Karpenter needs another node is its own to say`);
    return [];
  }
  run.say(`${node.name} is removed; ${group} wants ${report.desired} nodes`);
  const amiss = describeAmiss(group, report);
  record.noteAmiss(report.lost, amiss);
  amiss.forEach((words) => run.say(words));
  return [];
}

/** Of a managed node group, which gets smaller by one. */
async function byInstance(of: DrainedNode, group: string): Promise<Way> {
  const { instanceId } = of;
  const node = identityOf(of);
  const before = await reading.readTermination.executeWithOptions({ summary: `${group} before ${instanceId} goes` }, [
    { node, group },
  ]);
  return {
    subject: `instance ${instanceId}`,
    asked: 'is told to terminate',
    look: 'the group',
    ask: () =>
      terminating.terminateNode.executeWithOptions({ summary: `end instance ${instanceId}` }, [
        { node, group, desiredBefore: before.group.live.desired },
      ]),
    awaitGone: (deadlineMs) =>
      watching.awaitGone.executeWithOptions({ summary: `until ${instanceId} is gone` }, [
        { node, group, instancesBefore: before.instances, desiredAfter: desiredWithout(before), deadlineMs },
      ]),
  };
}

/** Of Karpenter, which drains what is left there and ends the instance itself (R48). */
function byNodeClaim(of: DrainedNode, claim: NodeClaimRef): Way {
  const node = identityOf(of);
  return {
    subject: `NodeClaim ${claim.name}`,
    asked: `is deleted: Karpenter ends instance ${node.instanceId}`,
    look: 'it',
    ask: () =>
      deletingClaims.deleteNodeClaim.executeWithOptions({ summary: `delete NodeClaim ${claim.name}` }, [
        { node, claim },
      ]),
    awaitGone: (deadlineMs) =>
      watching.awaitClaimGone.executeWithOptions({ summary: `until ${claim.name} is gone` }, [
        { node, claim, deadlineMs },
      ]),
  };
}
