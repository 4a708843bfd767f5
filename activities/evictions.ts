import { Context } from '@temporalio/activity';
import { isEvictable, planEvictions, refOf, type Held, type NodePod, type PodRef } from '../domain/eviction.ts';
import type { NodeIdentity } from '../domain/gpu-node.ts';
import { currentCall } from './call.ts';
import { createEvictionBook } from './eviction-book.ts';
import { openEvictionDesk } from './eviction-desk.ts';
import { isFinal } from './failure.ts';
import type { NodeView, Ports } from './ports.ts';

export interface EvictPodsRequest {
  readonly node: NodeIdentity;
  /** Only these: what comes to the node meanwhile is for the next judgement. */
  readonly pods: readonly PodRef[];
  /** When it answers with what is left, in milliseconds since 1970. */
  readonly deadlineMs: number;
  /** How long a pod that was turned down is left alone while nothing changes and the API server names no time; default 5 s. */
  readonly betweenTriesMs?: number;
  /** Requests at a time; default 50. */
  readonly atOnce?: number;
  /** The next pod of a controller goes when the one before has been replaced, whatever budgets allow (R54). */
  readonly oneByOne?: boolean;
}

/** `evicted`: by this drain, as far as is known; what went by itself is not in it. */
export type EvictionReport =
  | { readonly kind: 'empty'; readonly evicted: number }
  /** At the deadline; sooner where waiting helps none of what is left. */
  | { readonly kind: 'held'; readonly evicted: number; readonly held: readonly Held[] }
  /** The name is another node's by now, or nobody's; or somebody made the node schedulable again, so that pods would come back. */
  | { readonly kind: 'replaced' | 'gone' | 'uncordoned'; readonly evicted: number };

/** What a killed worker leaves behind for the next attempt, and the UI shows meanwhile. */
interface Beat {
  readonly evicted: number;
  readonly left: number;
  readonly waitsFor: string;
}

/** Well under the heartbeat timeout of workflows/stubs.ts. */
const BEAT_MS = 2_000;
/** A watch is never longer behind a list than this, or it is broken. */
const RELIST_MS = 500;
const BETWEEN_TRIES_MS = 5_000;
/** 30 at once take hardly longer than one (R51); more would only stand in the API server's queue. */
const AT_ONCE = 50;

export function createEvictionActivities({ evictions }: Pick<Ports, 'evictions'>) {
  /**
   * Evicts these pods until none of them is left. Safe to start again from nothing: all it needs to know is on the cluster, and an
   * eviction that was asked for twice is one.
   */
  async function evictPods(request: EvictPodsRequest): Promise<EvictionReport> {
    const [context, call] = [Context.current(), currentCall()];
    const before: Partial<Beat> = context.info.heartbeatDetails ?? {};
    const { node, atOnce = AT_ONCE, betweenTriesMs = BETWEEN_TRIES_MS, oneByOne = false } = request;
    const book = createEvictionBook({ betweenTriesMs });
    const desk = openEvictionDesk({ evictions, nodeName: node.name, book, call });
    const evicted = () => (before.evicted ?? 0) + book.evicted();
    const beat = (beaten: Omit<Beat, 'evicted'>) => context.heartbeat({ evicted: evicted(), ...beaten });

    /** What the node shows now, and what is done about it; a report where that is the end. */
    async function look(seen: NodeView, nowMs: number): Promise<EvictionReport | { readonly againMs: number }> {
      const misplaced = findMisplaced(seen, node);
      if (misplaced !== undefined) return { kind: misplaced, evicted: evicted() };
      const pods = seen.pods.filter((pod) => isMeant(pod, request));
      const plan = planEvictions({
        pods,
        budgets: seen.budgets,
        underWay: book.underWay,
        turnedDown: book.turnedDown,
        unreplaced: oneByOne ? new Set(book.unreplaced.keys()) : null,
        atOnce,
        nowMs,
      });
      beat({ left: pods.length, waitsFor: plan.held[0]?.why ?? '' });
      if (pods.length === 0 && desk.isQuiet() && (await isEmpty())) return { kind: 'empty', evicted: evicted() };
      if (pods.length === 0) return { againMs: RELIST_MS };
      const isLate = nowMs >= request.deadlineMs;
      if (!isLate) plan.now.forEach((one) => desk.send(one));
      const isHopeless = plan.held.length === pods.length && plan.held.every(({ forever }) => forever);
      if (desk.isQuiet() && (isLate || isHopeless))
        return { kind: 'held', evicted: evicted(), held: findLeft(pods, plan.held) };
      return {
        againMs: Math.min((plan.lookAgainMs ?? Infinity) - nowMs, isLate ? Infinity : request.deadlineMs - nowMs),
      };
    }

    /** While an eviction is not answered, nobody can say whether its pod has been replaced. */
    async function forgetReplaced(): Promise<void> {
      if (!oneByOne || !desk.isQuiet()) return;
      const owners = [...book.unreplaced.values()];
      const complete = await Promise.all(
        owners.map((owner) => evictions.isComplete(owner, call).catch(laterUnlessFinal)),
      );
      owners.forEach(({ uid }, index) => complete[index] === true && book.unreplaced.delete(uid));
    }

    /** Once more by a list, which unlike a watch cannot be behind (R54). */
    async function isEmpty(): Promise<boolean> {
      const pods = await evictions.readPodsOn(node.name, call);
      return !pods.some((pod) => isMeant(pod, request));
    }

    try {
      for (;;) {
        await forgetReplaced();
        const view = desk.view();
        if (view === undefined) beat({ left: 0, waitsFor: `a first look at node ${node.name}` });
        const looked = view === undefined ? { againMs: BEAT_MS } : await look(view, Date.now());
        if ('kind' in looked) return looked;
        const pollMs = oneByOne && book.unreplaced.size > 0 ? RELIST_MS : BEAT_MS;
        await desk.changed(Math.max(0, Math.min(pollMs, looked.againMs)));
      }
    } finally {
      await desk.close();
    }
  }

  return { evictPods };
}

function laterUnlessFinal(error: unknown): false {
  if (isFinal(error)) throw error;
  return false;
}

function findMisplaced(
  { uid, schedulable }: NodeView,
  node: NodeIdentity,
): 'gone' | 'replaced' | 'uncordoned' | undefined {
  if (uid === null) return 'gone';
  if (uid !== node.uid) return 'replaced';
  return schedulable ? 'uncordoned' : undefined;
}

/** Those whose turn did not come are named, too. */
function findLeft(pods: readonly NodePod[], held: readonly Held[]): readonly Held[] {
  const why = 'its turn did not come before the deadline';
  const named = new Set(held.map(({ pod }) => pod.uid));
  const others = pods.filter(({ uid }) => !named.has(uid));
  return [...held, ...others.map((pod) => ({ pod: refOf(pod), why, budget: null, forever: false }))];
}

function isMeant(pod: NodePod, { pods }: EvictPodsRequest): boolean {
  return isEvictable(pod) && pods.some(({ uid }) => uid === pod.uid);
}
