import { CancellationScope } from '@temporalio/workflow';
import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import type { WorkloadCounts } from '../domain/procedures.ts';
import { changedMeanwhile, type OwnersValues } from '../domain/release.ts';
import type { Run } from './run.ts';
import type { Steering } from './steering.ts';
import { watching } from './stubs.ts';
import { unless } from './unless.ts';

/** A run that holds, with what it needs to judge its workload. */
export interface Holding {
  readonly run: Run;
  readonly steering: Steering;
  readonly policy: ResolvedPolicy;
  readonly owners: OwnersValues;
  /** How many pods carried the load before anybody claimed. */
  readonly baselinePods: number;
}

/** How the workload was left. */
export interface Home {
  readonly after: WorkloadCounts;
  readonly restored: boolean;
  readonly otherClaims: number;
  readonly drift: readonly string[];
}

/** What may call a run back while it winds down. */
interface Returning {
  readonly watchesLoad: boolean;
  /** Why the capacity is needed again, from elsewhere than the load. */
  readonly calledBack?: () => string | undefined;
}

export async function windDown(holding: Holding): Promise<Home>;
export async function windDown(holding: Holding, returning: Returning): Promise<Home | undefined>;
/**
 * Lets the claim go and watches until the owner's values are back. Undefined when the load came back first, which only
 * one that watches the load can notice: then the claim has to be made again.
 */
export async function windDown(
  { run, steering, policy, owners, baselinePods }: Holding,
  { watchesLoad, calledBack = () => undefined }: Returning = { watchesLoad: false },
): Promise<Home | undefined> {
  run.enter('winding down', { what: 'back to what the owner had, step by step', atMs: null });
  let back: readonly string[] | undefined;
  const load = new CancellationScope();
  const sinceMs = Date.now();
  const isWatched = watchesLoad && policy.workload.load.length > 0;
  // its own end is nobody's business: what it finds is read from `back`
  const looking = !isWatched
    ? undefined
    : load
        .run(async () => {
          const summary = 'whether the load comes back';
          const request = { policy, sinceMs, baselinePods };
          back = (await watching.awaitRegression.executeWithOptions({ summary }, [request])).reasons;
        })
        .catch(() => undefined);
  try {
    for (;;) {
      const sequence = await run.release(steering.takeUndo());
      run.say('let go; the ledger winds down');
      const released = await unless(
        () => steering.isUndoAsked() || back !== undefined || calledBack() !== undefined,
        () =>
          watching.awaitReleased.executeWithOptions({ summary: 'until the owner’s values are back' }, [
            { ref: refOf(policy), claimId: run.claimId, sequence },
          ]),
      );
      const calling = calledBack();
      // also where both come at once: what fires now is not answered by going home
      if (released !== undefined && calling === undefined) {
        const { said, ...home } = homeOf(released, owners);
        run.say(said);
        return home;
      }
      if (back !== undefined) {
        run.say(`the load is back, so the capacity is asked for again: ${back.join('; ')}`);
        return undefined;
      }
      if (calling !== undefined) {
        run.say(`${calling}, so the capacity is asked for again`);
        return undefined;
      }
    }
  } finally {
    load.cancel();
    await looking;
  }
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
