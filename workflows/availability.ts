import { formatDuration } from '../domain/duration.ts';
import { refOf } from '../domain/policy.ts';
import type { Run } from './run.ts';
import { watching } from './stubs.ts';
import { unless } from './unless.ts';
import type { Holding } from './wind-down.ts';

type Verdict = Awaited<ReturnType<typeof watching.awaitAvailable>>;

/** All pods are there, by a floor on the object, and the ledger said that it has written: from then on the object itself remembers. */
export function isSeenToStand({ status }: Run): boolean {
  const { available, claim, plan } = status();
  // of a hold the claim itself was seen there
  if (plan?.hold !== undefined) return available?.kind === 'available';
  return available?.kind === 'available' && claim !== null && claim.state !== 'refused';
}

/** Waits until what is asked for is there, and says why where it is not; somebody who changes what is asked for ends the wait. */
export async function makeSure(
  { run, steering, policy }: Pick<Holding, 'run' | 'steering' | 'policy'>,
  /** Null: no count, only that scale-in is off. */
  target: number | null,
): Promise<void> {
  const { availableWithinMs } = policy.preScale;
  const { endMs } = run.status().event;
  const deadlineMs = Math.min(Date.now() + availableWithinMs, endMs);
  const wanted = target === null ? 'scale-in is off' : `${target} are available`;
  run.enter('scaling', { what: `wait until ${wanted}`, atMs: deadlineMs });
  // at an end that was foreseen the last look answers, with its reasons
  const isCutShort = () => steering.isSkipped() || (run.status().event.endMs !== endMs && steering.isOver());
  const changed = () => isCutShort() || run.status().target !== target;
  const asked = run.claimed();
  const { plan } = run.status();
  const verdict = await unless(changed, () =>
    watching.awaitAvailable.executeWithOptions(
      { summary: `until ${wanted}, at most ${formatDuration(availableWithinMs)}` },
      [
        {
          ref: refOf(policy),
          target: target ?? 0,
          ...(plan?.hold !== undefined && { hold: plan.hold.mode }),
          deadlineMs,
          ...(asked !== undefined && { claim: asked }),
        },
      ],
    ),
  );
  if (verdict === undefined) {
    if (steering.isOver() && !steering.isSkipped())
      run.update({
        available: {
          kind: 'short',
          replicas: 0,
          reasons: [`the event ended before ${target === null ? 'scale-in was off' : `${target} were available`}`],
        },
      });
    return;
  }
  const { claim } = run.status();
  const told = claim === null || claim.reason === '' ? [] : [`the ledger says ${claim.state}: ${claim.reason}`];
  run.update({
    available: verdict.kind === 'short' ? { ...verdict, reasons: [...told, ...verdict.reasons] } : verdict,
  });
  run.say(seen(verdict, target));
}

function seen({ kind, replicas }: Verdict, target: number | null): string {
  if (target === null) return kind === 'available' ? 'scale-in is off' : 'scale-in was not seen to be off';
  if (kind === 'available') return `${replicas} available`;
  return `short: ${replicas} of ${target} available; what came is held`;
}
