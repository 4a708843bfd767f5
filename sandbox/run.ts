import { join } from 'node:path';
import type { Pair } from './certificates.ts';
import type { Extra } from './extras.ts';
import type { KubeClient } from './kube.ts';
import type { OnProgress, ResolvedProgram } from './provision.ts';

/** The first one is the control endpoint's, which claims the block. */
export function namePorts(first: number) {
  return {
    control: first,
    kubernetes: first + 1,
    temporal: first + 2,
    temporalUi: first + 3,
    temporalHttp: first + 4,
    temporalMetrics: first + 5,
    prometheus: first + 6,
    exporter: first + 7,
    etcd: first + 8,
    etcdPeer: first + 9,
    controllerManager: first + 10,
    scheduler: first + 11,
    kwok: first + 12,
    metricsServer: first + 13,
    kedaOperator: first + 14,
    kedaOperatorMetrics: first + 15,
    kedaMetricsService: first + 16,
    kedaWebhooks: first + 17,
    kedaWebhooksHealth: first + 18,
    kedaAdapter: first + 19,
    kedaAdapterMetrics: first + 20,
    alertmanager: first + 21,
    webhook: first + 22,
    cloud: first + 23,
  };
}

export type Ports = Readonly<ReturnType<typeof namePorts>>;

/** What the process that starts a sandbox tells its supervisor. */
export interface RunRequest {
  readonly name: string;
  readonly directory: string;
  readonly seed: boolean;
  readonly extras: readonly Extra[];
  readonly programs: Readonly<Record<string, ResolvedProgram>>;
  readonly definitionFiles: readonly string[];
}

/** One life of a sandbox, as its components see it. */
export interface Run extends RunRequest {
  readonly ports: Ports;
  readonly certificates: Readonly<Record<'ca' | 'admin', Pair>>;
  readonly kube: KubeClient;
  readonly onProgress: OnProgress;
}

export const url = (port: number): string => `http://127.0.0.1:${port}`;
export const kubernetesUrl = ({ ports }: Pick<Run, 'ports'>): string => `https://127.0.0.1:${ports.kubernetes}`;

/** Where things stand inside of the sandbox's directory. */
export const FILES = {
  kubeconfig: 'kubeconfig',
  workerKubeconfig: 'worker.kubeconfig',
  temporalConfig: 'temporal.toml',
  temporalDatabase: 'temporal.db',
  auditPolicy: 'audit-policy.json',
  auditLog: 'audit.log',
  prometheusConfig: 'prometheus.yaml',
  prometheusRules: 'rules',
  prometheusTargets: 'targets',
  alertmanagerConfig: 'alertmanager.yaml',
  webhookToken: 'webhook.token',
  kwokConfig: 'kwok.yaml',
  certificates: 'pki',
  logs: 'logs',
} as const;

export const KEDA_NAMESPACE = 'keda';

/** In `logs`, beside one file a program. */
export const SUPERVISOR_LOG = 'supervisor.log';

export const pathIn = (
  { directory }: Pick<Run, 'directory'>,
  file: keyof typeof FILES,
  ...more: readonly string[]
): string => join(directory, FILES[file], ...more);
