import { gpusOf, type CordonMark, type NodeState } from '../domain/gpu-node.ts';
import type { GpuFacts } from '../domain/gpu-status.ts';
import { currentCall } from './call.ts';
import { messageOf } from './failure.ts';
import type { Ports } from './ports.ts';
import { activityInfo } from '@temporalio/activity';

const LATELY_MS = 5 * 60_000;

export function createGpuActivities({
  nodes,
  drains,
  cloud,
  metrics,
  runs,
  policy,
}: Pick<Ports, 'nodes' | 'drains' | 'cloud' | 'metrics' | 'runs' | 'policy'>) {
  /** All that a status of the GPU nodes rests on. Reads only; what AWS or Prometheus does not say is a reason, not a failure. */
  async function readGpus(): Promise<GpuFacts> {
    const call = currentCall();
    const { nodeGroups, gpuInstanceTypes, gpu } = policy.policy();
    const types = Object.values(gpuInstanceTypes);
    const isGpuNode = (state: NodeState) =>
      gpusOf(state) > 0 ||
      types.some(({ instanceType }) => state.labels['node.kubernetes.io/instance-type'] === instanceType);
    const [all, cordoned] = await Promise.all([nodes.listNodes(call), nodes.listCordoned(call)]);
    const gpuNodes = all.filter(isGpuNode);
    const marks = new Map(cordoned.map(({ node, mark }) => [node.uid, mark]));
    const [pods, groups, measured, owned] = await Promise.all([
      drains.readPods(
        gpuNodes.map(({ name }) => name),
        call,
      ),
      Promise.all(Object.entries(nodeGroups).map(([name, group]) => readGroup(name, group))),
      readUtilisation(gpu.utilisation),
      Promise.all(
        gpuNodes.map(async (state) => {
          const mark = marks.get(state.uid) ?? null;
          return {
            state,
            mark,
            ownerRuns: mark !== null && (isOfOthers(mark) || (await runs.isRunning(mark.owner, call))),
          };
        }),
      ),
    ]);
    return {
      atMs: Date.now(),
      nodes: owned,
      pods: pods.map(({ namespace, name, node, phase, ready, owner, gpus }) => {
        return { namespace, name, node, phase, ready, owner, gpus };
      }),
      groups,
      types,
      ...measured,
    };
  }

  /** Of another headroom beside the same cluster nobody here knows whether its run goes on. */
  function isOfOthers({ namespace }: CordonMark): boolean {
    return namespace !== undefined && namespace !== activityInfo().workflowNamespace;
  }

  async function readGroup(
    name: string,
    group: GpuFacts['groups'][number]['policy'],
  ): Promise<GpuFacts['groups'][number]> {
    try {
      return { name, policy: group, state: await cloud.readNodeGroup(name, currentCall()), unread: '' };
    } catch (error) {
      currentCall().signal.throwIfAborted();
      return { name, policy: group, state: null, unread: messageOf(error) };
    }
  }

  async function readUtilisation(query: string): Promise<Pick<GpuFacts, 'utilisation' | 'unread'>> {
    const endMs = Date.now();
    try {
      const series = await metrics.range(query, { startMs: endMs - LATELY_MS, endMs, stepMs: 30_000 }, currentCall());
      const known = series.flatMap(({ labels, samples }) => {
        const last = samples.at(-1);
        return labels['Hostname'] === undefined || last === undefined
          ? []
          : [[labels['Hostname'], last.value] as const];
      });
      if (known.length > 0) return { utilisation: Object.fromEntries(known), unread: '' };
      const unread =
        series.length === 0
          ? 'Prometheus has nothing of the last 5 minutes'
          : 'Prometheus answers without label Hostname, by which the nodes go';
      return { utilisation: null, unread: `${unread}: ${query} (gpu.utilisation)` };
    } catch (error) {
      currentCall().signal.throwIfAborted();
      return { utilisation: null, unread: messageOf(error) };
    }
  }

  return { readGpus };
}
