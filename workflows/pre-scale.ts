import { condition } from '@temporalio/workflow';
import { formatDuration } from '../domain/duration.ts';
import type { PreScaleRequest } from '../domain/pre-scale.ts';
import { readPreScaleRequest } from '../domain/pre-scale-request.ts';
import type { RunResult } from '../domain/procedures.ts';
import { announce } from './announce.ts';
import { openApproval, outgrowsCapacity, type Approval } from './approval.ts';
import { conclude } from './conclude.ts';
import { startEventClock } from './event-clock.ts';
import { holdUntilHome } from './hold-event.ts';
import { holdThrough } from './hold-through.ts';
import { makePlan, type Planned } from './make-plan.ts';
import { openRun, type Run } from './run.ts';
import { openSteering, type Steering } from './steering.ts';
import { unless } from './unless.ts';

/**
 * Capacity for a planned event: there before it, held through it, gone afterwards only when the load has gone.
 * Cancelling at any step lets the capacity go by the ledger's steps; the run closes when the owner's values are back.
 */
export async function preScale(input: PreScaleRequest): Promise<RunResult> {
  // typed by hand in Temporal's UI it may be anything
  const { request, faults } = readPreScaleRequest(input, Date.now());
  const run = openRun({ procedure: 'preScale', subject: request.workload, ...request });
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

async function follow({ run, steering, approval }: Parts, request: PreScaleRequest): Promise<RunResult> {
  announce(run);
  const planned = await makePlan(run, request);
  if (planned.kind === 'refuse') return { outcome: 'refused', reasons: planned.reasons };
  if (request.planOnly === true) return { outcome: 'planned', plan: planned.plan, planHash: planned.hash };
  const unapproved = await approval.obtain(askFor(planned));
  if (unapproved !== undefined) return unapproved;
  await sleepToLead(run, steering, planned);
  startEventClock(run);
  await untilResumed(run, steering);
  return planAnewAndHold({ run, steering, approval }, request);
}

/** The count that a factor multiplies is the one of now, and so is all else: whatever waits is followed by another look. */
async function planAnewAndHold(parts: Parts, request: PreScaleRequest): Promise<RunResult> {
  const { run, steering, approval } = parts;
  for (;;) {
    const planned = await unless(steering.isOver, () => makePlan(run, { ...request, event: run.status().event }));
    if (planned === undefined || steering.isOver()) return steering.withoutCapacity();
    if (planned.kind === 'refuse') return { outcome: 'refused', reasons: planned.reasons };
    const askedAtMs = Date.now();
    const unapproved = await approval.obtain(askFor(planned));
    if (unapproved !== undefined) return unapproved;
    await untilResumed(run, steering);
    if (steering.isOver()) return steering.withoutCapacity();
    if (Date.now() === askedAtMs) return holdThrough({ run, steering, planned, holdUntilHome });
  }
}

async function sleepToLead(run: Run, steering: Steering, { plan }: Planned): Promise<void> {
  run.enter('sleeping', { what: 'ask for the capacity', atMs: plan.scaleAtMs });
  await condition(steering.isOver, Math.max(1, plan.scaleAtMs - Date.now()), {
    summary: `until ${formatDuration(plan.leadMs)} before ${plan.event.name}`,
  });
}

/** The step that comes next waits; an event that passes meanwhile ends the wait. */
async function untilResumed(run: Run, steering: Steering): Promise<void> {
  if (!steering.isSuspended()) return;
  run.update({ next: { what: 'ask for the capacity, when somebody resumes the run', atMs: null } });
  await condition(() => !steering.isSuspended() || steering.isOver());
}

function askFor({ intent, hash, plan }: Planned) {
  return { intent, planHash: hash, rule: plan.approval };
}
