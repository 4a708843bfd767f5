import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities, type Activities } from '../activities/index.ts';
import type { Ports } from '../activities/ports.ts';
import { createCloudPort } from '../adapters/aws/cloud.ts';
import { createDrainFactsPort } from '../adapters/kubernetes/drain-facts.ts';
import { createEvictionPort } from '../adapters/kubernetes/evictions.ts';
import { createNodeClaimPort } from '../adapters/kubernetes/node-claims.ts';
import { createNodePort } from '../adapters/kubernetes/nodes.ts';
import { createWorkloadPort } from '../adapters/kubernetes/workloads.ts';
import { loadPolicy } from '../adapters/policy-file.ts';
import { createMetricsPort } from '../adapters/prometheus.ts';
import { createLedgerPort, createRunPort } from '../adapters/temporal.ts';
import { QUEUES } from '../domain/names.ts';
import { eksClusterOf } from '../domain/policy.ts';
import { workflowBundle } from './bundle.ts';
import type { WorkerConfig } from './config.ts';
import { hasFailed, untilEnded, untilFailed } from './ending.ts';
import { beatWhileRunning } from './heartbeats.ts';
import { createLogger } from './logger.ts';
import { startSweep } from './sweep.ts';
import { createTurnsPort } from '../adapters/node-group-turns.ts';

export interface RunningWorker {
  /** Resolves when the worker was told to stop and has finished what it was doing; rejects when it broke. */
  readonly done: Promise<void>;
  stop(): void;
}

/** What whoever composes a worker puts around what it is made of. */
export interface Around {
  readonly ports?: (ports: Ports) => Ports;
  readonly activities?: (activities: Activities) => Activities;
}

/** After this the SDK has cut off whatever was in flight. */
const LONGEST_END_MS = 60_000;

/** The worker process: three workers, so that a flood on one queue never delays another. */
export async function startWorker(config: WorkerConfig, around: Around = {}): Promise<RunningWorker> {
  const { ports: aroundPorts = (ports) => ports, activities: aroundActivities = (activities) => activities } = around;
  const policy = await loadPolicy(config.policyFiles);
  Runtime.install({ logger: createLogger(process.env['HEADROOM_LOG_LEVEL'] ?? 'info'), shutdownSignals: [] });
  const { connectionOptions, namespace = 'default' } = config.temporal;
  const connection = await NativeConnection.connect(connectionOptions);
  const client = new Client({ connection: await Connection.connect(connectionOptions), namespace });
  const kubernetes = { ...(config.kubeconfig !== undefined && { kubeconfigPath: config.kubeconfig }) };
  const ports = aroundPorts({
    workloads: createWorkloadPort(kubernetes),
    nodes: createNodePort(kubernetes),
    nodeClaims: createNodeClaimPort(kubernetes),
    evictions: createEvictionPort(kubernetes),
    drains: createDrainFactsPort(kubernetes),
    metrics: createMetricsPort({ url: config.prometheusUrl ?? policy.prometheus.url }),
    ledger: createLedgerPort(client),
    runs: createRunPort(client),
    turns: createTurnsPort(client),
    cloud: createCloudPort(eksClusterOf(policy)),
    policy: { policy: () => policy },
  });
  const activities = aroundActivities(createActivities(ports));
  const bundle = await workflowBundle(Runtime.instance().logger);
  const common = {
    connection,
    namespace,
    activities,
    interceptors: { activity: [beatWhileRunning] },
    // the SDK sends a beat only after four fifths of the timeout: two seconds' delay on a busy machine, and the worker is taken for lost
    maxHeartbeatThrottleInterval: '5s',
    shutdownGraceTime: '25s',
    shutdownForceTime: '55s',
  } satisfies Partial<WorkerOptions>;
  const workers = await Promise.all([
    // after a crash the sticky queue holds a workflow for this long: it is the stall of an emergency
    Worker.create({
      ...common,
      taskQueue: QUEUES.urgent,
      workflowBundle: bundle,
      maxCachedWorkflows: 500,
      stickyQueueScheduleToStartTimeout: '2s',
    }),
    Worker.create({
      ...common,
      taskQueue: QUEUES.procedures,
      workflowBundle: bundle,
      // most runs sleep, and those that are not cached are replayed when their timer fires
      maxCachedWorkflows: 300,
      stickyQueueScheduleToStartTimeout: '3s',
    }),
    // no workflows; every live hold occupies a slot here, and with the default of 100 guard 101 would silently wait
    Worker.create({ ...common, taskQueue: QUEUES.watch, maxConcurrentActivityTaskExecutions: 2_000 }),
  ]);
  const stop = () => workers.forEach((worker) => worker.getState() === 'RUNNING' && worker.shutdown());
  const running = workers.map((worker) => worker.run());
  const sweep = startSweep(ports, { log: Runtime.instance().logger, namespace });
  const ending = new AbortController();
  const done = Promise.race([
    Promise.all(running).then(() => undefined),
    untilFailed(workers, { signal: ending.signal }),
  ]).finally(async () => {
    ending.abort();
    stop();
    await untilEnded(workers, { withinMs: LONGEST_END_MS });
    // what has failed never lets go of the connection
    if (!workers.some(hasFailed)) await Promise.allSettled(running);
    await sweep.stop();
    await client.connection.close();
    if (!workers.some(hasFailed)) await connection.close();
  });
  Runtime.instance().logger.info('worker is ready', { namespace, queues: Object.values(QUEUES).join(', ') });
  return { done, stop };
}
