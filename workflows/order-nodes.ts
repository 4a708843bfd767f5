import { ActivityFailure } from '@temporalio/common';
import { CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import { raisedSizes } from '../domain/addition.ts';
import type { AddedNode } from '../domain/procedures.ts';
import { usableOf, type NewNode, type OrderStanding } from '../domain/usable-nodes.ts';
import type { NodeOrder } from '../domain/node-group.ts';
import { waitWhile, type AdditionParts, type Planned } from './addition-parts.ts';
import { ordering, takingBack, watching } from './stubs.ts';
import { reasonOf } from './tell-owners.ts';
import { unless } from './unless.ts';
import type { AwaitNodesRequest } from '../activities/node-groups.ts';

type Parts = Pick<AdditionParts, 'run' | 'steering'>;

/** From the request to nodes that compute, or to an order that is taken back as far as it is not met; whatever ends it. */
export async function orderInGroup(parts: Parts, planned: Planned) {
  const { run } = parts;
  const { plan, surveys } = planned;
  const survey = surveys[plan.group];
  if (survey?.kind !== 'found') throw new Error(`${plan.group} was planned without being found`);
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const { group, autoScalingGroup, before, count } = plan;
  const raised = raisedSizes(before, count);
  const order: NodeOrder = { group, autoScalingGroup, before, raised, owner: `${workflowId}/${firstExecutionRunId}` };
  // what was said of another group's order is no word on this one
  parts.steering.takeSkip();
  let met = false;
  let placed = false;
  let takenBack = false;
  let held: number | undefined;
  try {
    const followed = await followOrder(parts, { planned, order, onPlaced: () => (placed = true) }).catch(givenUp);
    const { reasons, request } = followed;
    let { standing } = followed;
    met = reasons.length === 0;
    if (!met) {
      await takeBack(parts, { ...order, placed });
      takenBack = true;
      // before anything else is counted or asked for: what has come is on its way to compute
      if (request !== undefined) standing = await countWhatCame(parts, request);
    }
    const come = addedNodes(standing.nodes, group);
    const nodes = addedNodes(usableOf(standing), group);
    run.update({ addition: { ...plan, nodes: [...(run.status().addition?.nodes ?? []), ...nodes] } });
    if (met && plan.holdsMinimum) await keepMinimum(parts, planned, { order, onHeld: (min) => (held = min) });
    return { nodes, come, reasons };
  } finally {
    const back = { ...order, placed, ...(held !== undefined && { held }) };
    await CancellationScope.nonCancellable(async () => {
      if (met) await giveMinimumBack(parts, planned, back);
      else if (!takenBack) await takeBack(parts, back);
    });
  }
}

function addedNodes(nodes: readonly NewNode[], group: string): readonly AddedNode[] {
  return nodes.flatMap(({ instanceId, type, node }) => (node === null ? [] : [{ ...node, instanceId, type, group }]));
}

/** What AWS or the cluster refuses for good is how the order ends, not how the run fails. */
function givenUp(error: unknown): Followed {
  if (CancellationScope.current().consideredCancelled || !(error instanceof ActivityFailure)) throw error;
  return { standing: { nodes: [], failures: [] }, reasons: [reasonOf(error)] };
}

interface Followed {
  readonly standing: OrderStanding;
  /** Why it is not met; empty: it is. */
  readonly reasons: readonly string[];
  /** How it is looked at, until its deadline; absent: it was never placed. */
  readonly request?: AwaitNodesRequest;
}

interface Ordered {
  readonly planned: Planned;
  readonly order: NodeOrder;
  /** AWS has taken the order. */
  readonly onPlaced: () => void;
}

async function followOrder({ run, steering }: Parts, { planned, order, onPlaced }: Ordered): Promise<Followed> {
  const { plan, surveys, policy } = planned;
  const { group, count, expected, usableWithinMs } = plan;
  const survey = surveys[group];
  const found = survey?.kind === 'found' ? survey : undefined;
  const deadlineAt = Date.now() + usableWithinMs;
  const extendedBefore = steering.extendedMs();
  const deadlineMs = () => deadlineAt + steering.extendedMs() - extendedBefore;
  run.enter('adding', { what: `what has not come is taken back`, atMs: deadlineMs() });
  const orderedAtMs = Date.now();
  const updateId = await ordering.orderNodes.executeWithOptions(
    { summary: `${group}: ${order.before.desired} -> ${order.raised.desired} nodes` },
    [order],
  );
  onPlaced();
  run.say(`${count} more nodes of ${group} are ordered: ${order.before.desired} -> ${order.raised.desired}`);
  const request = {
    order,
    count,
    updateId,
    orderedAtMs,
    instancesBefore: (found?.state.instances ?? []).map(({ id }) => id),
    expected,
    knownFailures: found?.failedLaunches ?? [],
    everyMs: policy.terms.everyMs,
  };
  let standing: OrderStanding = { nodes: [], failures: [] };
  const unmet = (reasons: readonly string[]): Followed => ({
    standing,
    reasons,
    request: { ...request, deadlineMs: deadlineMs() },
  });
  for (;;) {
    const wasMs = deadlineMs();
    const isSteered = () => steering.isSkipped() || deadlineMs() !== wasMs;
    const summary = `until ${count} new nodes of ${group} can compute`;
    const report = await unless(isSteered, () =>
      watching.awaitNodes.executeWithOptions({ summary }, [{ ...request, deadlineMs: wasMs }]),
    );
    if (report !== undefined) ({ standing } = report);
    if (report?.kind === 'usable') {
      run.say(`${count} new nodes of ${group} can compute`);
      return { standing, reasons: [] };
    }
    if (steering.takeSkip()) return unmet(['an operator did not wait any longer']);
    if (report === undefined) continue;
    const { reasons } = report;
    run.say(reasons.join('; '));
    if (Date.now() >= deadlineMs() || !(await isWorthWaiting({ run, steering }, { planned, reasons })))
      return unmet(reasons);
    request.knownFailures = [...request.knownFailures, ...standing.failures.map(({ id }) => id)];
  }
}

/** Nothing more is on order: those that have come are waited for, and a launch that failed before is no news. */
async function countWhatCame({ run, steering }: Parts, placed: AwaitNodesRequest): Promise<OrderStanding> {
  const now = await lastLook(placed);
  let request = { ...placed, count: now.nodes.length, knownFailures: [...placed.knownFailures, ...idsOf(now)] };
  if (usableOf(now).length === request.count) return now;
  run.enter('adding', { what: `count the ${request.count} that have come`, atMs: request.deadlineMs });
  for (;;) {
    const summary = `until ${request.count} nodes that have come can compute`;
    const looking = () => watching.awaitNodes.executeWithOptions({ summary }, [request]);
    const report = await unless(steering.isSkipped, looking);
    if (report === undefined && steering.takeSkip()) return lastLook(request);
    if (report === undefined) continue;
    const news = idsOf(report.standing);
    if (report.kind === 'usable' || Date.now() >= request.deadlineMs || news.length === 0) return report.standing;
    request = { ...request, knownFailures: [...request.knownFailures, ...news] };
  }
}

function idsOf({ failures }: OrderStanding): readonly string[] {
  return failures.map(({ id }) => id);
}

/** As they stand now. */
async function lastLook(request: AwaitNodesRequest): Promise<OrderStanding> {
  const summary = 'the nodes that have come, as they are now';
  const { standing } = await watching.awaitNodes.executeWithOptions({ summary }, [{ ...request, deadlineMs: 0 }]);
  return standing;
}

/** AWS has none, or EKS has given up: by policy wait on, ask a person, or not; where another group is named, that is the answer. */
async function isWorthWaiting(
  { run, steering }: Parts,
  { planned: { plan, policy }, reasons }: { readonly planned: Planned; readonly reasons: readonly string[] },
): Promise<boolean> {
  const { whenUnmet, askForMs } = policy.terms;
  if (whenUnmet === 'wait') return true;
  if (whenUnmet === 'takeBack' || plan.orElse.length > 0) return false;
  const extended = steering.extendedMs();
  const untilMs = Date.now() + askForMs;
  const what = 'wait longer (extend), or take back what has not come (skip)?';
  run.update({ question: { what, reasons, atMs: untilMs } });
  run.enter('adding', { what: 'without an answer, what has not come is taken back', atMs: untilMs });
  await condition(() => steering.isSkipped() || steering.extendedMs() !== extended, askForMs, {
    summary: 'for a person’s word on what AWS cannot give',
  });
  run.update({ question: null });
  steering.takeSkip();
  return steering.extendedMs() !== extended;
}

/** Cluster Autoscaler takes an empty node away after ten minutes: the minimum stays up until pods have had time to come. */
async function keepMinimum(
  parts: Parts,
  { policy }: Planned,
  { order, onHeld }: { readonly order: NodeOrder; readonly onHeld: (min: number) => void },
): Promise<void> {
  const { run } = parts;
  const ms = policy.terms.holdMinimumForMs;
  run.enter('holding', { what: 'the raised minimum is given back', atMs: Date.now() + ms });
  const summary = `the minimum of ${order.group} keeps the new nodes`;
  try {
    const { min } = await ordering.raiseMinimum.executeWithOptions({ summary }, [order]);
    onHeld(min);
    run.say(`the minimum of ${order.group} is ${min} for a while`);
  } catch (error) {
    if (CancellationScope.current().consideredCancelled || !(error instanceof ActivityFailure)) throw error;
    run.say(
      `the minimum of ${order.group} was not raised, so Cluster Autoscaler may take empty new nodes away: ${reasonOf(error)}`,
    );
    return;
  }
  await waitWhile(parts, { ms, summary: 'while pods come to the new nodes' });
}

async function giveMinimumBack({ run }: Parts, { plan }: Planned, order: NodeOrder): Promise<void> {
  if (!plan.holdsMinimum) return;
  const summary = `the minimum of ${order.group} is ${order.before.min} again`;
  const { min } = await takingBack.giveMinimumBack.executeWithOptions({ summary }, [order]);
  run.say(min === order.before.min ? summary : `the minimum of ${order.group} is ${min}, which somebody else has set`);
}

async function takeBack({ run }: Parts, order: NodeOrder): Promise<void> {
  run.enter('taking back', { what: 'what has not come is not on order any more', atMs: null });
  const summary = `take back what ${order.group} has not got`;
  const { desired, instances } = await takingBack.takeBackNodes.executeWithOptions({ summary }, [order]);
  run.say(`${order.group} wants ${desired} nodes and has ${instances}: nothing more is on order`);
}
