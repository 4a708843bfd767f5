import { Context } from '@temporalio/activity';
import type { Claim } from '../domain/claim.ts';
import { decideHold, forsake, readClaims, readGeneration, type HoldStanding } from '../domain/hold.ts';
import { describeGovernor, findGovernor, type Governor, type WorkloadState } from '../domain/workload.ts';
import { currentCall } from './call.ts';
import { failure } from './failure.ts';
import { policyOf } from './policy.ts';
import { refOf } from '../domain/policy.ts';
import type { Ports } from './ports.ts';

/** How one attempt to make the governor follow the claims ended. Everything foreseen is a value: the ledger never fails. */
export type HoldReport =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'standing';
      readonly standing: HoldStanding;
      readonly limit: number;
      readonly continueAfter: { readonly events: number; readonly updates: number };
    }
  | { readonly kind: 'raced' }
  | { readonly kind: 'fenced'; readonly generation: number }
  | { readonly kind: 'blocked'; readonly reason: string };

/** Well under the heartbeat timeout of workflows/stubs.ts. */
const BEAT_MS = 2_000;

export interface ApplyHoldRequest {
  readonly workload: string;
  readonly claims: readonly Claim[];
  readonly generation: number;
  readonly skipSteps: boolean;
}

export function createLedgerActivities(ports: Pick<Ports, 'workloads' | 'policy' | 'runs'>) {
  /**
   * Read, decide, one guarded PATCH. Safe to repeat: the decision reads only the object and the claims,
   * so a second attempt after a lost answer finds its own values and writes nothing.
   */
  async function applyHold(request: ApplyHoldRequest): Promise<HoldReport> {
    const { workload, windDown, ledger } = policyOf(ports, request.workload);
    const state = await ports.workloads.readWorkload(refOf(policyOf(ports, request.workload)), currentCall());
    const found = findUsableGovernor(state);
    if (found.kind === 'blocked') return found;
    const { governor } = found;
    const decision = decideHold({
      ...request,
      governor,
      liveReplicas: state.wantedReplicas,
      policy: { limits: workload.limits, windDown },
      nowMs: Date.now(),
    });
    switch (decision.kind) {
      case 'fenced':
        return decision;
      case 'ignored':
        return {
          kind: 'blocked',
          reason: 'headroom.dev/ignore=true is set; remove the annotation to let headroom act',
        };
      case 'unreadable':
        return { kind: 'blocked', reason: decision.reason };
      case 'idle':
      case 'unchanged':
      case 'change': {
        const others = governor.ignored ? [] : [state.self, ...state.autoscalers];
        const forsaken = others.filter(({ uid }) => uid !== governor.uid).map(forsake);
        const changes = [
          ...(decision.kind === 'change' ? [decision.change] : []),
          ...forsaken.filter((one) => one !== undefined),
        ];
        for (const change of changes) {
          if ((await ports.workloads.changeGovernor(change, currentCall())) === 'raced') return { kind: 'raced' };
        }
        if (decision.kind === 'idle') return decision;
        const continueAfter = { events: ledger.continueAsNewAfterEvents, updates: ledger.continueAsNewAfterUpdates };
        return { kind: 'standing', standing: decision.standing, limit: workload.limits.max, continueAfter };
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
    const claims = marks.map(readClaims).filter((found) => found !== undefined);
    if (claims.includes('unreadable')) {
      throw failure(
        'stateConflict',
        `headroom.dev/claims of ${workload} cannot be read: somebody edited it; mend it, or remove all headroom.dev/* annotations to start afresh`,
      );
    }
    return {
      claims: claims.flatMap((found) => (found === 'unreadable' ? [] : found)),
      generation: Math.max(...marks.map(readGeneration)),
    };
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
      await sleepBeating(policyOf(ports, workload).ledger.ownerCheckEveryMs, `${claimIds.length} owners running`);
    }
  }
  return { applyHold, readHold, watchOwners };
}

function findUsableGovernor(
  state: WorkloadState,
): { readonly kind: 'governor'; readonly governor: Governor } | { readonly kind: 'blocked'; readonly reason: string } {
  const governance = findGovernor(state);
  if (governance.kind === 'conflict') {
    const both = governance.governors.map(describeGovernor).join(' and ');
    return {
      kind: 'blocked',
      reason: `${both} target the same workload: Kubernetes lets neither scale; delete or retarget one`,
    };
  }
  const { governor } = governance;
  if (governor.kind !== 'scaledObject') return { kind: 'governor', governor };
  return { kind: 'blocked', reason: `holds on ${describeGovernor(governor)} are not built yet` };
}

/** A pause that may be longer than the heartbeat timeout, and in which a cancellation is heard soon. */
async function sleepBeating(ms: number, detail: string): Promise<void> {
  for (let left = ms; left > 0; left -= BEAT_MS) {
    Context.current().heartbeat(detail);
    await Context.current().sleep(Math.min(left, BEAT_MS));
  }
}
