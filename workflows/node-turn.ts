import { CancellationScope } from '@temporalio/workflow';
import type { Run } from './run.ts';
import { takingTurns } from './stubs.ts';
import { unless } from './unless.ts';

interface Wanted {
  readonly group: string;
  readonly what: string;
  /** Whoever is not wanted any more does not wait. */
  readonly isEnded: () => boolean;
}

/**
 * Has the node group to itself while it acts; waits for whoever was there first, and lets the next one in however it ends. Undefined:
 * it was ended before it had its turn.
 */
export async function withTurn<T>(
  run: Run,
  { act, ...wanted }: Wanted & { readonly act: () => Promise<T> },
): Promise<T | undefined> {
  const { group } = wanted;
  const owner = run.claimId;
  try {
    return (await keepTurn(run, wanted)) ? await act() : undefined;
  } finally {
    const summary = `let the next one have ${group}`;
    await CancellationScope.nonCancellable(() =>
      takingTurns.leaveTurn.executeWithOptions({ summary }, [{ group, owner }]),
    );
  }
}

/** Asked again before what cannot be undone: a queue whose history was lost may have let another in. False: it was ended meanwhile. */
export async function keepTurn(run: Run, { group, what, isEnded }: Wanted): Promise<boolean> {
  const summary = `until ${group} is free`;
  const take = () => takingTurns.takeTurn.executeWithOptions({ summary }, [{ group, what, owner: run.claimId }]);
  return (await unless(isEnded, () => take().then(() => true))) === true && !isEnded();
}
