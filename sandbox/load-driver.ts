import { BadRequest } from './control.ts';
import type { WorkloadLoad } from './exporter.ts';
import type { KubeClient } from './kube.ts';
import { startLoad, step, withErrors, withLoad } from './load-model.ts';
import { createTargets } from './load-targets.ts';
import { viewOf, type LoadView } from './load-view.ts';
import { createUsageWriter } from './pod-usage.ts';
import { listReadyPods, type PodsByDeployment } from './workload-pods.ts';

interface Which {
  readonly namespace: string;
  readonly workload: string;
}

/** Which Deployment the load is on, and how much. */
interface LoadRequest extends Which {
  readonly rps: number;
  /** Of the requests served, how many fail. */
  readonly errorPercent: number;
}

export interface LoadDriver {
  /** From now on; a Deployment that had none gets its first. Without traffic (0) a latency quantile is NaN. */
  set(request: LoadRequest): Promise<LoadView>;
  /** Its series end. */
  remove(which: Which): void;
  loads(): readonly WorkloadLoad[];
  views(): readonly LoadView[];
  stop(): void;
}

/** As often as Prometheus scrapes: what it sees is never older than a step. */
const STEP_MS = 1_000;
/** A Deployment that was deleted takes its load with it; one at 0 keeps it. */
const STEPS_TO_LOOK_FOR_GONE = 5;

interface Settings {
  readonly kube: KubeClient;
  readonly exporterPort: number;
  /** Prometheus finds its targets here. */
  readonly targetsDirectory: string;
}

/** Keeps the load of any number of Deployments going: each second it takes one step and looks at their pods. */
export function createLoadDriver({ kube, exporterPort, targetsDirectory }: Settings): LoadDriver {
  const loads = new Map<string, WorkloadLoad>();
  const seen = new Map<string, PodsByDeployment>();
  const asking = new Set<string>();
  const usage = createUsageWriter(kube);
  const targets = createTargets(targetsDirectory, exporterPort);
  let lastMs = performance.now();
  let steps = 0;
  let trouble = '';
  const timer = setInterval(tick, STEP_MS);

  async function set({ namespace, workload, rps, errorPercent }: LoadRequest): Promise<LoadView> {
    const key = keyOf({ namespace, workload });
    if (!loads.has(key)) {
      await mustExist(kube, namespace, workload);
      seen.set(namespace, await listReadyPods(kube, namespace));
    }
    const known = loads.get(key);
    const pods = known?.pods ?? seen.get(namespace)?.get(workload) ?? [];
    const loaded = known === undefined ? startLoad(rps, pods) : withLoad(known.model, rps);
    const model = withErrors(loaded, errorPercent);
    loads.set(key, { namespace, workload, pods, model });
    targets.add(namespace);
    await usage.write(namespace, model, pods).catch(report);
    return viewOf({ namespace, workload, pods, model });
  }

  function remove(which: Which): void {
    loads.delete(keyOf(which));
    if (!namespaces().has(which.namespace)) targets.remove(which.namespace);
  }

  const namespaces = (): ReadonlySet<string> => new Set([...loads.values()].map(({ namespace }) => namespace));

  /** Never waits for the API server: with that away the load goes on, on the pods that were there. */
  function tick(): void {
    const nowMs = performance.now();
    for (const [key, load] of loads) {
      const pods = seen.get(load.namespace)?.get(load.workload) ?? [];
      loads.set(key, { ...load, pods, model: step(load.model, pods, nowMs - lastMs) });
    }
    lastMs = nowMs;
    steps += 1;
    for (const namespace of namespaces()) {
      if (!asking.has(namespace)) void lookAt(namespace).catch(report);
    }
    usage.keepOnly([...loads.values()].flatMap(({ pods }) => pods));
  }

  async function lookAt(namespace: string): Promise<void> {
    asking.add(namespace);
    try {
      const here = [...loads.values()].filter((load) => load.namespace === namespace);
      await Promise.all(here.map(({ model, pods }) => usage.write(namespace, model, pods)));
      seen.set(namespace, await listReadyPods(kube, namespace));
      const idle = here.filter(({ pods }) => pods.length === 0 && steps % STEPS_TO_LOOK_FOR_GONE === 0);
      for (const load of idle) if (!(await exists(kube, load.namespace, load.workload))) remove(load);
    } finally {
      asking.delete(namespace);
    }
  }

  /** Once for each reason: it comes back every second. */
  function report(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message !== trouble) console.error(`load: ${message}`);
    trouble = message;
  }

  return {
    set,
    remove,
    loads: () => [...loads.values()],
    views: () => [...loads.values()].map(viewOf),
    stop: () => clearInterval(timer),
  };
}

const keyOf = ({ namespace, workload }: Which): string => `${namespace}/${workload}`;

async function exists(kube: KubeClient, namespace: string, workload: string): Promise<boolean> {
  const { status } = await kube.send('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${workload}`);
  if (status === 200 || status === 404) return status === 200;
  throw new Error(`looking for Deployment ${namespace}/${workload}: ${status}`);
}

interface DeploymentList {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

async function mustExist(kube: KubeClient, namespace: string, workload: string): Promise<void> {
  if (await exists(kube, namespace, workload)) return;
  const { text } = await kube.send('GET', `/apis/apps/v1/namespaces/${namespace}/deployments`);
  const { items }: DeploymentList = JSON.parse(text);
  const names = items.map(({ metadata }) => metadata.name);
  throw new BadRequest(
    `there is no Deployment ${workload} in namespace ${namespace}; ${names.length === 0 ? 'there is none at all' : `there are ${names.join(', ')}`}`,
  );
}
