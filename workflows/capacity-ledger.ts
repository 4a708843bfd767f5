import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ApplyHoldRequest, HoldReport } from '../activities/ledger.ts';
import {
  claimFaults,
  emptyBook,
  noteClaim,
  noteRelease,
  withFound,
  withoutOwners,
  type ClaimsBook,
} from '../domain/claims-book.ts';
import type { HoldStanding } from '../domain/hold.ts';
import type { ClaimState } from '../domain/procedures.ts';
import { ledgerDetails } from './details.ts';
import { claimStateSignal, claimUpdate, ledgerQuery, releaseUpdate } from './messages.ts';
import { openOwnerGuard } from './owner-guard.ts';
import { atOnce, thorough } from './stubs.ts';

export interface LedgerState {
  readonly workload: string;
  /** Absent in a ledger that was just started: it reads the object first. */
  readonly memory?: {
    readonly book: ClaimsBook;
    readonly generation: number;
    readonly standing: HoldStanding | null;
    readonly skipSteps: boolean;
    /** What each owner was told last. */
    readonly told: Readonly<Record<string, string>>;
  };
}

/** Until the policy was read once. A cold replay of so many events takes a quarter of a second; Temporal refuses the 2,001st update of a run. */
const CONTINUE_AFTER = { events: 1_000, updates: 1_500 };
/** After a change that somebody else made in between; longer each time in a row. */
const RACED_PAUSE_MS = { first: 100, longest: 10_000 };
/** After a round that failed altogether; a ledger that holds nothing has time. */
const TROUBLE_PAUSE_MS = { holding: 10_000, idle: 300_000 };

/**
 * The one writer of a workload's capacity: keeps the live claims and makes the governor follow them.
 * Never completes, never fails, and does nothing while there is no claim.
 */
export async function capacityLedger(input: LedgerState): Promise<never> {
  // a cancel request from the UI must not end the one writer: claims end by their owners
  return CancellationScope.nonCancellable(() => keepLedger(input));
}

async function keepLedger({ workload, memory }: LedgerState): Promise<never> {
  let book = memory?.book ?? emptyBook;
  let generation = memory?.generation ?? 0;
  let standing = memory?.standing ?? null;
  let skipSteps = memory?.skipSteps ?? false;
  let told = memory?.told ?? {};
  let trouble: string | null = null;
  let continueAfter = CONTINUE_AFTER;
  let updates = 0;
  let racesInARow = 0;
  const guard = openOwnerGuard(workload);

  setHandler(
    claimUpdate,
    ({ claim, sequence }) => {
      updates += 1;
      book = noteClaim(book, claim, sequence);
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
  setHandler(ledgerQuery, () => ({ workload, generation, claims: book.claims, standing, trouble }));

  /** What stands on the object is newer than nothing, and older than what was heard. */
  const recall = async () => {
    const found = await readHold(workload);
    book = withFound(book, found.claims);
    generation = Math.max(generation, found.generation);
  };
  if (memory === undefined) await recall();

  for (;;) {
    const [asked, askedToSkip] = [book, skipSteps];
    generation += 1;
    const report = await apply({ workload, claims: asked.claims, generation, skipSteps });
    racesInARow = report.kind === 'raced' ? racesInARow + 1 : 0;
    trouble = report.kind === 'blocked' ? report.reason : null;
    if (report.kind === 'fenced') await recall();
    if (report.kind === 'standing') ({ standing, continueAfter } = report);
    if (report.kind === 'idle') standing = null;
    const isHome = standing === null || !standing.held || standing.floor === standing.wantedFloor;
    if (askedToSkip && isHome && trouble === null) skipSteps = false;
    setCurrentDetails(ledgerDetails({ workload, generation, claims: book.claims, standing, trouble }));
    told = await tellOwners(asked, report, told);

    guard.keep(book.claims.map(({ id }) => id));
    const isDue = () => book !== asked || guard.lost().length > 0;
    const pauseMs = pauseAfter(report, { racesInARow, isHolding: asked.claims.length > 0 || standing?.held === true });
    await (pauseMs === undefined ? condition(isDue) : condition(isDue, pauseMs, { summary: 'until the next look' }));
    book = withoutOwners(book, guard.lost());

    const isLong = workflowInfo().historyLength > continueAfter.events || updates > continueAfter.updates;
    if (isLong || workflowInfo().continueAsNewSuggested) {
      guard.stop();
      await condition(allHandlersFinished);
      await continueAsNew<typeof capacityLedger>({ workload, memory: { book, generation, standing, skipSteps, told } });
    }
  }
}

/** One attempt inside this workflow task; on any failure the same as an ordinary activity, with the same generation. */
async function apply(request: ApplyHoldRequest): Promise<HoldReport> {
  const floors = request.claims.map(({ floor }) => floor).join(', ');
  const summary =
    request.claims.length === 0
      ? `back towards what ${request.workload} had before`
      : `floors asked of ${request.workload}: ${floors}`;
  try {
    return await firstOr(
      () => atOnce.applyHold(request),
      () => thorough.applyHold.executeWithOptions({ summary }, [request]),
    );
  } catch (error) {
    return { kind: 'blocked', reason: reasonOf(error) };
  }
}

/** Tries for as long as it takes: without knowing what stands, a ledger must not write. */
async function readHold(workload: string) {
  for (;;) {
    try {
      return await firstOr(
        () => atOnce.readHold(workload),
        () => thorough.readHold.executeWithOptions({ summary: `what stands on ${workload}` }, [workload]),
      );
    } catch (error) {
      log.warn('still without an answer from the cluster', { reason: reasonOf(error) });
      await condition(() => false, TROUBLE_PAUSE_MS.holding);
    }
  }
}

async function firstOr<T>(first: () => Promise<T>, second: () => Promise<T>): Promise<T> {
  try {
    return await first();
  } catch (error) {
    log.info('the quick attempt failed, an ordinary activity follows', { reason: reasonOf(error) });
    return second();
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
      return nextCheckAtMs === undefined ? undefined : Math.max(1, nextCheckAtMs - Date.now());
    }
  }
}

/** Tells each owner how its claim stands, when that is news. A word that does not arrive is no proof that nobody is there: the guard decides that. */
async function tellOwners(
  { claims }: ClaimsBook,
  report: HoldReport,
  told: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const news = await Promise.all(
    claims.map(async (claim): Promise<readonly [string, string | undefined]> => {
      const state = claimStateOf(claim.id, claim.floor ?? 0, report);
      const text = state === undefined ? told[claim.id] : `${state.state} ${state.floor} ${state.reason}`;
      if (state === undefined || told[claim.id] === text) return [claim.id, text];
      const [workflowId = ''] = claim.id.split('/');
      return getExternalWorkflowHandle(workflowId)
        .signal(claimStateSignal, state)
        .then(
          () => [claim.id, text] as const,
          (error: unknown) => {
            log.info('an owner was not told', { claim: claim.id, reason: reasonOf(error) });
            return [claim.id, undefined] as const;
          },
        );
    }),
  );
  return Object.fromEntries(news.flatMap(([id, text]) => (text === undefined ? [] : [[id, text]])));
}

function claimStateOf(claimId: string, asked: number, report: HoldReport): ClaimState | undefined {
  if (report.kind === 'blocked')
    return { claimId, state: 'refused', generation: 0, floor: null, reason: report.reason };
  if (report.kind !== 'standing') return undefined;
  const { generation, floor } = report.standing;
  if (floor < asked) return { claimId, state: 'clamped', generation, floor, reason: `the limit is ${report.limit}` };
  return { claimId, state: 'applied', generation, floor, reason: '' };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}
