import { resolveAddition, type GroupSurvey, type ResolvedAddition } from '../domain/addition.ts';
import type { NodeAutoscaler } from '../domain/node-autoscaler.ts';
import type { GroupSizes, NodeOrder } from '../domain/node-group.ts';
import type { GpuInstanceType } from '../domain/policy.ts';
import { hasMoved, mayStillCome, minimumBack, minimumFor, takeBackOrder } from '../domain/take-back.ts';
import { describeOrder, judgeOrder, usableOf, type OrderStanding } from '../domain/usable-nodes.ts';
import { currentCall } from './call.ts';
import { failure, isFinal, lasting, messageOf } from './failure.ts';
import type { Call, Ports } from './ports.ts';

/** Of launches: how far back a failure can lie and still be told again as new by a clock that differs. */
const FAILURES_FROM_MS = 15 * 60_000;
const SETTLED_EVERY_MS = 2_000;
/** After a no that only a person can mend. */
const PATIENCE_MS = 15_000;

export interface AwaitNodesRequest {
  readonly order: NodeOrder;
  readonly count: number;
  readonly updateId: string;
  readonly orderedAtMs: number;
  readonly instancesBefore: readonly string[];
  readonly expected: readonly GpuInstanceType[];
  /** Failed launches that were told already, or that were before the order. */
  readonly knownFailures: readonly string[];
  readonly deadlineMs: number;
  readonly everyMs: number;
}

export type NodesReport =
  | { readonly kind: 'usable'; readonly standing: OrderStanding }
  /** A launch has failed, EKS has given up, or the deadline has come. */
  | { readonly kind: 'unmet'; readonly standing: OrderStanding; readonly reasons: readonly string[] };

export function createNodeGroupActivities({
  cloud,
  nodes,
  turns,
  policy,
}: Pick<Ports, 'cloud' | 'nodes' | 'turns' | 'policy'>) {
  /** The policy as it is now, for these groups: part of the run's history from here on. */
  async function resolveAdditionPolicy(groups: readonly string[]): Promise<ResolvedAddition> {
    return resolveAddition(policy.policy(), groups);
  }

  /** Reads only. A group that AWS does not know, or does not let us read, is a value that says so. */
  async function surveyNodeGroups(groups: readonly string[]): Promise<Readonly<Record<string, GroupSurvey>>> {
    const call = currentCall();
    const autoscaler = await nodes.readNodeAutoscaler(call);
    const found = groups.map(async (group): Promise<readonly [string, GroupSurvey]> => {
      try {
        return [group, await surveyGroup(group, autoscaler, call)];
      } catch (error) {
        if (isFinal(error)) return [group, { kind: 'missing', reason: messageOf(error) }];
        throw error;
      }
    });
    return Object.fromEntries(await Promise.all(found));
  }

  async function surveyGroup(group: string, { kind }: NodeAutoscaler, call: Call): Promise<GroupSurvey> {
    const state = await cloud.readNodeGroup(group, call);
    const activities = await cloud.readActivities(state.autoScalingGroup, Date.now() - FAILURES_FROM_MS, call);
    const failedLaunches = activities.filter(({ status }) => status === 'Failed').map(({ id }) => id);
    return {
      kind: 'found',
      state,
      hasClusterAutoscaler: kind === 'present',
      ...(kind === 'unknown' && { clusterAutoscalerUnknown: true }),
      failedLaunches,
    };
  }

  /**
   * Asks EKS for the sizes of an order; the token makes a repeated request the same one (R61). Answers with the update's id. The
   * queue of the group knows of it first, so that a run that ends without a word leaves nothing on order.
   */
  async function orderNodes(order: NodeOrder): Promise<string> {
    const call = currentCall();
    const { live } = await cloud.readNodeGroup(order.group, call);
    // sizes are absolute: what was right when it was planned may end nodes by now (R60)
    if (hasMoved(order, live))
      throw failure(
        'invalidRequest',
        `${order.group} has moved since the plan: it wanted ${order.before.desired} nodes and wants ${live.desired} (minimum ${live.min}, maximum ${live.max}); plan again`,
      );
    await turns.noteOrder(order, call);
    return resize(order, 'raise', order.raised);
  }

  /** Always all three: what an update leaves out may become what EKS has stored, which is not what is so (R59, R60). */
  function resize({ group, owner }: NodeOrder, step: string, sizes: GroupSizes): Promise<string> {
    return cloud.resizeNodeGroup({ group, sizes, token: token(owner, step, sizes) }, currentCall());
  }

  /**
   * Waits until as many new nodes as were ordered can compute (R64); one look an attempt. A launch that failed is told in the next
   * look, with the words of AWS (R63), and so is an update that EKS gave up (R62).
   */
  async function awaitNodes(request: AwaitNodesRequest): Promise<NodesReport> {
    const { order, count, knownFailures, deadlineMs, everyMs } = request;
    const call = currentCall();
    const look = Promise.all([
      cloud.readNodeGroup(order.group, call),
      nodes.listNodes(call),
      cloud.readActivities(order.autoScalingGroup, request.orderedAtMs - FAILURES_FROM_MS, call),
      cloud.readUpdate(order.group, request.updateId, call),
    ]);
    // whoever does not let us look has not said that nothing came: it is tried again, at the deadline too
    const [group, all, activities, update] = await look.catch((error: unknown) => {
      throw call.signal.aborted ? error : lasting(error, PATIENCE_MS);
    });
    const seen = activities.filter(({ id }) => !knownFailures.includes(id));
    const standing = judgeOrder({ ...request, group, nodes: all, activities: seen });
    if (usableOf(standing).length >= count) return { kind: 'usable', standing };
    const givenUp =
      update.status === 'Failed' || update.status === 'Cancelled'
        ? [
            `EKS has given the update up (${update.status}): ${update.errors.map(({ code, message }) => `${code}, ${message}`).join('; ') || 'without a reason'}`,
          ]
        : [];
    const failures =
      standing.nodes.length >= count ? [] : standing.failures.map(({ why }) => `a launch failed: ${why}`);
    const late = Date.now() >= deadlineMs ? [describeOrder(standing, count)] : [];
    const reasons = [...new Set([...givenUp, ...failures, ...late])];
    if (reasons.length > 0) return { kind: 'unmet', standing, reasons };
    throw failure('notReady', describeOrder(standing, count), { retryAfterMs: everyMs });
  }

  /**
   * Takes back what of an order is not met, never what came. Safe to repeat: each attempt reads the group and does what is still
   * to be done; answers when the live sizes show it.
   */
  async function takeBackNodes(order: NodeOrder): Promise<{ readonly desired: number; readonly instances: number }> {
    return carriedOut(async () => {
      const call = currentCall();
      const group = await cloud.readNodeGroup(order.group, call);
      if (mayStillCome(group, order))
        throw failure('notReady', `EKS may still carry the order on ${order.group} out`, {
          retryAfterMs: SETTLED_EVERY_MS,
        });
      const desired = takeBackOrder(group, order);
      if (desired === undefined) return { desired: group.live.desired, instances: group.instances.length };
      await cloud.setDesired(order.autoScalingGroup, desired, call);
      throw failure('notReady', `the order on ${order.group} is being taken back`, { retryAfterMs: SETTLED_EVERY_MS });
    });
  }

  /** Nobody else knows of what has to be taken back: also a no that only a person can mend is tried again. */
  async function carriedOut<T>(act: () => Promise<T>): Promise<T> {
    return act().catch((error: unknown) => {
      throw lasting(error, PATIENCE_MS);
    });
  }

  /** Raises the minimum to what has come, and answers when it is so. Safe to repeat. */
  async function raiseMinimum(order: NodeOrder): Promise<{ readonly min: number }> {
    return settleMinimum(order, 'hold', minimumFor);
  }

  /** Gives the raised minimum back and leaves the desired count as it is. Safe to repeat; a minimum of somebody else stays. */
  async function giveMinimumBack(order: NodeOrder): Promise<{ readonly min: number }> {
    return carriedOut(() => settleMinimum(order, 'minimum', minimumBack));
  }

  async function settleMinimum(
    order: NodeOrder,
    step: string,
    sizesFor: typeof minimumBack,
  ): Promise<{ readonly min: number }> {
    const { live, status } = await cloud.readNodeGroup(order.group, currentCall());
    const sizes = sizesFor(order, live);
    if (sizes === undefined && status === 'UPDATING')
      throw failure('notReady', `an update of ${order.group} is under way`, { retryAfterMs: SETTLED_EVERY_MS });
    if (sizes === undefined) return { min: live.min };
    await resize(order, step, sizes);
    throw failure('notReady', `the minimum of ${order.group} is becoming ${sizes.min}`, {
      retryAfterMs: SETTLED_EVERY_MS,
    });
  }

  return {
    resolveAdditionPolicy,
    surveyNodeGroups,
    orderNodes,
    awaitNodes,
    takeBackNodes,
    raiseMinimum,
    giveMinimumBack,
  };
}

/** At most 64 characters of [A-Za-z0-9-]: the run's own id is unique, and the sizes make another request another token. */
function token(owner: string, step: string, { min, desired }: GroupSizes): string {
  const run = owner.split('/')[1] ?? owner;
  return `${run}-${step}-${min}-${desired}`.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(-64);
}
