import type { Call, DrainFactsPort } from '../../activities/ports.ts';
import { findClusterCapacity } from '../../domain/cluster-capacity.ts';
import type { JobNow } from '../../domain/drain-checkpoint.ts';
import { placeReplacements, type Replacement } from '../../domain/drain-placement.ts';
import type { DrainJob, JobPod, JobRef } from '../../domain/drain-pod.ts';
import type { DrainSurvey } from '../../domain/drain-survey.ts';
import type { NodeState } from '../../domain/gpu-node.ts';
import { asNode, asPlaced } from './capacity.ts';
import { setCheckpoints } from './checkpoint-marks.ts';
import { createKubernetesClient, type KubernetesClient, type KubernetesOptions } from './client.ts';
import { readOwners, type Owners } from './drain-owners.ts';
import { asBudgetFacts, asDrainPod, checkpointOf, factsOf, gpusIn, isOver, optOutOf, startOf } from './drain-pods.ts';
import type { RawObject } from './kinds.ts';
import { asNodeState } from './nodes.ts';
import { pendingPods, rankOf } from './pending-pods.ts';

type Pod = RawObject<'Pod'>;
type Node = RawObject<'Node'>;

export function createDrainFactsPort(options: KubernetesOptions): DrainFactsPort {
  const client = createKubernetesClient(options);
  return {
    readDrain: (nodes, call) => readDrain(client, nodes, call),
    readPods: (nodes, call) => readPods(client, nodes, call),
    readJobs: (jobs, call) => readJobs(client, jobs, call),
    setCheckpoints: (pods, change, call) => setCheckpoints(client, { pods, ...change }, call),
  };
}

/**
 * Nodes, pods and budgets of the whole cluster in a list each, and who made the pods in the namespaces that matter: where a
 * job's other pods are, and whether there is room elsewhere, is known only from all of them.
 */
async function readDrain(
  client: KubernetesClient,
  names: readonly string[],
  call: Call,
): ReturnType<DrainFactsPort['readDrain']> {
  const [nodes, pods, budgets] = await Promise.all([
    client.list({ kind: 'Node' }, {}, call),
    client.list({ kind: 'Pod' }, {}, call),
    client.list({ kind: 'PodDisruptionBudget' }, {}, call),
  ]);
  const here = pods.filter(({ spec }) => names.includes(spec?.nodeName ?? ''));
  const namespaces = new Set(here.map(({ metadata }) => metadata?.namespace));
  const near = pods.filter(({ metadata }) => namespaces.has(metadata?.namespace));
  const owners = await readOwners(client, near, call);
  const judged = here.map((pod) => ({ raw: pod, pod: asDrainPod(pod, { owners, budgets }) }));
  const replacements = judged.flatMap(({ raw, pod }): readonly Replacement[] => {
    const { uid, owner, mirror, deletingSinceMs, job } = pod;
    const isMade = owner !== null && owner.gone !== true && owner.kind !== 'DaemonSet';
    if (!isMade || mirror || deletingSinceMs !== null || isOver(raw)) return [];
    return [{ uid, owner: owner.uid, facts: factsOf(raw), ...rankOf(raw), waits: job !== null }];
  });
  const places = placeReplacements({
    nodes: findClusterCapacity({ nodes: nodes.map(asNode), pods: pods.map((pod) => asPlaced(pod, false)) }).nodes,
    drained: names,
    standing: standingOf(pods, owners),
    pending: pendingPods(pods, owners, Date.now()),
    replacements,
  });
  const covering = new Set(judged.flatMap(({ pod }) => pod.budgets.map((name) => `${pod.namespace}/${name}`)));
  const jobs = new Set(judged.flatMap(({ raw, pod }) => (pod.job === null || isOver(raw) ? [] : [pod.job])));
  return {
    nodes: names.map((name) => {
      const node = nodes.find(({ metadata }) => metadata?.name === name);
      return { name, state: node === undefined ? null : withOwnMarks(asNodeState(node)) };
    }),
    pods: judged.map(({ pod }) => ({ ...pod, place: places.get(pod.uid) ?? null })),
    budgets: budgets.map(asBudgetFacts).filter(({ namespace, name }) => covering.has(`${namespace}/${name}`)),
    jobs: jobsIn(near, owners, nodes).filter(({ uid }) => jobs.has(uid)),
  } satisfies Pick<DrainSurvey, 'nodes' | 'pods' | 'budgets' | 'jobs'>;
}

async function readPods(
  client: KubernetesClient,
  names: readonly string[],
  call: Call,
): ReturnType<DrainFactsPort['readPods']> {
  const pods = await client.list({ kind: 'Pod' }, {}, call);
  const here = pods.filter(({ spec }) => names.includes(spec?.nodeName ?? ''));
  const owners = await readOwners(client, here, call);
  return here.map((pod) => asDrainPod(pod, { owners, budgets: [] }));
}

/** Of a node's annotations, which may be long, only ours: the rest says nothing here and would fill the history. */
function withOwnMarks(state: NodeState): NodeState {
  const ours = Object.entries(state.annotations).filter(([key]) => key.startsWith('headroom.dev/'));
  return { ...state, annotations: Object.fromEntries(ours) };
}

function standingOf(pods: readonly Pod[], owners: Owners): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const live = pods.filter((pod) => !isOver(pod));
  const byOwner = Map.groupBy(live, (pod) => owners.ownerOf(pod)?.uid ?? '');
  return new Map(
    [...byOwner].map(([owner, own]) => {
      const byNode = Map.groupBy(own, ({ spec }) => spec?.nodeName ?? '');
      return [owner, new Map([...byNode].map(([node, on]) => [node, on.length]))];
    }),
  );
}

function jobsIn(pods: readonly Pod[], owners: Owners, nodes: readonly Node[]): readonly DrainJob[] {
  const types = new Map(
    nodes.map(({ metadata }) => [metadata?.name ?? '', metadata?.labels?.['node.kubernetes.io/instance-type'] ?? null]),
  );
  return groupByJob(pods, owners).map(({ ref, live }) => {
    const starts = owners.startsOf(ref.uid);
    const on = new Set(live.map(({ spec }) => spec?.nodeName ?? '').filter((name) => name !== ''));
    return {
      ...ref,
      startedAtMs: Math.min(...(starts.length > 0 ? starts : live.map(startOf))),
      gpus: live.map(factsOf).reduce((sum, facts) => sum + gpusIn(facts), 0),
      pods: live.map(asJobPod),
      nodes: [...on].toSorted().map((name) => ({ name, instanceType: types.get(name) ?? null })),
      optOut: live.map(optOutOf).find((written) => written !== null) ?? null,
    };
  });
}

/** Of these jobs as they are now, each with its pods that are not over; one that is gone has none. */
async function readJobs(client: KubernetesClient, jobs: readonly JobRef[], call: Call): Promise<readonly JobNow[]> {
  const namespaces = [...new Set(jobs.map(({ namespace }) => namespace))];
  const lists = await Promise.all(
    namespaces.map(async (namespace) => client.list({ kind: 'Pod', namespace }, {}, call)),
  );
  const pods = lists.flat();
  const found = groupByJob(pods, await readOwners(client, pods, call));
  return jobs.map((job) => {
    const own = found.find(({ ref }) => ref.uid === job.uid);
    return { ...job, pods: (own?.live ?? []).map(asJobPod) };
  });
}

function groupByJob(
  pods: readonly Pod[],
  owners: Owners,
): readonly { readonly ref: JobRef; readonly live: readonly Pod[] }[] {
  const live = pods.filter((pod) => !isOver(pod));
  const byJob = Map.groupBy(live, (pod) => owners.jobOf(pod)?.uid ?? '');
  return [...byJob].flatMap(([uid, own]) => {
    const [first] = own;
    const job = first === undefined ? null : owners.jobOf(first);
    if (first === undefined || job === null) return [];
    const { kind, name } = job;
    return [{ ref: { kind, namespace: first.metadata?.namespace ?? '', name, uid }, live: own }];
  });
}

function asJobPod(pod: Pod): JobPod {
  const { metadata, spec } = pod;
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    node: spec?.nodeName ?? '',
    checkpoint: checkpointOf(pod),
  };
}
