import { CancellationScope } from '@temporalio/workflow';
import type { DrainPlan } from '../domain/drain.ts';
import { refOf } from '../domain/policy.ts';
import type { DrainParts } from './drain-record.ts';
import { claiming, reckoning, watching } from './stubs.ts';

/** One that runs, and one that may be evicted. */
const REPLICAS = 2;

/**
 * Whoever has a single replica on the nodes gets one more first, asked of its ledger like any capacity, and gives it back when the
 * nodes are empty (R54). Answers with why one did not come; then nothing is evicted.
 */
export async function withSurge(
  parts: DrainParts,
  plan: DrainPlan,
  act: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const workloads = [...new Set(plan.evict.flatMap(({ surge }) => surge ?? []))];
  if (workloads.length === 0) return act();
  try {
    const missing = [];
    for (const workload of workloads) missing.push(...(await surge(parts, plan, workload)));
    return missing.length > 0 ? missing : await act();
  } finally {
    await CancellationScope.nonCancellable(async () => {
      for (const workload of workloads) await giveBack(parts, workload);
    });
  }
}

async function surge({ run }: DrainParts, { policy }: DrainPlan, workload: string): Promise<readonly string[]> {
  const resolved = await reckoning.resolveWorkloadPolicy.executeWithOptions({ summary: `policy of ${workload}` }, [
    workload,
  ]);
  if ('known' in resolved) return [`${workload} is not in headroom.yaml any more`];
  const reason = `one more while a node is drained, asked for by ${run.requestedBy}`;
  const request = { workload, claim: { id: run.claimId, floor: REPLICAS, reason }, sequence: Date.now() };
  await claiming.claimCapacity.executeWithOptions({ summary: `one more replica of ${workload}` }, [request]);
  const deadlineMs = Date.now() + policy.evictionDeadlineMs;
  run.enter('draining', { what: `evict when ${workload} has a second replica`, atMs: deadlineMs });
  const report = await watching.awaitAvailable.executeWithOptions(
    { summary: `until ${workload} has a second replica` },
    [{ ref: refOf(resolved), target: REPLICAS, deadlineMs, claim: request }],
  );
  if (report.kind === 'available') {
    run.say(`${workload} has a second replica`);
    return [];
  }
  return [`${workload} has one replica, and a second one did not come: ${report.reasons.join('; ')}`];
}

async function giveBack({ run }: DrainParts, workload: string): Promise<void> {
  const request = { workload, claimId: run.claimId, sequence: Date.now(), now: false };
  await claiming.releaseCapacity.executeWithOptions({ summary: `let ${workload} go` }, [request]);
}
