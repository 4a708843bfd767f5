import assert from 'node:assert/strict';
import { join } from 'node:path';
import { eventually } from '../test/harness/eventually.ts';
import { openLane, type Lane } from '../test/harness/lane.ts';
import { endAll } from './end-all.ts';
import type { Bench, Findings, Scene } from './report.ts';
import { openShops, shopsNamed } from './shops.ts';
import { countSleepers, putToSleep } from './sleepers.ts';
import { watchUsage, type Usage } from './process-usage.ts';
import { startWorkerProcess } from './worker-process.ts';

const BOUNDS = { kibEach: 200, mibInAll: 600, idlePercent: 2, readyMs: 3_000 } as const;
const WORKER = join(import.meta.dirname, '../test/harness/worker.ts');
const SLEEPERS = 1_000;
/** Each ledger has its share of the claims when they come due: what stands on one object has its limits. */
const WORKLOADS = 20;
/** Between falling asleep and coming due they are measured, and their worker is killed. */
const MEASURE_MS = 75_000;
const SETTLE_SECONDS = 10;
const IDLE_SECONDS = 30;
/** They come due within so long, as the events of one evening do. */
const DUE_OVER_MS = 60_000;
/** That all fire is the bound; when is a figure of the machine. */
const FIRED_WITHIN_MS = 900_000;

export const asleep: Bench = {
  name: 'asleep',
  about: 'a thousand pre-scales asleep in one worker; the worker killed; all still fire',
  run: measureAsleep,
};

async function measureAsleep(scene: Scene): Promise<Findings> {
  const sleepers = scene.isQuick ? SLEEPERS / 10 : SLEEPERS;
  const lane = await openLane({ governor: 'none', replicas: 1 });
  const shops = shopsNamed('shop', WORKLOADS, { hasPods: true });
  const env = await openShops(lane, shops);
  const log = join(lane.directory, 'worker.log');
  let worker = await startWorkerProcess(WORKER, env, log);
  try {
    const empty = await watchUsage(worker.pid, SETTLE_SECONDS);
    const { dueMs } = await putToSleep(lane, {
      count: sleepers,
      shops: shops.map(({ name }) => name),
      dueOverMs: DUE_OVER_MS,
      reserveMs: MEASURE_MS,
      say: scene.say,
    });
    await watchUsage(worker.pid, SETTLE_SECONDS);
    const full = await watchUsage(worker.pid, IDLE_SECONDS);
    await worker.kill();
    worker = await startWorkerProcess(WORKER, env, log);
    assert.ok(Date.now() < dueMs, 'the machine is too slow: some came due before the worker was killed');
    assert.equal(await countSleepers(lane, 'asleep'), sleepers, 'all are asleep when the worker is back');
    scene.say(
      `the worker is back after ${worker.readyMs.toFixed(0)} ms; the first comes due in ${seconds(dueMs - Date.now())} s`,
    );
    const fired = await untilFired(lane, { sleepers, dueMs, say: scene.say });
    return summarise({ sleepers, empty, full, readyMs: worker.readyMs, fired, dueMs });
  } finally {
    await worker.kill();
    await endAll(lane.temporal);
    await lane.close();
  }
}

interface Fired {
  readonly count: number;
  readonly lastAfterMs: number;
  readonly progress: readonly { readonly afterMs: number; readonly fired: number }[];
}

/** Each has left its sleep by its own timer; whatever becomes of it then is no matter of this bench. */
async function untilFired(
  lane: Lane,
  { sleepers, dueMs, say }: { readonly sleepers: number; readonly dueMs: number; readonly say: Scene['say'] },
): Promise<Fired> {
  const lastDueMs = dueMs + DUE_OVER_MS;
  const progress: { readonly afterMs: number; readonly fired: number }[] = [];
  const look = async () => {
    const fired = await countSleepers(lane, 'awake');
    progress.push({ afterMs: Date.now() - dueMs, fired });
    return fired === sleepers;
  };
  const withinMs = lastDueMs + FIRED_WITHIN_MS - Date.now();
  // too few are a figure that breaks its bound, and no error
  await eventually('all have fired', look, { withinMs, everyMs: 1_000 }).catch((error: Error) => say(error.message));
  const count = progress.at(-1)?.fired ?? 0;
  say(`${count} of ${sleepers} have fired, ${seconds(Date.now() - lastDueMs)} s after the last was due`);
  return { count, lastAfterMs: Date.now() - lastDueMs, progress };
}

function summarise(of: {
  readonly sleepers: number;
  readonly empty: Usage;
  readonly full: Usage;
  readonly readyMs: number;
  readonly fired: Fired;
  readonly dueMs: number;
}): Findings {
  const { sleepers, empty, full, readyMs, fired } = of;
  const each = (full.rssKib - empty.rssKib) / sleepers;
  const atMost = (limit: number) => ({ bound: { kind: 'at most', limit } }) as const;
  return {
    measures: [
      {
        what: `memory of each of ${sleepers} asleep`,
        value: each,
        unit: 'KiB',
        ...atMost(BOUNDS.kibEach),
        note: `above the empty worker’s ${mib(empty.rssKib).toFixed(0)} MiB`,
      },
      { what: 'memory in all', value: mib(full.rssKib), unit: 'MiB', ...atMost(BOUNDS.mibInAll) },
      {
        what: `CPU of a core, ${sleepers} asleep`,
        value: full.cpuPercent,
        unit: '%',
        ...atMost(BOUNDS.idlePercent),
        note: `over ${IDLE_SECONDS} s; the empty worker ${empty.cpuPercent.toFixed(1)} %`,
      },
      { what: 'killed worker ready again', value: readyMs, unit: 'ms', ...atMost(BOUNDS.readyMs) },
      {
        what: 'fired after the restart',
        value: fired.count,
        unit: `of ${sleepers}`,
        bound: { kind: 'at least', limit: sleepers },
        note: `all due within ${seconds(DUE_OVER_MS)} s; the last ${seconds(fired.lastAfterMs)} s after`,
      },
    ],
    raw: of,
  };
}

function mib(kib: number): number {
  return kib / 1024;
}
function seconds(ms: number): string {
  return (ms / 1_000).toFixed(0);
}
