import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { registerApi } from './aggregation.ts';
import type { Step } from './component.ts';
import { readDefinitions } from './definitions.ts';
import type { Extra } from './extras.ts';
import { KEDA_STEPS } from './keda.ts';
import { readObjects, renderKubeconfig, type KubeObject } from './kube.ts';
import { kubernetesUrl, pathIn, type Run } from './run.ts';

const STAGES = join(import.meta.dirname, 'stages');
const DEPLOY = join(import.meta.dirname, '..', 'deploy', 'kubernetes');
const WORKER = { namespace: 'headroom', name: 'headroom-worker' };

/** Longer than anybody keeps a sandbox: a token that ends under a running worker would look like a bug of the worker. */
const TOKEN_SECONDS = 30 * 24 * 60 * 60;

/** The steps of every sandbox, and those of its extras. */
export function stepsWith(extras: readonly Extra[]): readonly Step[] {
  return [...STEPS, ...(extras.includes('keda') ? KEDA_STEPS : [])];
}

const STEPS: readonly Step[] = [
  { name: 'definitions', needs: ['kube-apiserver'], run: installDefinitions },
  { name: 'stages', needs: ['definitions'], run: installStages },
  { name: 'metrics-api', needs: ['kube-apiserver'], run: registerMetricsApi },
  { name: 'worker-identity', needs: ['kube-apiserver'], run: makeWorkerIdentity },
];

async function installDefinitions({ kube, definitionFiles }: Run): Promise<void> {
  const definitions = definitionFiles.flatMap(readDefinitions);
  await Promise.all(definitions.map((definition) => kube.apply(definition)));
  await Promise.all(definitions.map(({ metadata }) => established(kube, metadata.name)));
}

async function established(kube: Run['kube'], name: string): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (Date.now() < deadlineMs) {
    const { text } = await kube.send('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
    const definition: Definition = JSON.parse(text);
    if (definition.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) return;
    await sleep(50);
  }
  throw new Error(`the API server does not serve ${name} 20 s after it was applied`);
}

interface Definition {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function installStages({ kube }: Run): Promise<void> {
  const objects = readdirSync(STAGES).flatMap((file) => readObjects(readFileSync(join(STAGES, file), 'utf8')));
  await Promise.all(objects.map((object) => kube.apply(object)));
}

function registerMetricsApi({ kube, ports }: Run): Promise<void> {
  return registerApi(kube, {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    service: { name: 'metrics-server', namespace: 'kube-system' },
    port: ports.metricsServer,
  });
}

/** The worker is no administrator here either: what its manifests forget to allow fails in the sandbox first. */
async function makeWorkerIdentity(run: Run): Promise<void> {
  const objects = readDeployment();
  for (const object of objects.filter(isNamespace)) await run.kube.apply(object);
  await Promise.all(objects.filter((object) => !isNamespace(object)).map((object) => run.kube.apply(object)));
  const hasWorker = objects.some(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === WORKER.name);
  if (!hasWorker) {
    run.onProgress(`deploy/kubernetes has no ServiceAccount ${WORKER.name}: there is no kubeconfig for the worker`);
    return;
  }
  const kubeconfig = renderKubeconfig({
    server: kubernetesUrl(run),
    authority: run.certificates.ca.certificate,
    user: { name: WORKER.name, credentials: { token: await requestToken(run) } },
    namespace: WORKER.namespace,
  });
  writeFileSync(pathIn(run, 'workerKubeconfig'), kubeconfig, { mode: 0o600 });
}

const isNamespace = ({ kind }: KubeObject): boolean => kind === 'Namespace';

function readDeployment(): readonly KubeObject[] {
  if (!existsSync(DEPLOY)) return [];
  const files = readdirSync(DEPLOY).filter((file) => /\.ya?ml$/.test(file));
  return files.toSorted().flatMap((file) => readObjects(readFileSync(join(DEPLOY, file), 'utf8')));
}

async function requestToken({ kube }: Run): Promise<string> {
  const path = `/api/v1/namespaces/${WORKER.namespace}/serviceaccounts/${WORKER.name}/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: TOKEN_SECONDS },
  };
  const { status, text } = await kube.send('POST', path, request);
  if (status !== 201) throw new Error(`no token for ServiceAccount ${WORKER.name}: ${status} ${text.slice(0, 300)}`);
  const answer: { readonly status: { readonly token: string } } = JSON.parse(text);
  return answer.status.token;
}
