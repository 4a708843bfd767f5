import { getExternalWorkflowHandle, log } from '@temporalio/workflow';
import type { HoldReport } from '../activities/ledger.ts';
import type { Claim } from '../domain/claim.ts';
import { judgeClaim } from '../domain/claim-state.ts';
import { claimStateSignal } from './messages.ts';

/** What each owner was told last, by claim id. */
export type Told = Readonly<Record<string, string>>;

/** Tells each owner how its claim stands, when that is news. A word that does not arrive is no proof that nobody is there: the guard decides that. */
export async function tellOwners(claims: readonly Claim[], report: HoldReport, told: Told): Promise<Told> {
  const news = await Promise.all(
    claims.map(async (claim): Promise<readonly [string, string | undefined]> => {
      const state = judgeClaim(claim, report);
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

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}
