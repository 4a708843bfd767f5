import { CancellationScope, executeChild, ParentClosePolicy } from '@temporalio/workflow';
import { drainId } from '../domain/names.ts';
import type { AddedNode } from '../domain/procedures.ts';
import { waitWhile, type AdditionParts } from './addition-parts.ts';
import type { drainGpuNode } from './drain-gpu-node.ts';
import { reading } from './stubs.ts';
import { reasonOf } from './tell-owners.ts';

/**
 * At the end of the loan exactly the nodes that were added are drained and removed, by the procedure that does that, as a run of its
 * own. Answers with why not all of them have gone.
 */
export async function returnNodes(
  parts: AdditionParts,
  { nodes, forMs }: { readonly nodes: readonly AddedNode[]; readonly forMs: number },
): Promise<readonly string[]> {
  const { run } = parts;
  run.update({ event: { ...run.status().event, endMs: Date.now() + forMs } });
  run.enter('holding', { what: `${nodes.length} nodes are drained and removed`, atMs: Date.now() + forMs });
  await waitWhile(parts, { ms: forMs, summary: 'until the nodes are given back' });
  await parts.steering.untilResumed();
  const summary = 'which of them are still there';
  const ids = nodes.map(({ instanceId }) => instanceId);
  const present = await reading.findPresent.executeWithOptions({ summary }, [ids]);
  // each group is a drain of its own; a node that somebody else has ended is given back already
  const groups = Map.groupBy(
    nodes.filter(({ instanceId }) => present.includes(instanceId)),
    ({ group }) => group,
  );
  const reasons: string[] = [];
  for (const [group, members] of groups) reasons.push(...(await drain(parts, group, members)));
  return reasons;
}

async function drain({ run }: AdditionParts, group: string, members: readonly AddedNode[]): Promise<readonly string[]> {
  const names = members.map(({ name }) => name);
  const workflowId = drainId(names);
  run.enter('giving back', { what: `${workflowId} drains and removes ${names.join(', ')}`, atMs: null });
  const instances = Object.fromEntries(members.map(({ name, instanceId }) => [name, instanceId]));
  const reason = `the end of their time (${run.status().event.name})`;
  const draining = executeChild<typeof drainGpuNode>('drainGpuNode', {
    workflowId,
    args: [{ nodes: names, instances, remove: true, requestedBy: run.requestedBy, reason }],
    staticSummary: `${names.join(', ')}: drain and remove`,
    // whoever ends the loan's run does not leave a node half drained
    parentClosePolicy: ParentClosePolicy.ABANDON,
  });
  const result = await draining.catch((error: unknown) => {
    if (CancellationScope.current().consideredCancelled) throw error;
    return { outcome: 'failed' as const, reasons: [reasonOf(error)] };
  });
  const reasons = 'reasons' in result ? result.reasons : [];
  if (result.outcome === 'removed') {
    reasons.forEach((reason) => run.say(reason));
    return [];
  }
  return [`${group}: ${workflowId} ended as ${result.outcome}${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`];
}
