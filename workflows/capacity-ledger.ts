import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { HoldReport } from '../activities/ledger.ts';
import type { Claim } from '../domain/claim.ts';
import {
  asksForLess,
  claimFaults,
  emptyBook,
  noteClaim,
  noteRelease,
  withFound,
  withoutAnyone,
  withoutOwners,
  type ClaimsBook,
} from '../domain/claims-book.ts';
import { reasonOfWrite, standingKey, type HoldStanding } from '../domain/hold-standing.ts';
import { recentReapplies } from '../domain/reapply.ts';
import type { LedgerWrite } from '../domain/procedures.ts';
import { ledgerDetails } from './details.ts';
import { openHoldGuard } from './hold-guard.ts';
import { claimUpdate, ledgerQuery, releaseUpdate, restoreUpdate } from './messages.ts';
import { apply, readHold } from './ledger-attempts.ts';
import { tellOwners, type Told } from './tell-owners.ts';

export interface LedgerState {
  readonly workload: string;
  /** Absent in a ledger that was just started: it reads the object first. */
  readonly memory?: LedgerMemory;
}

/** What a ledger takes along when it goes on as a new run; all of it can be lost without harm. */
interface LedgerMemory {
  readonly book: ClaimsBook;
  readonly generation: number;
  readonly standing: HoldStanding | null;
  readonly skipSteps: boolean;
  readonly told: Told;
  readonly fresh: boolean;
  readonly silent: boolean;
  readonly reappliedAtMs: readonly number[];
  readonly cluster: string | null;
  readonly writes: readonly LedgerWrite[];
}

const NO_MEMORY: LedgerMemory = {
  book: emptyBook,
  generation: 0,
  standing: null,
  skipSteps: false,
  told: {},
  fresh: false,
  silent: false,
  reappliedAtMs: [],
  cluster: null,
  writes: [],
};

/** Until the policy was read once. A cold replay of so many events takes a quarter of a second; Temporal refuses the 2,001st update of a run. */
const CONTINUE_AFTER = { events: 1_000, updates: 1_500 };
/** After a change that somebody else made in between; longer each time in a row. */
const RACED_PAUSE_MS = { first: 100, longest: 10_000 };
/** A worker's clock that is behind Temporal's must not make the ledger spin until it has caught up. */
const SHORTEST_PAUSE_MS = 250;
/** After a round that failed altogether; a ledger that holds nothing has time. */
const TROUBLE_PAUSE_MS = { holding: 10_000, idle: 300_000 };
const REMEMBERED_WRITES = 100;

/**
 * The one writer of a workload's capacity: keeps the live claims and makes the governor follow them.
 * Never completes, never fails, and does nothing while there is no claim.
 */
export async function capacityLedger(input: LedgerState): Promise<never> {
  // a cancel request from the UI must not end the one writer: claims end by their owners
  return CancellationScope.nonCancellable(() => keepLedger(input));
}

async function keepLedger({ workload, memory = NO_MEMORY }: LedgerState): Promise<never> {
  let { book, generation, standing, skipSteps, told, fresh, silent, reappliedAtMs, cluster, writes } = memory;
  let trouble: string | null = null;
  let continueAfter = CONTINUE_AFTER;
  let updates = 0;
  let racesInARow = 0;
  let dropped: { readonly claims: readonly Claim[]; readonly reason: string } | undefined;
  let stood = book.claims;
  const guard = openHoldGuard();

  setHandler(
    claimUpdate,
    ({ claim, sequence }) => {
      updates += 1;
      const before = book;
      book = noteClaim(book, claim, sequence);
      fresh ||= book !== before;
      return { accepted: true };
    },
    {
      validator({ claim }) {
        const faults = claimFaults(claim);
        if (faults.length > 0)
          throw ApplicationFailure.nonRetryable(`claim refused: ${faults.join('; ')}`, 'invalidRequest');
      },
    },
  );
  setHandler(releaseUpdate, ({ claimId, sequence, now }) => {
    updates += 1;
    book = noteRelease(book, claimId, sequence);
    skipSteps ||= now;
    return { accepted: true };
  });
  setHandler(
    restoreUpdate,
    ({ as, note }) => {
      updates += 1;
      const by = `${as}${note === undefined ? '' : ` (${note})`}`;
      dropped = { claims: book.claims, reason: `given back by ${by}` };
      book = withoutAnyone(book);
      skipSteps = true;
      const names = dropped.claims.map(({ id }) => id.split('/')[0]);
      const claims = names.length === 0 ? 'no claim was live' : `the claims of ${names.join(', ')} are dropped`;
      return { now: `${claims}; the owner’s values come back at once` };
    },
    {
      description: 'Drop every claim and give the owner’s values back at once. {"as": "name", "note": "why"}',
      validator({ as }) {
        if (typeof as !== 'string' || as.trim() === '')
          throw ApplicationFailure.nonRetryable('say who you are: {"as": "name"}', 'invalidRequest');
      },
    },
  );
  setHandler(ledgerQuery, () => ({ workload, generation, claims: book.claims, standing, writes, trouble }));

  /** What stands on the object is newer than nothing, and older than what was heard. */
  const recall = async () => {
    const found = await readHold(workload);
    const heard = book.claims;
    book = withFound(book, found.claims);
    stood = found.claims;
    generation = Math.max(generation, found.generation);
    if (dropped === undefined) return;
    // who gave everything back meant what stands on the object too
    const unheard = book.claims.filter((one) => !heard.includes(one));
    dropped = { ...dropped, claims: [...dropped.claims, ...unheard] };
    const ids = unheard.map(({ id }) => id);
    book = withoutOwners(book, ids);
  };
  if (memory === NO_MEMORY) await recall();

  for (;;) {
    const [asked, askedToSkip] = [book, skipSteps];
    generation += 1;
    const request = { workload, claims: asked.claims, generation, skipSteps, fresh, reappliedAtMs, silent, cluster };
    const report = await apply(request, { gives: asksForLess(stood, asked.claims) });
    stood = asked.claims;
    racesInARow = report.kind === 'raced' ? racesInARow + 1 : 0;
    trouble = report.kind === 'blocked' ? report.reason : null;
    if (report.kind === 'fenced') await recall();
    if (report.kind === 'idle') standing = null;
    if (report.kind === 'standing') {
      const { floor, ceiling = null, overruled } = report.standing;
      const atMs = Date.now();
      const why = reasonOfWrite(standing, asked.claims, report.standing);
      if (report.wrote) writes = [...writes, { atMs, floor, ceiling, generation, why }].slice(-REMEMBERED_WRITES);
      reappliedAtMs = recentReapplies(overruled === undefined ? reappliedAtMs : [...reappliedAtMs, atMs], atMs);
      ({ standing, continueAfter, cluster } = report);
      if (book === asked) fresh = false;
    }
    const isHome = standing === null || !standing.held || standing.floor === standing.wantedFloor;
    if (askedToSkip && isHome && trouble === null) skipSteps = false;
    setCurrentDetails(ledgerDetails({ workload, generation, claims: book.claims, standing, writes, trouble }));
    told = await tellOwners(asked.claims, report, told);
    const gone = dropped;
    dropped = undefined;
    if (gone !== undefined) await tellOwners(gone.claims, { kind: 'blocked', reason: gone.reason }, {});

    const stands = report.kind === 'standing' ? standingKey(report.standing) : (trouble ?? report.kind);
    if (report.kind !== 'raced' && report.kind !== 'fenced')
      guard.keep({ ...request, claims: book.claims, fresh: false, reappliedAtMs, cluster, stands });
    const isDue = () => book !== asked || (skipSteps && !askedToSkip) || guard.found() !== undefined;
    const pauseMs = pauseAfter(report, { racesInARow, isHolding: asked.claims.length > 0 || standing?.held === true });
    await (pauseMs === undefined ? condition(isDue) : condition(isDue, pauseMs, { summary: 'until the next look' }));
    const found = guard.take();
    if (found !== undefined) silent = found.silent;
    book = withoutOwners(book, found?.lost ?? []);

    const isLong = workflowInfo().historyLength > continueAfter.events || updates > continueAfter.updates;
    if (isLong || workflowInfo().continueAsNewSuggested) {
      guard.stop();
      await condition(allHandlersFinished);
      const kept = { book, generation, standing, skipSteps, told, fresh, silent, reappliedAtMs, cluster, writes };
      await continueAsNew<typeof capacityLedger>({ workload, memory: kept });
    }
  }
}

function pauseAfter(
  report: HoldReport,
  { racesInARow, isHolding }: { readonly racesInARow: number; readonly isHolding: boolean },
): number | undefined {
  switch (report.kind) {
    case 'idle':
      return undefined;
    case 'fenced':
      return RACED_PAUSE_MS.first;
    case 'raced':
      return Math.min(RACED_PAUSE_MS.longest, RACED_PAUSE_MS.first * 2 ** Math.min(racesInARow, 10));
    case 'blocked':
      return isHolding ? TROUBLE_PAUSE_MS.holding : TROUBLE_PAUSE_MS.idle;
    case 'standing': {
      const { nextCheckAtMs } = report.standing;
      return nextCheckAtMs === undefined ? undefined : Math.max(SHORTEST_PAUSE_MS, nextCheckAtMs - Date.now());
    }
  }
}
