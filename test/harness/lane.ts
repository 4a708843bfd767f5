import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { viewRun } from '../../client/runs.ts';
import { eventually } from './eventually.ts';
import { adminOf, type Admin, type Stored } from './kube.ts';
import { servers } from './servers.ts';
import { openTemporal } from './temporal.ts';
import { writeHistory } from './histories.ts';

export const HEADROOM = join(import.meta.dirname, '../../bin/headroom.ts');
/** What bin/headroom gives to Node for a worker. */
export const AS_IT_SHIPS = ['--optimize-for-size'];
const WORKER = join(import.meta.dirname, 'worker.ts');

/** What is in charge of the lane's workload. */
export const GOVERNORS = {
  hpa: { kind: 'HorizontalPodAutoscaler', name: 'tensafe-hpa', floor: 'minReplicas', words: 'under an HPA' },
  keda: { kind: 'ScaledObject', name: 'tensafe-scaledobject', floor: 'minReplicaCount', words: 'under KEDA' },
  none: { kind: 'Deployment', name: 'tensafe-server', floor: 'replicas', words: 'without an autoscaler' },
} as const;
type GovernorName = keyof typeof GOVERNORS;
export const GOVERNOR_NAMES: readonly GovernorName[] = ['hpa', 'keda', 'none'];

export interface LaneOptions {
  readonly governor?: GovernorName;
  /** A ScaledObject on the same workload besides: it was there first, or KEDA's webhook would not let it in. */
  readonly rival?: boolean;
  /** Merged over the spec of the lane's ScaledObject; there is one with governor 'keda', and as a rival. */
  readonly scaledObject?: Readonly<Record<string, unknown>>;
  readonly replicas?: number;
  /** Of a pod's CPU request: the lane's HPA adds pods above it. A pod that drowns in load uses eighty times its request. */
  readonly cpuPercent?: number;
  readonly pod?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly requests?: Readonly<Record<string, string>>;
  };
  /** A node of its own that takes so many pods; without it the pods go to the sandbox's nodes. */
  readonly roomFor?: number;
  /** Merged over the lane's short policy. */
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
export type Lane = Awaited<ReturnType<typeof openLane>>;

/** One namespace in the cluster and one in Temporal, a workload under an HPA or none, a worker process, and the CLI. */
export async function openLane({
  governor = 'hpa',
  rival = false,
  scaledObject = {},
  replicas = 3,
  cpuPercent = 70,
  pod = {},
  roomFor,
  policy = {},
  env = {},
}: LaneOptions = {}) {
  const { addresses, kubeconfig, auditLog } = servers();
  const namespace = `lane-${randomBytes(4).toString('hex')}`;
  const directory = mkdtempSync(join(tmpdir(), `headroom-${namespace}-`));
  const admin = adminOf(kubeconfig.admin, namespace);
  const temporal = await openTemporal(addresses.temporal, namespace);
  await admin.core.createNamespace({ body: { metadata: { name: namespace } } });
  const config = join(directory, 'headroom.yaml');
  writeFileSync(config, stringify(merged(policyFor(namespace, addresses.prometheus), policy)));
  const surroundings: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    USER: 'tester',
    ...(process.env['NODE_COMPILE_CACHE'] !== undefined && { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
    // one bundle for all workers of the run; a worker without one builds it, which takes seconds
    HEADROOM_WORKFLOW_BUNDLE: process.env['HEADROOM_WORKFLOW_BUNDLE'] ?? '',
    HEADROOM_CONFIG: config,
    HEADROOM_KUBECONFIG: kubeconfig.worker ?? '',
    HEADROOM_PROMETHEUS_URL: addresses.prometheus,
    TEMPORAL_ADDRESS: addresses.temporal,
    TEMPORAL_NAMESPACE: namespace,
    ...env,
  };

  if (roomFor !== undefined) await admin.core.createNode({ body: laneNode(namespace, roomFor) });
  await admin.create('Deployment', deployment(replicas, pod, roomFor === undefined ? undefined : namespace));
  if (governor === 'keda' || rival) await putUnderKeda(admin, replicas, scaledObject);
  if (governor === 'hpa') await admin.create('HorizontalPodAutoscaler', autoscaler(replicas, cpuPercent));

  const recorded = new Set<string>();
  let worker: ChildProcess | undefined;
  let ended = '';
  const logFile = join(directory, 'worker.log');
  async function startWorker(extra: Readonly<Record<string, string>> = {}): Promise<ChildProcess> {
    const log = createWriteStream(logFile, { flags: 'a' });
    const started = spawn(process.execPath, [...AS_IT_SHIPS, WORKER], {
      env: { ...surroundings, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    [worker, ended] = [started, ''];
    let said = '';
    started.once('exit', (code, signal) => {
      if (started === worker) ended = `the worker has ended: ${signal ?? `exit code ${code}`}\n${said.slice(-2_000)}`;
    });
    for (const stream of [started.stdout, started.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        log.write(chunk);
      });
    }
    await eventually(
      'the worker is ready',
      async () => {
        if (started.exitCode !== null || started.signalCode !== null)
          throw new Error(`the worker ended: ${said.slice(-2_000)}`);
        return said.includes('worker is ready');
      },
      { withinMs: 90_000 },
    );
    return started;
  }
  const hasWorker = () => worker !== undefined && worker.exitCode === null && worker.signalCode === null;
  async function killWorker(): Promise<void> {
    if (worker === undefined || !hasWorker()) return;
    const ended = new Promise((resolve) => worker?.once('exit', resolve));
    worker.kill('SIGKILL');
    await ended;
  }
  const headroom = (...args: readonly string[]): Promise<Ran> => headroomIn({}, ...args);
  /** The command in other surroundings than the lane's. */
  function headroomIn(extra: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', HEADROOM, ...args],
        { env: { ...surroundings, ...extra }, maxBuffer: 10_000_000 },
        (error, stdout, stderr) => {
          const failed = typeof error?.code === 'number' ? error.code : null;
          resolve({ code: error === null ? 0 : failed, stdout, stderr });
        },
      );
    });
  }
  const { kind, name, floor } = GOVERNORS[governor];
  const governorObject = (): Promise<Stored> => admin.get(kind, name);
  /** What a test compares before and after, whole: everything that an owner can set on the governor. */
  const snapshot = async () => {
    const { metadata, spec } = await governorObject();
    const { 'deployment.kubernetes.io/revision': _, ...annotations } = metadata.annotations ?? {};
    return { uid: metadata.uid, annotations, labels: metadata.labels ?? {}, spec };
  };
  const asked = () =>
    readFileSync(auditLog, 'utf8')
      .split('\n')
      .filter((line) => line.includes(namespace) && line.includes('headroom/'))
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(({ verb }) => verb === 'patch');
  /** Writes of headroom to this namespace, as the API server saw them. */
  const writes = () =>
    asked().filter(({ stage, responseStatus }) => stage === 'ResponseComplete' && responseStatus.code < 300);

  /** Writes whose client was gone before the answer: nobody but the object can say whether they took effect. */
  const abandoned = () =>
    asked().filter(({ stage, responseStatus }) => stage !== 'ResponseComplete' || responseStatus.code >= 499);
  const floorsAbandoned = () => abandoned().flatMap(({ requestObject }) => floorIn(requestObject));

  /** The floors that those writes set, in their order. */
  const floorsWritten = () => writes().flatMap(({ requestObject }) => floorIn(requestObject));

  /** The floors that stood after each write of headroom, also after those that changed something else. */
  const floorsLeft = () => writes().map(({ responseObject }) => Number((responseObject as Stored).spec[floor]));

  return {
    floorsWritten,
    floorsAbandoned,
    writesAbandoned: () => abandoned().length,
    floorsLeft,
    namespace,
    directory,
    admin,
    temporal,
    surroundings,
    startWorker,
    killWorker,
    headroom,
    headroomIn,
    governorObject,
    snapshot,
    writes,
    workerLog: () => readFileSync(logFile, 'utf8'),
    /** Why nobody answers: what is told of a worker that is gone, and the errors that it has logged. */
    workerTrouble: () => {
      const errors = existsSync(logFile) ? readFileSync(logFile, 'utf8').split('\n').filter(isError) : [];
      return [ended, ...errors.slice(-5)].filter(Boolean).join('\n');
    },
    floor: async () => Number((await governorObject()).spec[floor]),
    available: async () => Number((await admin.get('Deployment', 'tensafe-server')).status?.['availableReplicas'] ?? 0),
    /** Requests a second to the workload; what it costs is the sandbox's load model. */
    load: async (rps: number): Promise<void> => {
      const answer = await fetch(`${addresses.control}/load`, {
        method: 'POST',
        body: JSON.stringify({ namespace, workload: 'tensafe-server', rps }),
      });
      if (!answer.ok) throw new Error(`the load was not set: ${await answer.text()}`);
    },
    /**
     * What `show --json` prints, without a process for it: tests ask often. Where a worker lives, it is asked until it answers: what
     * has closed is replayed from its beginning for that, and on a busy machine for longer than people at a terminal are made to wait.
     */
    status: async (id: string) =>
      eventually(`a worker says how ${id} is`, async () => {
        const view = await viewRun(temporal, id);
        return (view.workerAnswers || !hasWorker()) && (JSON.parse(JSON.stringify(view)) as RunJson);
      }),
    /** Keeps the histories of this lane for the replay test, when asked to (HEADROOM_RECORD_HISTORIES=1). */
    async record(name: string): Promise<void> {
      if (process.env['HEADROOM_RECORD_HISTORIES'] === undefined) return;
      for await (const { workflowId, runId } of temporal.workflow.list()) {
        if (recorded.has(runId)) continue;
        recorded.add(runId);
        const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
        writeHistory(`${name}.${workflowId.split('.')[0]}.${runId.slice(-4)}`, history);
      }
    },
    async close(): Promise<void> {
      await killWorker();
      for await (const { workflowId } of temporal.workflow.list({ query: "ExecutionStatus = 'Running'" }))
        await temporal.workflow
          .getHandle(workflowId)
          .terminate('the test is over')
          .catch(() => undefined);
      await admin.core.deleteNamespace({ name: namespace });
      if (roomFor !== undefined) await admin.core.deleteNode({ name: namespace });
      await temporal.connection.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Of pino, or of the SDK's core. */
function isError(line: string): boolean {
  return /^\{"level":[56]0|\bERROR\b/.test(line);
}

/** What happens in a lane, which is closed whatever came of it. */
export async function inLane(options: LaneOptions, act: (lane: Lane) => Promise<void>): Promise<void> {
  const lane = await openLane(options);
  try {
    await act(lane);
  } finally {
    await lane.close();
  }
}

function floorIn(patch: unknown): readonly number[] {
  const ops = patch as readonly { readonly op: string; readonly path: string; readonly value?: unknown }[];
  return ops.flatMap(({ op, path, value }) =>
    op !== 'test' && /^\/spec\/(minReplicas|minReplicaCount|replicas)$/.test(path) && typeof value === 'number'
      ? [value]
      : [],
  );
}

export interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent: string;
  readonly user: { readonly username: string };
  readonly objectRef: { readonly resource: string; readonly name: string };
  readonly responseStatus: { readonly code: number };
  readonly requestObject?: unknown;
  /** The whole object after the write. */
  readonly responseObject?: unknown;
}
/** What `show --json` prints, as far as tests read it. */
interface RunJson {
  readonly state: string;
  readonly status: {
    readonly phase: string;
    readonly planHash: string | null;
    readonly target: number | null;
    readonly available: { readonly kind: string; readonly reasons: readonly string[] } | null;
    readonly claim: { readonly state: string; readonly reason: string } | null;
    readonly plan: { readonly warnings: readonly string[] } | null;
    readonly timeline: readonly { readonly what: string }[];
    readonly question: { readonly what: string } | null;
    readonly alerts?: { readonly firing: readonly string[]; readonly heard: number; readonly resolved: number };
    readonly evidence?: { readonly kind: string; readonly reasons: readonly string[] };
  } | null;
  readonly result: {
    readonly outcome: string;
    readonly reasons: readonly string[];
    readonly restored: boolean;
    readonly drift: readonly string[];
    readonly after: { readonly floor: number };
  } | null;
  readonly pending: readonly {
    readonly activity: string;
    readonly attempt: number;
    readonly lastFailure: string | null;
  }[];
}

/** Everything in seconds; the queue is the only load metric, so that a test sets it with one number. */
function policyFor(namespace: string, prometheus: string): Readonly<Record<string, unknown>> {
  return {
    cluster: { name: 'lane' },
    prometheus: { url: prometheus },
    workloads: {
      'tensafe-server': {
        namespace,
        kind: 'Deployment',
        limits: { min: 1, max: 12 },
        load: {
          'queue-depth': {
            query: `sum(tensafe_request_queue_depth{namespace="${namespace}"})`,
            unit: 'requests',
            scaleUpAbove: 50,
            scaleDownBelow: 10,
            perPod: false,
          },
        },
      },
    },
    preScale: { lead: '2s', availableWithin: '8s', quiet: { window: '3s', askAfter: '30s', every: '1s', step: '1s' } },
    windDown: { percent: 20, every: '1s' },
    ledger: { ownerCheckEvery: '1s', guardEvery: '1s' },
  };
}

export function merged(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over;
  return {
    ...base,
    ...Object.fromEntries(Object.entries(over).map(([key, value]) => [key, merged(base[key], value)])),
  };
}
function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deployment(
  replicas: number,
  { labels = {}, annotations = {}, requests = { cpu: '100m', memory: '64Mi' } }: NonNullable<LaneOptions['pod']>,
  node: string | undefined,
): object {
  return {
    metadata: { name: 'tensafe-server' },
    spec: {
      replicas,
      // what runs stays until its successor is available
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: { app: 'tensafe-server' } },
      template: {
        metadata: { labels: { app: 'tensafe-server', ...labels }, annotations },
        spec: {
          ...(node !== undefined && {
            nodeSelector: { lane: node },
            tolerations: [{ key: 'lane', operator: 'Exists' }],
          }),
          containers: [{ name: 'server', image: 'tensafe:1', resources: { requests } }],
        },
      },
    },
  };
}
function laneNode(name: string, pods: number): object {
  const room = { cpu: '16', memory: '64Gi', pods: String(pods) };
  // without the taint the pods of other lanes would come here too
  return {
    metadata: { name, labels: { type: 'kwok', lane: name } },
    spec: { taints: [{ key: 'lane', value: name, effect: 'NoSchedule' }] },
    status: { capacity: room, allocatable: room },
  };
}
function autoscaler(minReplicas: number, averageUtilization: number): object {
  return {
    metadata: { name: 'tensafe-hpa' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'tensafe-server' },
      minReplicas,
      maxReplicas: 10,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }],
    },
  };
}

/**
 * Answers when KEDA has made it its own: it adds a finalizer and a label to the object, and makes its HPA. Its trigger
 * asks for one pod all year.
 */
async function putUnderKeda(
  admin: Admin,
  minReplicaCount: number,
  over: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { name } = GOVERNORS.keda;
  const behavior = {
    scaleDown: { stabilizationWindowSeconds: 5, policies: [{ type: 'Percent', value: 100, periodSeconds: 5 }] },
  };
  const spec = {
    scaleTargetRef: { name: 'tensafe-server' },
    minReplicaCount,
    maxReplicaCount: 10,
    advanced: { horizontalPodAutoscalerConfig: { behavior } },
    triggers: [
      { type: 'cron', metadata: { timezone: 'UTC', start: '0 0 1 1 *', end: '1 0 1 1 *', desiredReplicas: '1' } },
    ],
  };
  await admin.create('ScaledObject', { metadata: { name }, spec: { ...spec, ...over } });
  await eventually('KEDA has made its HPA', async () => {
    const { metadata } = await admin.get('ScaledObject', name);
    return metadata.labels !== undefined && (await admin.get('HorizontalPodAutoscaler', KEDAS_HPA)) !== undefined;
  });
}
/** What KEDA calls the HPA that it makes for the lane's ScaledObject. */
export const KEDAS_HPA = `keda-hpa-${GOVERNORS.keda.name}`;

/** Options of a pre-scale that begins at once and whose event lasts so many seconds. */
export function eventOf({
  name = 'sale',
  startsIn = 2,
  lasts = 600,
}: { readonly name?: string; readonly startsIn?: number; readonly lasts?: number } = {}): readonly string[] {
  const starts = Date.now() + startsIn * 1_000;
  return [
    '--event',
    name,
    '--starts',
    new Date(starts).toISOString(),
    '--ends',
    new Date(starts + lasts * 1_000).toISOString(),
  ];
}
