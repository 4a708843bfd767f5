import { Context } from '@temporalio/activity';
import type { Claim } from '../domain/claim.ts';
import { decideHold, forsake } from '../domain/hold.ts';
import { standingKey } from '../domain/hold-standing.ts';
import { refOf } from '../domain/policy.ts';
import { currentCall } from './call.ts';
import { isFinal, messageOf } from './failure.ts';
import { factsOf, faultOf, findUsableGovernor, othersOf, type ApplyHoldRequest } from './hold-situation.ts';
import { policyOf } from './policy.ts';
import type { Ports } from './ports.ts';

export interface GuardHoldRequest extends ApplyHoldRequest {
  /** What the last decision said of how the hold stands: `standingKey`, or why it was blocked. */
  readonly stands: string;
}
export interface GuardReport {
  /** Claims whose run is no longer open. */
  readonly lost: readonly string[];
  readonly silent: boolean;
}

/** Well under the heartbeat timeout of workflows/stubs.ts. */
const BEAT_MS = 2_000;
/** KEDA follows within 60 ms; a restart of its operator takes seconds. */
const SILENT_AFTER_MS = 15_000;
const NEVER_FENCED = Number.MAX_SAFE_INTEGER;

export function createGuardActivities(ports: Pick<Ports, 'workloads' | 'policy' | 'runs'>) {
  /**
   * Watches over a hold: that each owner still runs, and that applying again would change nothing. Answers as soon as
   * something differs. What cannot be read is looked at again: no outage ends the watch.
   */
  async function guardHold(request: GuardHoldRequest): Promise<GuardReport> {
    let untilOwnersMs = 0;
    let behindForMs = 0;
    for (;;) {
      const policy = policyOf(ports, request.workload);
      const { ownerCheckEveryMs, guardEveryMs } = policy.ledger;
      if (untilOwnersMs <= 0) {
        const lost = await findLost(request.claims);
        if (lost.length > 0) return { lost, silent: request.silent };
        untilOwnersMs = ownerCheckEveryMs;
      }
      const pauseMs = Math.min(guardEveryMs, untilOwnersMs);
      await sleepBeating(pauseMs, `${request.claims.length} owners running`);
      untilOwnersMs -= pauseMs;
      const seen = await look(request).catch((error: unknown) => {
        if (currentCall().signal.aborted) throw error;
        // a workload that vanished is something else than one that cannot be read just now
        if (isFinal(error)) return { key: messageOf(error), isBehind: false };
        return { key: request.stands, isBehind: request.silent, unread: messageOf(error) };
      });
      Context.current().heartbeat('unread' in seen ? seen.unread : `${request.claims.length} owners running`);
      behindForMs = seen.isBehind ? behindForMs + pauseMs : 0;
      const silent = seen.isBehind && (request.silent || behindForMs >= SILENT_AFTER_MS);
      if (seen.key !== request.stands || silent !== request.silent) return { lost: [], silent };
    }
  }

  async function findLost(claims: readonly Claim[]): Promise<readonly string[]> {
    const call = currentCall();
    const running = await Promise.all(claims.map(({ id }) => ports.runs.isRunning(id, call)));
    return claims.flatMap(({ id }, index) => (running[index] === false ? [id] : []));
  }

  /** Decides as an apply would, but takes no step down: those come by the ledger's own timer. */
  async function look(request: GuardHoldRequest): Promise<{ readonly key: string; readonly isBehind: boolean }> {
    const policy = policyOf(ports, request.workload);
    const state = await ports.workloads.readWorkload(refOf(policy), currentCall());
    const found = findUsableGovernor(state, request);
    if (found.kind === 'blocked') return { key: found.reason, isBehind: false };
    const { governor, rivals } = found;
    const stepless = { ...policy, windDown: { ...policy.windDown, everyMs: Infinity } };
    const attempt = (silent: boolean) =>
      decideHold(
        factsOf({
          request: { ...request, generation: NEVER_FENCED, fresh: false, silent },
          policy: stepless,
          state,
          governor,
          ...(rivals !== undefined && { rivals }),
        }),
      );
    const decision = attempt(request.silent);
    const patient = attempt(true);
    const isBehind = patient.kind === 'unchanged' && patient.standing.unprotected?.kind === 'silent';
    const isForsaken = othersOf(state, governor).some((other) => forsake(other) !== undefined);
    if (decision.kind !== 'unchanged' || isForsaken) return { key: faultOf(decision) ?? 'to be applied', isBehind };
    return { key: standingKey(decision.standing), isBehind };
  }

  return { guardHold };
}

/** A pause that may be longer than the heartbeat timeout, and in which a cancellation is heard soon. */
async function sleepBeating(ms: number, detail: string): Promise<void> {
  for (let left = ms; left > 0; left -= BEAT_MS) {
    Context.current().heartbeat(detail);
    await Context.current().sleep(Math.min(left, BEAT_MS));
  }
}
