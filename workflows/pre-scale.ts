import { defineSearchAttributeKey } from '@temporalio/common';
import { allHandlersFinished, CancellationScope, condition, upsertSearchAttributes } from '@temporalio/workflow';
import { formatDuration } from '../domain/duration.ts';
import { targetFaults, windowFaults, type PreScaleRequest } from '../domain/pre-scale.ts';
import type { PreScaleResult } from '../domain/procedures.ts';
import { openApproval, type Approval } from './approval.ts';
import { holdThrough } from './hold-event.ts';
import { makePlan, type Planned } from './make-plan.ts';
import { openRun, type PreScaleRun } from './run.ts';
import { openSteering, type Steering } from './steering.ts';
import { unless } from './unless.ts';

const WORKLOAD = defineSearchAttributeKey('HeadroomWorkload', 'KEYWORD');
const PROCEDURE = defineSearchAttributeKey('HeadroomProcedure', 'KEYWORD');
const EVENT_AT = defineSearchAttributeKey('HeadroomEventAt', 'DATETIME');

/**
 * Capacity for a planned event: there before it, held through it, gone afterwards only when the load has gone.
 * Cancelling at any step lets the capacity go by the ledger's steps; the run closes when the owner's values are back.
 */
export async function preScale(request: PreScaleRequest): Promise<PreScaleResult> {
  const run = openRun(request);
  const steering = openSteering(run);
  const approval = openApproval(run, steering);
  try {
    const result = await follow({ run, steering, approval }, request);
    if (run.status().phase !== 'done') run.enter('done', { what: 'nothing', atMs: null });
    await condition(allHandlersFinished);
    return result;
  } finally {
    // a cancelled run returns no result: what it shows must not stay where it was cancelled
    if (run.status().phase !== 'done') {
      run.say(
        `${CancellationScope.current().consideredCancelled ? 'cancelled' : 'failed'} before anything was asked for`,
      );
      run.enter('done', { what: 'nothing', atMs: null });
    }
  }
}

interface Parts {
  readonly run: PreScaleRun;
  readonly steering: Steering;
  readonly approval: Approval;
}

async function follow({ run, steering, approval }: Parts, request: PreScaleRequest): Promise<PreScaleResult> {
  const faults = [...windowFaults(request, Date.now()), ...targetFaults(request)];
  if (faults.length > 0) return { outcome: 'refused', reasons: faults };
  upsertSearchAttributes([
    { key: WORKLOAD, value: request.workload },
    { key: PROCEDURE, value: 'preScale' },
    { key: EVENT_AT, value: new Date(request.event.startMs) },
  ]);
  const planned = await makePlan(run, request);
  if (planned.kind === 'refuse') return { outcome: 'refused', reasons: planned.reasons };
  if (request.planOnly === true) return { outcome: 'planned', plan: planned.plan, planHash: planned.hash };
  const unapproved = await approval.obtain(askFor(planned));
  if (unapproved !== undefined) return unapproved;

  await sleepToLead(run, steering, planned);
  // the count that a factor multiplies is the one of now, not that of the day the event was planned
  const again = await unless(steering.isOver, () => makePlan(run, { ...request, event: run.status().event }), {
    untilMs: run.status().event.endMs,
  });
  if (again === undefined || steering.isOver()) return steering.withoutCapacity();
  if (again.kind === 'refuse') return { outcome: 'refused', reasons: again.reasons };
  const outgrown = await approval.obtain(askFor(again));
  if (outgrown !== undefined) return outgrown;
  if (steering.isSuspended()) await untilResumed(run, steering);
  if (steering.isOver()) return steering.withoutCapacity();
  return holdThrough({ run, steering, planned: again });
}

async function sleepToLead(run: PreScaleRun, steering: Steering, { plan }: Planned): Promise<void> {
  run.enter('sleeping', { what: 'ask for the capacity', atMs: plan.scaleAtMs });
  await condition(steering.isOver, Math.max(1, plan.scaleAtMs - Date.now()), {
    summary: `until ${formatDuration(plan.leadMs)} before ${plan.event.name}`,
  });
  if (steering.isSuspended()) await untilResumed(run, steering);
}

/** The step that comes next waits; an event that passes meanwhile ends the wait. */
async function untilResumed(run: PreScaleRun, steering: Steering): Promise<void> {
  run.update({ next: { what: 'ask for the capacity, when somebody resumes the run', atMs: null } });
  const goesOn = () => !steering.isSuspended() || steering.isOver();
  await condition(goesOn, Math.max(1, run.status().event.endMs - Date.now()), { summary: 'until somebody resumes' });
}

function askFor({ intent, hash, plan }: Planned) {
  return { intent, planHash: hash, rule: plan.approval };
}
