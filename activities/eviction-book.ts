import type { EvictionAnswer } from '../domain/eviction-answer.ts';
import {
  budgetKey,
  type EvictionRound,
  type NodePod,
  type PodOwner,
  type TurnedDown,
  type UnderWay,
} from '../domain/eviction.ts';
import type { NodeView } from './ports.ts';

type Asked = EvictionRound['now'][number];

/** What was asked of the Eviction API in one drain, and what came of it. Nothing of it outlives the worker, and nothing needs to. */
export function createEvictionBook({ betweenTriesMs }: { readonly betweenTriesMs: number }) {
  const underWay = new Map<string, UnderWay & { readonly name: string }>();
  const turnedDown = new Map<string, TurnedDown>();
  /** Controllers of pods that were asked for, by uid, until they are complete again. */
  const unreplaced = new Map<string, PodOwner & { readonly namespace: string }>();
  let evicted = 0;

  return {
    underWay,
    turnedDown,
    unreplaced,
    evicted: () => evicted,
    /** Called with each state that was seen, in order: a budget shows an eviction for a moment only. */
    see(view: NodeView): void {
      const here = new Set(view.pods.map(({ uid }) => uid));
      const disrupted = new Map(view.budgets.map((budget) => [budgetKey(budget), new Set(budget.disruptedPods)]));
      for (const [uid, one] of underWay) {
        if (!here.has(uid) && one.acceptedAtMs !== null && one.counted) underWay.delete(uid);
        else if (!one.counted && disrupted.get(one.budget ?? '')?.has(one.name) === true)
          underWay.set(uid, { ...one, counted: true });
      }
    },
    ask({ pod, budget }: Asked): void {
      underWay.set(pod.uid, { name: pod.name, budget, acceptedAtMs: null, counted: budget === null });
      turnedDown.delete(pod.uid);
      if (pod.owner !== null) unreplaced.set(pod.owner.uid, { ...pod.owner, namespace: pod.namespace });
    },
    note({ pod, stamp }: Asked, answer: EvictionAnswer, nowMs: number): void {
      const asked = underWay.get(pod.uid);
      if (asked === undefined) return;
      if (answer.kind === 'accepted') {
        evicted += 1;
        underWay.set(pod.uid, { ...asked, acceptedAtMs: nowMs });
        return;
      }
      if (answer.kind === 'gone' || answer.kind === 'replaced') {
        // the picture of the node is a moment behind: the pod is not asked for again until it has left that too
        underWay.set(pod.uid, { ...asked, acceptedAtMs: nowMs, counted: true });
        return;
      }
      underWay.delete(pod.uid);
      turnedDown.set(pod.uid, refusalOf(answer, { pod, stamp, nowMs }));
    },
  };

  function refusalOf(
    answer: Exclude<EvictionAnswer, { readonly kind: 'accepted' | 'gone' | 'replaced' }>,
    { pod, stamp, nowMs }: { readonly pod: NodePod; readonly stamp: string; readonly nowMs: number },
  ): TurnedDown {
    const { why } = answer;
    if (answer.kind === 'refused') return { why, budget: null, notBeforeMs: Infinity, stamp: null };
    if (answer.kind === 'two budgets') return { why, budget: null, notBeforeMs: Infinity, stamp };
    // not all at the same moment again
    const notBeforeMs = nowMs + (answer.retryAfterMs ?? betweenTriesMs * (1 + Math.random() / 5));
    if (answer.kind === 'later') return { why, budget: null, notBeforeMs, stamp: null };
    const budget = answer.budget === null ? null : budgetKey({ namespace: pod.namespace, name: answer.budget });
    return { why, budget, notBeforeMs, stamp };
  }
}
