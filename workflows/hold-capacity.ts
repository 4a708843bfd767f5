import { workflowInfo } from '@temporalio/workflow';
import { planCapacityHold, type CapacityHoldRequest } from '../domain/capacity-hold.ts';
import { readCapacityHoldRequest } from '../domain/capacity-hold-request.ts';
import { planIntent } from '../domain/plan-intent.ts';
import { refOf } from '../domain/policy.ts';
import type { RunResult } from '../domain/procedures.ts';
import { announce } from './announce.ts';
import { openApproval, outgrowsCapacity, type Approval } from './approval.ts';
import { openClaimKeeper } from './claim-keeper.ts';
import { conclude } from './conclude.ts';
import { startEventClock } from './event-clock.ts';
import { claimAfterAll, holdToTheEnd } from './hold-event.ts';
import { holdThrough } from './hold-through.ts';
import type { Planned } from './make-plan.ts';
import { openRun, type Run } from './run.ts';
import { openSteering, type Steering } from './steering.ts';
import { reading, reckoning } from './stubs.ts';
import { windDown, type Holding, type Home } from './wind-down.ts';

/**
 * The autoscaler leaves the count alone for a while: no scale-in, or neither in nor out. It ends at its date, whoever
 * forgets it, and gives back what the owner had; no quiet is awaited.
 */
export async function holdCapacity(input: CapacityHoldRequest): Promise<RunResult> {
  const { request, faults } = readCapacityHoldRequest(input);
  const { workload, mode, forMs, requestedBy, reason = `autoscaler ${mode}` } = request;
  // from the start of the run, so that a worker that comes late does not move the end
  const startMs = workflowInfo().startTime.getTime();
  const event = { name: reason, startMs, endMs: startMs + forMs };
  const run = openRun({ procedure: 'holdCapacity', subject: workload, event, requestedBy });
  run.update({ holdsBy: mode === 'pause' ? 'pin' : 'freeze' });
  const steering = openSteering(run);
  const approval = openApproval(run, steering, outgrowsCapacity);
  return conclude(run, () =>
    faults.length > 0
      ? Promise.resolve({ outcome: 'refused', reasons: faults })
      : follow({ run, steering, approval }, request),
  );
}

interface Parts {
  readonly run: Run;
  readonly steering: Steering;
  readonly approval: Approval;
}

async function follow({ run, steering, approval }: Parts, request: CapacityHoldRequest): Promise<RunResult> {
  announce(run);
  const planned = await planNow(run, request);
  if (planned.kind === 'refuse') return { outcome: 'refused', reasons: planned.reasons };
  const { plan, intent, hash } = planned;
  if (request.planOnly === true) return { outcome: 'planned', plan, planHash: hash };
  startEventClock(run);
  const unapproved = await approval.obtain({ intent, planHash: hash, rule: plan.approval });
  if (unapproved !== undefined) return unapproved;
  if (steering.isOver()) return steering.withoutCapacity();
  return holdThrough({ run, steering, planned, holdUntilHome: holdUntilItsDate });
}

async function planNow(
  run: Run,
  request: CapacityHoldRequest,
): Promise<Planned | { readonly kind: 'refuse'; readonly reasons: readonly string[] }> {
  const { workload } = request;
  const policy = await reckoning.resolveWorkloadPolicy.executeWithOptions({ summary: `policy of ${workload}` }, [
    workload,
  ]);
  if ('known' in policy)
    return {
      kind: 'refuse',
      reasons: [`workload ${workload} is not in headroom.yaml; known are ${policy.known.join(', ')}`],
    };
  const summary = `${workload} as it stands`;
  const survey = await reading.surveyWorkload.executeWithOptions({ summary }, [refOf(policy)]);
  const decision = planCapacityHold({ request, policy, survey, event: run.status().event });
  if (decision.kind === 'refuse') return decision;
  if (survey.kind === 'missing') return { kind: 'refuse', reasons: [survey.reason] };
  const { plan } = decision;
  const intent = planIntent({ target: { kind: 'replicas', replicas: plan.target.replicas } }, plan);
  const hash = await reckoning.hashIntent.executeWithOptions({ summary: 'fingerprint of the plan' }, [intent]);
  run.update({ plan, planHash: hash });
  return { kind: 'plan', plan, intent, hash, policy, state: survey.state };
}

async function holdUntilItsDate(holding: Holding, { isClaimed }: { readonly isClaimed: boolean }): Promise<Home> {
  const keeper = openClaimKeeper(holding.run);
  try {
    if (!isClaimed) await claimAfterAll(holding);
    await holdToTheEnd(holding, keeper);
  } finally {
    await keeper.stop();
  }
  return windDown(holding);
}
