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

/** Nobody claims anything any more, and no late retry brings a claim back: an operator gave everything back. */
export function withoutAnyone(book: ClaimsBook): ClaimsBook {
  return withoutOwners(
    book,
    book.claims.map(({ id }) => id),
  );
}

/**
 * Claims whose run is no longer open, or that an operator gave back: a late retry must not bring them back, nor a look at an
 * object on which they still stand. What their run says anew counts.
 */
export function withoutOwners(book: ClaimsBook, claimIds: readonly string[]): ClaimsBook {
  const gone = book.claims.filter(({ id }) => claimIds.includes(id));
  if (gone.length === 0) return book;
  const isHeard = (id: string) => book.heard.some(({ claimId }) => claimId === id);
  const silent = gone.filter(({ id }) => !isHeard(id)).map(({ id }) => ({ claimId: id, sequence: 0 }));
  return { claims: book.claims.filter((one) => !gone.includes(one)), heard: [...book.heard, ...silent] };
}

/** Claims found on the object by a ledger without memory; what it has heard itself is newer. */
export function withFound(book: ClaimsBook, found: readonly Claim[]): ClaimsBook {
  const isKnown = (id: string) =>
    book.heard.some(({ claimId }) => claimId === id) || book.claims.some((claim) => claim.id === id);
  const unheard = found.filter(({ id }) => !isKnown(id));
  return { ...book, claims: [...unheard, ...book.claims] };
}

/** Whether what was claimed before no longer is, or less of it: to follow that gives capacity up. */
export function asksForLess(before: readonly Claim[], now: readonly Claim[]): boolean {
  const isPinned = ({ id, pin }: Claim) => pin !== undefined && !before.some((earlier) => earlier.id === id);
  if (now.some(isPinned)) return true;
  return before.some((earlier) => {
    const later = now.find(({ id }) => id === earlier.id);
    if (later === undefined) return true;
    const isThawed = earlier.freezeScaleIn === true && later.freezeScaleIn !== true;
    // a pin takes the room above it too
    return isThawed || later.pin !== earlier.pin || (later.floor ?? 0) < (earlier.floor ?? 0);
  });
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
  const { floor, pin, freezeScaleIn, inConflict, reason, id } = claim;
  const counts = [
    ['floor', floor],
    ['pin', pin],
  ] as const;
  return [
    ...(floor === undefined && pin === undefined && freezeScaleIn !== true
      ? ['a claim asks for something: a floor, a pin, or freezeScaleIn']
      : []),
    ...counts
      .filter(([, count]) => count !== undefined && (!Number.isSafeInteger(count) || count < 1))
      .map(([name, count]) => `${name} ${count} is not a whole number above 0`),
    ...(freezeScaleIn === undefined || typeof freezeScaleIn === 'boolean'
      ? []
      : [`freezeScaleIn ${String(freezeScaleIn)} is neither true nor false`]),
    ...([undefined, true].includes(inConflict)
      ? []
      : [`inConflict ${String(inConflict)} is not true; leave it out where nothing is to be held in a conflict`]),
    ...(typeof reason === 'string' ? [] : ['a claim needs a reason: it is shown to people who look at the object']),
    ...(/^[^/]+\/[^/]+$/.test(id) ? [] : [`claim id ${id} is not <workflowId>/<firstExecutionRunId>`]),
  ];
}
