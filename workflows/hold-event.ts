import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow';
import { formatDuration } from '../domain/duration.ts';
import { replicasBeforeHold } from '../domain/marks.ts';
import { refOf } from '../domain/policy.ts';
import type { RunResult, WorkloadCounts } from '../domain/procedures.ts';
import { ownersValues } from '../domain/release.ts';
import { findGovernor, type WorkloadState } from '../domain/workload.ts';
import { openClaimKeeper } from './claim-keeper.ts';
import type { Planned } from './make-plan.ts';
import type { Run } from './run.ts';
import type { Steering } from './steering.ts';
import { watching } from './stubs.ts';
import { unless } from './unless.ts';
import { windDown, type Holding, type Home } from './wind-down.ts';

type ClaimKeeper = ReturnType<typeof openClaimKeeper>;

/** From the claim to the owner's values: the one place that undoes, for the good end, failure and cancellation alike. */
export async function holdThrough({
  run,
  steering,
  planned: { policy, state, plan },
}: {
  readonly run: Run;
  readonly steering: Steering;
  readonly planned: Planned;
}): Promise<RunResult> {
  const { target } = plan;
  const owners = ownersValues(state);
  const holding: Holding = { run, steering, policy, owners, baselinePods: pods(state) };
  const before: WorkloadCounts = {
    floor: owners.floor,
    ceiling: owners.ceiling,
    replicas: holding.baselinePods,
    available: state.availableReplicas,
  };
  let home: Home | undefined;
  try {
    run.enter('scaling', { what: `wait until ${target.replicas} are available`, atMs: null });
    run.update({ target: target.replicas });
    run.say(`asking for ${target.replicas} replicas, ${state.wantedReplicas} are there`);
    // a ledger that cannot be reached must not keep an operator from ending the event
    const said = await unless(steering.isOver, () => run.claim(target.replicas));
    home = await holdUntilHome(holding, { isClaimed: said !== undefined });
  } finally {
    if (home === undefined) {
      if (CancellationScope.current().consideredCancelled) run.say('cancelled');
      home = await CancellationScope.nonCancellable(() => windDown(holding));
    }
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    run.enter('done', { what: 'nothing', atMs: null });
  }
  const { available, lapses, timeline } = run.status();
  const seen = available ?? { kind: 'short', reasons: ['let go before it was seen to be there'] };
  return {
    outcome: seen.kind === 'short' || lapses.length > 0 ? 'short' : 'done',
    reasons: [...seen.reasons, ...lapses],
    target: run.status().target ?? target.replicas,
    before,
    ...home,
    timeline,
  };
}

/** Holds, waits for quiet and winds down; where the load comes back meanwhile, holds again until it has gone. */
async function holdUntilHome(holding: Holding, { isClaimed }: { readonly isClaimed: boolean }): Promise<Home> {
  const { run, steering } = holding;
  let regainedAtMs = 0;
  const keeper = openClaimKeeper(run);
  for (;;) {
    try {
      do {
        if (!isClaimed) await claimAfterAll(holding);
        await holdToTheEnd(holding, keeper);
        await quiet(holding, Math.max(run.status().event.endMs, regainedAtMs));
      } while (!steering.isOver());
    } finally {
      await keeper.stop();
    }
    const home = await windDown(holding, { watchesLoad: !steering.isSkipped() });
    if (home !== undefined) return home;
    run.enter('scaling', { what: 'ask for the capacity again', atMs: null });
    steering.takeUndo();
    await run.claim(run.status().target ?? 0);
    regainedAtMs = Date.now();
  }
}

/** Where the event was over before the ledger had answered, and was extended since. */
async function claimAfterAll({ run, steering }: Holding): Promise<void> {
  if (steering.isOver() || run.claimed() !== undefined) return;
  run.enter('scaling', { what: 'ask for the capacity', atMs: null });
  await unless(steering.isOver, () => run.claim(run.status().target ?? 0));
}

/** Holds until the event is over; looks whether what is asked for is there, at first and after each amendment. */
async function holdToTheEnd({ run, steering, policy }: Holding, keeper: ClaimKeeper): Promise<void> {
  let lookedFor: number | null = null;
  const { status } = run;
  while (!steering.isOver()) {
    const target = status().target ?? 0;
    if (target !== lookedFor) {
      await keeper.stop();
      await makeSure({ run, steering, policy }, target);
      if (run.status().target === target && !isSeenToStand(run)) keeper.start();
    }
    lookedFor = target;
    const { endMs } = status().event;
    run.enter('holding', { what: 'the event ends', atMs: endMs });
    const changed = () => steering.isOver() || status().target !== target || status().event.endMs !== endMs;
    await condition(changed);
  }
}

/** All pods are there, by a floor on the object, and the ledger said that it has written: from then on the object itself remembers. */
function isSeenToStand({ status }: Run): boolean {
  const { available, claim } = status();
  return available?.kind === 'available' && claim !== null && claim.state !== 'refused';
}

async function makeSure(
  { run, steering, policy }: Pick<Holding, 'run' | 'steering' | 'policy'>,
  target: number,
): Promise<void> {
  const { availableWithinMs } = policy.preScale;
  const { endMs } = run.status().event;
  const deadlineMs = Math.min(Date.now() + availableWithinMs, endMs);
  run.enter('scaling', { what: `wait until ${target} are available`, atMs: deadlineMs });
  // at an end that was foreseen the last look answers, with its reasons
  const isCutShort = () => steering.isSkipped() || (run.status().event.endMs !== endMs && steering.isOver());
  const changed = () => isCutShort() || run.status().target !== target;
  const asked = run.claimed();
  const verdict = await unless(changed, () =>
    watching.awaitAvailable.executeWithOptions(
      { summary: `until ${target} are available, at most ${formatDuration(availableWithinMs)}` },
      [{ ref: refOf(policy), target, deadlineMs, ...(asked !== undefined && { claim: asked }) }],
    ),
  );
  if (verdict === undefined) {
    if (steering.isOver() && !steering.isSkipped())
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

/**
 * Waits until the load has gone, or an operator says it does not matter, or extends the event. When it has not gone in
 * the policy's time a person is asked; the wait goes on all the same, and so does the capacity.
 */
async function quiet({ run, steering, policy, baselinePods }: Holding, sinceMs: number): Promise<void> {
  const { windowMs, askAfterMs } = policy.preScale.quiet;
  if (steering.isSkipped()) return;
  const next = { what: `let go after ${formatDuration(windowMs)} of low load`, atMs: null };
  run.enter('waiting for quiet', next);
  run.say('the event is over');
  const moved = () => steering.isSkipped() || run.status().event.endMs > sinceMs;
  const summary = `until the load has been low for ${formatDuration(windowMs)}`;
  while (!moved()) {
    const { question } = run.status();
    const askAtMs = question === null ? { askAtMs: sinceMs + askAfterMs } : {};
    const report = await unless(moved, () =>
      watching.awaitQuiet.executeWithOptions({ summary }, [{ policy, sinceMs, baselinePods, ...askAtMs }]),
    );
    if (report?.kind === 'not quiet') ask(run, report.reasons, askAfterMs);
    if (report?.kind !== 'quiet') continue;
    run.update({ question: null });
    if (!steering.isSuspended()) return;
    // what was quiet may be loud again by then, so it is judged anew
    run.update({ next: { what: 'let go, when somebody resumes the run', atMs: null } });
    await condition(() => !steering.isSuspended() || moved());
    run.update({ next });
  }
  run.update({ question: null });
}

function ask(run: Run, reasons: readonly string[], askAfterMs: number): void {
  const what = `not quiet for ${formatDuration(askAfterMs)}: let it go all the same (skip), or extend the event? Without an answer it stays until it is quiet`;
  run.update({ question: { what, reasons, atMs: Date.now() } });
  run.say(`${what}; ${reasons.join('; ')}`);
}

function pods(state: WorkloadState): number {
  const governance = findGovernor(state);
  const held = governance.kind === 'governed' ? replicasBeforeHold(governance.governor) : undefined;
  return Math.max(1, held ?? state.wantedReplicas);
}
