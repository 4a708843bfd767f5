import type { Claim } from './claim.ts';
import {
  emptyBook,
  noteClaim,
  noteRelease,
  withFound,
  withoutAnyone,
  withoutOwners,
  type ClaimsBook,
} from './claims-book.ts';
import { reasonOfWrite, type HoldStanding } from './hold-standing.ts';
import type { LedgerWrite } from './procedures.ts';

/** What a ledger's history tells, in its order. */
export type LedgerStep = { readonly atMs: number } & (
  | {
      readonly kind: 'begun';
      /** What it took along from the run before it; null in the first one. */
      readonly memory: {
        readonly book: ClaimsBook;
        readonly standing: HoldStanding | null;
        readonly writes: readonly LedgerWrite[];
      } | null;
    }
  | { readonly kind: 'claim'; readonly claim: Claim; readonly sequence: number }
  | { readonly kind: 'release'; readonly claimId: string; readonly sequence: number }
  | { readonly kind: 'restore' }
  | { readonly kind: 'recalled'; readonly claims: readonly Claim[] }
  | { readonly kind: 'lost'; readonly claimIds: readonly string[] }
  | { readonly kind: 'stands'; readonly standing: HoldStanding; readonly wrote: boolean }
  | { readonly kind: 'idle' }
);

/** One write to a governor, as far as the ledger's history tells. */
export interface GovernorWrite extends LedgerWrite {
  /** Scale-in is off; null where only the ledger's own list is left. */
  readonly frozen: boolean | null;
  /** False for the write that brings the owner's values back. */
  readonly held: boolean;
  /** What the claims ask for; null as with `frozen`. */
  readonly wantedFloor: number | null;
  readonly baselineFloor: number | null;
  /** Workflow ids of the runs whose claims were live. */
  readonly owners: readonly string[];
}

/** The same write seen in two places, in a history and in what the next one took along, is this close. */
const SAME_WITHIN_MS = 60_000;

/** Every write of a ledger, oldest first, out of the histories that are left of it. */
export function writesOf(histories: readonly (readonly LedgerStep[])[]): readonly GovernorWrite[] {
  const seen = histories.flatMap(writesSeenIn);
  const remembered = histories
    .flatMap((steps) => steps.flatMap((step) => (step.kind === 'begun' ? (step.memory?.writes ?? []) : [])))
    .map(fromMemory);
  const isSame = (a: LedgerWrite, b: LedgerWrite) =>
    a.generation === b.generation && Math.abs(a.atMs - b.atMs) < SAME_WITHIN_MS;
  const all = remembered.reduce(
    (writes, one) => (writes.some((other) => isSame(one, other)) ? writes : [...writes, one]),
    seen,
  );
  return all.toSorted((a, b) => a.atMs - b.atMs || a.generation - b.generation);
}

/** Follows the claims as the ledger did, for the reason of each write. */
function writesSeenIn(steps: readonly LedgerStep[]): readonly GovernorWrite[] {
  const writes: GovernorWrite[] = [];
  let book = emptyBook;
  let standing: HoldStanding | null = null;
  for (const step of steps) {
    book = bookAfter(book, step);
    if (step.kind === 'begun') standing = step.memory?.standing ?? null;
    if (step.kind === 'idle') standing = null;
    if (step.kind !== 'stands') continue;
    if (step.wrote) writes.push(writeOf(step, standing, book.claims));
    standing = step.standing;
  }
  return writes;
}

function bookAfter(book: ClaimsBook, step: LedgerStep): ClaimsBook {
  switch (step.kind) {
    case 'begun':
      return step.memory?.book ?? emptyBook;
    case 'claim':
      return noteClaim(book, step.claim, step.sequence);
    case 'release':
      return noteRelease(book, step.claimId, step.sequence);
    case 'restore':
      return withoutAnyone(book);
    case 'recalled':
      return withFound(book, step.claims);
    case 'lost':
      return withoutOwners(book, step.claimIds);
    case 'stands':
    case 'idle':
      return book;
  }
}

function writeOf(
  { atMs, standing }: Extract<LedgerStep, { readonly kind: 'stands' }>,
  before: HoldStanding | null,
  claims: readonly Claim[],
): GovernorWrite {
  const { floor, ceiling = null, generation, held, wantedFloor, baselineFloor } = standing;
  const why = reasonOfWrite(before, claims, standing);
  const owners = claims.map(({ id }) => ownerOf(id));
  return {
    atMs,
    floor,
    ceiling,
    generation,
    why,
    frozen: standing.frozen === true,
    held,
    wantedFloor,
    baselineFloor,
    owners,
  };
}

function fromMemory(write: LedgerWrite): GovernorWrite {
  const held = write.why !== reasonOfWrite(null, [], { held: false } as HoldStanding);
  return { ...write, frozen: null, held, wantedFloor: null, baselineFloor: null, owners: [] };
}

function ownerOf(claimId: string): string {
  return claimId.split('/')[0] ?? claimId;
}
