import { createServer, type Server } from 'node:http';
import { gpuPercent, heLoraQueueDepth, LATENCY_BUCKETS, queueDepth, type LoadModel } from './load-model.ts';
import type { PodContainer, WorkloadPod } from './workload-pods.ts';

/** One Deployment under load, as it is now. */
export interface WorkloadLoad {
  readonly namespace: string;
  readonly workload: string;
  readonly model: LoadModel;
  readonly pods: readonly WorkloadPod[];
}

/**
 * Serves what in a real cluster comes from several exporters, a page each, so that the labels a scrape adds are theirs
 * too. `/metrics/service/<namespace>` is scraped with that namespace as a target label, as a service's own pods are.
 */
export function createExporter(loads: () => readonly WorkloadLoad[]): Server {
  return createServer((incoming, reply) => {
    const page = renderPage(incoming.url ?? '', loads());
    reply.writeHead(page === undefined ? 404 : 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    reply.end(page);
  });
}

export function renderPage(path: string, loads: readonly WorkloadLoad[]): string | undefined {
  const service = /^\/metrics\/service\/([a-z0-9-]+)$/.exec(path)?.[1];
  if (service !== undefined) return servicePage(loads.filter(({ namespace }) => namespace === service));
  return PAGES.get(path)?.(loads);
}

const PAGES: ReadonlyMap<string, (loads: readonly WorkloadLoad[]) => string> = new Map([
  ['/metrics', loadPage],
  ['/metrics/kubelet', kubeletPage],
  ['/metrics/kube-state', kubeStatePage],
  ['/metrics/dcgm', dcgmPage],
]);

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number, suffix?: string];

/** The load as it was asked for. */
function loadPage(loads: readonly WorkloadLoad[]): string {
  const samples = loads.map(({ namespace, workload, model }): Sample => [{ namespace, workload }, model.rps]);
  return family('headroom_sandbox_load_rps', 'gauge', samples);
}

/** What the workloads of one namespace say of themselves. */
function servicePage(loads: readonly WorkloadLoad[]): string {
  const gauge = (name: string, value: (model: LoadModel) => number) =>
    family(
      name,
      'gauge',
      loads.map(({ workload, model }): Sample => [{ workload }, round(value(model))]),
    );
  return [
    family('tensafe_inference_latency_seconds', 'histogram', loads.flatMap(latencySamples)),
    family('tensafe_http_requests_total', 'counter', loads.flatMap(requestSamples)),
    gauge('tensafe_request_queue_depth', queueDepth),
    gauge('tensafe_he_lora_queue_depth', heLoraQueueDepth),
  ].join('');
}

function latencySamples({ workload, model }: WorkloadLoad): readonly Sample[] {
  const count = Math.floor(model.served);
  return [
    ...LATENCY_BUCKETS.map((bound, index): Sample => [
      { workload, le: String(bound) },
      Math.floor(model.latencyBuckets[index] ?? 0),
      '_bucket',
    ]),
    [{ workload, le: '+Inf' }, count, '_bucket'],
    [{ workload }, model.latencySumSeconds, '_sum'],
    [{ workload }, count, '_count'],
  ];
}

function requestSamples({ workload, model }: WorkloadLoad): readonly Sample[] {
  const labels = { workload, method: 'POST', path: '/v1/inference' };
  return [
    [{ ...labels, code: '200' }, Math.floor(model.served - model.failed)],
    [{ ...labels, code: '500' }, Math.floor(model.failed)],
    [{ ...labels, code: '503' }, Math.floor(model.turnedAway)],
  ];
}

/** Of each pod: its working container, and the sum over the pod that cAdvisor has beside it. */
function kubeletPage(loads: readonly WorkloadLoad[]): string {
  const perPod = (value: (pod: WorkloadPod, model: LoadModel) => number) =>
    loads.flatMap(({ namespace, model, pods }) =>
      pods.flatMap((pod): readonly Sample[] => {
        const labels = { namespace, pod: pod.name, node: pod.node };
        const used = round(value(pod, model));
        return [
          [{ ...labels, container: pod.containers[0]?.name ?? '' }, used],
          [{ ...labels, container: '' }, used],
        ];
      }),
    );
  return [
    family('container_cpu_usage_seconds_total', 'counter', perPod(cpuSeconds)),
    family('container_memory_working_set_bytes', 'gauge', perPod(memory)),
  ].join('');
}

const cpuSeconds = ({ name }: WorkloadPod, { pods }: LoadModel): number =>
  pods.find((pod) => pod.name === name)?.cpuSeconds ?? 0;

const memory = ({ memoryBytes }: WorkloadPod, model: LoadModel): number => Math.round(model.memory * memoryBytes);

const UNITS: Readonly<Record<string, string>> = { cpu: 'core', memory: 'byte', 'nvidia.com/gpu': 'integer' };

function kubeStatePage(loads: readonly WorkloadLoad[]): string {
  const amounts = (of: (container: PodContainer) => Readonly<Record<string, number>>) =>
    loads.flatMap(({ namespace, pods }) =>
      pods.flatMap((pod) =>
        pod.containers.flatMap((container) =>
          Object.entries(of(container)).map(([resource, value]): Sample => {
            const labels = { namespace, pod: pod.name, container: container.name, node: pod.node };
            const unit = UNITS[resource] ?? 'integer';
            return [{ ...labels, resource: resource.replaceAll(/[^a-z0-9]/g, '_'), unit }, value];
          }),
        ),
      ),
    );
  return [
    family(
      'kube_pod_container_resource_limits',
      'gauge',
      amounts(({ limits }) => limits),
    ),
    family(
      'kube_pod_container_resource_requests',
      'gauge',
      amounts(({ requests }) => requests),
    ),
  ].join('');
}

/** `namespace` and `pod` collide with the exporter's own target labels; that is how they become the exported_ ones. */
function dcgmPage(loads: readonly WorkloadLoad[]): string {
  const samples = loads.flatMap(({ namespace, model, pods }) =>
    pods.flatMap((pod) =>
      Array.from({ length: pod.gpus }, (_, gpu): Sample => [
        { gpu: String(gpu), Hostname: pod.node, namespace, pod: pod.name, container: pod.containers[0]?.name ?? '' },
        round(gpuPercent(model)),
      ]),
    ),
  );
  return family('DCGM_FI_DEV_GPU_UTIL', 'gauge', samples);
}

function family(name: string, type: 'gauge' | 'counter' | 'histogram', samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([labels, value, suffix = '']) => `${name}${suffix}{${renderLabels(labels)}} ${value}\n`);
  return `# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** Names of Kubernetes objects and numbers: nothing in them needs escaping. */
const renderLabels = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}="${value}"`)
    .join(',');

const round = (value: number): number => Math.round(value * 1e6) / 1e6;
