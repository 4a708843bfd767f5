import type { Claim } from './claim.ts';

/**
 * The live claims on one workload, and the last word heard of each: a message with an older sequence
 * is a late retry and changes nothing, not even after the claim is gone.
 */
export interface ClaimsBook {
  readonly claims: readonly Claim[];
  readonly heard: readonly { readonly claimId: string; readonly sequence: number }[];
}

/** Words of finished runs that are remembered against late retries. */
const REMEMBERED = 200;

export const emptyBook: ClaimsBook = { claims: [], heard: [] };

export function noteClaim(book: ClaimsBook, claim: Claim, sequence: number): ClaimsBook {
  if (isOld(book, claim.id, sequence)) return book;
  return remember({ ...book, claims: [...book.claims.filter(({ id }) => id !== claim.id), claim] }, claim.id, sequence);
}

export function noteRelease(book: ClaimsBook, claimId: string, sequence: number): ClaimsBook {
  if (isOld(book, claimId, sequence)) return book;
  return remember(withoutOwners(book, [claimId]), claimId, sequence);
}

/** Claims whose run is no longer open; nothing is heard of them again, but a late retry must not bring them back. */
export function withoutOwners(book: ClaimsBook, claimIds: readonly string[]): ClaimsBook {
  if (!book.claims.some(({ id }) => claimIds.includes(id))) return book;
  return { ...book, claims: book.claims.filter(({ id }) => !claimIds.includes(id)) };
}

/** Claims found on the object by a ledger without memory; what it has heard itself is newer. */
export function withFound(book: ClaimsBook, found: readonly Claim[]): ClaimsBook {
  const isKnown = (id: string) =>
    book.heard.some(({ claimId }) => claimId === id) || book.claims.some((claim) => claim.id === id);
  const unheard = found.filter(({ id }) => !isKnown(id));
  return { ...book, claims: [...unheard, ...book.claims] };
}

function isOld({ heard }: ClaimsBook, claimId: string, sequence: number): boolean {
  return heard.some((one) => one.claimId === claimId && one.sequence >= sequence);
}

function remember(book: ClaimsBook, claimId: string, sequence: number): ClaimsBook {
  const heard = [...book.heard.filter((one) => one.claimId !== claimId), { claimId, sequence }];
  const isLive = (id: string) => book.claims.some((claim) => claim.id === id);
  const tooMany = heard.length - REMEMBERED;
  return { ...book, heard: heard.filter((one, index) => index >= tooMany || isLive(one.claimId)) };
}

/** What is wrong with a claim; empty when it can be kept. */
export function claimFaults(claim: Claim): readonly string[] {
  return [
    ...(claim.floor === undefined ? ['a claim needs a floor'] : []),
    ...(claim.floor !== undefined && (!Number.isSafeInteger(claim.floor) || claim.floor < 1)
      ? [`floor ${claim.floor} is not a whole number above 0`]
      : []),
    ...(typeof claim.reason === 'string'
      ? []
      : ['a claim needs a reason: it is shown to people who look at the object']),
    ...(claim.freezeScaleIn === undefined ? [] : ['freezing scale-in is not built yet']),
    ...(claim.pin === undefined ? [] : ['pinning a count is not built yet']),
    ...(/^[^/]+\/[^/]+$/.test(claim.id) ? [] : [`claim id ${claim.id} is not <workflowId>/<firstExecutionRunId>`]),
  ];
}
