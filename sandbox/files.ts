import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { alertingOf, alertmanagerConfig } from './alertmanager.ts';
import { writeCertificates, type CertificateName, type Pair } from './certificates.ts';
import { base64, renderKubeconfig } from './kube.ts';
import { FILES, kubernetesUrl, pathIn, SUPERVISOR_LOG, url, type Run } from './run.ts';

const NODE_METRICS = join(import.meta.dirname, 'node-metrics.yaml');

/** What the tests take as witness: every change of what decides capacity, whole, and by whom. */
const AUDITED = [
  { group: 'apps', resources: ['deployments', 'deployments/scale', 'statefulsets', 'statefulsets/scale'] },
  { group: 'autoscaling', resources: ['horizontalpodautoscalers'] },
  { group: 'keda.sh', resources: ['scaledobjects', 'scaledobjects/scale'] },
  { group: 'karpenter.sh', resources: ['nodeclaims'] },
  { group: '', resources: ['nodes', 'pods/eviction'] },
  // what a budget was worth after each eviction
  { group: 'policy', resources: ['poddisruptionbudgets/status'] },
];
/** That it was asked for is enough: a cluster deletes pods all the time. */
const NOTED = [{ group: '', resources: ['pods'] }];

/**
 * A new life starts from nothing: half of an old one would be a cluster whose certificates nobody knows.
 * The supervisor's own log is emptied instead: by now it is writing there.
 */
export function prepareDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const stale = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path !== FILES.logs && path !== join(FILES.logs, SUPERVISOR_LOG),
  );
  for (const path of stale) rmSync(join(directory, path), { recursive: true, force: true });
  const log = join(directory, FILES.logs, SUPERVISOR_LOG);
  if (existsSync(log)) truncateSync(log);
}

export function writeFiles(run: Run, certificates: Readonly<Record<CertificateName, Pair>>): void {
  for (const directory of ['logs', 'prometheusRules', 'prometheusTargets'] as const) {
    mkdirSync(pathIn(run, directory), { recursive: true });
  }
  writeCertificates(pathIn(run, 'certificates'), certificates);
  if (run.extras.includes('keda')) writeKedaCertificates(run, certificates);
  const write = (file: Parameters<typeof pathIn>[1], text: string) =>
    writeFileSync(pathIn(run, file), text, { mode: 0o600 });
  write('kubeconfig', adminKubeconfig(run));
  write('auditPolicy', JSON.stringify(auditPolicy()));
  write('prometheusConfig', stringify(prometheusConfig(run)));
  write('webhookToken', `${randomBytes(32).toString('hex')}\n`);
  if (run.extras.includes('alertmanager')) write('alertmanagerConfig', stringify(alertmanagerConfig(run)));
  write('kwokConfig', `${stringify(kwokConfig())}---\n${readFileSync(NODE_METRICS, 'utf8')}`);
  write('temporalConfig', `[profile.default]\naddress = "127.0.0.1:${run.ports.temporal}"\nnamespace = "default"\n`);
}

/** KEDA's programs share one directory, in which the files have to be called so. */
function writeKedaCertificates(run: Run, { ca, serving }: Readonly<Record<CertificateName, Pair>>): void {
  const directory = pathIn(run, 'certificates', 'keda');
  writeCertificates(directory, { tls: serving });
  writeFileSync(join(directory, 'ca.crt'), ca.certificate);
}

function adminKubeconfig(run: Run): string {
  const { ca, admin } = run.certificates;
  const credentials = {
    'client-certificate-data': base64(admin.certificate),
    'client-key-data': base64(admin.key),
  };
  return renderKubeconfig({
    server: kubernetesUrl(run),
    authority: ca.certificate,
    user: { name: 'admin', credentials },
  });
}

const auditPolicy = () => ({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'RequestResponse',
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
      resources: AUDITED,
    },
    { level: 'Metadata', verbs: ['delete', 'deletecollection'], resources: NOTED },
    { level: 'None' },
  ],
});

/** One second, so that a load that a test or a demo changes is seen by the next decision. */
const prometheusConfig = (run: Pick<Run, 'ports' | 'directory' | 'extras'>) => ({
  global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
  rule_files: [pathIn(run, 'prometheusRules', '*.yaml')],
  ...(run.extras.includes('alertmanager') && { alerting: alertingOf(run) }),
  scrape_configs: [
    { job_name: 'tensafe', static_configs: [{ targets: [`127.0.0.1:${run.ports.exporter}`] }] },
    {
      job_name: 'temporal',
      scrape_interval: '5s',
      static_configs: [{ targets: [`127.0.0.1:${run.ports.temporalMetrics}`] }],
    },
    {
      job_name: 'file',
      file_sd_configs: [{ files: [pathIn(run, 'prometheusTargets', '*.json')], refresh_interval: '1s' }],
    },
  ],
});

const kwokConfig = () => ({
  apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
  kind: 'KwokConfiguration',
  options: { podPlayStageParallelism: 16, nodePlayStageParallelism: 16, nodeLeaseParallelism: 16 },
});

export const addressesOf = (run: Pick<Run, 'ports' | 'extras'>) => ({
  temporal: `127.0.0.1:${run.ports.temporal}`,
  temporalUi: url(run.ports.temporalUi),
  kubernetes: kubernetesUrl(run),
  prometheus: url(run.ports.prometheus),
  exporter: url(run.ports.exporter),
  control: url(run.ports.control),
  cloud: url(run.ports.cloud),
  ...(run.extras.includes('alertmanager') && { alertmanager: url(run.ports.alertmanager) }),
});
