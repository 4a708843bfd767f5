import { condition, setHandler } from '@temporalio/workflow';
import { approvalFaults, outgrown, withEnd, type ApprovalView, type PlanIntent } from '../domain/approval.ts';
import { formatDuration } from '../domain/duration.ts';
import type { RunResult } from '../domain/procedures.ts';
import { approveUpdate, rejectUpdate, type By } from './messages.ts';
import type { Run } from './run.ts';
import { noted, refusal, steerable, type Steering } from './steering.ts';

export type Approval<Intent = PlanIntent> = ReturnType<typeof openApproval<Intent>>;

/** What of a new plan is outside of the approved one, whose event now ends at `endMs`; empty: it is inside its bounds. */
export type Outgrows<Intent> = (approved: Intent, now: Intent, endMs: number) => readonly string[];

/** Of capacity: a second person who has moved the end since has approved of that. */
export const outgrowsCapacity: Outgrows<PlanIntent> = (approved, now, endMs) => outgrown(withEnd(approved, endMs), now);

/**
 * A second person's word on a plan. It holds for that plan's intent and bounds, so the same plan is not asked about
 * twice, and one that has outgrown them is. Call before the first await.
 */
export function openApproval<Intent>(
  run: Run,
  steering: Pick<Steering, 'isOver' | 'withoutCapacity'>,
  outgrows: Outgrows<Intent>,
) {
  const { status, update, say } = run;
  let approved: { readonly intent: Intent; readonly endMs: number } | undefined;
  let rejection: string | undefined;
  const decide = (state: ApprovalView['state'], by?: string) => {
    const { approval } = status();
    if (approval !== null) update({ approval: { ...approval, state, ...(by !== undefined && { by }) } });
  };

  /** Two words may arrive in one workflow task: the first one counts. */
  const undecided = (by: By) => {
    steerable(run, by, ['waiting for approval']);
    const { approval } = status();
    if (approval?.state !== 'asked' || Date.now() >= approval.untilMs)
      throw refusal(
        `plan ${(status().planHash ?? '').slice(0, 8)} does not wait any more: it is ${approval?.state ?? 'not asked for'}`,
      );
  };
  setHandler(
    approveUpdate,
    (by) => {
      decide('given', by.as);
      say(`approved ${noted(by)}`);
      return { now: `plan ${by.planHash.slice(0, 8)} is approved` };
    },
    {
      description: 'A second person approves the plan. {"as": "name", "planHash": "first 8 characters or more"}',
      validator(by) {
        undecided(by);
        const faults = approvalFaults(by, { requestedBy: run.requestedBy, planHash: status().planHash ?? '' });
        if (faults.length > 0) throw refusal(faults.join('; '));
      },
    },
  );
  setHandler(
    rejectUpdate,
    (by) => {
      decide('rejected', by.as);
      rejection = noted(by);
      say(`rejected ${noted(by)}`);
      return { now: 'the run ends without touching anything' };
    },
    {
      description: 'The plan is refused and the run ends. {"as": "name", "note": "why"}',
      validator: (by) => undecided(by),
    },
  );

  /** Undefined: go on. Else how the run ends. */
  async function obtain({
    intent,
    planHash,
    rule,
    unanswered = 'stop',
  }: {
    readonly intent: Intent;
    readonly planHash: string;
    readonly rule: { readonly rule: 'never' | 'always'; readonly expiresAfterMs: number };
    /** What happens when nobody answers in time. */
    readonly unanswered?: 'goOn' | 'stop';
  }): Promise<RunResult | undefined> {
    if (rule.rule === 'never') return undefined;
    const { event } = status();
    const changes =
      approved === undefined ? [] : outgrows(approved.intent, intent, Math.max(approved.endMs, event.endMs));
    if (approved !== undefined && changes.length === 0) return undefined;

    const untilMs = Math.min(Date.now() + rule.expiresAfterMs, event.endMs);
    update({ approval: { state: 'asked', planHash, untilMs, changes } });
    const what = unanswered === 'stop' ? 'the run ends without an approval' : 'the run goes on without an answer';
    run.enter('waiting for approval', { what, atMs: untilMs });
    say(
      changes.length === 0
        ? `somebody else than ${run.requestedBy} must approve plan ${planHash.slice(0, 8)}`
        : `the plan has outgrown what was approved, so it is asked for again: ${changes.join('; ')}`,
    );
    const isDecided = () => status().approval?.state !== 'asked' || steering.isOver();
    await condition(isDecided, Math.max(1, untilMs - Date.now()), {
      summary: `for an approval, at most ${formatDuration(rule.expiresAfterMs)}`,
    });
    if (status().approval?.state === 'given') {
      approved = { intent, endMs: event.endMs };
      return undefined;
    }
    if (rejection !== undefined) return { outcome: 'unapproved', reasons: [`rejected ${rejection}`] };
    const wasDeclaredOver = status().event.endMs < event.endMs;
    decide('expired');
    if (wasDeclaredOver) return steering.withoutCapacity();
    if (unanswered === 'goOn') {
      say('nobody answered in time: policy goes on');
      return undefined;
    }
    say('nobody approved in time');
    return {
      outcome: 'unapproved',
      reasons: [
        `nobody approved plan ${planHash.slice(0, 8)} by ${new Date(untilMs).toISOString()}; somebody else than ${run.requestedBy} must, with: headroom approve`,
      ],
    };
  }
  return { obtain };
}
