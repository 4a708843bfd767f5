import { counted } from '../domain/counted.ts';
import type { DrainPlan } from '../domain/drain.ts';
import type { DrainedNode } from '../domain/drain-survey.ts';
import { identityOf } from '../domain/gpu-node.ts';
import { waitWhile } from './addition-parts.ts';
import type { DrainParts } from './drain-record.ts';
import { removeNode } from './drain-removal.ts';
import { evicting, givingNodesBack, writingNodes } from './stubs.ts';
import { unless } from './unless.ts';
import { describeEvicted, type PodRef } from '../domain/eviction.ts';

/** All of them before the first is emptied, so that no pod moves from one to the next. Answers with what is against it. */
export async function cordonAll({ run, record }: DrainParts, { nodes }: DrainPlan): Promise<readonly string[]> {
  const mark = { owner: run.claimId, requestedBy: run.requestedBy, atMs: Date.now(), untilMs: null };
  for (const node of nodes) {
    const options = { summary: `cordon ${node.name}` };
    const answer = await writingNodes.cordonNode.executeWithOptions(options, [{ node: identityOf(node), mark }]);
    if (answer === 'replaced') return [`${node.name} is another node by now`];
    record.note(node.name, { state: answer === 'cordoned already' ? 'cordoned by somebody else' : 'cordoned' });
    run.say(
      `${node.name} ${answer === 'cordoned already' ? 'was cordoned by somebody else, and stays so' : 'is cordoned'}`,
    );
  }
  return [];
}

/** Judges these nodes as they are now; reasons: why it may not go on. */
export type JudgeAgain = (
  nodes: readonly string[],
) => Promise<{ readonly plan: DrainPlan } | { readonly reasons: readonly string[] }>;

/** In order: emptied, and removed where that is asked for. Answers with why it went no further. */
export async function emptyAndRemove(
  parts: DrainParts,
  plan: DrainPlan,
  { judge, ...turn }: { readonly group: string; readonly what: string; readonly judge: JudgeAgain },
): Promise<readonly string[]> {
  for (const [place, node] of plan.nodes.entries()) {
    await parts.steering.untilResumed();
    const left = plan.nodes.slice(place).map(({ name }) => name);
    const held = await empty(parts, { plan, node, judge: () => judge(left) });
    if (held.length > 0) return held;
    if (!plan.remove) continue;
    await parts.steering.untilResumed();
    if (parts.steering.isEnded()) return ['an operator ended the drain'];
    const stopped = await removeNode(parts, plan, { node, ...turn });
    if (stopped.length > 0) return stopped;
  }
  return [];
}

/** A controller that puts its pods back on the node itself would do so for ever. */
const MOST_ROUNDS = 8;

/** What has come to the node meanwhile is judged like what was there, and evicted too, until nothing is left (R54). */
async function empty(
  parts: DrainParts,
  {
    plan,
    node,
    judge,
  }: { readonly plan: DrainPlan; readonly node: DrainedNode; readonly judge: () => ReturnType<JudgeAgain> },
): Promise<readonly string[]> {
  const { run, steering, record } = parts;
  const [sinceMs, extendedBefore] = [Date.now(), steering.extendedMs()];
  const deadline = () => sinceMs + plan.policy.evictionDeadlineMs + steering.extendedMs() - extendedBefore;
  let current = plan;
  for (let round = 1; ; round += 1) {
    const held = await evict(parts, { plan: current, node, deadline });
    if (held.length > 0) return held;
    const again = await judge();
    if ('reasons' in again) return again.reasons;
    current = again.plan;
    const waits = current.wait.filter(({ nodes }) => nodes.includes(node.name));
    if (waits.length > 0)
      return waits.map((job) => `${job.kind} ${job.namespace}/${job.name} has come to run on ${node.name} meanwhile`);
    const left = podsOf(current, node);
    if (left.length === 0) break;
    if (round === MOST_ROUNDS || Date.now() >= deadline())
      return left.map(
        ({ namespace, name }) =>
          `pod ${namespace}/${name}: its like come back to ${node.name} as often as they are evicted; take spec.nodeName or the toleration of the cordon away from its controller`,
      );
  }
  record.note(node.name, { state: 'emptied' });
  run.say(`${node.name} is empty`);
  return [];
}

async function evict(
  { run, steering, record }: DrainParts,
  { plan, node, deadline }: { readonly plan: DrainPlan; readonly node: DrainedNode; readonly deadline: () => number },
): Promise<readonly string[]> {
  const pods = podsOf(plan, node);
  const before = record.evictedFrom(node.name);
  for (;;) {
    const extended = steering.extendedMs();
    const deadlineMs = deadline();
    run.enter('draining', {
      what: `what is still on ${node.name} is named, and the nodes are given back`,
      atMs: deadlineMs,
    });
    const isSteered = () => steering.isSuspended() || steering.extendedMs() !== extended;
    const report = await unless(isSteered, () =>
      evicting.evictPods.executeWithOptions({ summary: `evict ${counted(pods.length, 'pod')} of ${node.name}` }, [
        { node: identityOf(node), pods, deadlineMs, oneByOne: plan.policy.oneByOne },
      ]),
    );
    await steering.untilResumed();
    if (report === undefined) continue;
    record.note(node.name, { evicted: before + report.evicted });
    switch (report.kind) {
      case 'empty':
        run.say(describeEvicted(node.name, report.evicted));
        return [];
      case 'held':
        return report.held.map(
          ({ pod, why, budget }) =>
            `pod ${pod.namespace}/${pod.name} on ${node.name}: ${why}${budget === null ? '' : ` (budget ${budget})`}`,
        );
      case 'gone':
      case 'replaced':
        record.note(node.name, { state: 'gone' });
        return [
          `${node.name} ${report.kind === 'gone' ? 'is gone' : 'is another node by now'}: its instance ${node.instanceId} was ended by somebody else, or died`,
        ];
      case 'uncordoned':
        record.note(node.name, { state: 'as it was' });
        return [`somebody has made ${node.name} schedulable again`];
    }
  }
}

/** Those that are to go, and those that are going already. */
function podsOf({ evict: evicted, going }: DrainPlan, { name: node }: DrainedNode): readonly PodRef[] {
  return [...evicted, ...going]
    .filter((pod) => pod.node === node)
    .map(({ namespace, name, uid }) => ({ namespace, name, uid }));
}

/** The cordon has an owner and an end. */
export async function holdCordon(parts: DrainParts, { forMs }: DrainPlan): Promise<void> {
  const { run } = parts;
  const ms = forMs ?? 0;
  run.update({ event: { ...run.status().event, endMs: Date.now() + ms } });
  run.enter('holding', { what: 'the nodes are made schedulable again', atMs: Date.now() + ms });
  await waitWhile(parts, { ms, summary: 'while the nodes stay cordoned' });
}

/** What we cordoned and nobody ends is schedulable again; a person's cordon stays. */
export async function uncordonAll({ run, record }: DrainParts): Promise<void> {
  for (const node of record.nodes().filter(({ state }) => state === 'cordoned' || state === 'emptied')) {
    run.enter('giving back', { what: `make ${node.name} schedulable again`, atMs: null });
    const answer = await givingNodesBack.uncordonNode.executeWithOptions({ summary: `uncordon ${node.name}` }, [
      { node, owner: run.claimId },
    ]);
    if (answer === 'uncordoned') {
      record.note(node.name, { state: 'given back' });
      run.say(`${node.name} is schedulable again`);
    } else {
      record.note(node.name, { state: answer === 'gone' ? 'gone' : 'cordoned by somebody else' });
      run.say(`${node.name} ${answer === 'gone' ? 'is gone' : 'is left: its cordon is somebody else’s by now'}`);
    }
  }
}
