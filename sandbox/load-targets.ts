import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Tells Prometheus where to look, by files in the directory that it watches. */
export function createTargets(directory: string, exporterPort: number) {
  writeWhole(join(directory, 'cluster.json'), clusterTargets(exporterPort));
  const fileOf = (namespace: string): string => join(directory, `load-${namespace}.json`);
  return {
    add: (namespace: string): void => writeWhole(fileOf(namespace), serviceTargets(namespace, exporterPort)),
    remove: (namespace: string): void => rmSync(fileOf(namespace), { force: true }),
  };
}

interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

const target = (port: number, path: string, labels: TargetGroup['labels']): TargetGroup => ({
  targets: [`127.0.0.1:${port}`],
  labels: { __metrics_path__: path, ...labels },
});

const serviceTargets = (namespace: string, port: number): readonly TargetGroup[] => [
  target(port, `/metrics/service/${namespace}`, { job: 'tensafe', namespace }),
];

/** Of the whole cluster, as its own exporters would be found. */
const clusterTargets = (port: number): readonly TargetGroup[] => [
  target(port, '/metrics/kubelet', { job: 'kubelet' }),
  target(port, '/metrics/kube-state', { job: 'kube-state-metrics' }),
  target(port, '/metrics/dcgm', { job: 'dcgm-exporter', namespace: 'monitoring', pod: 'dcgm-exporter-0' }),
];

/** Prometheus may read at any moment. */
function writeWhole(file: string, groups: readonly TargetGroup[]): void {
  writeFileSync(`${file}.new`, JSON.stringify(groups));
  renameSync(`${file}.new`, file);
}
