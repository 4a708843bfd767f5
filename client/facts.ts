import type { Client } from '@temporalio/client';
import type { Claim } from '../domain/claim.ts';
import type { EmergencyLook } from '../domain/emergency.ts';
import type { LedgerStep } from '../domain/ledger-writes.ts';
import { ledgerId } from '../domain/names.ts';
import type { ResolvedEmergency, ResolvedSteps } from '../domain/policy.ts';
import type { ClaimState } from '../domain/procedures.ts';
import type { RunEnd, RunFacts, RunStep, SteeringStep } from '../domain/run-facts.ts';
import { isProcedure, readRunRequest } from '../domain/run-request.ts';
import { alertsUpdate, claimStateSignal, claimUpdate, releaseUpdate, restoreUpdate } from '../workflows/messages.ts';
import type { AlertsAnswer, AlertsOffer } from '../workflows/messages.ts';
import { decodeHistory, type Happening } from './history.ts';

/** A wind-down is a matter of hours: a ledger's history that begins later has nothing of this run. */
const LATER_MS = 24 * 3_600_000;

/** What a run's history says of it; no worker is needed for that. */
export async function fetchRun(client: Client, id: string, runId: string): Promise<RunFacts> {
  const history = await client.workflow.getHandle(id, runId).fetchHistory();
  return runFacts({ id, runId }, await decodeHistory(history, client.options.loadedDataConverter));
}

export function runFacts(
  { id, runId }: { readonly id: string; readonly runId: string },
  happenings: readonly Happening[],
): RunFacts {
  const [first] = happenings;
  const started = first?.kind === 'started' ? first : undefined;
  const { workflow = '', firstRunId = runId, input, atMs: startedAtMs = 0 } = started ?? {};
  // claims bear the first run's id, should an operator have reset the workflow
  const claimId = `${id}/${firstRunId}`;
  const steps = happenings.flatMap((happening) => runStep(happening, claimId));
  const end = endAmong(happenings);
  const asked = readRunRequest(isProcedure(workflow) ? workflow : 'preScale', input, startedAtMs);
  return { id, runId, asked, startedAtMs, steps, end };
}

/** The shape of what an activity answered is its own file's business; the report takes it as it was written. */
const STEP_OF_ACTIVITY: Readonly<Record<string, (input: never, result: never) => unknown>> = {
  resolveWorkloadPolicy: (_: never, policy: object) => ('known' in policy ? undefined : { kind: 'policy', policy }),
  resolveEmergencyPolicy: (_: never, resolved: object) =>
    'known' in resolved ? undefined : emergencyPolicy(resolved as ResolvedEmergency),
  lookAtEmergency: (_: never, look: object) => ('known' in look ? undefined : firstLook(look as EmergencyLook)),
  resolveStepPolicy: (_: never, resolved: object) =>
    'known' in resolved ? undefined : stepPolicy(resolved as ResolvedSteps),
  surveyWorkload: (_: never, survey: unknown) => ({ kind: 'survey', survey }),
  checkRoom: (_: never, warnings: unknown) => ({ kind: 'room', warnings }),
  // of a local activity only the answer is kept
  claimCapacity: (input: { readonly claim: Claim } | null, claim: Claim | null) => ({
    kind: 'claimed',
    asks: claim ?? input?.claim ?? null,
  }),
  readEvidence: (_: never, evidence: unknown) => ({ kind: 'evidence', evidence }),
  awaitAvailable: (_: never, verdict: unknown) => ({ kind: 'looked', verdict }),
  awaitQuiet: (_: never, answer: { readonly reasons?: unknown } | null) => ({
    kind: 'quiet',
    reasons: answer?.reasons ?? [],
  }),
  awaitRegression: (_: never, { reasons }: { readonly reasons: unknown }) => ({ kind: 'load back', reasons }),
  releaseCapacity: () => ({ kind: 'let go' }),
  awaitReleased: (_: never, report: unknown) => ({ kind: 'released', report }),
};

function emergencyPolicy({ policy, emergency }: ResolvedEmergency) {
  return { kind: 'policy', policy, emergency, maxHoldMs: emergency.maxHoldMs };
}
function firstLook({ resolved, survey }: EmergencyLook) {
  return [emergencyPolicy(resolved), ...(survey === null ? [] : [{ kind: 'survey', survey }])];
}
function stepPolicy({ policy, maxHoldMs }: ResolvedSteps) {
  return { kind: 'policy', policy, maxHoldMs };
}

function runStep(happening: Happening, claimId: string): readonly RunStep[] {
  const { atMs } = happening;
  if (happening.kind === 'activity') {
    const read = Object.hasOwn(STEP_OF_ACTIVITY, happening.name) ? STEP_OF_ACTIVITY[happening.name] : undefined;
    const told = read?.(happening.input as never, happening.result as never) ?? [];
    return [told].flat().map((step) => ({ atMs, ...step }) as RunStep);
  }
  if (happening.kind === 'update' && happening.name === alertsUpdate.name) {
    // told to a run that was over, they are of the next one
    if ((happening.answer as AlertsAnswer | null)?.kind === 'over') return [];
    return [{ atMs, kind: 'alerts', notices: (happening.input as AlertsOffer).notices }];
  }
  if (happening.kind === 'signal' && happening.name === claimStateSignal.name) {
    const state = happening.input as ClaimState;
    return state.claimId === claimId ? [{ atMs, kind: 'told', state }] : [];
  }
  return steeringStep(happening);
}

/** What people said to a run, of whichever procedure. */
export function steeringStep(happening: Happening): readonly SteeringStep[] {
  const { atMs } = happening;
  if (happening.kind === 'update') {
    const { as, note, ...words } = happening.input as { readonly as?: string; readonly note?: string };
    return [{ atMs, kind: 'steered', name: happening.name, as: as ?? 'somebody', note: note ?? null, words }];
  }
  if (happening.kind !== 'cancel requested') return [];
  const { by, reason } = happening;
  // without a note the command says who, which stands there already
  const note = reason === '' || reason === `cancelled by ${by}` ? null : reason;
  return [{ atMs, kind: 'cancelled', as: by, note }];
}

export function endAmong(happenings: readonly Happening[]): RunEnd | null {
  return happenings.map(runEnd).find((one) => one !== undefined) ?? null;
}

function runEnd(happening: Happening): RunEnd | undefined {
  const { atMs } = happening;
  switch (happening.kind) {
    case 'completed':
      return { atMs, kind: 'completed', result: happening.result as Extract<RunEnd, { kind: 'completed' }>['result'] };
    case 'cancelled':
      return { atMs, kind: 'cancelled' };
    case 'terminated':
      return { atMs, kind: 'terminated', as: happening.by, reason: happening.reason };
    case 'failed':
      return { atMs, kind: 'failed', reason: happening.reason };
    case 'started':
    case 'activity':
    case 'update':
    case 'signal':
    case 'child':
    case 'cancel requested':
      return undefined;
  }
}

/** The histories of the workload's ledger that lie over this time, oldest first; a ledger goes on in a new one every thousand events. */
export async function fetchLedger(
  client: Client,
  workload: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<readonly (readonly LedgerStep[])[]> {
  const id = ledgerId(workload);
  const runs: { readonly runId: string; readonly startMs: number }[] = [];
  for await (const one of client.workflow.list({ query: `WorkflowId = '${id}'` })) {
    const startMs = one.startTime.getTime();
    const closeMs = one.closeTime?.getTime() ?? Number.POSITIVE_INFINITY;
    if (closeMs >= fromMs && startMs <= toMs + LATER_MS) runs.push({ runId: one.runId, startMs });
  }
  const histories: (readonly LedgerStep[])[] = [];
  for (const { runId } of runs.toSorted((a, b) => a.startMs - b.startMs)) {
    const history = await client.workflow.getHandle(id, runId).fetchHistory();
    histories.push(ledgerSteps(await decodeHistory(history, client.options.loadedDataConverter)));
  }
  return histories;
}

export function ledgerSteps(happenings: readonly Happening[]): readonly LedgerStep[] {
  return happenings.flatMap((happening): readonly LedgerStep[] => {
    const step = happening.kind === 'started' ? begun(happening.input) : ledgerStep(happening);
    return step === undefined ? [] : [{ atMs: happening.atMs, ...step } as LedgerStep];
  });
}

function begun(input: unknown): object {
  return { kind: 'begun', memory: (input as { readonly memory?: unknown }).memory ?? null };
}

function ledgerStep(happening: Happening): object | undefined {
  if (happening.kind === 'update') {
    if (happening.name === restoreUpdate.name) return { kind: 'restore' };
    if (happening.name === claimUpdate.name) return { kind: 'claim', ...(happening.input as object) };
    return happening.name === releaseUpdate.name ? { kind: 'release', ...(happening.input as object) } : undefined;
  }
  if (happening.kind !== 'activity') return undefined;
  const result = happening.result as { readonly kind?: string; readonly lost?: unknown; readonly claims?: unknown };
  if (happening.name === 'guardHold') return { kind: 'lost', claimIds: result.lost };
  if (happening.name === 'readHold') return { kind: 'recalled', claims: result.claims };
  if (happening.name !== 'applyHold') return undefined;
  if (result.kind === 'idle') return { kind: 'idle' };
  return result.kind === 'standing' ? { ...result, kind: 'stands' } : undefined;
}
