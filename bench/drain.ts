import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { promisify } from 'node:util';
import { createEvictionActivities } from '../activities/evictions.ts';
import type { EvictionPort } from '../activities/ports.ts';
import type { NodeIdentity } from '../domain/gpu-node.ts';
import { provision } from '../sandbox/provision.ts';
import { openRealNodes } from '../test/cluster/real-nodes.ts';
import { anActivity } from '../test/harness/activity.ts';
import { eventually } from '../test/harness/eventually.ts';
import { servers } from '../test/harness/servers.ts';
import type { Bench, Findings, Measure, Scene } from './report.ts';
import { median, percentile } from './statistics.ts';

const ROUNDS = 3;
const CALLER = 'drain-bench/run';
const call = { signal: new AbortController().signal, caller: CALLER };
const run = promisify(execFile);

type Cluster = Awaited<ReturnType<typeof openRealNodes>>;

/** Deployments of so many pods, each under a budget of its own, or none. */
interface Load {
  readonly what: string;
  readonly deployments: number;
  readonly podsEach: number;
  readonly maxUnavailable?: string;
  readonly ratio: number;
}
const FREE: Load = { what: '100 pods, no PDB', deployments: 1, podsEach: 100, ratio: 0.2 };
const GUARDED = { maxUnavailable: '10%', ratio: 0.3 };
const ONE_BUDGET: Load = { what: '110 pods, one PDB of 10 %', deployments: 1, podsEach: 110, ...GUARDED };
const BUDGETS: Load = { what: '110 pods, 11 PDBs of 10 %', deployments: 11, podsEach: 10, ...GUARDED };

export const drainFree: Bench = {
  name: 'drain-free',
  about: 'a node of 100 pods without budgets, emptied, against kubectl drain',
  run: (scene) => measureLoad(FREE, scene),
};
export const drainOneBudget: Bench = {
  name: 'drain-one-budget',
  about: 'the same with 110 pods under one budget of 10 %',
  run: (scene) => measureLoad(ONE_BUDGET, scene),
};
export const drainBudgets: Bench = {
  name: 'drain-budgets',
  about: 'the same with 110 pods under eleven budgets of 10 %',
  run: (scene) => measureLoad(BUDGETS, scene),
};
export const drainOpening: Bench = {
  name: 'drain-opening',
  about: 'how soon an eviction follows a budget that opens after a minute',
  run: measureOpening,
};

interface Sample {
  readonly tookMs: number;
  /** Requests that headroom sent. */
  readonly calls: number;
  /** Of a budget: how far below what it needs the healthy pods were seen; 0 is none. */
  readonly below: number;
}
/** The pods go to and fro between two nodes, now by one way, now by the other, so that both meet the same. */
async function measureLoad(load: Load, scene: Scene): Promise<Findings> {
  const { kubectl } = await provision(['kubectl'], scene.say);
  const cluster = await openRealNodes();
  try {
    const podsEach = scene.isQuick && load.deployments === 1 ? Math.ceil(load.podsEach / 5) : load.podsEach;
    const names = Array.from({ length: load.deployments }, (_, index) => `app-${index}`);
    let from = await cluster.addNode('left');
    await Promise.all(names.map((name) => cluster.addDeployment(name, podsEach)));
    const { maxUnavailable } = load;
    if (maxUnavailable !== undefined)
      await Promise.all(names.map((name) => cluster.addPodsBudget(name, name, { maxUnavailable })));
    let to = await cluster.addNode('right');
    const taken = { kubectl: [] as Sample[], headroom: [] as Sample[] };
    for (let round = 1; round <= (scene.isQuick ? 1 : ROUNDS); round += 1) {
      for (const way of round % 2 === 1 ? (['kubectl', 'headroom'] as const) : (['headroom', 'kubectl'] as const)) {
        const sample =
          way === 'kubectl'
            ? await byKubectl(cluster, from, kubectl?.path ?? 'kubectl')
            : await byHeadroom(cluster, from);
        taken[way].push(sample);
        scene.say(`${load.what}, round ${round}: ${way} ${(sample.tookMs / 1_000).toFixed(1)} s`);
        await cluster.setSchedulable(from.name, true);
        await settled(cluster, { to, names, podsEach, guarded: maxUnavailable !== undefined });
        [from, to] = [to, from];
      }
    }
    return { measures: summarise(load, podsEach * load.deployments, taken), raw: { load, ...taken } };
  } finally {
    await cluster.close();
  }
}

/** Every pod runs on the other node, and each budget has counted them. */
async function settled(
  cluster: Cluster,
  {
    to,
    names,
    podsEach,
    guarded,
  }: {
    readonly to: NodeIdentity;
    readonly names: readonly string[];
    readonly podsEach: number;
    readonly guarded: boolean;
  },
): Promise<void> {
  await eventually(
    'all pods are on the other node',
    async () => {
      const pods = await cluster.evictions.readPodsOn(to.name, call);
      return pods.filter(({ ready, deleting }) => ready && !deleting).length === names.length * podsEach;
    },
    { withinMs: 60_000 },
  );
  if (guarded) for (const name of names) await cluster.counted(name);
}

async function byKubectl({ namespace }: Cluster, { name }: NodeIdentity, kubectl: string): Promise<Sample> {
  const startedMs = performance.now();
  const at = ['--kubeconfig', servers().kubeconfig.admin, '-n', namespace];
  await run(kubectl, [...at, 'drain', name, '--ignore-daemonsets', '--timeout=300s'], { maxBuffer: 10_000_000 });
  return { tookMs: performance.now() - startedMs, calls: Number.NaN, below: Number.NaN };
}

/** Cordon and eviction as the worker does them; Temporal's share, two activities, is not in it. */
async function byHeadroom(cluster: Cluster, node: NodeIdentity): Promise<Sample> {
  const { evictions, below } = witnessed(cluster.evictions);
  const calls = countCalls();
  const startedMs = performance.now();
  const pods = await cluster.evictions.readPodsOn(node.name, call);
  await cluster.nodes.cordon(node, { owner: CALLER, requestedBy: 'bench', atMs: Date.now(), untilMs: null }, call);
  const report = await anActivity({ info: { workflowExecution: { workflowId: 'drain-bench', runId: 'run' } } }).act(
    () => createEvictionActivities({ evictions }).evictPods({ node, pods, deadlineMs: Date.now() + 300_000 }),
  );
  const sample = { tookMs: performance.now() - startedMs, calls: calls(), below: below() };
  if (report.kind !== 'empty') throw new Error(`the node is not empty: ${JSON.stringify(report).slice(0, 500)}`);
  return sample;
}

/** The same, but it notes how far below what a budget needs the healthy pods are ever seen. */
function witnessed(port: EvictionPort): { readonly evictions: EvictionPort; readonly below: () => number } {
  let below = 0;
  const evictions: EvictionPort = {
    ...port,
    watchNode: (nodeName, see, call) =>
      port.watchNode(
        nodeName,
        (view) => {
          for (const { desiredHealthy, currentHealthy } of view.budgets)
            below = Math.max(below, desiredHealthy - currentHealthy);
          see(view);
        },
        call,
      ),
  };
  return { evictions, below: () => below };
}

/** By the HTTP client's own word, so that nothing stands between headroom and the API server. */
function countCalls(): () => number {
  let calls = 0;
  const note = (message: unknown) => {
    const { request } = message as { readonly request: { readonly headers: unknown } };
    if (JSON.stringify(request.headers).includes(CALLER)) calls += 1;
  };
  subscribe('undici:request:create', note);
  return () => {
    unsubscribe('undici:request:create', note);
    return calls;
  };
}

function summarise(load: Load, pods: number, taken: Readonly<Record<'kubectl' | 'headroom', readonly Sample[]>>) {
  const seconds = (way: 'kubectl' | 'headroom') => median(taken[way].map(({ tookMs }) => tookMs)) / 1_000;
  const rounds = taken.headroom.map(({ tookMs }, index) => tookMs / (taken.kubectl[index]?.tookMs ?? Number.NaN));
  const calls = Math.max(...taken.headroom.map((sample) => sample.calls));
  const measures: readonly Measure[] = [
    { what: `${load.what}: kubectl drain`, value: seconds('kubectl'), unit: 's' },
    { what: `${load.what}: headroom`, value: seconds('headroom'), unit: 's' },
    {
      what: `${load.what}: headroom ÷ kubectl drain`,
      value: median(rounds),
      unit: '',
      bound: { kind: 'at most', limit: load.ratio },
      note: `a round: ${Math.min(...rounds).toFixed(2)} to ${Math.max(...rounds).toFixed(2)}`,
    },
    {
      what: `${load.what}: Kubernetes calls`,
      value: calls,
      unit: '',
      bound: { kind: 'at most', limit: Math.floor(1.2 * pods + 15) },
      note: `of ${pods} pods`,
    },
  ];
  if (load.maxUnavailable === undefined) return measures;
  const below = Math.max(...taken.headroom.map((sample) => sample.below));
  const bound = { kind: 'at most', limit: 0 } as const;
  return [...measures, { what: `${load.what}: pods below what a PDB needs`, value: below, unit: '', bound }];
}

const OPENINGS = 20;
const CLOSED_MS = 60_000;

/** One pod each under budgets that allow nothing for a minute, and then open one after another. */
async function measureOpening(scene: Scene): Promise<Findings> {
  const cluster = await openRealNodes();
  try {
    const node = await cluster.addNode('closed');
    const names = Array.from({ length: scene.isQuick ? 4 : OPENINGS }, (_, index) => `closed-${index}`);
    for (const name of names) {
      await cluster.addPod(node.name, name);
      await cluster.addBudget(name, name, 1);
    }
    await cluster.nodes.cordon(node, { owner: CALLER, requestedBy: 'bench', atMs: Date.now(), untilMs: null }, call);
    const sentMs = new Map<string, number>();
    const evictions: EvictionPort = {
      ...cluster.evictions,
      evict(pod, call) {
        sentMs.set(pod.name, performance.now());
        return cluster.evictions.evict(pod, call);
      },
    };
    const pods = await cluster.evictions.readPodsOn(node.name, call);
    const draining = anActivity().act(() =>
      createEvictionActivities({ evictions }).evictPods({ node, pods, deadlineMs: Date.now() + 180_000 }),
    );
    await new Promise((resolve) => setTimeout(resolve, scene.isQuick ? 2_000 : CLOSED_MS));
    const tooSoon = sentMs.size;
    const tookMs: number[] = [];
    for (const name of names) {
      await cluster.open(name, 0);
      const openedMs = performance.now();
      const isHeard = () => [...sentMs.keys()].some((pod) => pod.startsWith(`${name}-`));
      await eventually(`${name} is evicted`, async () => isHeard(), { everyMs: 20 });
      const pod = [...sentMs.keys()].find((one) => one.startsWith(`${name}-`)) ?? '';
      tookMs.push((sentMs.get(pod) ?? Number.NaN) - openedMs);
    }
    const report = await draining;
    if (report.kind !== 'empty') throw new Error(`the node is not empty: ${JSON.stringify(report).slice(0, 500)}`);
    return {
      measures: [
        {
          what: 'from a budget opened to the eviction sent, p95',
          value: percentile(tookMs, 95),
          unit: 'ms',
          bound: { kind: 'at most', limit: 300 },
          note: `median ${median(tookMs).toFixed(0)} ms of ${tookMs.length}, after ${CLOSED_MS / 1_000} s`,
        },
        {
          what: 'evictions sent while it was closed',
          value: tooSoon,
          unit: '',
          bound: { kind: 'at most', limit: 0 },
        },
      ],
      raw: { tookMs },
    };
  } finally {
    await cluster.close();
  }
}
