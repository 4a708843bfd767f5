import type { Claim } from './claim.ts';
import type { HoldStanding, Taken } from './hold-standing.ts';
import type { ClaimState } from './procedures.ts';

/** What a ledger knows after an attempt to write, as far as the owners of claims are concerned. */
type Outcome =
  | { readonly kind: 'standing'; readonly standing: HoldStanding; readonly limit: number }
  | { readonly kind: 'blocked'; readonly reason: string }
  | { readonly kind: 'idle' | 'raced' | 'fenced' };

/** How a claim stands; undefined while that is not known. */
export function judgeClaim({ id: claimId, floor, pin, inConflict }: Claim, outcome: Outcome): ClaimState | undefined {
  if (outcome.kind === 'blocked')
    return { claimId, state: 'refused', generation: 0, floor: null, reason: outcome.reason };
  if (outcome.kind !== 'standing') return undefined;
  const { standing, limit } = outcome;
  const asked = Math.max(floor ?? 0, pin ?? 0);
  const about = { claimId, generation: standing.generation, floor: standing.floor };
  if (standing.contested !== undefined)
    return { ...about, state: 'contested', reason: describeTaken(standing.contested) };
  if (standing.unprotected !== undefined)
    return { ...about, state: 'refused', reason: `not held: ${standing.unprotected.reason}` };
  const { conflict = '' } = standing;
  // what stands is another claim's, which may stand there
  if (conflict !== '' && inConflict !== true) return { ...about, state: 'refused', reason: conflict };
  if (standing.floor < asked) return { ...about, state: 'clamped', reason: conflict || `the limit is ${limit}` };
  return { ...about, state: 'applied', reason: conflict };
}

/** Who took what, and what helps. */
export function describeTaken({ field, found, wanted, by, person }: Taken): string {
  const what =
    field === 'floor' ? `the floor is ${String(found)} instead of ${String(wanted)}` : 'scale-in is not frozen';
  const again = field === 'floor' ? 'amendFloor asks for it again' : 'amendFloor, or a new hold, asks for it again';
  const help = person ? again : 'stop it, or let it ignore this field';
  return `not held: ${what}, ${person ? 'set' : 'reverted'} by ${by}; ${help}`;
}
