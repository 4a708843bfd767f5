import type { EventObservation, Finding } from './pod-diagnosis.ts';

/** What Cluster Autoscaler says of itself in kube-system/cluster-autoscaler-status; Karpenter speaks by events only. */
export type NodeAutoscaler =
  /** Not looked at, or it may not be read. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'present';
      /** When it last wrote so; absent where that cannot be read. */
      readonly atMs?: number;
      readonly groups: readonly NodeGroupActivity[];
    };

export interface NodeGroupActivity {
  readonly name: string;
  readonly size?: number;
  readonly maximum?: number;
  /** Why it adds nothing for a while after a launch failed: 'InsufficientInstanceCapacity: …', or just 'Backoff'. */
  readonly backoff?: string;
}

export interface NodeFacts {
  /** Absent: what takes time is not judged. */
  readonly nowMs?: number;
  readonly nodeAutoscaler?: NodeAutoscaler;
}

/** Cluster Autoscaler's and Karpenter's words on a pod: a node is on its way, or none will come (R41). */
const COMING = ['TriggeredScaleUp', 'Nominated'];
const REFUSED = ['NotTriggerScaleUp', 'NoCompatibleInstanceTypes', 'InsufficientCapacityError'];
/** Cluster Autoscaler gives a node up that is not there by then (max-node-provision-time). */
const GIVEN_UP_AFTER_MS = 15 * 60_000;
/** Cluster Autoscaler looks every 10 s and Karpenter sooner: who has said nothing by then has nothing to say. */
const ANSWERS_WITHIN_MS = 60_000;
/** Cluster Autoscaler writes its status at each look. */
const REPORTS_WITHIN_MS = 5 * 60_000;
/** Enough to look at, in a line that can still be read. */
const GROUPS = 5;

/** What becomes of a pod without a node. Nothing while nobody can know. */
export function judgeNodes({
  newestFirst,
  sinceMs,
  facts,
}: {
  /** The pod's events. */
  readonly newestFirst: readonly EventObservation[];
  /** When the scheduler first found no node for it. */
  readonly sinceMs: number | undefined;
  readonly facts: NodeFacts;
}): readonly Finding[] {
  // only an autoscaler's last word counts
  const last = newestFirst.find(isWord);
  if (last !== undefined) return [judgeWord(last, facts)];
  const { nowMs, nodeAutoscaler = { kind: 'unknown' } } = facts;
  if (nowMs === undefined || sinceMs === undefined || nowMs - sinceMs < ANSWERS_WITHIN_MS) return [];
  return judgeSilence({ sinceMs, nowMs, nodeAutoscaler });
}

/** The scheduler's own FailedScheduling says nothing of nodes that may come; Karpenter's does. */
function isWord({ reason, source }: EventObservation): boolean {
  if (reason === 'FailedScheduling') return isKarpenter(source);
  return COMING.includes(reason) || REFUSED.includes(reason);
}

/** EKS Auto Mode is Karpenter under another name. */
function isKarpenter(source: string | undefined): boolean {
  return source !== undefined && /^(karpenter|eks-auto-mode)/.test(source);
}

function judgeWord({ reason, message, atMs }: EventObservation, { nowMs, nodeAutoscaler }: NodeFacts): Finding {
  if (!COMING.includes(reason)) return refused(reason, `${message}${describeGroups(nodeAutoscaler)}`);
  const untilMs = atMs + GIVEN_UP_AFTER_MS;
  if (nowMs !== undefined && nowMs > untilMs)
    return refused(reason, `${message}, but none came within 15m of ${iso(atMs)}${describeGroups(nodeAutoscaler)}`);
  return {
    kind: 'nodesComing',
    reason,
    message: `${message}; keep waiting, until ${iso(untilMs)} at most`,
    subject: reason,
  };
}

function judgeSilence({
  sinceMs,
  nowMs,
  nodeAutoscaler,
}: {
  readonly sinceMs: number;
  readonly nowMs: number;
  readonly nodeAutoscaler: NodeAutoscaler;
}): readonly Finding[] {
  const silent = `since ${iso(sinceMs)} neither Cluster Autoscaler nor Karpenter has said a word of it`;
  if (nodeAutoscaler.kind === 'absent')
    return [
      refused(
        'NoNodeAutoscaler',
        `${silent}, and kube-system/cluster-autoscaler-status does not exist; add nodes, or make room`,
      ),
    ];
  if (nodeAutoscaler.kind === 'unknown')
    return [
      refused(
        'NoNodeAutoscaler',
        `${silent} (kube-system/cluster-autoscaler-status was not read); add nodes, or make room`,
      ),
    ];
  const { atMs } = nodeAutoscaler;
  if (atMs !== undefined && nowMs - atMs > REPORTS_WITHIN_MS)
    return [refused('NoNodeAutoscaler', `Cluster Autoscaler has not reported since ${iso(atMs)}; see that it runs`)];
  const groups = describeGroups(nodeAutoscaler);
  return groups === '' ? [] : [refused('NoNodeYet', `${silent}${groups}`)];
}

function refused(reason: string, message: string): Finding {
  return { kind: 'nodesRefused', reason, message, subject: reason };
}

/** '; gpu-asg backs off (InsufficientInstanceCapacity), web-asg is at its maximum of 10' */
function describeGroups(autoscaler: NodeAutoscaler | undefined): string {
  if (autoscaler?.kind !== 'present') return '';
  const told = autoscaler.groups.flatMap(({ name, size, maximum, backoff }) => {
    if (backoff !== undefined) return [`${name} backs off (${backoff})`];
    return size !== undefined && maximum !== undefined && size >= maximum
      ? [`${name} is at its maximum of ${maximum}`]
      : [];
  });
  if (told.length === 0) return '';
  return `; ${told.slice(0, GROUPS).join(', ')}${told.length > GROUPS ? ` and ${told.length - GROUPS} more` : ''}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
