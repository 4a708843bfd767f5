import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { provision } from '../sandbox/provision.ts';
import { eventually } from '../test/harness/eventually.ts';
import { openLane, type Lane } from '../test/harness/lane.ts';
import { EMERGENCY } from '../test/harness/emergency.ts';
import { servers } from '../test/harness/servers.ts';
import { startWebhook, type ToldAlert } from '../test/harness/webhook.ts';
import { openAuditTail } from './audit-tail.ts';
import { openNaive } from './naive/target.ts';
import type { Bench, Findings, Measure, Scene } from './report.ts';
import { median, percentile } from './statistics.ts';

const ROUNDS = 5;
const SAMPLES_A_ROUND = 60;
const WARM_UPS = 10;
const JOINED = 50;
const BURST = 500;
/** Capacity comes back at once, so that the next sample finds the workload as it was; without any load data nothing is quiet. */
const POLICY = {
  windDown: { percent: 100, every: '100ms' },
  emergencyScaleUp: { cooldown: '0s', budget: { perHour: 10_000, perDay: 10_000 } },
  alertRules: { Latency: { procedure: 'emergencyScaleUp', workload: 'tensafe-server' } },
};

type Webhook = Awaited<ReturnType<typeof startWebhook>>;
type ArmName = 'webhook' | 'naive' | 'runbook';
interface Arm {
  readonly name: ArmName;
  /** From the call that asks to the API server's own note that it is written, in milliseconds. */
  sample(id: string): Promise<number>;
}
type Round = Readonly<Record<ArmName, readonly number[]>>;

export const emergency: Bench = {
  name: 'emergency',
  about: 'an alert at the webhook against a workflow with one activity and against bash with kubectl; storms of alerts',
  run: measureEmergencies,
};

async function measureEmergencies(scene: Scene): Promise<Findings> {
  const lane = await openLane({ replicas: 3, policy: POLICY });
  const naive = await openNaive(lane);
  await lane.startWorker();
  const webhook = await startWebhook(lane);
  try {
    const { kubectl } = await provision(['kubectl'], scene.say);
    const arms = [
      openWebhookArm(lane, webhook),
      { ...naive.arm('pooled'), name: 'naive' as const },
      openRunbookArm(lane, kubectl?.path ?? 'kubectl'),
    ];
    await roundOf(arms, 'warm-up', scene.isQuick ? 2 : WARM_UPS);
    const rounds: Round[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      rounds.push(await roundOf(arms, `round-${round}`, scene.isQuick ? SAMPLES_A_ROUND / 10 : SAMPLES_A_ROUND));
      scene.say(`round ${round} of ${ROUNDS}`);
    }
    const storm = await storms(lane, webhook);
    return { measures: [...latencies(rounds), ...storm], raw: { rounds } };
  } finally {
    await webhook.stop();
    await naive.close();
    await lane.close();
  }
}

async function roundOf(arms: readonly Arm[], name: string, samples: number): Promise<Round> {
  const taken: Record<ArmName, number[]> = { webhook: [], naive: [], runbook: [] };
  for (let sample = 1; sample <= samples; sample += 1)
    for (const arm of arms) taken[arm.name].push(await arm.sample(`${arm.name}.${name}.${sample}.`));
  return taken;
}

function latencies(rounds: readonly Round[]): readonly Measure[] {
  const all = (arm: ArmName) => rounds.flatMap((round) => round[arm]);
  const [p50, p99] = [median(all('webhook')), percentile(all('webhook'), 99)];
  const p50Of = (what: string, arm: ArmName): Measure => ({
    what: `${what}, p50`,
    value: median(all(arm)),
    unit: 'ms',
    note: `p99 ${percentile(all(arm), 99).toFixed(0)} ms of ${all(arm).length}`,
  });
  const ratio = (what: string, of: (round: Round) => number, bound: Measure['bound']): Measure => ({
    what,
    value: median(rounds.map(of)),
    unit: '',
    ...(bound !== undefined && { bound }),
    note: `a round: ${Math.min(...rounds.map(of)).toFixed(2)} to ${Math.max(...rounds.map(of)).toFixed(2)}`,
  });
  return [
    p50Of('alert to governor written', 'webhook'),
    p50Of('naive workflow to governor written', 'naive'),
    p50Of('bash and kubectl to the first write', 'runbook'),
    ratio('alert ÷ naive', ({ webhook, naive }) => median(webhook) / median(naive), { kind: 'at most', limit: 0.8 }),
    ratio('bash and kubectl ÷ alert', ({ webhook, runbook }) => median(runbook) / median(webhook), {
      kind: 'at least',
      limit: 2,
    }),
    { what: 'alert, p99 ÷ p50', value: p99 / p50, unit: '', bound: { kind: 'at most', limit: 3 } },
  ];
}

/** One workload, many alerts: what they are answered, what is written, and what it costs in history. */
async function storms(lane: Lane, webhook: Webhook): Promise<readonly Measure[]> {
  const joined: Promise<unknown>[] = [];
  for (let n = 0; n < JOINED; n += 1) {
    joined.push(webhook.tell([alert(`joined-${n}`)]));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Promise.all(joined);
  await letGo(lane);
  const { events } = await lane.temporal.workflow.getHandle(EMERGENCY).fetchHistory();
  const before = lane.writes().length;
  const told = await Promise.all(Array.from({ length: BURST / 5 }, (_, n) => webhook.tell(fiveOf(n))));
  // the autoscaler takes its time to go back, so the count that is doubled may be the doubled one
  await eventually('it is held', async () => (await lane.floor()) > 3);
  const writes = lane.writes().length - before;
  await letGo(lane);
  const tookMs = told.map((one) => one.tookMs);
  const accounted = told
    .flatMap(({ alerts }) => alerts)
    .filter(({ disposition }) => /started|joined/.test(disposition));
  return [
    {
      what: `history of an emergency of ${JOINED} alerts, twenty a second`,
      value: events?.length ?? 0,
      unit: 'events',
      bound: { kind: 'at most', limit: 120 },
    },
    {
      what: `${BURST} alerts at once for one workload: answered, p99`,
      value: percentile(tookMs, 99),
      unit: 'ms',
      bound: { kind: 'at most', limit: 1_000 },
      note: `${accounted.length} of ${BURST} accounted for`,
    },
    { what: 'the same: writes to the governor', value: writes, unit: '', bound: { kind: 'at most', limit: 3 } },
  ];
}

function fiveOf(n: number): readonly ToldAlert[] {
  return Array.from({ length: 5 }, (_, i) => alert(`burst-${(n * 5 + i) % (BURST * 0.9)}`));
}

function openWebhookArm(lane: Lane, webhook: Webhook): Arm {
  return {
    name: 'webhook',
    async sample(id) {
      const audit = openAuditTail(servers().auditLog);
      const startedMs = Date.now();
      const [told, writtenMs] = await Promise.all([
        webhook.tell([alert(id)]),
        audit.untilPatched(`${lane.namespace}/horizontalpodautoscalers/tensafe-hpa`),
      ]);
      if (told.status !== 200) throw new Error(told.body);
      await letGo(lane);
      return writtenMs - startedMs;
    },
  };
}

/** The runbook's emergency as it stands there, as far as its first write. */
function openRunbookArm({ namespace }: Lane, kubectl: string): Arm {
  const { kubeconfig } = servers();
  const at = `${kubectl} --kubeconfig ${kubeconfig.admin} -n ${namespace}`;
  const script = `CURRENT=$(${at} get deployment naive -o jsonpath='{.spec.replicas}'); ${at} scale deployment naive --replicas=$((CURRENT * 2))`;
  return {
    name: 'runbook',
    async sample() {
      const audit = openAuditTail(servers().auditLog);
      const startedMs = Date.now();
      const [writtenMs] = await Promise.all([
        audit.untilPatched(`${namespace}/deployments/naive/scale`),
        promisify(execFile)('bash', ['-c', script]),
      ]);
      await promisify(execFile)('bash', ['-c', `${at} scale deployment naive --replicas=3`]);
      return writtenMs - startedMs;
    },
  };
}

async function letGo(lane: Lane): Promise<void> {
  const handle = lane.temporal.workflow.getHandle(EMERGENCY);
  await handle.cancel();
  await handle.result().catch(() => undefined);
  await eventually('the owner’s values are back', async () => {
    const { metadata, spec } = await lane.governorObject();
    return spec['minReplicas'] === 3 && metadata.labels?.['headroom.dev/held'] === undefined;
  });
}

function alert(name: string): ToldAlert {
  return { name: 'Latency', fingerprint: Buffer.from(name).toString('hex').slice(-64) };
}
