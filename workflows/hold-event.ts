import { condition } from '@temporalio/workflow';
import { formatDuration } from '../domain/duration.ts';
import { isSeenToStand, makeSure } from './availability.ts';
import { openClaimKeeper } from './claim-keeper.ts';
import type { Run } from './run.ts';
import { watching } from './stubs.ts';
import { unless } from './unless.ts';
import { windDown, type Holding, type Home } from './wind-down.ts';

type ClaimKeeper = ReturnType<typeof openClaimKeeper>;

/** Holds, waits for quiet and winds down; where the load comes back meanwhile, holds again until it has gone. */
export async function holdUntilHome(holding: Holding, { isClaimed }: { readonly isClaimed: boolean }): Promise<Home> {
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
export async function claimAfterAll({ run, steering }: Holding): Promise<void> {
  if (steering.isOver() || run.claimed() !== undefined) return;
  run.enter('scaling', { what: 'ask for the capacity', atMs: null });
  await unless(steering.isOver, () => run.claim(run.status().target));
}

/** Holds until the event is over; looks whether what is asked for is there, at first and after each amendment. */
export async function holdToTheEnd({ run, steering, policy }: Holding, keeper: ClaimKeeper): Promise<void> {
  let lookedFor: number | null | undefined;
  const { status } = run;
  while (!steering.isOver()) {
    const { target } = status();
    if (target !== lookedFor) {
      await keeper.stop();
      await makeSure({ run, steering, policy }, target);
      if (run.status().target === target && !isSeenToStand(run)) keeper.start();
    }
    lookedFor = target;
    const { endMs } = status().event;
    const what = status().procedure === 'holdCapacity' ? 'the hold ends' : 'the event ends';
    run.enter('holding', { what, atMs: endMs });
    const changed = () => steering.isOver() || status().target !== target || status().event.endMs !== endMs;
    await condition(changed);
  }
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
