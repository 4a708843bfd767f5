import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startPreScale } from '../client/start.ts';
import { QUEUES } from '../domain/names.ts';
import type { PreScaleRequest } from '../domain/pre-scale.ts';
import { eventually } from '../test/harness/eventually.ts';
import { openLane, type Lane } from '../test/harness/lane.ts';
import type { Bench, Findings, Scene } from './report.ts';
import { watchUsage, type Usage } from './process-usage.ts';
import { startWorkerProcess } from './worker-process.ts';

const BOUNDS = { kibEach: 200, mibInAll: 600, idlePercent: 2, readyMs: 3_000 } as const;
const WORKER = join(import.meta.dirname, '../test/harness/worker.ts');
const SLEEPERS = 1_000;
/** Each ledger has its share of the claims when they come due: what stands on one object has its limits. */
const WORKLOADS = 20;
/** Temporal's development server has one database connection: more planning at a time only wait for each other. */
const IN_FLIGHT = 50;
/** So many plans tell how long one takes on this machine; sleepers come due after that long each and half as long again. */
const PILOTS = 100;
/** The lane's own. */
const PILOTS_WORKLOAD = 'tensafe-server';
const PATIENCE = 1.5;
/** Between falling asleep and coming due they are measured, and their worker is killed. */
const MEASURE_MS = 75_000;
const SETTLE_SECONDS = 10;
const IDLE_SECONDS = 30;
/** They come due within so long, as the events of one evening do. */
const DUE_OVER_MS = 60_000;
/** That all fire is the bound; when is a figure of the machine. */
const FIRED_WITHIN_MS = 900_000;
const LEAD_MS = 60_000;

export const asleep: Bench = {
  name: 'asleep',
  about: 'a thousand pre-scales asleep in one worker; the worker killed; all still fire',
  run: measureAsleep,
};

async function measureAsleep(scene: Scene): Promise<Findings> {
  const sleepers = scene.isQuick ? SLEEPERS / 10 : SLEEPERS;
  const lane = await openLane({ governor: 'none', replicas: 1 });
  const env = await openWorkloads(lane);
  const log = join(lane.directory, 'worker.log');
  let worker = await startWorkerProcess(WORKER, env, log);
  try {
    const empty = await watchUsage(worker.pid, SETTLE_SECONDS);
    const beginMs = await paceOf(lane);
    const dueMs = Date.now() + sleepers * beginMs * PATIENCE + MEASURE_MS;
    scene.say(`a plan takes ${beginMs.toFixed(0)} ms when ${IN_FLIGHT} are under way`);
    await putToSleep(lane, { sleepers, dueMs, say: scene.say });
    await watchUsage(worker.pid, SETTLE_SECONDS);
    const full = await watchUsage(worker.pid, IDLE_SECONDS);
    await worker.kill();
    worker = await startWorkerProcess(WORKER, env, log);
    assert.ok(Date.now() < dueMs, 'the machine is too slow: some came due before the worker was killed');
    assert.equal(await countPhase(lane, '='), sleepers, 'all are asleep when the worker is back');
    scene.say(
      `the worker is back after ${worker.readyMs.toFixed(0)} ms; the first comes due in ${seconds(dueMs - Date.now())} s`,
    );
    const fired = await untilFired(lane, { sleepers, dueMs, say: scene.say });
    return summarise({ sleepers, empty, full, readyMs: worker.readyMs, fired, dueMs });
  } finally {
    await worker.kill();
    await endAll(lane);
    await lane.close();
  }
}

/** Deployments and a policy over the lane's that names them; answers with the worker's surroundings. */
async function openWorkloads(lane: Lane): Promise<Readonly<Record<string, string>>> {
  const names = Array.from({ length: WORKLOADS }, (_, index) => `shop-${index}`);
  const containers = [{ name: 'server', image: 'shop:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } }];
  for (const name of names) {
    const labels = { app: name };
    await lane.admin.create('Deployment', {
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    });
  }
  const load = { queue: { query: 'vector(0)', unit: 'requests', scaleUpAbove: 50, scaleDownBelow: 10, perPod: false } };
  const workload = { namespace: lane.namespace, kind: 'Deployment', limits: { min: 1, max: 5 }, load };
  const overlay = join(lane.directory, 'shops.yaml');
  writeFileSync(
    overlay,
    stringify({
      workloads: Object.fromEntries(names.map((name) => [name, workload])),
      // the runbook's pace and not a test's
      ledger: { ownerCheckEvery: '15s', guardEvery: '5s' },
    }),
  );
  return { ...lane.surroundings, HEADROOM_CONFIG: `${lane.surroundings['HEADROOM_CONFIG']}:${overlay}` };
}

interface Sleepers {
  readonly sleepers: number;
  /** When the first of them wakes. */
  readonly dueMs: number;
  readonly say: (line: string) => void;
}

/** What it costs to plan, which is all that a pre-scale does before it sleeps. */
async function paceOf({ temporal }: Lane): Promise<number> {
  const startedMs = Date.now();
  for (let at = 0; at < PILOTS; at += IN_FLIGHT) {
    const some = Array.from({ length: IN_FLIGHT }, (_, offset) => {
      const request = { ...requestOf(at + offset, startedMs + 3_600_000), workload: PILOTS_WORKLOAD, planOnly: true };
      const workflowId = `plan.${at + offset}`;
      return temporal.workflow.execute('preScale', { workflowId, taskQueue: QUEUES.procedures, args: [request] });
    });
    await Promise.all(some);
  }
  return (Date.now() - startedMs) / PILOTS;
}

async function putToSleep(lane: Lane, { sleepers, dueMs, say }: Sleepers): Promise<void> {
  const startedMs = Date.now();
  let begun = 0;
  await eventually(
    `${sleepers} pre-scales are asleep`,
    async () => {
      const sleeping = await countPhase(lane, '=');
      const more = Math.min(sleepers - begun, IN_FLIGHT - (begun - sleeping));
      const next = Array.from({ length: Math.max(0, more) }, (_, offset) => begun + offset);
      begun += next.length;
      await Promise.all(
        next.map((index) => startPreScale(lane.temporal, requestOf(index, dueMs + (index * DUE_OVER_MS) / sleepers))),
      );
      return sleeping === sleepers;
    },
    { withinMs: dueMs - MEASURE_MS - startedMs },
  );
  say(`${sleepers} asleep after ${seconds(Date.now() - startedMs)} s`);
}

function requestOf(index: number, wakesMs: number): PreScaleRequest {
  const startMs = Math.round(wakesMs) + LEAD_MS;
  return {
    workload: `shop-${index % WORKLOADS}`,
    event: { name: `sale-${index}`, startMs, endMs: startMs + 3_600_000 },
    target: { kind: 'replicas', replicas: 2 },
    leadMs: LEAD_MS,
    requestedBy: 'bench',
  };
}

/** How many are asleep (`=`), or have been and are no longer (`!=`). */
async function countPhase({ temporal }: Lane, is: '=' | '!='): Promise<number> {
  const query = `HeadroomPhase ${is} 'sleeping' AND HeadroomWorkload != '${PILOTS_WORKLOAD}'`;
  const { count } = await temporal.workflow.count(query);
  return count;
}

interface Fired {
  readonly count: number;
  readonly lastAfterMs: number;
  readonly progress: readonly { readonly afterMs: number; readonly fired: number }[];
}

/** Each has left its sleep by its own timer; whatever becomes of it then is no matter of this bench. */
async function untilFired(lane: Lane, { sleepers, dueMs, say }: Sleepers): Promise<Fired> {
  const lastDueMs = dueMs + DUE_OVER_MS;
  const progress: { readonly afterMs: number; readonly fired: number }[] = [];
  const look = async () => {
    const fired = await countPhase(lane, '!=');
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

async function endAll({ temporal }: Lane): Promise<void> {
  const running: string[] = [];
  for await (const { workflowId } of temporal.workflow.list({ query: "ExecutionStatus = 'Running'" }))
    running.push(workflowId);
  for (let at = 0; at < running.length; at += IN_FLIGHT) {
    const some = running.slice(at, at + IN_FLIGHT).map((id) => temporal.workflow.getHandle(id).terminate('measured'));
    await Promise.allSettled(some);
  }
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
