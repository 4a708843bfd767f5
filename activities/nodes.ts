import { activityInfo } from '@temporalio/activity';
import type { CordonMark, NodeIdentity } from '../domain/gpu-node.ts';
import { judgeTermination, type GroupLeft, type TerminationFacts } from '../domain/termination.ts';
import { currentCall } from './call.ts';
import { failure, lasting, messageOf } from './failure.ts';
import type { Ports } from './ports.ts';
import { isToBeEvicted } from '../domain/eviction.ts';

export const GONE_EVERY_MS = 2_000;
/** After a no that only a person can mend: what must be carried out is tried again. */
const PATIENCE_MS = 15_000;

/** A node that is to go, with what its group was when that was decided. */
export interface TerminationRequest {
  readonly node: NodeIdentity;
  readonly group: string;
  /** Desired count of the group, read before the first request: when it is lower, a request of ours has come through. */
  readonly desiredBefore: number;
}
export type TerminationReport =
  | { readonly kind: 'asked' | 'gone' }
  /** AWS or we say no: nothing was terminated. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface AwaitGoneRequest {
  readonly node: NodeIdentity;
  readonly group: string;
  /** Ids of all instances of the group before the request. */
  readonly instancesBefore: readonly string[];
  /** What the group should want by then. */
  readonly desiredAfter?: number;
  readonly deadlineMs: number;
}
export type GoneReport =
  | ({ readonly kind: 'gone' } & GroupLeft)
  | { readonly kind: 'still there'; readonly reasons: readonly string[] };

export function createNodeActivities({ nodes, evictions, cloud }: Pick<Ports, 'nodes' | 'evictions' | 'cloud'>) {
  /** Safe to repeat: a node that bears our mark is ours already. A person's cordon is left, and is told. */
  async function cordonNode({ node, mark }: { readonly node: NodeIdentity; readonly mark: CordonMark }) {
    const { workflowNamespace: namespace } = activityInfo();
    return nodes.cordon(node, { ...mark, ...(namespace !== undefined && { namespace }) }, currentCall());
  }

  /** Only what this owner has cordoned. */
  async function uncordonNode({ node, owner }: { readonly node: NodeIdentity; readonly owner: string }) {
    return nodes.uncordon(node, owner, currentCall()).catch((error: unknown) => {
      throw lasting(error, PATIENCE_MS);
    });
  }

  /** Those instances that are there and do not go: what is paid for, whatever its node is called by now. */
  async function findPresent(instanceIds: readonly string[]): Promise<readonly string[]> {
    const found = await cloud.readInstances(instanceIds, currentCall());
    return found.flatMap(({ id, lifecycle }) => (lifecycle.startsWith('Terminat') ? [] : [id]));
  }

  /** What a termination is decided on, read before the first request and kept in the history. */
  async function readTermination({
    node,
    group,
  }: Pick<TerminationRequest, 'node' | 'group'>): Promise<TerminationFacts> {
    const call = currentCall();
    const [state, found, instances, pods] = await Promise.all([
      cloud.readNodeGroup(group, call),
      nodes.readNode(node.name, call),
      cloud.readInstances([node.instanceId], call),
      evictions.readPodsOn(node.name, call),
    ]);
    return {
      nodeUid: found?.uid ?? null,
      schedulable: found?.schedulable === true,
      pods: pods.filter(isToBeEvicted).map(({ namespace, name }) => `${namespace}/${name}`),
      instance: instances.find(({ id }) => id === node.instanceId) ?? null,
      group: { autoScalingGroup: state.autoScalingGroup, live: state.live, refreshing: state.refreshing },
      instances: state.instances.map(({ id }) => id),
    };
  }

  /**
   * Ends exactly this instance and makes its group smaller by one (R55). Each attempt reads first: an instance that goes already was
   * asked for by an attempt whose answer was lost, and a second request would decrement twice (R57). So would one while the group is
   * smaller already and the instance is not seen to go: then it waits for that, and asks nothing.
   */
  async function terminateNode(request: TerminationRequest): Promise<TerminationReport> {
    return answered(async () => {
      const facts = await readTermination(request);
      const verdict = judgeTermination({ ...request, facts, isFirst: activityInfo().attempt === 1 });
      if (verdict.kind === 'wait') throw failure('notReady', verdict.reason, { retryAfterMs: GONE_EVERY_MS });
      if (verdict.kind !== 'go') return verdict;
      const answer = await cloud.terminateInstance(request.node.instanceId, currentCall());
      if (answer === 'at minimum')
        return {
          kind: 'refused',
          reason: `AWS says that ${request.group} may not be smaller: its minimum was raised meanwhile`,
        };
      return { kind: answer === 'unknown' ? 'gone' : 'asked' };
    });
  }

  /**
   * Done is: the instance is out of the group, and the node is gone (R66, R68); one look an attempt. A size that is another than it
   * should be is told and not waited for: whoever has set it may want it so.
   */
  async function awaitGone(request: AwaitGoneRequest): Promise<GoneReport> {
    const { node, group, instancesBefore, desiredAfter, deadlineMs } = request;
    const call = currentCall();
    const seen = await lookUntil(
      deadlineMs,
      Promise.all([cloud.readNodeGroup(group, call), nodes.readNode(node.name, call)]),
    );
    if ('unread' in seen)
      return { kind: 'still there', reasons: [`whether ${node.instanceId} has gone: ${seen.unread}`] };
    const [state, found] = seen;
    const instance = state.instances.find(({ id }) => id === node.instanceId);
    const reasons = [
      ...(instance === undefined ? [] : [`instance ${node.instanceId} is ${instance.lifecycle}`]),
      ...(found?.uid === node.uid ? [`node ${node.name} is still there`] : []),
    ];
    const present = new Set(
      state.instances.filter(({ lifecycle }) => !lifecycle.startsWith('Terminat')).map(({ id }) => id),
    );
    if (reasons.length === 0) {
      const lost = instancesBefore.filter((id) => id !== node.instanceId && !present.has(id));
      const { desired } = state.live;
      const isExpected = desiredAfter === undefined || desired === desiredAfter;
      return { kind: 'gone', desired, ...(!isExpected && { expected: desiredAfter }), lost };
    }
    if (Date.now() >= deadlineMs) return { kind: 'still there', reasons };
    throw failure('notReady', reasons.join('; '), { retryAfterMs: GONE_EVERY_MS });
  }

  return { cordonNode, uncordonNode, findPresent, readTermination, terminateNode, awaitGone };
}

/**
 * Of a request that cannot be undone a plain no is an answer on the first attempt only: later, an earlier one may have come through
 * although its answer was lost, and whoever does not let us look has not said that it did not.
 */
export async function answered<T>(request: () => Promise<T>): Promise<T> {
  return request().catch((error: unknown) => {
    throw activityInfo().attempt === 1 ? error : lasting(error, PATIENCE_MS);
  });
}

/** What cannot be read is looked at again until the deadline; then it is what there is to say. */
export async function lookUntil<T extends object>(
  deadlineMs: number,
  look: Promise<T>,
): Promise<T | { readonly unread: string }> {
  const { signal } = currentCall();
  return look.catch((error: unknown) => {
    if (signal.aborted || Date.now() < deadlineMs) throw lasting(error, PATIENCE_MS);
    return { unread: messageOf(error) };
  });
}
