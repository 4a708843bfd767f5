import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Call, WorkloadPort } from '../activities/ports.ts';
import { createWorkloadPort } from '../adapters/kubernetes/workloads.ts';
import { loadPolicy } from '../adapters/policy-file.ts';
import { findStand } from '../domain/conflict.ts';
import { decideHold } from '../domain/hold.ts';
import type { HoldFacts } from '../domain/hold-targets.ts';
import { readGeneration } from '../domain/marks.ts';
import { ledgerId } from '../domain/names.ts';
import { refOf, resolvePolicy, type ResolvedPolicy } from '../domain/policy.ts';
import { describeGovernor, type Governor } from '../domain/workload.ts';
import { readWorkerConfig, type WorkerConfig } from './config.ts';

export type RestoreAnswer =
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }
  /** `waitingFor`: what could not come back yet, by object; asking again later finishes it. */
  | { readonly kind: 'restored'; readonly written: readonly string[]; readonly waitingFor: readonly string[] };

/** Somebody else writes now and then; a ledger that fights back is no race and shows after a few. */
const ATTEMPTS = 10;
const TEMPORAL_MS = 2_000;
const DEADLINE_MS = 60_000;

/**
 * Gives the owner's values back from the annotation alone, without Temporal and at once: for the night in which it is
 * down. Refuses while a ledger runs, which would hold again. Rights and cluster are those of the kubeconfig in use.
 */
export async function restoreOffline(
  workload: string,
  config: WorkerConfig = readWorkerConfig(process.env),
): Promise<RestoreAnswer> {
  const resolved = resolvePolicy(await loadPolicy(config.policyFiles), workload);
  if ('known' in resolved)
    return {
      kind: 'refused',
      reasons: [`workload ${workload} is not in headroom.yaml; known are ${resolved.known.join(', ')}`],
    };
  if (await isLedgerRunning(workload, config))
    return {
      kind: 'refused',
      reasons: [
        `Temporal answers, and the ledger of ${workload} runs: it would hold again; use "headroom ledger ${workload} restore" without --offline`,
      ],
    };
  const port = createWorkloadPort(config.kubeconfig === undefined ? {} : { kubeconfigPath: config.kubeconfig });
  return restoreFromObject(port, resolved);
}

/** Every object of the workload that bears a mark of ours, until none does or one has to wait. */
export async function restoreFromObject(port: WorkloadPort, policy: ResolvedPolicy): Promise<RestoreAnswer> {
  const call: Call = { signal: AbortSignal.timeout(DEADLINE_MS), caller: `restore-offline/${hostname()}` };
  const written: string[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const state = await port.readWorkload(refOf(policy), call);
    const stand = findStand(state.autoscalers);
    const decided = [state.self, ...state.autoscalers].map((governor) => ({
      governor,
      decision: decideRestore(governor, policy, {
        liveReplicas: state.wantedReplicas,
        ...(stand?.governor === governor && { rivals: stand.rivals }),
      }),
    }));
    const reasons = decided.flatMap(({ governor, decision }) => faultOf(governor, decision));
    if (reasons.length > 0) return { kind: 'refused', reasons };
    const waitingFor = decided.flatMap(({ governor, decision }) =>
      decision.kind === 'unchanged' && decision.standing.held
        ? [`${describeGovernor(governor)}: ${decision.standing.waitingFor ?? 'its ledger'}`]
        : [],
    );
    const changes = decided.flatMap(({ decision }) => (decision.kind === 'change' ? [decision.change] : []));
    if (changes.length === 0) return { kind: 'restored', written, waitingFor };
    for (const change of changes) {
      if ((await port.changeGovernor(change, call)) === 'raced') break;
      const fields = change.fields.map(({ field, from, to }) => `${field} ${show(from)} → ${show(to)}`);
      written.push(`${describeGovernor(change)}: ${fields.join(', ') || 'marks only'}`);
    }
    await sleep(100);
  }
  return {
    kind: 'refused',
    reasons: [`somebody writes to ${policy.workload.name} again and again: is a ledger at work?`],
  };
}

type Decision = ReturnType<typeof decideHold>;

function decideRestore(
  governor: Governor,
  { workload, windDown }: ResolvedPolicy,
  found: Pick<HoldFacts, 'liveReplicas' | 'rivals'>,
): Decision {
  return decideHold({
    governor,
    ...found,
    claims: [],
    generation: readGeneration(governor.marks) + 1,
    skipSteps: true,
    policy: { limits: workload.limits, windDown },
    nowMs: Date.now(),
  });
}

function faultOf(governor: Governor, decision: Decision): readonly string[] {
  if (decision.kind === 'unreadable') return [`${describeGovernor(governor)}: ${decision.reason}`];
  if (decision.kind !== 'ignored') return [];
  return [`${describeGovernor(governor)}: headroom.dev/ignore=true is set; remove the annotation first`];
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}

/** No answer is what this is for; an answer counts. */
async function isLedgerRunning(workload: string, { temporal }: WorkerConfig): Promise<boolean> {
  const { connectionOptions, namespace = 'default' } = temporal;
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: TEMPORAL_MS });
    try {
      const handle = new Client({ connection, namespace }).workflow.getHandle(ledgerId(workload));
      const { status } = await connection.withDeadline(Date.now() + TEMPORAL_MS, () => handle.describe());
      return status.name === 'RUNNING';
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}
