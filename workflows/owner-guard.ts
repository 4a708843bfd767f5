import { CancellationScope, condition, isCancellation, log } from '@temporalio/workflow';
import { guarding } from './stubs.ts';

/** After an owner check that broke off. */
const PAUSE_MS = 10_000;

/**
 * One activity watches the owners of all claims for as long as the claims stay the same ones; a ledger that only
 * writes again does not start another.
 */
export function openOwnerGuard(workload: string) {
  let watched = '';
  let scope: CancellationScope | undefined;
  let lost: readonly string[] = [];

  async function watch(claimIds: readonly string[], own: CancellationScope): Promise<void> {
    while (!own.consideredCancelled && lost.length === 0) {
      try {
        lost = await guarding.watchOwners.executeWithOptions({ summary: `owners of ${claimIds.length} claims` }, [
          { claimIds, workload },
        ]);
      } catch (error) {
        if (isCancellation(error)) return;
        log.warn('the owner check broke off and begins again', {
          reason: error instanceof Error ? error.message : String(error),
        });
        await condition(() => own.consideredCancelled, PAUSE_MS);
      }
    }
  }

  return {
    /** Watches just these from now on. */
    keep(claimIds: readonly string[]): void {
      const wanted = claimIds.join(' ');
      if (wanted === watched && lost.length === 0) return;
      scope?.cancel();
      [watched, lost, scope] = [wanted, [], undefined];
      if (claimIds.length === 0) return;
      const own = new CancellationScope();
      scope = own;
      // its own end is nobody's business: what it finds is read from `lost`
      own.run(() => watch(claimIds, own)).catch(() => undefined);
    },
    /** Claims whose run is no longer open. */
    lost: () => lost,
    stop(): void {
      scope?.cancel();
    },
  };
}
