import { counted } from './counted.ts';
import { selects, type Labels, type LabelSelector } from './label-selector.ts';

export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Who makes a pod, and makes another when it goes. */
export interface PodOwner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** A pod of the node that is drained, as far as evicting it goes. */
export interface NodePod extends PodRef {
  readonly labels: Labels;
  readonly phase: string;
  readonly ready: boolean;
  /** Its controller. */
  readonly owner: PodOwner | null;
  /** The kubelet's own, which no eviction ends. */
  readonly mirror: boolean;
  /** Told to go. */
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
}

/** A PodDisruptionBudget as its controller last counted it. */
export interface Budget {
  readonly namespace: string;
  readonly name: string;
  /** Changes with every change of it. */
  readonly version: string;
  /** Null selects nothing, an empty one everything. */
  readonly selector: LabelSelector | null;
  readonly disruptionsAllowed: number;
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  /** Evicted, and already taken off `disruptionsAllowed`. */
  readonly disruptedPods: readonly string[];
  /** `unhealthyPodEvictionPolicy: AlwaysAllow`. */
  readonly allowsUnready: boolean;
  /** The counts are of the budget as it is written now. */
  readonly isObserved: boolean;
}

/** An eviction that was asked for, until the pod is gone. */
export interface UnderWay {
  /** Its budget, as `budgetKey` calls it; null: it needed none. */
  readonly budget: string | null;
  readonly acceptedAtMs: number | null;
  /** The budget has been seen with it. */
  readonly counted: boolean;
}

/** An eviction that was turned down. */
export interface TurnedDown {
  readonly why: string;
  readonly budget: string | null;
  /** Infinity: never again. */
  readonly notBeforeMs: number;
  /** Of the budgets that it was tried under: when they change, the refusal is void. Null: it had nothing to do with them. */
  readonly stamp: string | null;
}

export interface Held {
  readonly pod: PodRef;
  readonly why: string;
  /** namespace/name */
  readonly budget: string | null;
  /** Waiting does not help. */
  readonly forever: boolean;
}

export interface EvictionRound {
  readonly now: readonly { readonly pod: NodePod; readonly budget: string | null; readonly stamp: string }[];
  readonly held: readonly Held[];
  /** When something that was turned down is to be tried again; null: nothing is. */
  readonly lookAgainMs: number | null;
}

/** Where nothing but the kubelet's and the DaemonSets' pods is left, a node is empty; what has ended does not hold it up (R49, R52). */
export function isToBeEvicted(pod: NodePod): boolean {
  return isEvictable(pod) && pod.owner?.kind !== 'DaemonSet';
}

/** What an eviction does anything for: also the pod of a DaemonSet, which nobody puts back when that is gone. */
export function isEvictable({ mirror, phase }: NodePod): boolean {
  return !mirror && phase !== 'Succeeded' && phase !== 'Failed';
}

/** A budget notes an eviction before the API server answers; a note that did not reach us by then was missed. */
const NOTED_WITHIN_MS = 2_000;

/**
 * Who may be evicted now: what no budget covers, and under each budget as many as it allows, less those that it has not counted
 * yet. The API server has the last word and never overshoots (R51); this only spares it questions with a known answer.
 */
export function planEvictions({
  pods,
  budgets,
  underWay,
  turnedDown,
  unreplaced,
  atOnce,
  nowMs,
}: {
  /** Those that are to go. */
  readonly pods: readonly NodePod[];
  readonly budgets: readonly Budget[];
  /** By uid of the pod, as the next one. */
  readonly underWay: ReadonlyMap<string, UnderWay>;
  readonly turnedDown: ReadonlyMap<string, TurnedDown>;
  /** Controllers that lack a pod that was evicted, by uid; null: their pods do not wait for each other. */
  readonly unreplaced: ReadonlySet<string> | null;
  /** Requests at a time. */
  readonly atOnce: number;
  readonly nowMs: number;
}): EvictionRound {
  const room = roomOf(budgets, underWay, nowMs);
  const now: EvictionRound['now'][number][] = [];
  const held: Held[] = [];
  let lookAgainMs = Infinity;
  const lacking = new Set(unreplaced ?? []);
  let free = atOnce - [...underWay.values()].filter(({ acceptedAtMs }) => acceptedAtMs === null).length;
  for (const pod of pods) {
    if (pod.deleting || underWay.has(pod.uid)) {
      held.push({ pod: refOf(pod), why: whyTerminating(pod), budget: null, forever: false });
      continue;
    }
    const covering = budgets.filter((budget) => covers(budget, pod));
    const stamp = stampOf(covering);
    const budget = covering.find((one) => needsRoom(pod, one));
    const key = budget === undefined ? null : budgetKey(budget);
    const refusal = turnedDown.get(pod.uid);
    const isStanding = refusal !== undefined && nowMs < refusal.notBeforeMs && stamp === (refusal.stamp ?? stamp);
    const standing = isStanding ? refusal : null;
    const hold = findHold({ covering, budget, standing, room: room.get(key ?? '') ?? 0 });
    if (hold !== null) {
      held.push({ pod: refOf(pod), ...hold });
      if (standing !== null) lookAgainMs = Math.min(lookAgainMs, standing.notBeforeMs);
      continue;
    }
    if (pod.owner !== null && lacking.has(pod.owner.uid)) {
      held.push({ pod: refOf(pod), why: whyUnreplaced(pod.owner), budget: null, forever: false });
      continue;
    }
    if (free <= 0) continue;
    free -= 1;
    if (unreplaced !== null && pod.owner !== null) lacking.add(pod.owner.uid);
    if (key !== null) room.set(key, (room.get(key) ?? 0) - 1);
    now.push({ pod, budget: key, stamp });
  }
  return { now, held, lookAgainMs: Number.isFinite(lookAgainMs) ? lookAgainMs : null };
}

function findHold({
  covering,
  budget,
  standing,
  room,
}: {
  readonly covering: readonly Budget[];
  readonly budget: Budget | undefined;
  readonly standing: TurnedDown | null;
  readonly room: number;
}): Omit<Held, 'pod'> | null {
  if (covering.length > 1) {
    const names = covering.map(({ name }) => name).join(' and ');
    const why = `${names} both select it, and the eviction API refuses a pod under more than one disruption budget; leave one of them`;
    return { why, budget: covering.map(budgetKey).join(', '), forever: true };
  }
  if (standing !== null) {
    const { why, notBeforeMs } = standing;
    return { why, budget: standing.budget, forever: notBeforeMs === Infinity };
  }
  if (budget === undefined || room > 0) return null;
  const { name, currentHealthy, desiredHealthy } = budget;
  const why = `the disruption budget ${name} allows no eviction now: it needs ${desiredHealthy} healthy pods and has ${currentHealthy}`;
  return { why, budget: budgetKey(budget), forever: false };
}

/** What each budget still allows. A status of an older spec allows nothing: the API server says so too. */
function roomOf(
  budgets: readonly Budget[],
  underWay: ReadonlyMap<string, UnderWay>,
  nowMs: number,
): Map<string, number> {
  const open = [...underWay.values()].filter(
    ({ counted, acceptedAtMs }) => !counted && (acceptedAtMs === null || nowMs - acceptedAtMs < NOTED_WITHIN_MS),
  );
  return new Map(
    budgets.map((one) => {
      const key = budgetKey(one);
      const uncounted = open.filter(({ budget }) => budget === key).length;
      return [key, one.isObserved ? one.disruptionsAllowed - uncounted : 0];
    }),
  );
}

/** Unready pods go without asking where enough others are healthy (R52). */
function needsRoom({ ready }: NodePod, { allowsUnready, currentHealthy, desiredHealthy }: Budget): boolean {
  return ready || (!allowsUnready && !(currentHealthy >= desiredHealthy && desiredHealthy > 0));
}

/** What does not run yet, or no more, is evicted whatever budgets say (R52). */
function covers({ namespace, selector }: Budget, pod: NodePod): boolean {
  if (pod.phase !== 'Running' && pod.phase !== 'Unknown') return false;
  return namespace === pod.namespace && selector !== null && selects(selector, pod.labels);
}

function whyTerminating({ finalizers }: NodePod): string {
  if (finalizers.length === 0) return 'is terminating: its kubelet has not ended it yet';
  return `is terminating and kept by ${finalizers.join(', ')}; whoever set the finalizer has to remove it`;
}

function whyUnreplaced({ kind, name }: PodOwner): string {
  return `waits until ${kind} ${name} has all its pods ready again, without the one that went before`;
}

export function budgetKey({ namespace, name }: Pick<Budget, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

function stampOf(budgets: readonly Budget[]): string {
  return budgets.map((budget) => `${budgetKey(budget)}@${budget.version}`).join(' ');
}

export function refOf({ namespace, name, uid }: PodRef): PodRef {
  return { namespace, name, uid };
}

/** Of one node, for people. */
export function describeEvicted(node: string, evicted: number): string {
  return `${counted(evicted, 'pod')} of ${node} ${evicted === 1 ? 'was' : 'were'} evicted`;
}
