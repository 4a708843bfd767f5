import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openLane, type Lane } from '../test/harness/lane.ts';
import { servers } from '../test/harness/servers.ts';
import { startWebhook, type ToldAlert } from '../test/harness/webhook.ts';
import { alertNamed, tellUntilTaken, type Told, type Webhook } from './alert-sender.ts';
import { openAuditTail } from './audit-tail.ts';
import { endAll } from './end-all.ts';
import { timeEmptyWorkflows } from './naive/empty.ts';
import { startNaiveWorker } from './naive/process.ts';
import type { Bench, Findings, Measure, Scene } from './report.ts';
import { openShops, shopsNamed } from './shops.ts';
import { percentile } from './statistics.ts';
import { startWorkerProcess } from './worker-process.ts';

const BOUNDS = { ackMs: 3_000, ratio: 1.5 } as const;
const WORKER = join(import.meta.dirname, '../test/harness/worker.ts');
const BURST = 500;
const WARM_UPS = 10;
/** Alertmanager tells several alerts in one notification, and the webhook takes so many connections and no more. */
const A_NOTIFICATION = 5;
/** Whatever is not written by then counts as lost. */
const WITHIN_MS = 90_000;

export const alertBurst: Bench = {
  name: 'alert-burst',
  about: 'five hundred alerts for as many workloads at once, against as many empty workflows',
  run: measureBurst,
};

interface Burst {
  readonly told: readonly Told[];
  /** For each workload that was written, after the first request of the burst. */
  readonly writtenAfterMs: readonly number[];
}

async function measureBurst(scene: Scene): Promise<Findings> {
  const count = scene.isQuick ? BURST / 10 : BURST;
  const lane = await openLane({ governor: 'none', replicas: 1 });
  const shops = shopsNamed('shop', count + WARM_UPS, { hasPods: false });
  const env = await openShops(lane, shops);
  const naive = await startNaiveWorker(lane);
  const worker = await startWorkerProcess(WORKER, env, join(lane.directory, 'worker.log'));
  const webhook = await startWebhook(lane, env);
  try {
    const names = shops.map(({ name }) => name);
    await timeEmptyWorkflows(lane, 'warm-up', WARM_UPS);
    const first = await burst(lane, webhook, names.slice(count));
    assert.equal(
      first.writtenAfterMs.length,
      WARM_UPS,
      `not every workload was written: ${JSON.stringify(first.told)}`,
    );
    const before = await timeEmptyWorkflows(lane, 'before', count);
    scene.say(`${count} empty workflows took ${before} ms`);
    const found = await burst(lane, webhook, names.slice(0, count));
    scene.say(`${found.writtenAfterMs.length} of ${count} workloads are written`);
    // what is held is watched over, and that is no part of an empty workflow
    await worker.kill();
    const after = await timeEmptyWorkflows(lane, 'after', count);
    scene.say(`${count} empty workflows took ${after} ms afterwards`);
    return summarise({ count, found, empty: [before, after] });
  } finally {
    await webhook.stop();
    await worker.kill();
    await naive.kill();
    await endAll(lane.temporal);
    await lane.close();
  }
}

async function burst(lane: Lane, webhook: Webhook, names: readonly string[]): Promise<Burst> {
  const audit = openAuditTail(servers().auditLog);
  const batches: ToldAlert[][] = [];
  for (let at = 0; at < names.length; at += A_NOTIFICATION)
    batches.push(names.slice(at, at + A_NOTIFICATION).map(alertNamed));
  const startedMs = Date.now();
  const [told, patchedMs] = await Promise.all([
    Promise.all(batches.map((alerts) => tellUntilTaken(webhook, alerts, { withinMs: WITHIN_MS }))),
    audit.untilEachPatched({ namespace: lane.namespace, names }, { withinMs: WITHIN_MS }),
  ]);
  return { told, writtenAfterMs: [...patchedMs.values()].map((atMs) => atMs - startedMs) };
}

function summarise({
  count,
  found,
  empty,
}: {
  readonly count: number;
  readonly found: Burst;
  readonly empty: readonly [before: number, after: number];
}): Findings {
  const acks = found.told.flatMap((told) => told.acks);
  const ackMs = acks.map(({ tookMs }) => tookMs);
  const again = acks.length - found.told.length;
  const taken = found.told.flatMap(({ dispositions }) => dispositions);
  const accounted = taken.filter((kind) => kind === 'started' || kind === 'joined').length;
  const lastMs = Math.max(...found.writtenAfterMs);
  const emptyMs = (empty[0] + empty[1]) / 2;
  const all = (what: string, value: number, of: number, note?: string): Measure => ({
    what,
    value,
    unit: `of ${of}`,
    bound: { kind: 'at least', limit: of },
    ...(note !== undefined && { note }),
  });
  return {
    measures: [
      all(
        `${count} alerts at once for as many workloads: requests answered`,
        acks.filter(({ status }) => status === 200 || status === 503).length,
        acks.length,
        `${again} answered with 503 and told again`,
      ),
      all('the same: alerts accounted for', accounted, count),
      all('the same: workloads written', found.writtenAfterMs.length, count),
      {
        what: 'the same: answered, p99',
        value: percentile(ackMs, 99),
        unit: 'ms',
        bound: { kind: 'at most', limit: BOUNDS.ackMs },
        note: `median ${percentile(ackMs, 50).toFixed(0)} ms`,
      },
      {
        what: 'last write ÷ as many empty workflows',
        value: lastMs / emptyMs,
        unit: '',
        bound: { kind: 'at most', limit: BOUNDS.ratio },
        note: `${lastMs.toFixed(0)} ms ÷ ${emptyMs.toFixed(0)} ms (${empty[0]} before, ${empty[1]} after); median write ${percentile(found.writtenAfterMs, 50).toFixed(0)} ms`,
      },
    ],
    raw: { found, empty },
  };
}
