import { condition, log } from '@temporalio/workflow';
import type { ApplyHoldRequest } from '../activities/hold-situation.ts';
import type { HoldReport } from '../activities/ledger.ts';
import { describeClaim } from '../domain/claim.ts';
import { firstOr } from './first-or.ts';
import { atOnce, thorough } from './stubs.ts';
import { reasonOf } from './tell-owners.ts';

/** Between two reads that had no answer. */
const PAUSE_MS = 10_000;

/**
 * One attempt inside this workflow task; on any failure the same as an ordinary activity, with the same generation. What
 * gives capacity up is an ordinary activity from the first: that begins when the task is recorded, so a release which is
 * forgotten with its worker was not yet obeyed, and nobody has to take back what it cost.
 */
export async function apply(request: ApplyHoldRequest, { gives }: { readonly gives: boolean }): Promise<HoldReport> {
  const asked = request.claims.map(describeClaim);
  const summary =
    asked.length === 0
      ? `back towards what ${request.workload} had before`
      : `asked of ${request.workload}: ${asked.join('; ')}`;
  const recorded = () => thorough.applyHold.executeWithOptions({ summary }, [request]);
  try {
    return await (gives ? recorded() : firstOr(() => atOnce.applyHold(request), recorded));
  } catch (error) {
    return { kind: 'blocked', reason: reasonOf(error) };
  }
}

/** Tries for as long as it takes: without knowing what stands, a ledger must not write. */
export async function readHold(workload: string) {
  for (;;) {
    try {
      return await firstOr(
        () => atOnce.readHold(workload),
        () => thorough.readHold.executeWithOptions({ summary: `what stands on ${workload}` }, [workload]),
      );
    } catch (error) {
      log.warn('still without an answer from the cluster', { reason: reasonOf(error) });
      await condition(() => false, PAUSE_MS);
    }
  }
}
