import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
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
import { atOnce, guarding, thorough } from './stubs.ts';

export interface LedgerState {
  readonly workload: string;
  /** Absent in a ledger that was just started: it reads the object first. */
  readonly memory?: { readonly book: ClaimsBook; readonly generation: number; readonly standing: HoldStanding | null };
}

/** Until the policy was read once. A cold replay of so many events takes a quarter of a second; Temporal refuses the 2,001st update of a run. */
const CONTINUE_AFTER = { events: 1_000, updates: 1_500 };
/** After a change that somebody else made in between, and after a round that failed altogether. */
const RACED_PAUSE_MS = 200;
const TROUBLE_PAUSE_MS = 10_000;

/**
 * The one writer of a workload's capacity: keeps the live claims and makes the governor follow them.
 * Never completes, never fails, and does nothing while there is no claim.
 */
export async function capacityLedger(input: LedgerState): Promise<never> {
  // a cancel request from the UI must not end the one writer: claims end by their owners
  return CancellationScope.nonCancellable(() => keepLedger(input));
}

async function keepLedger(input: LedgerState): Promise<never> {
  const { workload } = input;
  let { book, generation, standing } = input.memory ?? { book: emptyBook, generation: 0, standing: null };
  let trouble: string | null = null;
  let settledBook: ClaimsBook | undefined;
  let skipSteps = false;
  let continueAfter = CONTINUE_AFTER;
  let updates = 0;
  const told = new Map<string, string>();

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

  if (input.memory === undefined) {
    const found = await firstOr(
      () => atOnce.readHold(workload),
      () =>
        keepTrying(() => thorough.readHold.executeWithOptions({ summary: `what stands on ${workload}` }, [workload])),
    );
    book = withFound(book, found.claims);
    generation = Math.max(generation, found.generation);
  }

  for (;;) {
    const asked = book;
    generation += 1;
    const report = await apply({ workload, claims: asked.claims, generation, skipSteps });
    trouble = report.kind === 'blocked' ? report.reason : null;
    if (report.kind === 'fenced') generation = report.generation;
    if (report.kind === 'standing') ({ standing, continueAfter } = report);
    if (report.kind === 'idle') standing = null;
    const settled = report.kind === 'standing' || report.kind === 'idle';
    if (settled) {
      settledBook = asked;
      if (standing === null || !standing.held || standing.floor === standing.wantedFloor) skipSteps = false;
    }
    setCurrentDetails(ledgerDetails({ workload, generation, claims: book.claims, standing, trouble }));
    const gone = await tellOwners(asked, report, told);
    if (gone.length > 0) book = withoutOwners(book, gone);

    const pauseMs = pauseAfter(report);
    const changed = () => book !== settledBook;
    if (!(settled && changed())) {
      const lost = await waitForWork({
        book: () => book,
        changed: settled ? changed : () => book !== asked,
        pauseMs,
        workload,
      });
      if (lost.length > 0) book = withoutOwners(book, lost);
    }
    const isLong = workflowInfo().historyLength > continueAfter.events || updates > continueAfter.updates;
    if (isLong || workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof capacityLedger>({ ...input, memory: { book, generation, standing } });
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
    if (isCancellation(error)) throw error;
    return { kind: 'blocked', reason: reasonOf(error) };
  }
}

async function firstOr<T>(first: () => Promise<T>, second: () => Promise<T>): Promise<T> {
  try {
    return await first();
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.info('the quick attempt failed, an ordinary activity follows', { reason: reasonOf(error) });
    return second();
  }
}

async function keepTrying<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('still without an answer from the cluster', { reason: reasonOf(error) });
      await condition(() => false, TROUBLE_PAUSE_MS);
    }
  }
}

function pauseAfter(report: HoldReport): number | undefined {
  switch (report.kind) {
    case 'raced':
    case 'fenced':
      return RACED_PAUSE_MS;
    case 'blocked':
      return TROUBLE_PAUSE_MS;
    case 'idle':
      return undefined;
    case 'standing':
      return report.standing.nextCheckAtMs === undefined
        ? undefined
        : Math.max(0, report.standing.nextCheckAtMs - Date.now());
  }
}

/** Waits for a new word, the end of a pause, or an owner that is gone; answers with the claims of such owners. */
async function waitForWork(of: {
  readonly book: () => ClaimsBook;
  readonly changed: () => boolean;
  readonly pauseMs: number | undefined;
  readonly workload: string;
}): Promise<readonly string[]> {
  let gone: readonly string[] = [];
  const guard = new CancellationScope();
  const claimIds = of.book().claims.map(({ id }) => id);
  const guarded =
    claimIds.length === 0
      ? Promise.resolve()
      : guard.run(async () => {
          gone = await guarding.watchOwners.executeWithOptions({ summary: `${claimIds.length} owners of claims` }, [
            { claimIds, workload: of.workload },
          ]);
        });
  let stopped = false;
  const settled = guarded.catch(async (error: unknown) => {
    if (isCancellation(error)) return;
    log.warn('the owner check stopped and begins again', { reason: reasonOf(error) });
    await condition(of.changed, TROUBLE_PAUSE_MS);
    stopped = true;
  });
  const due = () => of.changed() || gone.length > 0 || stopped;
  await (of.pauseMs === undefined ? condition(due) : condition(due, of.pauseMs, { summary: 'until the next look' }));
  guard.cancel();
  await settled;
  return gone;
}

/** Tells each owner how its claim stands, when that is news; answers with the claims whose run does not exist. */
async function tellOwners(book: ClaimsBook, report: HoldReport, told: Map<string, string>): Promise<readonly string[]> {
  const gone: string[] = [];
  for (const claim of book.claims) {
    const state = claimStateOf(claim.id, claim.floor ?? 0, report);
    if (state === undefined) continue;
    const news = `${state.state} ${state.floor} ${state.reason}`;
    if (told.get(claim.id) === news) continue;
    try {
      await getExternalWorkflowHandle(claim.id.split('/')[0] ?? '').signal(claimStateSignal, state);
      told.set(claim.id, news);
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.info('the owner of a claim is gone', { claim: claim.id, reason: reasonOf(error) });
      gone.push(claim.id);
    }
  }
  return gone;
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
