import { CancellationScope, condition, isCancellation, log } from '@temporalio/workflow';
import type { GuardHoldRequest, GuardReport } from '../activities/guard.ts';
import { guarding } from './stubs.ts';

/** After a watch that broke off. */
const PAUSE_MS = 10_000;

/**
 * One activity watches over a hold for as long as its claims stay the same ones and nothing differs; a ledger that only
 * writes a step of a wind-down does not start another.
 */
export function openHoldGuard() {
  let watched = '';
  let scope: CancellationScope | undefined;
  let report: GuardReport | undefined;

  async function watch(request: GuardHoldRequest, own: CancellationScope): Promise<void> {
    const summary = `owners of ${request.claims.length} claims, and what governs ${request.workload}`;
    while (!own.consideredCancelled && report === undefined) {
      try {
        report = await guarding.guardHold.executeWithOptions({ summary }, [request]);
      } catch (error) {
        if (isCancellation(error)) return;
        log.warn('the watch over the hold broke off and begins again', {
          reason: error instanceof Error ? error.message : String(error),
        });
        await condition(() => own.consideredCancelled, PAUSE_MS);
      }
    }
  }

  return {
    /** Watches this hold from now on; without claims there is nothing to watch. */
    keep(request: GuardHoldRequest): void {
      const { claims, stands, silent } = request;
      const wanted = claims.length === 0 ? '' : JSON.stringify([claims, stands, silent]);
      if (wanted === watched && report === undefined) return;
      scope?.cancel();
      [watched, report, scope] = [wanted, undefined, undefined];
      if (claims.length === 0) return;
      const own = new CancellationScope();
      scope = own;
      // its own end is nobody's business: what it finds is read from `found`
      own.run(() => watch(request, own)).catch(() => undefined);
    },
    /** What differs; undefined while all is as it was. */
    found: () => report,
    /** The same, once: what was found is answered by the next round, and watched anew after it. */
    take(): GuardReport | undefined {
      const taken = report;
      if (taken !== undefined) [watched, report] = ['', undefined];
      return taken;
    },
    stop(): void {
      scope?.cancel();
    },
  };
}
