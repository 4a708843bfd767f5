import { randomBytes, randomInt } from 'node:crypto';
import type { RunResult } from '../../domain/procedures.ts';
import { createClusterNodes } from '../../sandbox/cloud/cluster-nodes.ts';
import type { GroupSpec } from '../../sandbox/cloud/group.ts';
import { REGION, WORKER_KEY } from '../../sandbox/cloud/keys.ts';
import type { Timings } from '../../sandbox/cloud/model.ts';
import { startCloud } from '../../sandbox/cloud/start.ts';
import { openKubeClient } from '../../sandbox/kube.ts';
import { gpusOf, nodeNameOf, nodeOf } from '../../sandbox/nodes.ts';
import { viewRun } from '../../client/runs.ts';
import { eventually } from './eventually.ts';
import { everyDeedIsSound } from './gpu-witness.ts';
import { merged, openLane, type Lane } from './lane.ts';
import { servers } from './servers.ts';

/** Long enough to look in between. */
const QUICK: Timings = {
  updateMs: 300,
  applyMs: 0,
  launchMs: 300,
  joinMs: 300,
  gpuMs: 300,
  terminateMs: 500,
  retryMs: 700,
  rebalanceMs: 300,
};

export interface GpuLaneOptions {
  readonly sizes?: GroupSpec['sizes'];
  readonly zones?: readonly string[];
  readonly suspended?: readonly string[];
  readonly timings?: Partial<Timings>;
  /** Merged over the lane's short policy. */
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the lane's workload. */
  readonly replicas?: number;
  /** A second group besides, by its name's ending. */
  readonly second?: GroupSpec['sizes'];
}

export type GpuLane = Awaited<ReturnType<typeof openGpuLane>>;

/** A lane with a node group of its own: a stand-in for AWS in this process, and its nodes in the sandbox's cluster. */
export async function openGpuLane(options: GpuLaneOptions = {}) {
  const { sizes = { min: 1, max: 6, desired: 4 }, zones = ['us-east-1a'], suspended = [], second } = options;
  const kube = openKubeClient(servers().kubeconfig.admin);
  // names of nodes come from addresses: each lane has a net of its own
  const net = () => `10.${randomInt(16, 250)}.${randomInt(1, 250)}.`;
  // ids of instances are nobody else's, in AWS; the cluster here has the nodes of all lanes
  const hex = () => randomBytes(4).toString('hex');
  const [group, spare] = [`gpu-${randomInt(1e9)}`, `spare-${randomInt(1e9)}`];
  const spec = (name: string, of: GroupSpec['sizes']): GroupSpec => {
    const subnet = net();
    const instances = Array.from({ length: of.desired }, (_, index) => ({
      id: `i-0${hex()}${hex()}`,
      type: 'p5.48xlarge',
      zone: zones[index % zones.length] ?? '',
      address: `${subnet}${10 + index}`,
    }));
    return { name, instanceTypes: ['p5.48xlarge'], sizes: of, zones, subnet, suspended, instances };
  };
  const groups = [spec(group, sizes), ...(second === undefined ? [] : [spec(spare, second)])];
  const timings = { ...QUICK, ...options.timings };
  const cloud = await startCloud({
    cluster: 'lane',
    idsFrom: hex(),
    groups,
    timings,
    onNode: createClusterNodes(kube),
  });
  const instances = () => cloud.core.fleet.instances();
  const asNode = ({ id, type, zone, address, group: nodegroup }: ReturnType<typeof instances>[number]) => {
    return { nodegroup, instanceType: type, instanceId: id, zone, address };
  };
  for (const instance of instances()) {
    const node = asNode(instance);
    const reply = await kube.send('POST', '/api/v1/nodes', nodeOf(node, gpusOf(node)));
    if (reply.status !== 201) throw new Error(`the node of ${instance.id} was not made: ${reply.text}`);
  }
  const lane = await openLane({
    governor: 'none',
    ...(options.replicas !== undefined && { replicas: options.replicas }),
    env: {
      AWS_ENDPOINT_URL_EKS: cloud.url,
      AWS_ENDPOINT_URL_AUTO_SCALING: cloud.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: WORKER_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: WORKER_KEY.secretAccessKey,
      ...options.env,
    },
    policy: merged(
      {
        gpuInstanceTypes: {
          'p5-48xlarge': {
            instanceType: 'p5.48xlarge',
            gpus: 8,
            gpu: 'H100',
            memoryGb: 2048,
            vcpus: 192,
            useCase: 'tests',
          },
        },
        prices: { perNodeHour: { 'p5-48xlarge': 55 } },
        nodeGroups: Object.fromEntries(
          groups.map(({ name }) => [name, { limits: { min: 1, max: 8 }, instanceTypes: ['p5-48xlarge'] }]),
        ),
        approval: { drainGpuNode: 'never', addGpuNodes: 'never', expiresAfter: '20s' },
        addGpuNodes: { usableWithin: '20s', every: '300ms', askFor: '15s', holdMinimumFor: '2s' },
        drain: {
          protectYoungGpuJobs: '0s',
          waitForJobs: '3s',
          checkpointWithin: '3s',
          checkEvery: '300ms',
          evictionDeadline: '4s',
          goneWithin: '20s',
          cordonFor: '5s',
        },
      },
      options.policy ?? {},
    ) as Readonly<Record<string, unknown>>,
  });
  const nodeOfInstance = async (name: string) => {
    const { status, text } = await kube.send('GET', `/api/v1/nodes/${name}`);
    return status === 200 ? (JSON.parse(text) as RawNode) : undefined;
  };
  return {
    lane,
    cloud,
    nodeNames: groups.map(({ subnet }) => `ip-${subnet.replaceAll('.', '-')}`),
    group,
    spare,
    kube,
    sizes: (name = group) => cloud.core.nodeGroups.find(name).live,
    /** Ids of the group's instances that do not go. */
    instances: (name = group) =>
      instances()
        .filter((one) => one.group === name && one.lifecycle !== 'Terminating:Wait')
        .map(({ id }) => id),
    /** Names of the group's nodes, in the order of their addresses. */
    nodes: (name = group) =>
      instances()
        .filter((one) => one.group === name)
        .map(nodeNameOf)
        .toSorted(),
    instanceOf: (node: string) => instances().find((one) => nodeNameOf(one) === node)?.id ?? '',
    node: nodeOfInstance,
    isSchedulable: async (node: string) => (await nodeOfInstance(node))?.spec.unschedulable !== true,
    result: async (id: string): Promise<RunResult | null> => (await viewRun(lane.temporal, id)).result,
    async close(): Promise<void> {
      await lane.close();
      await cloud.stop();
      for (const { name } of groups) {
        const path = `/api/v1/nodes?labelSelector=${encodeURIComponent(`eks.amazonaws.com/nodegroup=${name}`)}`;
        await kube.send('DELETE', path);
      }
      kube.close();
    },
  };
}

interface RawNode {
  readonly metadata: {
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly unschedulable?: boolean };
}

/** What happens in a GPU lane with a worker, which is closed whatever came of it. */
export async function inGpuLane(options: GpuLaneOptions, act: (gpu: GpuLane) => Promise<void>): Promise<void> {
  const gpu = await openGpuLane(options);
  try {
    await gpu.lane.startWorker();
    await act(gpu);
    await everyDeedIsSound(gpu);
  } finally {
    await gpu.close();
  }
}

/** Until the run has ended; its state in Temporal. */
export function untilEnded({ lane }: Pick<GpuLane, 'lane'>, id: string, withinMs = 60_000): Promise<string> {
  return eventually(
    `${id} has ended`,
    async () => {
      const { state, status, pending } = await lane.status(id);
      if (state === 'RUNNING')
        throw new Error(JSON.stringify({ phase: status?.phase, pending, last: status?.timeline.at(-1) }));
      return state;
    },
    { withinMs, everyMs: 200 },
  );
}

/** Until the run is in this phase. */
export function untilIn(
  { lane }: { readonly lane: Lane },
  id: string,
  phase: string,
  withinMs = 30_000,
): Promise<true> {
  return eventually(
    `${id} is ${phase}`,
    async () => {
      const { status, pending, result } = await lane.status(id);
      if (status?.phase !== phase) throw new Error(JSON.stringify({ phase: status?.phase, pending, result }));
      return true as const;
    },
    { withinMs, everyMs: 100 },
  );
}
