import type { WorkloadLoad } from './exporter.ts';
import { gpuPercent, heLoraQueueDepth, p95Ms, queueDepth, utilisation } from './load-model.ts';

/** What the model makes of a load, as `headroom sandbox load` shows it. */
export interface LoadView {
  readonly namespace: string;
  readonly workload: string;
  readonly rps: number;
  /** Of the requests served, as it was asked for; those that are turned away for want of room come on top. */
  readonly errorPercent: number;
  readonly readyPods: number;
  readonly capacityRps: number;
  readonly utilisationPercent: number;
  /** Of the pods' limits. */
  readonly cpuPercent: number;
  readonly memoryPercent: number;
  readonly gpuPercent: number;
  readonly p95Ms: number;
  readonly queueDepth: number;
  readonly heLoraQueueDepth: number;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

export function viewOf({ namespace, workload, model, pods }: WorkloadLoad): LoadView {
  const cores = pods.reduce((sum, { cpuCores }) => sum + cpuCores, 0);
  const used = model.pods.reduce((sum, { cpu }) => sum + cpu, 0);
  return {
    namespace,
    workload,
    rps: model.rps,
    errorPercent: model.errorPercent,
    readyPods: pods.length,
    capacityRps: rounded(model.capacityRps),
    utilisationPercent: rounded(100 * Math.min(1e6, utilisation(model))),
    cpuPercent: cores === 0 ? 0 : rounded((100 * used) / cores),
    memoryPercent: rounded(100 * model.memory),
    gpuPercent: rounded(gpuPercent(model)),
    p95Ms: rounded(p95Ms(model)),
    queueDepth: rounded(queueDepth(model)),
    heLoraQueueDepth: rounded(heLoraQueueDepth(model)),
  };
}
