import { judgeNodes, type NodeFacts } from './node-autoscaler.ts';
import type { TroubleKind } from './troubles.ts';

/** One container as its status has it. */
export interface ContainerObservation {
  readonly name: string;
  readonly image: string;
  readonly state: 'waiting' | 'running' | 'terminated';
  /** Of the state: 'CrashLoopBackOff', 'Completed'; empty when there is none. */
  readonly reason: string;
  readonly message: string;
  readonly ready: boolean;
  /** status.started: its startup probe has passed. */
  readonly started: boolean;
  readonly restarts: number;
  /** state.terminated or else lastState.terminated. */
  readonly lastExit?: { readonly code: number; readonly reason: string };
}

/** One pod of the workload, as read. */
export interface PodObservation {
  readonly name: string;
  /** status.phase, status.reason ('Evicted', 'OutOfcpu'), status.message; empty when absent. */
  readonly phase: string;
  readonly reason: string;
  readonly message: string;
  /** metadata.deletionTimestamp is set. */
  readonly terminating: boolean;
  /** When the scheduler first found no node for it. */
  readonly unschedulableSinceMs?: number;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly initContainers: readonly ContainerObservation[];
  readonly containers: readonly ContainerObservation[];
}

/** One event about a pod of the workload, its ReplicaSet, or itself (found by involvedObject.uid, R40). */
export interface EventObservation {
  readonly object: { readonly kind: string; readonly name: string };
  readonly reason: string;
  readonly message: string;
  /** Who says so: 'default-scheduler', 'karpenter'. */
  readonly source?: string;
  /** The last time it was seen: series.lastObservedTime, lastTimestamp, eventTime, whichever is newest. */
  readonly atMs: number;
}

/** What one pod, or one refused creation, suffers from. Equal `subject`s of a kind are one trouble. */
export interface Finding {
  readonly kind: TroubleKind;
  readonly reason: string;
  readonly message: string;
  readonly subject: string;
}

const IMAGE_REASONS = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
];
/** What every container says on its way up. */
const STARTING_REASONS = ['', 'ContainerCreating', 'PodInitializing'];
const STARTING_EVENTS = ['FailedMount', 'FailedAttachVolume', 'FailedCreatePodSandBox'];

/**
 * The first thing that stops the pod, in the order of its way up (R40); what the node autoscaler says of an
 * unschedulable pod (R41) stands beside it. Nothing when the pod is ready or has ended well.
 */
export function diagnosePod(
  pod: PodObservation,
  events: readonly EventObservation[],
  facts: NodeFacts,
): readonly Finding[] {
  if (pod.terminating) return [{ kind: 'terminating', reason: '', message: '', subject: '' }];
  if (pod.phase === 'Succeeded') return [];
  if (pod.phase === 'Failed') {
    return [{ kind: 'failed', reason: pod.reason, message: pod.message, subject: pod.reason }];
  }
  const newestFirst = events
    .filter(({ object }) => object.kind === 'Pod' && object.name === pod.name)
    .toSorted((a, b) => b.atMs - a.atMs);
  const unscheduled = findUnscheduled(pod);
  if (unscheduled?.kind === 'unschedulable')
    return [unscheduled, ...judgeNodes({ newestFirst, sinceMs: pod.unschedulableSinceMs, facts })];
  const found = unscheduled ?? findStuck(pod) ?? findUnready(pod, newestFirst);
  return found === undefined ? [] : [found];
}

function findUnscheduled({ conditions }: PodObservation): Finding | undefined {
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const { reason, message } = scheduled;
  return { kind: reason === 'SchedulingGated' ? 'gated' : 'unschedulable', reason, message, subject: message };
}

interface Titled {
  readonly container: ContainerObservation;
  readonly title: string;
  readonly isInit: boolean;
}

function containersOf({ initContainers, containers }: PodObservation): readonly Titled[] {
  return [
    ...initContainers.map((container) => ({ container, title: `init container ${container.name}`, isInit: true })),
    ...containers.map((container) => ({ container, title: `container ${container.name}`, isInit: false })),
  ];
}

function findStuck(pod: PodObservation): Finding | undefined {
  return containersOf(pod)
    .map(judgeContainer)
    .find((finding) => finding !== undefined);
}

function judgeContainer({ container, title, isInit }: Titled): Finding | undefined {
  const { state, reason, message, image, restarts, lastExit } = container;
  const exit = describeExit(lastExit);
  const crash: Finding = {
    kind: 'crash',
    reason,
    message: `${title} exits${exit}, restarts: ${restarts}`,
    subject: title + exit,
  };
  // an init container that ended well is done; any other end comes again
  if (state === 'terminated') return isInit && (lastExit?.code ?? 0) === 0 ? undefined : crash;
  if (state === 'running' || STARTING_REASONS.includes(reason)) return undefined;
  if (reason === 'CrashLoopBackOff') return crash;
  if (IMAGE_REASONS.includes(reason)) {
    // one pull goes back and forth between its two reasons
    const calm = reason === 'ErrImagePull' ? 'ImagePullBackOff' : reason;
    return { kind: 'image', reason: calm, message: `${title}: ${message || image}`, subject: `${title} ${image}` };
  }
  return { kind: 'config', reason, message: `${title}: ${message}`, subject: `${title} ${reason}` };
}

/** No container is stuck, yet the pod is not ready: it is on its way, or a probe or a readiness gate does not pass. */
function findUnready(pod: PodObservation, newestFirst: readonly EventObservation[]): Finding | undefined {
  const ready = pod.conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return undefined;
  const step = describeStart(pod);
  if (step !== undefined) {
    const starting: Finding = { kind: 'starting', reason: '', message: step, subject: step };
    return withEvent(starting, newestFirst, STARTING_EVENTS);
  }
  const late = containersOf(pod).find(({ container }) => container.state === 'running' && !container.ready);
  if (late === undefined) {
    const { reason = '', message = '' } = ready ?? {};
    return { kind: 'notReady', reason, message, subject: `${reason} ${message}` };
  }
  const { container, title } = late;
  const subject = `${title} has not passed its ${container.started ? 'readiness' : 'startup'} probe`;
  const exits =
    container.restarts === 0 ? '' : `, restarts: ${container.restarts}, last exit${describeExit(container.lastExit)}`;
  return withEvent({ kind: 'notReady', reason: '', message: subject + exits, subject }, newestFirst, ['Unhealthy']);
}

/** What the pod is doing on its way up; undefined once all of its containers were started. */
function describeStart({ initContainers, containers }: PodObservation): string | undefined {
  if (containers.length === 0) return 'nothing is reported of it yet';
  const waiting = containers.find(({ state }) => state === 'waiting');
  if (waiting === undefined) return undefined;
  const initial = initContainers.find(({ state, ready }) => state === 'running' && !ready);
  return initial ? `init container ${initial.name} runs` : `container ${waiting.name} is being created`;
}

function describeExit(exit: ContainerObservation['lastExit']): string {
  if (exit === undefined) return '';
  return ` with ${exit.code}${exit.reason === '' ? '' : ` (${exit.reason})`}`;
}

/** The newest event of those reasons says why; it names the pod or its address, so the subject stays without it. */
function withEvent(finding: Finding, newestFirst: readonly EventObservation[], reasons: readonly string[]): Finding {
  const event = newestFirst.find(({ reason }) => reasons.includes(reason));
  if (event === undefined) return finding;
  return {
    ...finding,
    reason: event.reason,
    message: `${finding.message}: ${event.message}`,
    subject: `${finding.subject} ${event.reason}`,
  };
}
