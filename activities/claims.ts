import type { Claim } from '../domain/claim.ts';
import { currentCall } from './call.ts';
import type { Ports } from './ports.ts';

export function createClaimActivities({ ledger }: Pick<Ports, 'ledger'>) {
  /**
   * Accepted, not applied; the answer is the claim itself, because of a local activity the history keeps nothing else. Safe to
   * repeat: the sequence is the update's id.
   */
  async function claimCapacity(request: {
    readonly workload: string;
    readonly claim: Claim;
    readonly sequence: number;
  }): Promise<Claim> {
    await ledger.claim(request, currentCall());
    return request.claim;
  }
  /** A claim that is gone already is released. `now` skips the steps of the wind-down. */
  async function releaseCapacity(request: {
    readonly workload: string;
    readonly claimId: string;
    readonly sequence: number;
    readonly now: boolean;
  }): Promise<void> {
    await ledger.release(request, currentCall());
  }
  return { claimCapacity, releaseCapacity };
}
