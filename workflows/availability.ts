import { formatDuration } from '../domain/duration.ts';
import { refOf } from '../domain/policy.ts';
import type { Run } from './run.ts';
import { watching } from './stubs.ts';
import { unless } from './unless.ts';
import type { Holding } from './wind-down.ts';

/** All pods are there, by a floor on the object, and the ledger said that it has written: from then on the object itself remembers. */
export function isSeenToStand({ status }: Run): boolean {
  const { available, claim } = status();
  return available?.kind === 'available' && claim !== null && claim.state !== 'refused';
}

/** Waits until what is asked for is there, and says why where it is not; somebody who changes what is asked for ends the wait. */
export async function makeSure(
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
