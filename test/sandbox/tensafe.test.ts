import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import {
  AppsV1Api,
  AutoscalingV2Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  loadAllYaml,
  PolicyV1Api,
  type V1Deployment,
} from '@kubernetes/client-node';
import { parse } from 'yaml';
import { eventually } from '../harness/eventually.ts';
import { servers } from '../harness/servers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const HEADROOM = join(ROOT, 'bin', 'headroom');
const NAMESPACE = 'tensafe';
const SERVER = 'tensafe-server';
/** Two looks of metrics-server (10 s apart), two of the autoscaler, and a machine that others use too. */
const AUTOSCALER_MS = 120_000;

const { addresses, kubeconfig, versions, name: sandbox } = servers();
const config = new KubeConfig();
config.loadFromFile(kubeconfig.admin);
const core = config.makeApiClient(CoreV1Api);
const apps = config.makeApiClient(AppsV1Api);
const autoscaling = config.makeApiClient(AutoscalingV2Api);
const policy = config.makeApiClient(PolicyV1Api);
const objects = KubernetesObjectApi.makeApiClient(config);

const execute = promisify(execFile);

/** `headroom sandbox load …`, as a user types it. */
async function load(...args: readonly string[]): Promise<{ readonly [field: string]: unknown }> {
  const { stdout } = await execute(HEADROOM, ['sandbox', 'load', ...args, '--name', sandbox, '--json']);
  return JSON.parse(stdout);
}

interface Control {
  readonly status: number;
  readonly body: { readonly error?: string; readonly loads?: readonly { readonly namespace: string }[] };
}

async function control(method: string, body?: object): Promise<Control> {
  const reply = await fetch(`${addresses.control}/load`, { method, ...(body && { body: JSON.stringify(body) }) });
  return { status: reply.status, body: JSON.parse(await reply.text()) };
}

interface Instant {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

/** Every value that Prometheus answers just now. */
async function query(promql: string): Promise<readonly number[]> {
  const body = new URLSearchParams({ query: promql });
  const reply = await fetch(`${addresses.prometheus}/api/v1/query`, { method: 'POST', body });
  const { data }: Instant = JSON.parse(await reply.text());
  return data.result.map(({ value: [, value] }) => Number(value));
}

async function replicas(): Promise<number> {
  const { spec } = await apps.readNamespacedDeployment({ name: SERVER, namespace: NAMESPACE });
  return spec?.replicas ?? 0;
}

interface Policy {
  readonly workloads: Readonly<
    Record<
      string,
      {
        readonly load?: Readonly<Record<string, { readonly query: string; readonly scaleDownBelow: number }>>;
        readonly dataHealthy?: string;
      }
    >
  >;
  readonly capacityPlanning: { readonly queries: Readonly<Record<string, { readonly query: string }>> };
}

/** The shipped queries, on windows short enough to have seen the load they are asked about. */
function readExample(): Policy {
  const text = readFileSync(join(ROOT, 'examples', 'tensafe', 'headroom.yaml'), 'utf8');
  return parse(text.replaceAll('[5m]', '[15s]'));
}

describe('the TenSafe example in the sandbox', () => {
  it('runs three API pods behind their ScaledObject, and no training worker', async () => {
    const server = await apps.readNamespacedDeployment({ name: SERVER, namespace: NAMESPACE });
    const training = await apps.readNamespacedDeployment({ name: 'tensafe-training-worker', namespace: NAMESPACE });
    assert.equal(server.status?.availableReplicas, 3);
    assert.equal(training.spec?.replicas, 0);
    // one autoscaler, and it is KEDA's: with tensafe-hpa beside it neither would scale (R20)
    const { items } = await autoscaling.listNamespacedHorizontalPodAutoscaler({ namespace: NAMESPACE });
    assert.deepEqual(
      items.map(({ metadata, spec }) => [
        metadata?.name,
        spec?.minReplicas,
        spec?.maxReplicas,
        spec?.scaleTargetRef.name,
      ]),
      [['keda-hpa-tensafe-scaledobject', 3, 50, SERVER]],
    );
  });

  it('has the version of KEDA on KEDA’s HPA, where headroom reads whether it can freeze', async () => {
    const name = 'keda-hpa-tensafe-scaledobject';
    const { metadata } = await autoscaling.readNamespacedHorizontalPodAutoscaler({ name, namespace: NAMESPACE });
    assert.equal(metadata?.labels?.['app.kubernetes.io/version'], versions['keda-operator']);
  });

  it('counts only API pods in its disruption budget', async () => {
    const pdb = await eventually('the budget is counted', async () => {
      const { status } = await policy.readNamespacedPodDisruptionBudget({ name: 'tensafe-pdb', namespace: NAMESPACE });
      return status?.expectedPods === 3 && status;
    });
    assert.equal(pdb.disruptionsAllowed, 1);
  });

  const gpuNodes = { 'p4d.24xlarge': '8', 'p5.48xlarge': '8', 'g5.xlarge': '1', 'g5.12xlarge': '4' };
  for (const [instanceType, gpus] of Object.entries(gpuNodes)) {
    it(`has ready nodes of type ${instanceType} with ${gpus} GPUs that only GPU pods get`, async () => {
      const { items } = await core.listNode({ labelSelector: `node.kubernetes.io/instance-type=${instanceType}` });
      assert.ok(items.length > 0);
      for (const { metadata, spec, status } of items) {
        assert.equal(status?.allocatable?.['nvidia.com/gpu'], gpus);
        assert.equal(metadata?.labels?.['nvidia.com/gpu.present'], 'true');
        assert.match(spec?.providerID ?? '', /^aws:\/\/\/us-east-1[abc]\/i-[0-9a-f]{17}$/);
        assert.deepEqual(
          spec?.taints?.map(({ key, effect }) => [key, effect]),
          [['nvidia.com/gpu', 'NoSchedule']],
        );
        assert.ok(status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'));
      }
    });
  }
});

describe('the load on the TenSafe example', () => {
  const { workloads, capacityPlanning } = readExample();
  const thresholds = Object.entries(workloads[SERVER]?.load ?? {});

  before(() => load(SERVER, '--rps', '100'));
  after(() => load(SERVER, '--rps', '100'));

  it('answers every query of the shipped configuration with one number', async () => {
    const queries = [
      ...Object.values(workloads).flatMap(({ load: metrics = {}, dataHealthy }) => [
        ...Object.values(metrics).map((metric) => metric.query),
        ...(dataHealthy === undefined ? [] : [dataHealthy]),
      ]),
      ...Object.values(capacityPlanning.queries).map((planned) => planned.query),
    ];
    assert.ok(queries.length > 10);
    for (const promql of queries) {
      await eventually(`one number for ${promql}`, async () => {
        const values = await query(promql);
        return values.length === 1 && Number.isFinite(values[0]);
      });
    }
  });

  it('is quiet at 100 requests/s: every metric under its scale-down threshold', async () => {
    assert.equal(thresholds.length, 6);
    for (const [metric, { query: promql, scaleDownBelow }] of thresholds) {
      await eventually(
        `${metric} under ${scaleDownBelow}`,
        async () => ((await query(promql))[0] ?? 1e9) < scaleDownBelow,
        {
          withinMs: 60_000,
        },
      );
    }
  });

  it('makes KEDA scale out at 400 requests/s by what Prometheus says, and back when the load has gone', async () => {
    const view = await load(SERVER, '--rps', '400');
    assert.equal(view['rps'], 400);
    await eventually('Prometheus sees 400 requests/s', async () => {
      const [rps = 0] = await query(`sum(rate(tensafe_http_requests_total{namespace="${NAMESPACE}"}[5s]))`);
      return Math.abs(rps - 400) < 20;
    });
    await eventually('7 pods or more', async () => (await replicas()) >= 7, { withinMs: AUTOSCALER_MS });
    await eventually('p95 falls with the pods', async () => {
      const [p95 = 1e9] = await query(
        `1000 * histogram_quantile(0.95, sum by (le) (rate(tensafe_inference_latency_seconds_bucket{namespace="${NAMESPACE}"}[5s])))`,
      );
      return p95 < 60;
    });
    await load(SERVER, '--rps', '50');
    // the rest of the way down to 3 is more of the same, 10 % at a time
    await eventually('5 pods or fewer', async () => (await replicas()) <= 5, { withinMs: AUTOSCALER_MS });
  });

  it('has no latency without traffic', async () => {
    await load(SERVER, '--rps', '0');
    const promql = workloads[SERVER]?.load?.['p95-latency']?.query ?? '';
    await eventually('p95 is NaN', async () => Number.isNaN((await query(promql))[0]), { withinMs: 40_000 });
  });
});

describe('the load on the TenSafe example under its HPA', () => {
  const namespace = `hpa-${randomBytes(4).toString('hex')}`;
  const atRps = (rps: number) => control('POST', { namespace, workload: SERVER, rps });
  const count = async () => (await apps.readNamespacedDeployment({ name: SERVER, namespace })).spec?.replicas ?? 0;

  before(async () => {
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    for (const file of ['tensafe-server.yaml', 'tensafe-hpa.yaml']) await create(file);
    await eventually('three pods', async () => {
      const { status } = await apps.readNamespacedDeployment({ name: SERVER, namespace });
      return status?.availableReplicas === 3;
    });
  });
  after(() => core.deleteNamespace({ name: namespace }));

  it('makes it scale out at 400 requests/s by what metrics-server says, and back when the load has gone', async () => {
    assert.equal((await atRps(400)).status, 200);
    await eventually('7 pods or more', async () => (await count()) >= 7, { withinMs: AUTOSCALER_MS });
    await atRps(50);
    // the rest of the way down to 3 is more of the same, 10 % at a time
    await eventually('5 pods or fewer', async () => (await count()) <= 5, { withinMs: AUTOSCALER_MS });
  });

  /** As the example ships it, but here, and on the sandbox's short clock. */
  async function create(file: string): Promise<void> {
    const text = readFileSync(join(ROOT, 'examples', 'tensafe', 'manifests', file), 'utf8')
      .replaceAll('namespace: tensafe', `namespace: ${namespace}`)
      .replaceAll('stabilizationWindowSeconds: 300', 'stabilizationWindowSeconds: 15')
      .replaceAll('periodSeconds: 60', 'periodSeconds: 5');
    for (const object of loadAllYaml(text)) await objects.create(object);
  }
});

describe('the load on any other Deployment', () => {
  const namespace = `load-${randomBytes(4).toString('hex')}`;
  const workload = 'any-server';

  before(async () => {
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    await apps.createNamespacedDeployment({ namespace, body: deployment(workload) });
  });
  after(() => core.deleteNamespace({ name: namespace }));

  it('begins with the first request for it, in series of its own namespace', async () => {
    const { status } = await control('POST', { namespace, workload, rps: 20 });
    assert.equal(status, 200);
    const rps = `sum(rate(tensafe_http_requests_total{job="tensafe",namespace="${namespace}"}[5s]))`;
    await eventually('its requests in Prometheus', async () => Math.abs(((await query(rps))[0] ?? 0) - 20) < 2);
    const limits = `sum(kube_pod_container_resource_limits{namespace="${namespace}",resource="cpu"})`;
    await eventually('the limits of its two pods', async () => (await query(limits))[0] === 4);
    const used = `sum(rate(container_cpu_usage_seconds_total{namespace="${namespace}",container!=""}[5s]))`;
    // 20 of the 74 requests/s that 4 cores can serve
    await eventually('their CPU', async () => Math.abs(((await query(used))[0] ?? 0) - 1.09) < 0.05);
  });

  it('is refused where there is no such Deployment, and names those that there are', async () => {
    const { status, body } = await control('POST', { namespace, workload: 'nobody', rps: 20 });
    assert.ok(status >= 400 && status < 500);
    assert.equal(body.error, `there is no Deployment nobody in namespace ${namespace}; there are ${workload}`);
  });

  const malformed = [{}, { workload }, { workload, rps: -1 }, { workload, rps: '20' }, { workload: 'No_Name', rps: 1 }];
  for (const body of malformed) {
    it(`is refused for ${JSON.stringify(body)}`, async () => {
      assert.equal((await control('POST', { namespace, ...body })).status, 400);
    });
  }

  it('goes with its Deployment', async () => {
    await apps.deleteNamespacedDeployment({ namespace, name: workload });
    await eventually(
      'it is forgotten',
      async () => {
        const { body } = await control('GET');
        return body.loads?.every((one) => one.namespace !== namespace);
      },
      { withinMs: 40_000 },
    );
  });
});

function deployment(name: string): V1Deployment {
  const labels = { app: name };
  const resources = { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '2', memory: '4Gi' } };
  const containers = [{ name: 'main', image: 'registry.k8s.io/pause:3.10', resources }];
  return {
    metadata: { name },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}
