import { CancellationScope } from '@temporalio/workflow';
import type { Run } from './run.ts';
import { watching } from './stubs.ts';

/**
 * Says the last claim again all the while, where nothing tells that it stands on the object: a ledger that lost it without
 * having written it is not started again from the object, and would never hear of it.
 */
export function openClaimKeeper(run: Pick<Run, 'claimed'>) {
  let scope: CancellationScope | undefined;
  let keeping: Promise<unknown> | undefined;

  return {
    start(): void {
      const claim = run.claimed();
      if (scope !== undefined || claim === undefined) return;
      const own = new CancellationScope();
      scope = own;
      const summary = 'the claim is said again until it is let go';
      // its own end is nobody's business: it ends when it is stopped
      keeping = own.run(() => watching.keepClaimed.executeWithOptions({ summary }, [claim])).catch(() => undefined);
    },
    /** Before anything newer is said. */
    async stop(): Promise<void> {
      scope?.cancel();
      await keeping;
      [scope, keeping] = [undefined, undefined];
    },
  };
}
