import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { AlertNotice, Disposition } from '../domain/alerts.ts';
import type { Claim } from '../domain/claim.ts';
import type { HoldStanding } from '../domain/hold-standing.ts';
import type { ClaimState, LedgerWrite, RunStatus } from '../domain/procedures.ts';
import type { CapacityPlan } from '../domain/capacity-plan.ts';
import type { Turn, TurnAnswer } from '../domain/turns.ts';
import type { NodeOrder } from '../domain/node-group.ts';

/** Who steers, and why: a statement, not a proof (docs/security.md). */
export interface By {
  readonly as: string;
  readonly note?: string;
}
export interface ExtendRequest extends By {
  /** How much later the event ends. */
  readonly forMs: number;
}
export interface ApproveRequest extends By {
  /** Of the plan that is approved; its first 8 characters will do. */
  readonly planHash: string;
}
export interface RetryUndoRequest extends By {
  /** Without the steps of the wind-down. */
  readonly now?: boolean;
}
export interface AmendFloorRequest extends By {
  readonly floor: number;
}
/** What an operator reads back: what is so from now on. */
export interface Answer {
  readonly now: string;
}

export const endNowUpdate = defineUpdate<Answer, [By]>('endNow');
export const skipWaitUpdate = defineUpdate<Answer, [By]>('skipWait');
export const extendUpdate = defineUpdate<Answer, [ExtendRequest]>('extend');
export const amendFloorUpdate = defineUpdate<Answer, [AmendFloorRequest]>('amendFloor');
export const approveUpdate = defineUpdate<Answer, [ApproveRequest]>('approve');
export const rejectUpdate = defineUpdate<Answer, [By]>('reject');
export const suspendUpdate = defineUpdate<Answer, [By]>('suspend');
export const resumeUpdate = defineUpdate<Answer, [By]>('resume');
export const retryUndoUpdate = defineUpdate<Answer, [RetryUndoRequest]>('retryUndo');
export const statusQuery = defineQuery<RunStatus>('status');
export const planQuery = defineQuery<CapacityPlan | null>('plan');

/** Alerts of one rule of the allow-list, firing and resolved together. */
export interface AlertsOffer {
  readonly notices: readonly AlertNotice[];
}
/** One disposition for each notice, in order. `over`: the run ends just now, so offer them once more, to the next one. */
export type AlertsAnswer =
  | { readonly kind: 'taken'; readonly dispositions: readonly Disposition[] }
  | { readonly kind: 'over' };
export const alertsUpdate = defineUpdate<AlertsAnswer, [AlertsOffer]>('alerts');

/** A place in the queue of a node group, and who stands in it. */
export const takeTurnUpdate = defineUpdate<TurnAnswer, [Turn]>('takeTurn');
/** Before it is sent to AWS: whoever ends without a word leaves nothing on order. */
export const noteOrderUpdate = defineUpdate<TurnAnswer, [NodeOrder]>('noteOrder');
export const leaveTurnUpdate = defineUpdate<TurnAnswer, [Pick<Turn, 'owner'>]>('leaveTurn');
export const turnsQuery = defineQuery<readonly Turn[]>('turns');

/** The ledger tells the owner of a claim how its claim stands; sent by workflow id, so the claim's id is in it. */
export const claimStateSignal = defineSignal<[ClaimState]>('claimState');

export interface ClaimRequest {
  readonly claim: Claim;
  /** One number for each change of this claim; a lower one than the last is an old message. */
  readonly sequence: number;
}
export interface ReleaseRequest {
  readonly claimId: string;
  readonly sequence: number;
  /** Skips the steps of the wind-down; recorded in the reason. */
  readonly now: boolean;
}
/** Accepted means noted in the ledger, never that the object shows it yet. */
export interface Accepted {
  readonly accepted: true;
}
export const claimUpdate = defineUpdate<Accepted, [ClaimRequest]>('claim');
export const releaseUpdate = defineUpdate<Accepted, [ReleaseRequest]>('release');
/** Drops every claim and gives the owner's values back at once: for an operator who knows that nobody needs the hold. */
export const restoreUpdate = defineUpdate<Answer, [By]>('restore');
export const ledgerQuery = defineQuery<LedgerView>('ledger');

/** What a ledger knows. `standing` is null until the governor was looked at once. */
export interface LedgerView {
  readonly workload: string;
  readonly generation: number;
  readonly claims: readonly Claim[];
  readonly standing: HoldStanding | null;
  /** The newest writes, oldest first; a ledger forgets what lies far back. */
  readonly writes: readonly LedgerWrite[];
  /** Why the governor does not follow the claims at the moment; null when it does. */
  readonly trouble: string | null;
}
