import { Context } from '@temporalio/activity';
import type { Claim } from '../domain/claim.ts';
import { decideHold, readClaims, readGeneration, type HoldStanding } from '../domain/hold.ts';
import { describeGovernor, findGovernor, type Governor } from '../domain/workload.ts';
import { currentCall } from './call.ts';
import { policyOf, refOf } from './policy.ts';
import type { Ports } from './ports.ts';

/** How one attempt to make the governor follow the claims ended. Everything foreseen is a value: the ledger never fails. */
export type HoldReport =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'standing';
      readonly standing: HoldStanding;
      readonly wrote: boolean;
      readonly limit: number;
      readonly continueAfter: { readonly events: number; readonly updates: number };
    }
  | { readonly kind: 'raced' }
  | { readonly kind: 'fenced'; readonly generation: number }
  | { readonly kind: 'blocked'; readonly reason: string };

export interface ApplyHoldRequest {
  readonly workload: string;
  readonly claims: readonly Claim[];
  readonly generation: number;
  readonly skipSteps: boolean;
}

export function createLedgerActivities(ports: Pick<Ports, 'workloads' | 'policy' | 'runs'>) {
  async function governorOf(
    workload: string,
  ): Promise<{ readonly governor: Governor; readonly liveReplicas: number } | { readonly blocked: string }> {
    const state = await ports.workloads.readWorkload(refOf(policyOf(ports, workload)), currentCall());
    const governance = findGovernor(state);
    if (governance.kind === 'governed') return { governor: governance.governor, liveReplicas: state.wantedReplicas };
    return {
      blocked: `${governance.governors.map(describeGovernor).join(' and ')} both target ${workload}: Kubernetes lets neither scale; delete or retarget one`,
    };
  }

  /**
   * Read, decide, one guarded PATCH. Safe to repeat: the decision reads only the object and the claims,
   * so a second attempt after a lost answer finds its own values and writes nothing.
   */
  async function applyHold(request: ApplyHoldRequest): Promise<HoldReport> {
    const found = await governorOf(request.workload);
    if ('blocked' in found) return { kind: 'blocked', reason: found.blocked };
    const { workload, windDown, ledger } = policyOf(ports, request.workload);
    const common = {
      limit: workload.limits.max,
      continueAfter: { events: ledger.continueAsNewAfterEvents, updates: ledger.continueAsNewAfterUpdates },
    };
    const decision = decideHold({
      ...request,
      ...found,
      policy: { limits: workload.limits, windDown },
      nowMs: Date.now(),
    });
    switch (decision.kind) {
      case 'idle':
        return decision;
      case 'fenced':
        return decision;
      case 'ignored':
        return {
          kind: 'blocked',
          reason: 'headroom.dev/ignore=true is set; remove the annotation to let headroom act',
        };
      case 'unreadable':
        return { kind: 'blocked', reason: decision.reason };
      case 'unchanged':
        return { kind: 'standing', standing: decision.standing, wrote: false, ...common };
      case 'change': {
        const written = await ports.workloads.changeGovernor(decision.change, currentCall());
        if (written === 'raced') return { kind: 'raced' };
        return { kind: 'standing', standing: decision.standing, wrote: true, ...common };
      }
    }
  }

  /** What a ledger without memory goes on from: the claims and the generation that stand on the object. */
  async function readHold(
    workload: string,
  ): Promise<{ readonly claims: readonly Claim[]; readonly generation: number }> {
    const state = await ports.workloads.readWorkload(refOf(policyOf(ports, workload)), currentCall());
    // whichever object bears them: in a conflict nobody governs, and the claims must not be forgotten for it
    const marks = [state.self, ...state.autoscalers].map((governor) => governor.marks);
    const claims = marks.map(readClaims).find((found) => found !== undefined && found !== 'unreadable');
    return { claims: Array.isArray(claims) ? claims : [], generation: Math.max(...marks.map(readGeneration)) };
  }

  /** Watches the owners of claims; answers with the ids of claims whose run is no longer open, as soon as there is one. */
  async function watchOwners({
    workload,
    claimIds,
  }: {
    readonly workload: string;
    readonly claimIds: readonly string[];
  }): Promise<readonly string[]> {
    for (;;) {
      const call = currentCall();
      const running = await Promise.all(claimIds.map((id) => ports.runs.isRunning(id, call)));
      const gone = claimIds.filter((_, index) => running[index] === false);
      if (gone.length > 0) return gone;
      Context.current().heartbeat(`${claimIds.length} owners running`);
      await Context.current().sleep(policyOf(ports, workload).ledger.ownerCheckEveryMs);
    }
  }
  return { applyHold, readHold, watchOwners };
}
