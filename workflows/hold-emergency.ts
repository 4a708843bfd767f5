import { condition } from '@temporalio/workflow';
import { limitsBeside } from '../domain/conflict.ts';
import { formatDuration } from '../domain/duration.ts';
import { nextTarget } from '../domain/emergency.ts';
import type { ResolvedEmergency } from '../domain/policy.ts';
import type { Alerts } from './alerts.ts';
import { isSeenToStand, makeSure } from './availability.ts';
import { openClaimKeeper } from './claim-keeper.ts';
import { reading, watching } from './stubs.ts';
import { unless } from './unless.ts';
import { windDown, type Holding, type Home } from './wind-down.ts';

interface Emergency {
  readonly alerts: Alerts;
  readonly resolved: ResolvedEmergency;
  readonly factor: number;
}

/**
 * Holds until the load has gone, or for the longest time that policy allows: then the freeze ends even if nobody answers.
 * An alert, or load that comes back, during the wind-down returns the run to its target, which was computed once.
 */
export function holdEmergency(emergency: Emergency) {
  return async (holding: Holding): Promise<Home> => {
    const { run, steering } = holding;
    const { alerts } = emergency;
    const keeper = openClaimKeeper(run);
    const doublings = { done: 1 };
    for (;;) {
      try {
        await holdUntilQuiet(holding, emergency, { keeper, doublings });
      } finally {
        await keeper.stop();
      }
      const isFinal = steering.isOver();
      if (isFinal) alerts.leave();
      if (isFinal && !steering.isSkipped()) run.say('held for as long as policy allows: the freeze ends');
      alerts.takeCall();
      const home = await windDown(
        holding,
        isFinal ? { watchesLoad: false } : { watchesLoad: true, calledBack: alerts.callsBack },
      );
      if (home !== undefined) return home;
      // called back late, it has its whole time again
      const { event } = run.status();
      run.update({
        event: { ...event, endMs: Math.max(event.endMs, Date.now() + emergency.resolved.emergency.maxHoldMs) },
      });
      run.enter('scaling', { what: 'ask for the capacity again', atMs: null });
      steering.takeUndo();
      await run.claim(run.status().target ?? 0);
    }
  };
}

async function holdUntilQuiet(
  { run, steering, policy, baselinePods }: Holding,
  { alerts, resolved, factor }: Emergency,
  {
    keeper,
    doublings,
  }: {
    readonly keeper: ReturnType<typeof openClaimKeeper>;
    /** Of the run, not of this hold: a target that was multiplied stays the target. */
    readonly doublings: { done: number };
  },
): Promise<void> {
  const { status } = run;
  const { windowMs } = policy.preScale.quiet;
  const { remindEveryMs, maxDoublings } = resolved.emergency;
  const sinceMs = Date.now();
  let lookedFor: number | null = null;
  let lookAtMs = sinceMs + policy.preScale.availableWithinMs;
  let hasLooked = false;
  while (!steering.isOver()) {
    const target = status().target ?? 0;
    if (target !== lookedFor) {
      await keeper.stop();
      await makeSure({ run, steering, policy }, target);
      if (status().target === target && !isSeenToStand(run)) keeper.start();
      if (status().evidence === undefined) await unless(steering.isOver, () => showEvidence(run, resolved));
    }
    lookedFor = target;
    const { endMs } = status().event;
    const resolvedBefore = alerts.timesAllResolved();
    const what = `let go after ${formatDuration(windowMs)} of low load, or at the latest`;
    run.enter('holding', { what, atMs: endMs });
    const changed = () =>
      steering.isOver() ||
      status().target !== target ||
      status().event.endMs !== endMs ||
      alerts.timesAllResolved() !== resolvedBefore;
    const report = await unless(changed, () =>
      watching.awaitQuiet.executeWithOptions(
        { summary: `until the load has been low for ${formatDuration(windowMs)}` },
        [{ policy, sinceMs, baselinePods, askAtMs: lookAtMs }],
      ),
    );
    if (report?.kind === 'quiet') {
      run.update({ question: null });
      if (!steering.isSuspended()) return;
      run.update({ next: { what: 'let go, when somebody resumes the run', atMs: null } });
      await condition(() => !steering.isSuspended() || steering.isOver());
    }
    if (report?.kind !== 'not quiet') continue;
    const mayStep = !hasLooked && !steering.isSuspended() && doublings.done < maxDoublings;
    if (hasLooked) remind(run, report.reasons, endMs);
    else if (mayStep && (await stepFurther(run, resolved, factor))) doublings.done += 1;
    else {
      await unless(steering.isOver, () => askForMore(run, resolved));
      hasLooked = true;
    }
    lookAtMs = Date.now() + (hasLooked ? remindEveryMs : policy.preScale.availableWithinMs);
  }
  run.update({ question: null });
}

/** Read while the pods start: it shows, and does not decide. */
async function showEvidence(run: Holding['run'], resolved: ResolvedEmergency) {
  const summary = 'whether pods are what is missing';
  const evidence = await reading.readEvidence.executeWithOptions({ summary }, [resolved]);
  run.update({ evidence });
  const words = evidence.kind === 'saturated' ? 'saturated' : 'pods may not be what is missing';
  run.say(`${words}: ${evidence.reasons.join('; ')}`);
  return evidence;
}

/** Five minutes later, in the runbook's words: still not enough. Again only where the pods are what is missing. */
async function stepFurther(run: Holding['run'], resolved: ResolvedEmergency, factor: number): Promise<boolean> {
  const { target, available } = run.status();
  const { max } = limitsOf(run, resolved);
  const next = nextTarget(target ?? 0, factor, max);
  // what has not come yet cannot be too little
  if (available?.kind !== 'available' || target === null || next <= target) return false;
  const evidence = await showEvidence(run, resolved);
  if (evidence.kind === 'missing') return false;
  run.say(`still saturated with ${target}: asking for ${next}`);
  return run.claim(next);
}

/** What another autoscaler of the workload does not let stand, no step brings. */
function limitsOf(run: Holding['run'], { policy }: ResolvedEmergency) {
  const { plan } = run.status();
  return limitsBeside(policy.workload.limits, plan?.conflict && { ceiling: plan.conflict.maximum });
}

async function askForMore(run: Holding['run'], resolved: ResolvedEmergency): Promise<void> {
  const { target, available, claim } = run.status();
  const { max } = resolved.policy.workload.limits;
  if (available?.kind === 'short') {
    const what = `fewer than ${target} came: what came is held, and more would not come either`;
    run.update({ question: { what, reasons: available.reasons, atMs: Date.now() } });
    return;
  }
  const evidence = await showEvidence(run, resolved);
  if (evidence.kind === 'missing') return;
  if ((target ?? 0) >= limitsOf(run, resolved).max && (target ?? 0) < max) {
    const what = `still saturated with ${target}, and another autoscaler lets no more stand; when that is repaired, ask for more (amend, up to ${max})`;
    const told = claim === null || claim.reason === '' ? [] : [claim.reason];
    run.update({ question: { what, reasons: [...told, ...evidence.reasons], atMs: Date.now() } });
    return;
  }
  const what =
    (target ?? 0) < max
      ? `still saturated with ${target}: ask for more (amend, up to ${max})? Without an answer it stays so`
      : `still saturated at the limit of ${max}: only a change of workloads.*.limits.max gives more`;
  run.update({ question: { what, reasons: evidence.reasons, atMs: Date.now() } });
}

function remind(run: Holding['run'], reasons: readonly string[], endMs: number): void {
  const what = `still not quiet: let it go all the same (skip), or hold it longer (extend)? Without an answer the freeze ends ${new Date(endMs).toISOString()}`;
  run.update({ question: { what, reasons, atMs: Date.now() } });
  run.say(`${what}; ${reasons.join('; ')}`);
}
