import { describeGovernor, findGovernor, type WorkloadState } from './workload.ts';

/** In the order of R40: the earliest source explains the most, so reasons are given in this order. */
export const TROUBLE_KINDS = [
  'notCreated',
  'unschedulable',
  'nodesRefused',
  'nodesComing',
  'gated',
  'image',
  'config',
  'crash',
  'failed',
  'starting',
  'notReady',
  'terminating',
] as const;
export type TroubleKind = (typeof TROUBLE_KINDS)[number];

/** Pods that are missing or not available for one and the same reason. */
export interface PodTrouble {
  readonly kind: TroubleKind;
  /** Kubernetes' own word: 'FailedCreate', 'Unschedulable', 'ImagePullBackOff'. */
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  /** Names of up to five of the pods. */
  readonly examples: readonly string[];
}

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
  /** The last time it was seen: series.lastObservedTime, lastTimestamp, eventTime, whichever is newest. */
  readonly atMs: number;
}

export type Availability =
  | { readonly kind: 'available' }
  | {
      readonly kind: 'waiting';
      readonly available: number;
      readonly wanted: number;
      readonly reasons: readonly string[];
    };

export type Rollout =
  | { readonly kind: 'settled' }
  | { readonly kind: 'inProgress'; readonly reason: string }
  | { readonly kind: 'paused'; readonly reason: string };

const EXAMPLES = 5;
/** Progressing reasons of a Deployment that has not completed its newest template yet; a pure scaling keeps NewReplicaSetAvailable. */
const ROLLING = ['NewReplicaSetCreated', 'FoundNewReplicaSet', 'ReplicaSetUpdated'];
const DEADLINE_EXCEEDED = 'ProgressDeadlineExceeded';

/**
 * Whether the workload has so many available pods (R39: ready for minReadySeconds, not merely Running), and if not, why not.
 * The troubles may be empty when only the yes or no is of interest.
 */
export function judgeAvailability({
  state,
  target,
  troubles,
}: {
  readonly state: WorkloadState;
  readonly target: number;
  readonly troubles: readonly PodTrouble[];
}): Availability {
  const isSeen = state.observedGeneration >= state.generation;
  if (isSeen && state.wantedReplicas >= target && state.availableReplicas >= target) return { kind: 'available' };
  return {
    kind: 'waiting',
    available: state.availableReplicas,
    wanted: target,
    reasons: [
      ...(isSeen ? [] : [`the ${state.ref.kind} controller has not seen the newest change yet`]),
      ...(state.wantedReplicas < target ? [describeLowCount(state, target)] : []),
      ...rolloutReasons(state),
      ...troubleReasons(state, troubles),
    ],
  };
}

/**
 * Why so many replicas are not held although they may be there: an autoscaler's floor under the target lets them go again
 * at its next sync (R18). Undefined when they are held.
 */
export function findLowFloor(state: Pick<WorkloadState, 'autoscalers' | 'self'>, target: number): string | undefined {
  const governance = findGovernor(state);
  if (governance.kind === 'conflict') {
    return `nothing is held: ${governance.governors.map(describeGovernor).join(' and ')} stop each other; remove one`;
  }
  const { floor = 0 } = governance.governor.fields;
  if (typeof floor === 'number' && floor >= target) return undefined;
  return `the floor of ${describeGovernor(governance.governor)} is ${String(floor)} and not yet ${target}`;
}

function describeLowCount(state: WorkloadState, target: number): string {
  const count = `spec.replicas is ${state.wantedReplicas} of ${target}`;
  const governance = findGovernor(state);
  if (governance.kind === 'conflict') {
    return `${count}: ${governance.governors.map(describeGovernor).join(' and ')} stop each other; remove one`;
  }
  const { governor } = governance;
  if (governor.kind === 'workload') return `${count}: no autoscaler governs it, and nobody has set the count yet`;
  return `${count}: ${describeGovernor(governor)} governs it and has not raised the count yet`;
}

function rolloutReasons(state: WorkloadState): readonly string[] {
  const rollout = judgeRollout(state);
  return rollout.kind === 'settled' ? [] : [rollout.reason];
}

function troubleReasons(state: WorkloadState, troubles: readonly PodTrouble[]): readonly string[] {
  const refused = state.conditions.filter(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  // the condition and the events tell of the same refusal; the events also say how often, so they win
  const untold = refused.map(({ message }) => plainRefusal(message)).filter((message) => !isTold(message, troubles));
  const ordered = troubles.toSorted((a, b) => TROUBLE_KINDS.indexOf(a.kind) - TROUBLE_KINDS.indexOf(b.kind));
  const told = [...untold.map((message) => `pods are refused: ${message}`), ...ordered.map(describeTrouble)];
  const settling = state.readyReplicas - state.availableReplicas;
  const leaving = troubles.some(({ kind }) => kind === 'terminating') ? 0 : state.terminatingReplicas;
  const missing = told.length === 0 ? state.wantedReplicas - state.replicas : 0;
  const unready = told.length === 0 ? Math.min(state.wantedReplicas, state.replicas) - state.readyReplicas : 0;
  return [
    ...told,
    ...(missing > 0 ? [`${countPods(missing)} not created yet`] : []),
    ...(unready > 0 ? [`${countPods(unready)} not ready yet`] : []),
    ...(settling > 0 ? [`${countPods(settling)} ready, but not for minReadySeconds yet`] : []),
    ...(leaving > 0 ? [`${countPods(leaving)} ${WORDS.terminating}`] : []),
  ];
}

/** Quota messages differ in what was used at the time; the quota's name and what was asked are the same. */
function isTold(message: string, troubles: readonly PodTrouble[]): boolean {
  return troubles.some((trouble) => trouble.kind === 'notCreated' && subjectOf(trouble.message) === subjectOf(message));
}

const WORDS: { readonly [kind in TroubleKind]: string } = {
  notCreated: 'refused on creation',
  unschedulable: 'without a node',
  nodesRefused: 'for which the node autoscaler adds no node',
  nodesComing: 'for which nodes are being added',
  gated: 'held by scheduling gates',
  image: 'without their image',
  config: 'that cannot start',
  crash: 'that crash',
  failed: 'that failed',
  starting: 'still starting',
  notReady: 'running, not ready',
  terminating: 'still terminating, holding room and quota',
};

/** '3 pods without a node: Unschedulable: 0/5 nodes are available: 5 Insufficient cpu (web-1, web-2, web-3)' */
function describeTrouble({ kind, reason, message, count, examples }: PodTrouble): string {
  const detail = [reason, message].filter((text) => text !== '').join(': ');
  const more = count > examples.length ? ', …' : '';
  const names = examples.length === 0 ? '' : ` (${examples.join(', ')}${more})`;
  const who = kind === 'notCreated' ? `pods ${WORDS[kind]}` : `${countPods(count)} ${WORDS[kind]}`;
  return `${who}${detail === '' ? '' : `: ${detail}`}${names}`;
}

function countPods(count: number): string {
  return count === 1 ? '1 pod' : `${count} pods`;
}

/** Whether the newest template runs with the full count and nothing else is left of the old one (R36, R38). */
export function isSettled(state: WorkloadState): boolean {
  return (
    state.observedGeneration >= state.generation &&
    progressOf(state) !== DEADLINE_EXCEEDED &&
    state.updatedReplicas >= state.wantedReplicas &&
    state.replicas === state.wantedReplicas &&
    state.replicas <= state.updatedReplicas &&
    state.availableReplicas >= state.updatedReplicas
  );
}

/** Whether a change of the template is under way. More or fewer pods of one template are no rollout (R37). */
export function judgeRollout(state: WorkloadState): Rollout {
  const progress = progressOf(state) ?? '';
  const counts = `${state.updatedReplicas} of ${state.wantedReplicas} pods are of the newest template`;
  if (state.paused) return { kind: 'paused', reason: `rollouts are paused (spec.paused): ${counts}` };
  if (progress === DEADLINE_EXCEEDED) {
    return { kind: 'inProgress', reason: `a rollout is past its progress deadline: ${counts}` };
  }
  const isRolling = state.updatedReplicas < state.replicas || ROLLING.includes(progress);
  return isRolling ? { kind: 'inProgress', reason: `a rollout is under way: ${counts}` } : { kind: 'settled' };
}

function progressOf({ conditions }: WorkloadState): string | undefined {
  return conditions.find(({ type }) => type === 'Progressing')?.reason;
}

/** What one pod, or one refused creation, suffers from. Equal `subject`s of a kind are one trouble. */
interface Finding {
  readonly kind: TroubleKind;
  readonly reason: string;
  readonly message: string;
  readonly subject: string;
  readonly pod?: string;
}

/**
 * Groups what keeps pods from being available, with counts and a few names (R40). A pod counts once, for the first thing
 * that stops it; what the node autoscaler says of an unschedulable pod (R41) stands beside it.
 */
export function groupTroubles(
  pods: readonly PodObservation[],
  events: readonly EventObservation[],
): readonly PodTrouble[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of [...refusedCreations(events), ...pods.flatMap((pod) => judgePod(pod, events))]) {
    const key = JSON.stringify([finding.kind, finding.subject]);
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()]
    .flatMap((findings) => {
      // of one subject the longest message says the most: 'Back-off pulling image' hides what the registry said
      const [told] = findings.toSorted((a, b) => b.message.length - a.message.length);
      const names = findings.flatMap(({ pod }) => pod ?? []).toSorted();
      return told === undefined
        ? []
        : [
            {
              kind: told.kind,
              reason: told.reason,
              message: told.message,
              count: findings.length,
              examples: names.slice(0, EXAMPLES),
            },
          ];
    })
    .toSorted((a, b) => TROUBLE_KINDS.indexOf(a.kind) - TROUBLE_KINDS.indexOf(b.kind) || b.count - a.count);
}

/** Refusals by quota, LimitRange, webhook or pod security: no pod exists that could say so itself. */
function refusedCreations(events: readonly EventObservation[]): readonly Finding[] {
  return events
    .filter(({ reason }) => reason === 'FailedCreate')
    .filter((event) => !events.some((later) => supersedes(later, event)))
    .map(({ reason, message }) => {
      const plain = plainRefusal(message);
      return { kind: 'notCreated', reason, message: plain, subject: subjectOf(plain) };
    });
}

/** Events outlive their cause by an hour; a creation that succeeded since tells that it is gone. */
function supersedes(later: EventObservation, failed: EventObservation): boolean {
  return (
    later.reason === 'SuccessfulCreate' &&
    later.atMs > failed.atMs &&
    later.object.kind === failed.object.kind &&
    later.object.name === failed.object.name
  );
}

/** 'Error creating: pods "web-1" is forbidden: exceeded quota: q, …' → 'exceeded quota: q, …': equal for all pods. */
function plainRefusal(message: string): string {
  return message
    .replace(/^Error creating: /, '')
    .replace(/^create Pod \S+ in StatefulSet \S+ failed error: /, '')
    .replace(/^pods? "[^"]*" is forbidden: /, '');
}

function subjectOf(refusal: string): string {
  return refusal.replace(/, used: .*$/s, '');
}

function judgePod(pod: PodObservation, events: readonly EventObservation[]): readonly Finding[] {
  const own = events
    .filter(({ object }) => object.kind === 'Pod' && object.name === pod.name)
    .toSorted((a, b) => b.atMs - a.atMs);
  if (pod.terminating) return [{ kind: 'terminating', reason: '', message: '', subject: '', pod: pod.name }];
  if (pod.phase === 'Succeeded') return [];
  if (pod.phase === 'Failed') {
    return [{ kind: 'failed', reason: pod.reason, message: pod.message, subject: pod.reason, pod: pod.name }];
  }
  const finding = unscheduled(pod) ?? firstOf(containersOf(pod), stuckContainer) ?? unready(pod, own);
  if (finding === undefined) return [];
  const told = finding.kind === 'starting' ? withEvent(finding, own, STARTING_EVENTS) : finding;
  const nodes = finding.kind === 'unschedulable' ? autoscalerSays(own) : [];
  return [told, ...nodes].map((found) => ({ ...found, pod: pod.name }));
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

function firstOf<Item, Found>(items: readonly Item[], find: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unscheduled({ conditions }: PodObservation): Finding | undefined {
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const { reason, message } = scheduled;
  return { kind: reason === 'SchedulingGated' ? 'gated' : 'unschedulable', reason, message, subject: message };
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

function stuckContainer({ container, title, isInit }: Titled): Finding | undefined {
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

const STARTING_EVENTS = ['FailedMount', 'FailedAttachVolume', 'FailedCreatePodSandBox'];

/** No container is stuck, yet the pod is not ready: it is on its way, or a probe or a readiness gate does not pass. */
function unready(pod: PodObservation, own: readonly EventObservation[]): Finding | undefined {
  const ready = pod.conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return undefined;
  if (pod.containers.length === 0) return starting('nothing is reported of it yet');
  const waiting = pod.containers.find(({ state }) => state === 'waiting');
  if (waiting !== undefined) {
    const initial = pod.initContainers.find((container) => container.state === 'running' && !container.ready);
    return starting(initial ? `init container ${initial.name} runs` : `container ${waiting.name} is being created`);
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
  return withEvent({ kind: 'notReady', reason: '', message: subject + exits, subject }, own, ['Unhealthy']);
}

function describeExit(exit: ContainerObservation['lastExit']): string {
  if (exit === undefined) return '';
  return ` with ${exit.code}${exit.reason === '' ? '' : ` (${exit.reason})`}`;
}

function starting(message: string): Finding {
  return { kind: 'starting', reason: '', message, subject: message };
}

/** The newest event of those reasons says why; it names the pod or its address, so the subject stays without it. */
function withEvent(finding: Finding, own: readonly EventObservation[], reasons: readonly string[]): Finding {
  const event = own.find(({ reason }) => reasons.includes(reason));
  if (event === undefined) return finding;
  return {
    ...finding,
    reason: event.reason,
    message: `${finding.message}: ${event.message}`,
    subject: `${finding.subject} ${event.reason}`,
  };
}

/** Cluster Autoscaler's and Karpenter's words for nodes on their way, or not (R41). */
const NODES_COMING = ['TriggeredScaleUp', 'Nominated'];
const NODES_REFUSED = ['NotTriggerScaleUp', 'NoCompatibleInstanceTypes', 'InsufficientCapacityError'];

/** Only the autoscaler's last word counts. */
function autoscalerSays(own: readonly EventObservation[]): readonly Finding[] {
  const last = own.find(({ reason }) => NODES_COMING.includes(reason) || NODES_REFUSED.includes(reason));
  if (last === undefined) return [];
  const kind = NODES_COMING.includes(last.reason) ? 'nodesComing' : 'nodesRefused';
  return [{ kind, reason: last.reason, message: last.message, subject: last.reason }];
}
