import { workflowInfo } from '@temporalio/workflow';
import {
  additionIntent,
  outgrownAddition,
  planAddition,
  type AdditionIntent,
  type AdditionRequest,
} from '../domain/addition.ts';
import { LONGEST_LOAN_MS, readAdditionRequest } from '../domain/addition-request.ts';
import type { AddedNode, RunResult } from '../domain/procedures.ts';
import type { AdditionParts } from './addition-parts.ts';
import { announce } from './announce.ts';
import { openApproval } from './approval.ts';
import { conclude } from './conclude.ts';
import { withTurn } from './node-turn.ts';
import { orderInGroup } from './order-nodes.ts';
import { returnNodes } from './return-nodes.ts';
import { openRun, type Run } from './run.ts';
import { openNodeSteering } from './steer-nodes.ts';
import { reading, reckoning } from './stubs.ts';

/**
 * More GPU nodes of a group: relative to what there is, watched from the request on, counted only when they can compute. What does
 * not come is not left on order; what was lent is drained and removed at its end.
 */
export async function addGpuNodes(input: AdditionRequest): Promise<RunResult> {
  const { request, faults } = readAdditionRequest(input);
  const { group, count, reason = `${count} more nodes`, requestedBy } = request;
  const startMs = workflowInfo().startTime.getTime();
  // the true end is known when the nodes are there
  const event = { name: reason, startMs, endMs: startMs + LONGEST_LOAN_MS };
  const run = openRun({ procedure: 'addGpuNodes', subject: group, event, requestedBy });
  const steering = openNodeSteering(run, {
    skip: { phases: ['adding'], now: 'what has not come is taken back', question: 'say so' },
    extend: { phases: ['adding', 'holding'], what: 'the time' },
    end: { phases: ['waiting for approval', 'waiting for its turn', 'holding'], now: 'what was given for a time goes' },
    suspend: ['waiting for approval', 'waiting for its turn', 'holding'],
  });
  const approval = openApproval<AdditionIntent>(run, steering, outgrownAddition);
  return conclude(run, () =>
    faults.length > 0
      ? Promise.resolve({ outcome: 'refused', reasons: faults })
      : follow({ run, steering, approval }, request),
  );
}

async function follow(parts: AdditionParts, request: AdditionRequest): Promise<RunResult> {
  const { run, approval } = parts;
  announce(run);
  const planned = await planNow(run, request);
  if (planned.kind === 'refuse') return { outcome: 'refused', reasons: planned.reasons };
  const { plan, hash } = planned;
  if (request.planOnly === true) return { outcome: 'planned', plan, planHash: hash };
  const unapproved = await approval.obtain({ intent: additionIntent(plan), planHash: hash, rule: plan.approval });
  if (unapproved !== undefined) return unapproved;
  const added = await addInTurn(parts, request);
  if ('outcome' in added) return added;
  const { nodes, come, reasons } = added;
  const isLoan = request.forMs !== undefined && come.length > 0;
  const kept = isLoan ? await returnNodes(parts, { nodes: come, forMs: request.forMs ?? 0 }) : [];
  const partly = nodes.length > 0 ? 'partly added' : 'not added';
  const outcome = nodes.length >= request.count ? 'added' : partly;
  return {
    outcome,
    reasons: [...reasons, ...kept],
    asked: request.count,
    nodes,
    returned: isLoan && kept.length === 0,
    timeline: run.status().timeline,
  };
}

async function planNow(run: Run, request: AdditionRequest) {
  const groups = [request.group, ...(request.orElse ?? [])];
  const policy = await reckoning.resolveAdditionPolicy.executeWithOptions(
    { summary: `policy of ${groups.join(', ')}` },
    [groups],
  );
  const known = groups.filter((group) => Object.hasOwn(policy.nodeGroups, group));
  const summary = `${groups.join(', ')} as they stand`;
  const surveys = known.length === 0 ? {} : await reading.surveyNodeGroups.executeWithOptions({ summary }, [known]);
  const decision = planAddition({ request, policy, surveys });
  if (decision.kind === 'refuse') return decision;
  const { plan } = decision;
  const intent = additionIntent(plan);
  const hash = await reckoning.hashIntent.executeWithOptions({ summary: 'fingerprint of the plan' }, [intent]);
  run.update({ addition: { ...plan, nodes: run.status().addition?.nodes ?? [] }, planHash: hash });
  return { kind: 'plan', plan, hash, policy, surveys } as const;
}

/** Each group in its own turn: read again, decide again, and only then ordered. */
async function addInTurn({ run, steering, approval }: AdditionParts, request: AdditionRequest) {
  const reasons: string[] = [];
  let nodes: readonly AddedNode[] = [];
  // those too that cannot compute: they are paid for like the others
  let come: readonly AddedNode[] = [];
  const groups = [request.group, ...(request.orElse ?? [])];
  for (const [place, group] of groups.entries()) {
    const count = request.count - nodes.length;
    const rest = { ...request, group, count, orElse: groups.slice(place + 1) };
    const what = `${count} more nodes for ${request.requestedBy}`;
    run.enter('waiting for its turn', { what: `order ${count} nodes of ${group}`, atMs: null });
    const outcome = await withTurn(run, {
      group,
      what,
      isEnded: steering.isEnded,
      act: async () => {
        await steering.untilResumed();
        const planned = await planNow(run, rest);
        if (planned.kind === 'refuse') return { refused: planned.reasons };
        if (place === 0) {
          const again = { intent: additionIntent(planned.plan), planHash: planned.hash, rule: planned.plan.approval };
          const unapproved = await approval.obtain(again);
          if (unapproved !== undefined) return { unapproved };
        }
        return orderInGroup({ run, steering }, planned);
      },
    });
    if (outcome === undefined) {
      reasons.push('an operator ended it before its turn');
      break;
    }
    if ('unapproved' in outcome) return outcome.unapproved;
    if ('refused' in outcome) {
      if (place === 0) return { outcome: 'refused', reasons: outcome.refused } as const;
      reasons.push(...outcome.refused);
      continue;
    }
    nodes = [...nodes, ...outcome.nodes];
    come = [...come, ...outcome.come];
    reasons.push(...outcome.reasons);
    if (nodes.length >= request.count || steering.isEnded()) break;
    if (place < groups.length - 1)
      run.say(`${group} has given ${outcome.nodes.length} of ${count}: ${groups[place + 1]} is asked for the rest`);
  }
  return { nodes, come, reasons: nodes.length >= request.count ? [] : reasons };
}
