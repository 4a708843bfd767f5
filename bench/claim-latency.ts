import { createLedgerPort } from '../adapters/temporal.ts';
import { eventually } from '../test/harness/eventually.ts';
import { openLane, type Lane } from '../test/harness/lane.ts';
import { servers } from '../test/harness/servers.ts';
import { openAuditTail } from './audit-tail.ts';
import { openNaive } from './naive/target.ts';
import type { RaiseFloor } from './naive/activities.ts';
import type { Bench, Findings, Measure, Scene } from './report.ts';
import { median, percentile } from './statistics.ts';

const RATIO = 0.35;
const ROUNDS = 5;
const SAMPLES_A_ROUND = 40;
const WARM_UPS = 10;
const [LOW, HIGH] = [3, 4];

/** From the call that asks to the API server's own note that the governor is written: the same clock for both. */
interface Arm {
  readonly name: ArmName;
  sample(id: string): Promise<number>;
}
type ArmName = 'claim' | RaiseFloor['client'];
type Round = Readonly<Record<ArmName, readonly number[]>>;

export const claimLatency: Bench = {
  name: 'claim-latency',
  about: 'a claim on a warm ledger against a workflow with one activity',
  run: measureClaims,
};

async function measureClaims(scene: Scene): Promise<Findings> {
  const lane = await openLane({ replicas: LOW });
  const naive = await openNaive(lane);
  try {
    await lane.startWorker();
    const arms = [await openClaimArm(lane), naive.arm('pooled'), naive.arm('library')];
    await roundOf(arms, 'warm-up', scene.isQuick ? 2 : WARM_UPS);
    const rounds: Round[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      rounds.push(await roundOf(arms, `round-${round}`, scene.isQuick ? SAMPLES_A_ROUND / 10 : SAMPLES_A_ROUND));
      scene.say(`round ${round} of ${ROUNDS}`);
    }
    return summarise(rounds);
  } finally {
    await naive.close();
    await lane.close();
  }
}

/** In turns, so that whatever else the machine does meets all of them. */
async function roundOf(arms: readonly Arm[], name: string, samples: number): Promise<Round> {
  const taken: Record<ArmName, number[]> = { claim: [], pooled: [], library: [] };
  for (let sample = 1; sample <= samples; sample += 1)
    for (const arm of arms) taken[arm.name].push(await arm.sample(`${arm.name}.${name}.${sample}.`));
  return taken;
}

function summarise(rounds: readonly Round[]): Findings {
  const all = (arm: ArmName) => rounds.flatMap((round) => round[arm]);
  const latency = (what: string, arm: ArmName): Measure => ({
    what: `${what} to governor written, p50`,
    value: median(all(arm)),
    unit: 'ms',
    note: `p99 ${percentile(all(arm), 99).toFixed(0)} ms of ${all(arm).length}`,
  });
  const ratiosTo = (arm: ArmName) => rounds.map((round) => median(round.claim) / median(round[arm]));
  const ratio = (what: string, arm: ArmName): Measure => ({
    what: `claim ÷ ${what}, median of the rounds`,
    value: median(ratiosTo(arm)),
    unit: '',
    note: `a round: ${Math.min(...ratiosTo(arm)).toFixed(2)} to ${Math.max(...ratiosTo(arm)).toFixed(2)}`,
  });
  return {
    measures: [
      latency('claim', 'claim'),
      latency('naive workflow', 'pooled'),
      latency('the same with the library’s own client', 'library'),
      { ...ratio('naive', 'pooled'), bound: { kind: 'at most', limit: RATIO } },
      ratio('naive with the library’s own client', 'library'),
    ],
    raw: { rounds },
  };
}

/** The owner of the claims is a run that nobody works on: the ledger's guard asks only whether it is open. */
async function openClaimArm(lane: Lane): Promise<Arm> {
  const [workload, call] = ['tensafe-server', { signal: new AbortController().signal, caller: 'bench' }];
  const ledger = createLedgerPort(lane.temporal);
  const audit = openAuditTail(servers().auditLog);
  const owner = await lane.temporal.workflow.start('owner', { workflowId: 'bench.owner', taskQueue: 'bench-nobody' });
  const claimId = `bench.owner/${owner.firstExecutionRunId}`;
  let sequence = 0;
  return {
    name: 'claim',
    async sample(reason) {
      sequence += 1;
      const startedMs = Date.now();
      await ledger.claim({ workload, claim: { id: claimId, floor: HIGH, reason }, sequence }, call);
      const tookMs = (await audit.untilPatched(reason)) - startedMs;
      sequence += 1;
      await ledger.release({ workload, claimId, sequence, now: true }, call);
      await eventually('the owner’s values are back', async () => {
        const { metadata, spec } = await lane.governorObject();
        return spec['minReplicas'] === LOW && metadata.labels?.['headroom.dev/held'] === undefined;
      });
      return tookMs;
    },
  };
}
