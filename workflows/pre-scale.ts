import { allHandlersFinished, CancellationScope, condition, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { WorkloadCounts, PreScaleResult } from '../domain/procedures.ts';
import { formatDuration } from '../domain/duration.ts';
import {
  planIntent,
  planPreScale,
  targetFaults,
  windowFaults,
  type PreScaleDecision,
  type PreScalePlan,
  type PreScaleRequest,
} from '../domain/pre-scale.ts';
import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import { changedMeanwhile, ownersValues, type OwnersValues } from '../domain/release.ts';
import { replicasBeforeHold } from '../domain/marks.ts';
import { findGovernor, type WorkloadState } from '../domain/workload.ts';
import { openRun, unless, type PreScaleRun } from './run.ts';
import { reading, watching } from './stubs.ts';

const WORKLOAD = defineSearchAttributeKey('HeadroomWorkload', 'KEYWORD');
const PROCEDURE = defineSearchAttributeKey('HeadroomProcedure', 'KEYWORD');
const EVENT_AT = defineSearchAttributeKey('HeadroomEventAt', 'DATETIME');

/**
 * Capacity for a planned event: there before it, held through it, gone afterwards only when the load has gone.
 * Cancelling at any step lets the capacity go by the ledger's steps; the run closes when the owner's values are back.
 */
export async function preScale(request: PreScaleRequest): Promise<PreScaleResult> {
  const run = openRun(request);
  try {
    return await follow(run, request);
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

async function follow(run: PreScaleRun, request: PreScaleRequest): Promise<PreScaleResult> {
  const faults = [...windowFaults(request, Date.now()), ...targetFaults(request)];
  if (faults.length > 0) return finish(run, { outcome: 'refused', reasons: faults });
  upsertSearchAttributes([
    { key: WORKLOAD, value: request.workload },
    { key: PROCEDURE, value: 'preScale' },
    { key: EVENT_AT, value: new Date(request.event.startMs) },
  ]);
  const planned = await plan(run, request);
  if (planned.kind === 'refuse') return finish(run, { outcome: 'refused', reasons: planned.reasons });
  if (request.planOnly === true) return finish(run, { outcome: 'planned', plan: planned.plan, planHash: planned.hash });

  run.enter('sleeping', { what: 'ask for the capacity', atMs: planned.plan.scaleAtMs });
  await condition(run.isOver, Math.max(1, planned.plan.scaleAtMs - Date.now()), {
    summary: `until ${formatDuration(planned.plan.leadMs)} before ${request.event.name}`,
  });
  // the count that a factor multiplies is the one of now, not that of the day the event was planned
  const again = await unless(run.isOver, () => plan(run, { ...request, event: run.status().event }), {
    untilMs: run.status().event.endMs,
  });
  if (again === undefined || run.isOver()) return finish(run, run.withoutCapacity());
  if (again.kind === 'refuse') return finish(run, { outcome: 'refused', reasons: again.reasons });
  return holdThrough(run, again);
}

interface Planned {
  readonly kind: 'plan';
  readonly plan: PreScalePlan;
  readonly hash: string;
  readonly policy: ResolvedPolicy;
  readonly state: WorkloadState;
}

async function plan(
  run: PreScaleRun,
  request: PreScaleRequest,
): Promise<Planned | { readonly kind: 'refuse'; readonly reasons: readonly string[] }> {
  const policy = await reading.resolveWorkloadPolicy.executeWithOptions({ summary: `policy of ${request.workload}` }, [
    request.workload,
  ]);
  if ('known' in policy)
    return {
      kind: 'refuse',
      reasons: [`workload ${request.workload} is not in headroom.yaml; known are ${policy.known.join(', ')}`],
    };
  const survey = await reading.surveyWorkload.executeWithOptions({ summary: `${request.workload} as it stands` }, [
    refOf(policy),
  ]);
  const decision = planPreScale({ request, policy, survey, nowMs: Date.now() });
  if (decision.kind === 'refuse' || survey.kind === 'missing') return { kind: 'refuse', reasons: reasonsOf(decision) };
  const { state } = survey;
  const podsToAdd = decision.plan.target.replicas - state.wantedReplicas;
  const room = await reading.checkRoom.executeWithOptions(
    { summary: `quota and room for ${Math.max(0, podsToAdd)} more pods` },
    [{ ref: refOf(policy), podsToAdd }],
  );
  const withRoom = { ...decision.plan, warnings: [...decision.plan.warnings, ...room] };
  const hash = await reading.hashIntent.executeWithOptions({ summary: 'fingerprint of the plan' }, [
    planIntent(request, withRoom),
  ]);
  run.update({ plan: withRoom, planHash: hash });
  return { kind: 'plan', plan: withRoom, hash, policy, state };
}

function reasonsOf(decision: PreScaleDecision): readonly string[] {
  return decision.kind === 'refuse' ? decision.reasons : [];
}

async function holdThrough(run: PreScaleRun, { policy, state, plan: { target } }: Planned): Promise<PreScaleResult> {
  const owners = ownersValues(state);
  const baselinePods = pods(state);
  const before: WorkloadCounts = {
    floor: owners.floor,
    ceiling: owners.ceiling,
    replicas: baselinePods,
    available: state.availableReplicas,
  };
  let home: Home | undefined;
  try {
    run.enter('scaling', { what: `wait until ${target.replicas} are available`, atMs: null });
    run.update({ target: target.replicas });
    run.say(`asking for ${target.replicas} replicas, ${state.wantedReplicas} are there`);
    // a ledger that cannot be reached must not keep an operator from ending the event
    await unless(run.isOver, () => run.claim(target.replicas), { untilMs: run.status().event.endMs });
    do {
      await holdToTheEnd(run, policy);
      await quiet(run, policy, baselinePods);
    } while (!run.isOver());
  } finally {
    if (CancellationScope.current().consideredCancelled) run.say('cancelled');
    home = await CancellationScope.nonCancellable(() => letGo(run, policy, owners));
  }
  const available = run.status().available ?? { kind: 'short', reasons: ['let go before it was seen to be there'] };
  return finish(run, {
    outcome: available.kind === 'short' ? 'short' : 'done',
    reasons: available.reasons,
    target: run.status().target ?? target.replicas,
    before,
    after: home.after,
    restored: home.restored,
    otherClaims: home.otherClaims,
    drift: home.drift,
    timeline: run.status().timeline,
  });
}

/** Holds until the event is over; looks whether what is asked for is there, at first and after each amendment. */
async function holdToTheEnd(run: PreScaleRun, policy: ResolvedPolicy): Promise<void> {
  let lookedFor: number | null = null;
  while (!run.isOver()) {
    const target = run.status().target ?? 0;
    if (target !== lookedFor) await makeSure(run, policy, target);
    lookedFor = target;
    const { endMs } = run.status().event;
    run.enter('holding', { what: 'the event ends', atMs: endMs });
    const changed = () => run.isOver() || run.status().target !== target || run.status().event.endMs !== endMs;
    await condition(changed, Math.max(1, endMs - Date.now()), { summary: `until ${run.status().event.name} ends` });
  }
}

async function makeSure(run: PreScaleRun, policy: ResolvedPolicy, target: number): Promise<void> {
  const { availableWithinMs } = policy.preScale;
  const deadlineMs = Math.min(Date.now() + availableWithinMs, run.status().event.endMs);
  run.enter('scaling', { what: `wait until ${target} are available`, atMs: deadlineMs });
  const changed = () => run.isOver() || run.status().target !== target;
  const verdict = await unless(changed, () =>
    watching.awaitAvailable.executeWithOptions(
      { summary: `until ${target} are available, at most ${formatDuration(availableWithinMs)}` },
      [{ ref: refOf(policy), target, deadlineMs }],
    ),
  );
  if (verdict === undefined) {
    if (run.isOver() && !run.isSkipped())
      run.update({
        available: { kind: 'short', replicas: 0, reasons: [`the event ended before ${target} were available`] },
      });
    return;
  }
  const { claim } = run.status();
  const told = claim === null || claim.reason === '' ? [] : [`the ledger says ${claim.state}: ${claim.reason}`];
  run.update({
    available: verdict.kind === 'short' ? { ...verdict, reasons: [...told, ...verdict.reasons] } : verdict,
  });
  run.say(
    verdict.kind === 'available'
      ? `${verdict.replicas} available`
      : `short: ${verdict.replicas} of ${target} available; what came is held`,
  );
}

/** Waits until the load has gone, or an operator says it does not matter, or extends the event. */
async function quiet(run: PreScaleRun, policy: ResolvedPolicy, baselinePods: number): Promise<void> {
  const sinceMs = run.status().event.endMs;
  if (run.isSkipped()) return;
  run.enter('waiting for quiet', {
    what: `let go after ${formatDuration(policy.preScale.quiet.windowMs)} of low load`,
    atMs: null,
  });
  run.say('the event is over');
  const moved = () => run.isSkipped() || run.status().event.endMs > sinceMs;
  await unless(moved, () =>
    watching.awaitQuiet.executeWithOptions(
      { summary: `until the load has been low for ${formatDuration(policy.preScale.quiet.windowMs)}` },
      [{ policy, sinceMs, baselinePods }],
    ),
  );
}

interface Home {
  readonly after: WorkloadCounts;
  readonly restored: boolean;
  readonly otherClaims: number;
  readonly drift: readonly string[];
}

/** The one undo, for the good end, failure and cancellation alike. */
async function letGo(run: PreScaleRun, policy: ResolvedPolicy, owners: OwnersValues): Promise<Home> {
  run.enter('winding down', { what: 'back to what the owner had, step by step', atMs: null });
  const sequence = await run.release();
  run.say('let go; the ledger winds down');
  const released = await watching.awaitReleased.executeWithOptions({ summary: 'until the owner’s values are back' }, [
    { ref: refOf(policy), claimId: run.claimId, sequence },
  ]);
  const home = homeOf(released, owners);
  run.say(home.said);
  await condition(allHandlersFinished);
  run.enter('done', { what: 'nothing', atMs: null });
  return home;
}

function homeOf(
  released: Awaited<ReturnType<typeof watching.awaitReleased>>,
  owners: OwnersValues,
): Home & { readonly said: string } {
  if (released.kind === 'vanished') {
    const after = { floor: 0, ceiling: null, replicas: 0, available: 0 };
    return { after, restored: false, otherClaims: 0, drift: [released.reason], said: released.reason };
  }
  const { counts: after, restored, otherClaims } = released;
  const said = restored ? 'the owner’s values are back' : `${otherClaims} other claims still hold the workload`;
  return { after, restored, otherClaims, drift: changedMeanwhile(owners, released.owners), said };
}

async function finish(run: PreScaleRun, result: PreScaleResult): Promise<PreScaleResult> {
  if (run.status().phase !== 'done') run.enter('done', { what: 'nothing', atMs: null });
  await condition(allHandlersFinished);
  return result;
}

/** How many pods carried the load before anybody claimed. */
function pods(state: WorkloadState): number {
  const governance = findGovernor(state);
  const held = governance.kind === 'governed' ? replicasBeforeHold(governance.governor) : undefined;
  return Math.max(1, held ?? state.wantedReplicas);
}
