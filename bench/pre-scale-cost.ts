import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openFaultProxy, type FaultProxy, type SeenRequest } from '../test/harness/fault-proxy.ts';
import { openLane, type Lane } from '../test/harness/lane.ts';
import { RUN, startSale, untilClosed } from '../test/harness/pre-scale.ts';
import { servers } from '../test/harness/servers.ts';
import { eventually } from '../test/harness/eventually.ts';
import type { Bench, Findings, Measure, Scene } from './report.ts';
import { startWorkerProcess } from './worker-process.ts';

const BOUNDS = { events: 90, kib: 32, ledgerEvents: 30, ledgerEventsAStep: 8, writes: 10, reads: 30 } as const;
/** A hold that is ten times as long may cost one more workflow task: whether two news meet in one is chance. */
const FLAT_WITHIN_EVENTS = 3;
const [FLOOR, TARGET] = [3, 8];
/** Long enough for the pods to come before the short one is over, on a busy machine too: it would be another path. */
const STARTS_IN_SECONDS = 10;
const [SHORT_SECONDS, LONG_SECONDS] = [6, 60];
/** 20 % of 8, rounded down, is one replica a step. */
const STEPS = TARGET - FLOOR;
const TAGGING_WORKER = join(import.meta.dirname, 'tagging-worker.ts');
/** What waits and looks again and again; all else is done once. */
const WATCHES = ['guardHold', 'awaitAvailable', 'awaitQuiet', 'awaitReleased', 'sweep'];

export const preScaleCost: Bench = {
  name: 'pre-scale-cost',
  about: 'events, bytes and Kubernetes calls of a whole pre-scale with five wind-down steps',
  run: measureCost,
};

interface Cost {
  readonly events: number;
  readonly bytes: number;
  readonly ledgerEvents: number;
  readonly writes: number;
  /** By who made them: `pre-scale surveyWorkload`, `capacity guardHold`. */
  readonly readsBy: Readonly<Record<string, number>>;
}

async function measureCost(scene: Scene): Promise<Findings> {
  const lane = await openLane({ replicas: FLOOR });
  const proxy = await openFaultProxy(servers().kubeconfig.worker ?? '', join(lane.directory, 'through-the-proxy'));
  const env = { ...lane.surroundings, HEADROOM_KUBECONFIG: proxy.kubeconfig };
  const worker = await startWorkerProcess(TAGGING_WORKER, env, join(lane.directory, 'worker.log'));
  try {
    await eventually('the load is set', () => lane.load(1).then(() => true));
    const short = await costOf(lane, proxy, SHORT_SECONDS);
    scene.say(`a hold of ${SHORT_SECONDS} s`);
    const longSeconds = scene.isQuick ? SHORT_SECONDS : LONG_SECONDS;
    const long = await costOf(lane, proxy, longSeconds);
    scene.say(`a hold of ${longSeconds} s`);
    return { measures: summarise(short, long, longSeconds), raw: { short, long } };
  } finally {
    await worker.kill();
    await lane.close();
    await proxy.close();
  }
}

/** From the start to the end by the clock: nobody skips anything, and the load is what says that it is quiet. */
async function costOf(lane: Lane, proxy: FaultProxy, holdSeconds: number): Promise<Cost> {
  const [requestsBefore, ledgerBefore] = [proxy.requests().length, await ledgerLength(lane)];
  const writesBefore = lane.writes().length;
  await startSale(lane, { startsIn: STARTS_IN_SECONDS, lasts: holdSeconds, words: ['--replicas', String(TARGET)] });
  const status = await untilClosed(lane, { withinMs: 120_000 + holdSeconds * 1_000 });
  assert.equal(status, 'COMPLETED');
  const { result } = await lane.status(RUN);
  assert.equal(result?.outcome, 'done', result?.reasons.join('; '));
  assert.deepEqual(lane.floorsWritten().slice(-STEPS - 1), [8, 7, 6, 5, 4, 3]);
  const { historyLength, historySize = Number.NaN } = await lane.temporal.workflow.getHandle(RUN).describe();
  return {
    events: historyLength,
    bytes: historySize,
    ledgerEvents: (await ledgerLength(lane)) - ledgerBefore,
    writes: lane.writes().length - writesBefore,
    readsBy: countBy(proxy.requests().slice(requestsBefore).filter(isRead), madeBy),
  };
}

async function ledgerLength({ temporal }: Lane): Promise<number> {
  const ledger = temporal.workflow.getHandle('capacity.tensafe-server');
  return ledger.describe().then(
    ({ historyLength }) => historyLength,
    () => 0,
  );
}

function isRead({ method }: SeenRequest): boolean {
  return method === 'GET';
}

/** `headroom/<version> <workflow id>/<run id> <activity>`, the last by the tagging worker. */
function madeBy({ userAgent }: SeenRequest): string {
  const [, caller = '', activity = ''] = userAgent.split(' ');
  return `${caller.split(/[./]/)[0]} ${activity}`;
}

function countBy<T>(all: readonly T[], key: (one: T) => string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Map.groupBy(all, key)
      .entries()
      .map(([name, group]) => [name, group.length]),
  );
}

function summarise(short: Cost, long: Cost, longSeconds: number): readonly Measure[] {
  const worst = (of: (cost: Cost) => number) => Math.max(of(short), of(long));
  const reads = ({ readsBy }: Cost) => sumOf(readsBy, (activity) => !WATCHES.includes(activity));
  const dearest = reads(long) >= reads(short) ? long : short;
  const ledgerBound = BOUNDS.ledgerEvents + BOUNDS.ledgerEventsAStep * STEPS;
  const atMost = (limit: number) => ({ bound: { kind: 'at most', limit } }) as const;
  return [
    { what: 'history of a pre-scale', value: worst(({ events }) => events), unit: 'events', ...atMost(BOUNDS.events) },
    {
      what: 'history of a pre-scale, size',
      value: worst(({ bytes }) => bytes) / 1024,
      unit: 'KiB',
      ...atMost(BOUNDS.kib),
    },
    {
      what: `events that a hold of ${longSeconds} s costs more than one of ${SHORT_SECONDS} s`,
      value: Math.abs(long.events - short.events),
      unit: 'events',
      ...atMost(FLAT_WITHIN_EVENTS),
    },
    {
      what: `a claim’s life in the ledger, ${STEPS} steps`,
      value: worst(({ ledgerEvents }) => ledgerEvents),
      unit: 'events',
      ...atMost(ledgerBound),
      note: `cold ${short.ledgerEvents}, warm ${long.ledgerEvents}`,
    },
    {
      what: 'Kubernetes writes of a pre-scale',
      value: worst(({ writes }) => writes),
      unit: '',
      ...atMost(BOUNDS.writes),
    },
    {
      what: 'Kubernetes reads outside watches',
      value: worst(reads),
      unit: '',
      ...atMost(BOUNDS.reads),
      note: spell(dearest, (activity) => !WATCHES.includes(activity)),
    },
    {
      what: `reads by watches, hold of ${longSeconds} s`,
      value: sumOf(long.readsBy, (activity) => WATCHES.includes(activity)),
      unit: '',
      note: spell(long, (activity) => WATCHES.includes(activity)),
    },
  ];
}

function sumOf(readsBy: Cost['readsBy'], counts: (activity: string) => boolean): number {
  return Object.entries(readsBy).reduce((sum, [by, reads]) => (counts(activityOf(by)) ? sum + reads : sum), 0);
}

function spell({ readsBy }: Cost, counts: (activity: string) => boolean): string {
  const parts = Object.entries(readsBy).filter(([by]) => counts(activityOf(by)));
  return parts.map(([by, reads]) => `${by} ${reads}`).join(', ');
}

function activityOf(by: string): string {
  return by.split(' ')[1] ?? '';
}
