import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { BadRequest } from './control.ts';
import { createExporter } from './exporter.ts';
import { openKubeClient, readObjects, type KubeClient, type KubeObject } from './kube.ts';
import { createLoadDriver, type LoadDriver } from './load-driver.ts';
import { exampleNodes } from './nodes.ts';
import { listen } from './ports.ts';
import { FILES } from './run.ts';
import type { Seed, SeedContext } from './seed.ts';
import { listReadyPods } from './workload-pods.ts';

const EXAMPLE = join(import.meta.dirname, '..', 'examples', 'tensafe');
const MANIFESTS = join(EXAMPLE, 'manifests');
const ALERT_RULES = join(EXAMPLE, 'alerts', 'demo-rules.yaml');
const NAMESPACE = 'tensafe';
const SERVER = 'tensafe-server';

/** Three pods serve this at ease: every metric is under its scale-down threshold. */
const QUIET_RPS = 100;

/** The autoscaler brings the first pods at its first sync, and kwok readies them at once. */
const READY_MS = 20_000;

/** Fills a fresh cluster with the runbook's workloads, nodes to run them on, and a load that can be set. */
export async function startSeed(context: SeedContext): Promise<Seed> {
  const kube = openKubeClient(context.kubeconfigPath);
  await deployExample(kube, context);
  const driver = createLoadDriver({
    kube,
    exporterPort: context.exporterPort,
    targetsDirectory: join(context.directory, FILES.prometheusTargets),
  });
  const exporter = createExporter(() => driver.loads());
  if (!(await listen(exporter, context.exporterPort))) throw new Error(`port ${context.exporterPort} is taken`);
  addLoadRoutes(context.routes, driver);
  await serverIsReady(kube);
  await driver.set({ namespace: NAMESPACE, workload: SERVER, rps: QUIET_RPS, errorPercent: 0 });
  if (context.hasAlertmanager) await loadAlertRules(context);
  return {
    stop() {
      driver.stop();
      exporter.close();
      exporter.closeAllConnections();
      kube.close();
    },
  };
}

const isNamespace = ({ kind }: KubeObject): boolean => kind === 'Namespace';

/** One autoscaler is in charge: beside another, neither would scale. */
async function deployExample(kube: KubeClient, { hasKeda, prometheusUrl }: SeedContext): Promise<void> {
  const objects = readdirSync(MANIFESTS)
    .filter((file) => file.endsWith('.yaml') && !(hasKeda && file === 'tensafe-hpa.yaml'))
    .flatMap((file) => readObjects(readFileSync(join(MANIFESTS, file), 'utf8')));
  await Promise.all(objects.filter(isNamespace).map((object) => kube.apply(object)));
  const rest = objects.filter((object) => !isNamespace(object));
  await Promise.all([...exampleNodes(), ...rest].map((object) => kube.apply(object)));
  if (hasKeda) await applyScaledObject(kube, prometheusUrl);
  const [path, behavior] = hasKeda
    ? ([`${SCALED_OBJECTS}/tensafe-scaledobject`, hastenedOfKeda] as const)
    : ([`${AUTOSCALERS}/tensafe-hpa`, hastened] as const);
  await hasten(kube, path, behavior);
}

/** Its Prometheus is the sandbox's, and it looks back as far as demo.yaml does. */
async function applyScaledObject(kube: KubeClient, prometheusUrl: string): Promise<void> {
  const manifest = readFileSync(join(MANIFESTS, 'keda', 'tensafe-scaledobject.yaml'), 'utf8');
  const text = manifest.replaceAll('http://prometheus.monitoring:9090', prometheusUrl).replaceAll('[5m]', '[15s]');
  await Promise.all(readObjects(text).map((object) => kube.apply(object)));
}

/** Not before there is a load to judge. */
async function loadAlertRules({ prometheusRulesDirectory, prometheusUrl }: SeedContext): Promise<void> {
  copyFileSync(ALERT_RULES, join(prometheusRulesDirectory, basename(ALERT_RULES)));
  const { ok, status } = await fetch(`${prometheusUrl}/-/reload`, {
    method: 'POST',
    signal: AbortSignal.timeout(10_000),
  });
  if (!ok) throw new Error(`Prometheus answers ${status} to the alert rules of ${ALERT_RULES}; its log says why`);
}

const AUTOSCALERS = `/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers`;
const SCALED_OBJECTS = `/apis/keda.sh/v1alpha1/namespaces/${NAMESPACE}/scaledobjects`;

/**
 * What demo.yaml is for headroom, this is for the autoscaler: it scales down after seconds instead of minutes, or nobody
 * would stay to see it. How much it takes at a time is the manifest's.
 */
const scaleDown = { stabilizationWindowSeconds: 15, policies: [{ type: 'Percent', value: 10, periodSeconds: 5 }] };
const hastened = { behavior: { scaleDown } };
const hastenedOfKeda = { advanced: { horizontalPodAutoscalerConfig: hastened } };

async function hasten(kube: KubeClient, path: string, spec: object): Promise<void> {
  const query = '?fieldManager=headroom-sandbox';
  const { status, text } = await kube.send('PATCH', path + query, { spec }, 'application/merge-patch+json');
  if (status !== 200) throw new Error(`putting ${path} on a short clock: ${status} ${text.slice(0, 300)}`);
}

async function serverIsReady(kube: KubeClient): Promise<void> {
  const deadlineMs = Date.now() + READY_MS;
  while (((await listReadyPods(kube, NAMESPACE)).get(SERVER)?.length ?? 0) < 3) {
    if (Date.now() > deadlineMs)
      throw new Error(`${SERVER} has no 3 ready pods ${READY_MS / 1000} s after it was made`);
    await sleep(100);
  }
}

const name = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a name as Kubernetes has them');
const Which = z.strictObject({ namespace: name.default(NAMESPACE), workload: name });
const Load = Which.extend({
  rps: z.number().min(0).max(1_000_000),
  errorPercent: z.number().min(0).max(100).default(0),
});

function addLoadRoutes(routes: SeedContext['routes'], driver: LoadDriver): void {
  routes.set('GET /load', () => ({ loads: driver.views() }));
  routes.set('POST /load', (body) => driver.set(parse(Load, body)));
  routes.set('DELETE /load', (body) => driver.remove(parse(Which, body)));
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const read = schema.safeParse(body ?? {});
  if (read.success) return read.data;
  throw new BadRequest(z.prettifyError(read.error));
}
