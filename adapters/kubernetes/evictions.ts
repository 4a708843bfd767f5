import { ApplicationFailure } from '@temporalio/common';
import type { Call, EvictionPort, NodeView } from '../../activities/ports.ts';
import { judgeReply, type EvictionAnswer } from '../../domain/eviction-answer.ts';
import type { Budget, NodePod, PodOwner, PodRef } from '../../domain/eviction.ts';
import { asSelector } from './capacity.ts';
import { createKubernetesClient, type KubernetesClient, type KubernetesOptions } from './client.ts';
import { readStatus } from './failures.ts';
import type { Kind, RawObject } from './kinds.ts';
import { labelSelectorText } from './selectors.ts';
import { watchList, type Watched } from './watched-list.ts';

export function createEvictionPort(options: KubernetesOptions): EvictionPort {
  const client = createKubernetesClient(options);
  return {
    evict: (pod, call) => evict(client, pod, call),
    async readPodsOn(nodeName, call) {
      return (await client.list({ kind: 'Pod' }, onNode(nodeName), call)).map(asNodePod);
    },
    isComplete: (owner, call) => isComplete(client, owner, call),
    watchNode: (nodeName, see, call) => watchNode(client, { nodeName, see }, call),
  };
}

async function evict(client: KubernetesClient, pod: PodRef, call: Call): Promise<EvictionAnswer> {
  const { namespace, name, uid } = pod;
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name },
    deleteOptions: { preconditions: { uid } },
  };
  const address = { kind: 'Pod', namespace, name, subresource: 'eviction' } as const;
  try {
    const answer = await client.create(address, eviction, call);
    const { message = '', details } = readStatus(answer.text);
    return judgeReply({
      status: answer.status,
      message: message === '' ? answer.text.slice(0, 300) : message,
      causes: (details?.causes ?? []).map(({ reason = '', message = '' }) => ({ reason, message })),
      retryAfterMs: answer.retryAfterMs ?? null,
    });
  } catch (error) {
    if (!(error instanceof ApplicationFailure) || error.nonRetryable === true) throw error;
    // whether it was carried out is not known: asking again is safe, the uid stands in it
    return { kind: 'later', why: error.message, retryAfterMs: null };
  }
}

/** Counted from the pods: a controller's own status is a moment behind an eviction. */
async function isComplete(
  client: KubernetesClient,
  { kind, namespace, name, uid }: PodOwner & { readonly namespace: string },
  call: Call,
): Promise<boolean> {
  if (kind !== 'ReplicaSet' && kind !== 'StatefulSet') return true;
  const found = await client.list({ kind, namespace }, { fieldSelector: `metadata.name=${name}` }, call);
  const owner = found.find(({ metadata }) => metadata?.uid === uid);
  if (owner === undefined) return true;
  const labelSelector = labelSelectorText(owner.spec?.selector);
  const pods = (await client.list({ kind: 'Pod', namespace }, { labelSelector }, call)).map(asNodePod);
  const ready = pods.filter((pod) => pod.owner?.uid === uid && pod.ready && !pod.deleting);
  return ready.length >= (owner.spec?.replicas ?? 1);
}

/** Three watches become one picture, shown from the moment on when all three have spoken. */
async function watchNode(
  client: KubernetesClient,
  { nodeName, see }: { readonly nodeName: string; readonly see: (view: NodeView) => void },
  { signal, caller }: Call,
): Promise<never> {
  const parts: {
    node?: Pick<NodeView, 'uid' | 'schedulable'>;
    pods?: readonly NodePod[];
    budgets?: readonly Budget[];
  } = {};
  const note = (part: typeof parts): void => {
    const { node, pods, budgets } = Object.assign(parts, part);
    if (node === undefined || pods === undefined || budgets === undefined) return;
    const namespaces = new Set(pods.map(({ namespace }) => namespace));
    see({ ...node, pods, budgets: budgets.filter(({ namespace }) => namespaces.has(namespace)) });
  };
  const ending = new AbortController();
  const call = { signal: AbortSignal.any([signal, ending.signal]), caller };
  const watch = <K extends Kind, T>(watched: Watched<K, T>) => watchList(client, watched, call);
  try {
    return await Promise.race([
      watch({
        address: { kind: 'Node' },
        selectors: { fieldSelector: `metadata.name=${nodeName}` },
        read: ({ metadata, spec }) => ({ uid: metadata?.uid ?? null, schedulable: spec?.unschedulable !== true }),
        see: ([node]) => note({ node: node ?? { uid: null, schedulable: true } }),
      }),
      watch({
        address: { kind: 'Pod' },
        selectors: onNode(nodeName),
        read: asNodePod,
        see: (pods) => note({ pods }),
      }),
      watch({
        address: { kind: 'PodDisruptionBudget' },
        selectors: {},
        read: asBudget,
        see: (budgets) => note({ budgets }),
      }),
    ]);
  } finally {
    ending.abort();
  }
}

const onNode = (nodeName: string) => ({ fieldSelector: `spec.nodeName=${nodeName}` });

function asNodePod({ metadata, status }: RawObject<'Pod'>): NodePod {
  const controller = (metadata?.ownerReferences ?? []).find((one) => one.controller === true);
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    labels: metadata?.labels ?? {},
    phase: status?.phase ?? '',
    ready: (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
    owner: controller === undefined ? null : { kind: controller.kind, name: controller.name, uid: controller.uid },
    mirror: metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined,
    deleting: metadata?.deletionTimestamp !== undefined,
    finalizers: metadata?.finalizers ?? [],
  };
}

function asBudget({ metadata, spec, status }: RawObject<'PodDisruptionBudget'>): Budget {
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    version: metadata?.resourceVersion ?? '',
    selector: asSelector(spec?.selector).selector ?? null,
    disruptionsAllowed: status?.disruptionsAllowed ?? 0,
    currentHealthy: status?.currentHealthy ?? 0,
    desiredHealthy: status?.desiredHealthy ?? 0,
    disruptedPods: Object.keys(status?.disruptedPods ?? {}),
    allowsUnready: spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow',
    isObserved: (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0),
  };
}
