import type { V1ContainerStatus } from '@kubernetes/client-node';
import type { Call } from '../../activities/ports.ts';
import { groupTroubles } from '../../domain/diagnosis.ts';
import type { ContainerObservation, EventObservation, PodObservation } from '../../domain/pod-diagnosis.ts';
import type { PodTrouble } from '../../domain/troubles.ts';
import type { WorkloadRef } from '../../domain/workload.ts';
import type { KubernetesClient } from './client.ts';
import { isCreatedBy, readCreators, type Creator } from './creators.ts';
import { findWorkload, type Workload } from './governors.ts';
import type { Raw, RawObject } from './kinds.ts';
import { readNodeAutoscaler } from './node-autoscaler.ts';
import { labelSelectorText } from './selectors.ts';
import { statefulFactsOf } from './stateful.ts';

type Pod = RawObject<'Pod'>;

/** Reads what each pod of the workload, and whoever creates them, has to say; the domain groups it (R40). */
export async function readTroubles(
  client: KubernetesClient,
  ref: WorkloadRef,
  call: Call,
): Promise<readonly PodTrouble[]> {
  const { namespace } = ref;
  const workload = await findWorkload(client, ref, call);
  const [creators, matching] = await Promise.all([
    readCreators(client, { ref, workload }, call),
    client.list({ kind: 'Pod', namespace }, { labelSelector: labelSelectorText(workload.spec?.selector) }, call),
  ]);
  const pods = matching.filter((pod) => isCreatedBy(pod, creators));
  const troubled = [...creators.filter(isShort), ...pods.filter((pod) => !isReady(pod))];
  const uids = new Set(troubled.map(({ metadata }) => metadata?.uid));
  // a namespace keeps an hour of events: they are asked for only when somebody is in trouble
  const events = uids.size === 0 ? [] : await client.list({ kind: 'Event', namespace }, {}, call);
  const about = events.filter(({ involvedObject }) => uids.has(involvedObject.uid));
  const observed = pods.map(asObservation);
  const isLacking = observed.some(({ unschedulableSinceMs }) => unschedulableSinceMs !== undefined);
  return groupTroubles(observed, about.map(asEvent), {
    nowMs: Date.now(),
    ...(isLacking && { nodeAutoscaler: await readNodeAutoscaler(client, call) }),
    ...(isOrdered(ref, workload) && { ordered: { wantedReplicas: workload.spec?.replicas ?? 1 } }),
  });
}

function isOrdered({ kind }: WorkloadRef, workload: Workload): boolean {
  return kind === 'StatefulSet' && statefulFactsOf(workload).ordered;
}

/** It should have more pods than exist: only then an event of a refused creation still matters. */
function isShort({ spec, status }: Creator): boolean {
  return (status?.replicas ?? 0) < (spec?.replicas ?? 1);
}

function isReady({ metadata, status }: Pod): boolean {
  return (
    metadata?.deletionTimestamp === undefined &&
    (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
  );
}

function asObservation({ metadata, status }: Pod): PodObservation {
  const unscheduled = (status?.conditions ?? []).find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  const sinceMs = Date.parse(unscheduled?.lastTransitionTime ?? '');
  return {
    name: metadata?.name ?? '',
    phase: status?.phase ?? '',
    reason: status?.reason ?? '',
    message: status?.message ?? '',
    terminating: metadata?.deletionTimestamp !== undefined,
    ...(!Number.isNaN(sinceMs) && { unschedulableSinceMs: sinceMs }),
    conditions: (status?.conditions ?? []).map(({ type, status, reason = '', message = '' }) => ({
      type,
      status,
      reason,
      message,
    })),
    initContainers: (status?.initContainerStatuses ?? []).map(asContainer),
    containers: (status?.containerStatuses ?? []).map(asContainer),
  };
}

function asContainer({
  name,
  image,
  state,
  lastState,
  ready,
  started,
  restartCount,
}: Raw<V1ContainerStatus>): ContainerObservation {
  const word = stateWord(state);
  const said: { readonly reason?: string; readonly message?: string } = state?.waiting ?? state?.terminated ?? {};
  const ended = state?.terminated ?? lastState?.terminated;
  return {
    name,
    image,
    state: word,
    reason: said.reason ?? '',
    message: said.message ?? '',
    ready,
    started: started ?? false,
    restarts: restartCount,
    ...(ended !== undefined && { lastExit: { code: ended.exitCode, reason: ended.reason ?? '' } }),
  };
}

/** Kubernetes: a container status without any state is waiting. */
function stateWord(state: Raw<V1ContainerStatus>['state']): ContainerObservation['state'] {
  if (state?.running !== undefined) return 'running';
  return state?.terminated === undefined ? 'waiting' : 'terminated';
}

/** Old events count in lastTimestamp, new ones in series or eventTime; absent ones come as null. */
function asEvent({
  involvedObject,
  reason,
  message,
  source,
  reportingComponent,
  series,
  lastTimestamp,
  eventTime,
  firstTimestamp,
}: RawObject<'Event'>): EventObservation {
  const times = [series?.lastObservedTime, lastTimestamp, eventTime, firstTimestamp]
    .map((time) => Date.parse(time ?? ''))
    .filter((time) => !Number.isNaN(time));
  return {
    object: { kind: involvedObject.kind ?? '', name: involvedObject.name ?? '' },
    reason: reason ?? '',
    message: message ?? '',
    source: reportingComponent || (source?.component ?? ''),
    atMs: Math.max(0, ...times),
  };
}
