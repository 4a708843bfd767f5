import type { Routes } from './control.ts';
import { addressesOf } from './files.ts';
import { pathIn, type Run } from './run.ts';

/** What fills a sandbox may use; it runs inside of the supervisor and ends with it. */
export interface SeedContext {
  readonly name: string;
  readonly directory: string;
  /** The administrator's. */
  readonly kubeconfigPath: string;
  /** Where `/metrics` is to be served, on 127.0.0.1; Prometheus scrapes it every second. */
  readonly exporterPort: number;
  readonly temporalAddress: string;
  readonly prometheusUrl: string;
  /** Rules put here are evaluated after `POST /-/reload` to Prometheus. */
  readonly prometheusRulesDirectory: string;
  /** Routes added here are served by the control endpoint. */
  readonly routes: Routes;
  /** KEDA is there to scale. */
  readonly hasKeda: boolean;
  /** Alertmanager is there to send alerts. */
  readonly hasAlertmanager: boolean;
  readonly onProgress: (line: string) => void;
}

export interface Seed {
  stop?(): void | Promise<void>;
}

/** What a sandbox is filled with and played by, loaded only when it is wanted. */
export async function startSeed(run: Run, routes: Routes): Promise<Seed> {
  const workloads = run.seed ? await startWorkloads(run, routes) : {};
  if (!run.extras.includes('cloud')) return workloads;
  const { startExampleCloud } = await import('./cloud/example.ts');
  const cloud = await startExampleCloud(run, routes);
  return {
    async stop() {
      await cloud.stop?.();
      await workloads.stop?.();
    },
  };
}

/** The TenSafe workloads and their load. */
async function startWorkloads(run: Run, routes: Routes): Promise<Seed> {
  const tensafe = await import('./tensafe.ts');
  const addresses = addressesOf(run);
  return tensafe.startSeed({
    name: run.name,
    directory: run.directory,
    kubeconfigPath: pathIn(run, 'kubeconfig'),
    exporterPort: run.ports.exporter,
    temporalAddress: addresses.temporal,
    prometheusUrl: addresses.prometheus,
    prometheusRulesDirectory: pathIn(run, 'prometheusRules'),
    routes,
    hasKeda: run.extras.includes('keda'),
    hasAlertmanager: run.extras.includes('alertmanager'),
    onProgress: run.onProgress,
  });
}
