/**
 * The load on one Deployment, from requests per second and ready pods alone. Every figure that the sandbox shows
 * (Prometheus' series, the pods' usage that the autoscaler reads) comes out of here, so that they agree with each other.
 */

export interface ReadyPod {
  readonly name: string;
  /** Its CPU limit: what it can serve grows with it. */
  readonly cpuCores: number;
}

/** A pod without a limit is taken for one of the runbook's profile Large. */
export const UNLIMITED = { cpuCores: 8, memoryBytes: 16 * 2 ** 30 };

/** Of one core, in requests per second: a Large pod saturates at 148, so three of them serve 100 at ease and drown in 400. */
const RPS_PER_CORE = 18.5;
/** An idle pod's, as a share of its CPU limit; small, or fifty idle pods would never look quiet. */
const IDLE_CPU = 0.002;
/** Time to serve one request on an idle pod. */
const SERVICE_MS = 8;
/** A queue's waiting time grows without bound towards 1; nobody waits that long. */
const BUSIEST = 0.98;
/** Clients give up after this. */
const LONGEST_MS = 10_000;
/** Requests beyond this many in the queue are turned away (503). */
const QUEUE_LIMIT = 2_000;
/** Caches fill with the work at hand and are let go of just as slowly: e-fold in this time. */
const MEMORY_MS = 20_000;
const MEMORY_IDLE = 0.19;
const MEMORY_PER_UTILISATION = 0.27;
/** HE-LoRA operations that wait, for each request that waits. */
const HE_LORA_PER_QUEUED = 0.9;

/** Upper bounds in seconds; dense where the thresholds are, because a quantile is interpolated within its bucket. */
export const LATENCY_BUCKETS = [
  0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1,
  2.5, 5, 10,
] as const;

/** Counters only ever grow. Fractions of requests are kept, so that no step rounds a slow trickle away. */
export interface LoadModel {
  readonly rps: number;
  /** Of the requests served, from now on; a request takes as long to fail (500) as to succeed. */
  readonly errorPercent: number;
  readonly pods: readonly PodLoad[];
  /** What the ready pods can serve. */
  readonly capacityRps: number;
  /** Requests that came while all pods were busy, and wait. */
  readonly backlog: number;
  /** Share of each pod's memory limit. */
  readonly memory: number;
  readonly served: number;
  readonly turnedAway: number;
  /** Served, and failed. */
  readonly failed: number;
  readonly latencySumSeconds: number;
  /** Cumulative, as Prometheus has them: requests no slower than the bound of the same index. */
  readonly latencyBuckets: readonly number[];
}

interface PodLoad extends ReadyPod {
  /** Cores in use at the moment. */
  readonly cpu: number;
  /** Core seconds used so far. */
  readonly cpuSeconds: number;
}

/** A workload that has had this load for long, on pods that start to count now. */
export function startLoad(rps: number, pods: readonly ReadyPod[]): LoadModel {
  const capacityRps = capacityOf(pods);
  const busy = busyAt({ rps, capacityRps });
  return {
    rps,
    errorPercent: 0,
    pods: pods.map((pod) => stepPod([], pod, busy, 0)),
    capacityRps,
    backlog: 0,
    memory: settledMemory(busy),
    served: 0,
    turnedAway: 0,
    failed: 0,
    latencySumSeconds: 0,
    latencyBuckets: LATENCY_BUCKETS.map(() => 0),
  };
}

/** What the model is after `dtMs` more, with these pods ready all the while. */
export function step(model: LoadModel, pods: readonly ReadyPod[], dtMs: number): LoadModel {
  const seconds = dtMs / 1_000;
  const capacity = capacityOf(pods);
  const waiting = model.backlog + model.rps * seconds;
  const served = Math.min(waiting, capacity * seconds);
  const backlog = Math.min(QUEUE_LIMIT, waiting - served);
  const busy = served === 0 ? 0 : served / (capacity * seconds);
  const meanSeconds = meanLatencyMs({ rps: model.rps, capacityRps: capacity, backlog }) / 1_000;
  return {
    rps: model.rps,
    errorPercent: model.errorPercent,
    pods: pods.map((pod) => stepPod(model.pods, pod, busy, seconds)),
    capacityRps: capacity,
    backlog,
    memory: model.memory + (settledMemory(busy) - model.memory) * (1 - Math.exp(-dtMs / MEMORY_MS)),
    served: model.served + served,
    turnedAway: model.turnedAway + (waiting - served - backlog),
    failed: model.failed + (served * model.errorPercent) / 100,
    latencySumSeconds: model.latencySumSeconds + served * meanSeconds,
    // times in an M/M/1 system are distributed exponentially
    latencyBuckets: model.latencyBuckets.map(
      (count, index) => count + served * (1 - Math.exp(-(LATENCY_BUCKETS[index] ?? 0) / meanSeconds)),
    ),
  };
}

/** The same workload from now on with another load: CPU follows at once, memory and queue with time. */
export function withLoad(model: LoadModel, rps: number): LoadModel {
  const busy = model.backlog > 0 ? 1 : busyAt({ rps, capacityRps: model.capacityRps });
  return { ...model, rps, pods: model.pods.map((pod) => ({ ...pod, cpu: cpuAt(pod, busy) })) };
}

/** The same workload from now on with so many failures: they cost what a success does, so nothing else changes. */
export const withErrors = (model: LoadModel, errorPercent: number): LoadModel => ({ ...model, errorPercent });

/** Share of what the ready pods can serve that is asked of them; above 1 the backlog grows. */
export function utilisation({ rps, capacityRps }: Pick<LoadModel, 'rps' | 'capacityRps'>): number {
  if (rps === 0) return 0;
  return capacityRps === 0 ? Number.POSITIVE_INFINITY : rps / capacityRps;
}

/** Requests that wait: those of an M/M/1 queue for each pod, and the backlog. */
export function queueDepth(model: LoadModel): number {
  const share = Math.min(BUSIEST, utilisation(model));
  return model.backlog + (model.pods.length * share ** 2) / (1 - share);
}

export const heLoraQueueDepth = (model: LoadModel): number => HE_LORA_PER_QUEUED * queueDepth(model);

/** Of each GPU that a pod holds: it works while the pod does. */
export const gpuPercent = (model: LoadModel): number => 100 * (model.backlog > 0 ? 1 : Math.min(1, utilisation(model)));

/** 95 of 100 requests take no longer; without traffic, none would. */
export const p95Ms = (model: LoadModel): number => Math.log(20) * meanLatencyMs(model);

function stepPod(before: readonly PodLoad[], pod: ReadyPod, busy: number, seconds: number): PodLoad {
  const { name, cpuCores } = pod;
  const cpu = cpuAt(pod, busy);
  const known = before.find((one) => one.name === name);
  return { name, cpuCores, cpu, cpuSeconds: (known?.cpuSeconds ?? 0) + cpu * seconds };
}

/** Share of the time that the pods have work; nobody works where nobody is ready. */
const busyAt = (load: Pick<LoadModel, 'rps' | 'capacityRps'>): number =>
  load.capacityRps === 0 ? 0 : Math.min(1, utilisation(load));

const cpuAt = ({ cpuCores }: ReadyPod, busy: number): number => cpuCores * (IDLE_CPU + (1 - IDLE_CPU) * busy);

const capacityOf = (pods: readonly ReadyPod[]): number =>
  pods.reduce((sum, { cpuCores }) => sum + cpuCores * RPS_PER_CORE, 0);

function meanLatencyMs(model: Pick<LoadModel, 'rps' | 'capacityRps' | 'backlog'>): number {
  const own = SERVICE_MS / (1 - Math.min(BUSIEST, utilisation(model)));
  const behindOthers = model.backlog === 0 ? 0 : (1_000 * model.backlog) / model.capacityRps;
  return Math.min(LONGEST_MS / Math.log(20), own + behindOthers);
}

const settledMemory = (busy: number): number => MEMORY_IDLE + MEMORY_PER_UTILISATION * busy;
