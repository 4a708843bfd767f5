import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLane, type Lane } from '../test/harness/lane.ts';
import { servers } from '../test/harness/servers.ts';
import { startWebhook } from '../test/harness/webhook.ts';
import { alertNamed, tellUntilTaken, type Told, type Webhook } from './alert-sender.ts';
import { openAuditTail } from './audit-tail.ts';
import { endAll } from './end-all.ts';
import type { Bench, Findings, Scene } from './report.ts';
import { openShops, shopsNamed } from './shops.ts';
import { countSleepers, putToSleep } from './sleepers.ts';
import { median, percentile } from './statistics.ts';
import { startWorkerProcess } from './worker-process.ts';

const RATIO = 5;
const WORKER = join(import.meta.dirname, '../test/harness/worker.ts');
const SLEEPERS = 1_000;
/** Each ledger has its share of the claims when they come due. */
const SLEEPERS_SHOPS = 20;
/** All timers fire in this time. */
const DUE_OVER_MS = 1_000;
const ALERTS = 60;
const WARM_UPS = 5;
const ALERT_EVERY_MS = 1_000;
/** Between the last alert of the idle time and the first timer. */
const CALM_MS = 5_000;
/** What is not written so long after the last alert counts as lost. */
const WITHIN_MS = 60_000;

export const alertPriority: Bench = {
  name: 'alert-priority',
  about: 'an alert a second for a workload each, before and while the timers of a thousand pre-scales fire',
  run: measurePriority,
};

interface Alarms {
  /** In the order of the alerts: from the request to the API server's own note of the write; Infinity without one. */
  readonly tookMs: readonly number[];
  readonly told: readonly Told[];
}

async function measurePriority(scene: Scene): Promise<Findings> {
  const [sleepers, alerts] = scene.isQuick ? [SLEEPERS / 10, ALERTS / 6] : [SLEEPERS, ALERTS];
  const lane = await openLane({ governor: 'none', replicas: 1 });
  const shops = shopsNamed('shop', SLEEPERS_SHOPS, { hasPods: true });
  const alarmed = shopsNamed('alarmed', WARM_UPS + 2 * alerts, { hasPods: false });
  const env = await openShops(lane, [...shops, ...alarmed]);
  const names = alarmed.map(({ name }) => name);
  const worker = await startWorkerProcess(WORKER, env, join(lane.directory, 'worker.log'));
  const webhook = await startWebhook(lane, env);
  try {
    const first = await alarm(lane, webhook, names.slice(0, WARM_UPS));
    assert.ok(first.tookMs.every(Number.isFinite), `not every workload was written: ${JSON.stringify(first.told)}`);
    const { dueMs } = await putToSleep(lane, {
      count: sleepers,
      shops: shops.map(({ name }) => name),
      dueOverMs: DUE_OVER_MS,
      reserveMs: alerts * ALERT_EVERY_MS + CALM_MS,
      say: scene.say,
    });
    const idle = await alarm(lane, webhook, names.slice(WARM_UPS, WARM_UPS + alerts));
    const early = await countSleepers(lane, 'awake');
    scene.say(`idle p99 ${percentile(idle.tookMs, 99).toFixed(0)} ms; the first timer in ${dueMs - Date.now()} ms`);
    await sleep(Math.max(0, dueMs - Date.now()));
    const busy = await alarm(lane, webhook, names.slice(WARM_UPS + alerts));
    const awake = await countSleepers(lane, 'awake');
    return summarise({ sleepers, idle, busy, early, awake });
  } finally {
    await webhook.stop();
    await worker.kill();
    await endAll(lane.temporal);
    await lane.close();
  }
}

/** One after another at a steady pace, whether or not those before are through: who is late must not slow down what measures it. */
async function alarm(lane: Lane, webhook: Webhook, names: readonly string[]): Promise<Alarms> {
  const audit = openAuditTail(servers().auditLog);
  const lastMs = names.length * ALERT_EVERY_MS + WITHIN_MS;
  const [told, patchedMs] = await Promise.all([
    Promise.all(
      names.map(async (name, index) => {
        await sleep(index * ALERT_EVERY_MS);
        return tellUntilTaken(webhook, [alertNamed(name)], { withinMs: WITHIN_MS });
      }),
    ),
    audit.untilEachPatched({ namespace: lane.namespace, names }, { withinMs: lastMs }),
  ]);
  return {
    told,
    tookMs: told.map(({ atMs }, index) => (patchedMs.get(names[index] ?? '') ?? Number.POSITIVE_INFINITY) - atMs),
  };
}

function summarise(of: {
  readonly sleepers: number;
  readonly idle: Alarms;
  readonly busy: Alarms;
  /** Sleepers that were awake before any was due, and when the last alert of the flood was through. */
  readonly early: number;
  readonly awake: number;
}): Findings {
  const { sleepers, idle, busy, early, awake } = of;
  const again = ({ told }: Alarms) => told.reduce((sum, { acks }) => sum + acks.length - 1, 0);
  const p99 = (what: string, alarms: Alarms) => ({
    what,
    value: percentile(alarms.tookMs, 99),
    unit: 'ms',
    note: `median ${median(alarms.tookMs).toFixed(0)} ms of ${alarms.tookMs.length}; told again ${again(alarms)} times`,
  });
  return {
    measures: [
      p99('alert to write, nothing else to do, p99', idle),
      p99(`alert to write, ${sleepers} timers fire, p99`, busy),
      {
        what: 'timers fire ÷ nothing else to do, p99',
        value: percentile(busy.tookMs, 99) / percentile(idle.tookMs, 99),
        unit: '',
        bound: { kind: 'at most', limit: RATIO },
        note: `${awake} of ${sleepers} awake when the last alert was through, ${early} before the first timer`,
      },
    ],
    raw: of,
  };
}
