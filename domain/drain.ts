import type { ApprovalRule } from './policy.ts';
import { heldNow, type Block } from './drain-budget.ts';
import { costOf, sumCosts, type InterruptionCost } from './drain-cost.ts';
import { jobName, podName, type DrainJob, type DrainPod, type JobRef, type PodOwner } from './drain-pod.ts';
import type { PodRef } from './eviction.ts';
import { pricePerNodeHour, type DrainPolicy, type ResolvedDrain } from './drain-policy.ts';
import { judgeDaemons } from './drain-node-claims.ts';
import { judgeNodes } from './drain-preflight.ts';
import type { DrainRequest } from './drain-request.ts';
import type { DrainedNode, DrainSurvey } from './drain-survey.ts';
import { judgePod, surgeOf, type DrainScene, type PodVerdict } from './drain-verdict.ts';

/** What a drain would do, as a value. */
export interface DrainPlan {
  readonly procedure: 'drainGpuNode';
  readonly cluster: string;
  readonly nodes: readonly DrainedNode[];
  /** The managed node group of all of them; null: none. */
  readonly group: string | null;
  readonly remove: boolean;
  /** How long they stay cordoned; null where they are removed. */
  readonly forMs: number | null;
  readonly evict: readonly EvictedPod[];
  readonly leave: readonly (PodRef & { readonly node: string; readonly why: string })[];
  /** They are being deleted already, and waited for. */
  readonly going: readonly (PodRef & { readonly node: string })[];
  /** Jobs that may go on to their end. */
  readonly wait: readonly WaitedJob[];
  /** Jobs whose pods are among `evict`. */
  readonly interrupt: readonly WaitedJob[];
  /** Nothing is evicted while there is one. */
  readonly blockers: readonly Blocker[];
  readonly warnings: readonly string[];
  /** What interrupting every job of `wait` and `interrupt` would cost, in `prices.currency`. */
  readonly costs: InterruptionCost & {
    readonly currency: string;
    /** What an hour without the removed nodes costs less; null where a price is missing, or nothing is removed. */
    readonly savedPerHour: number | null;
  };
  /** How long it can be undone, for people. */
  readonly undo: string;
  readonly approval: { readonly rule: ApprovalRule; readonly expiresAfterMs: number };
  readonly policy: DrainPolicy;
}

export interface EvictedPod extends PodRef {
  readonly node: string;
  /** Null: nobody makes it anew. */
  readonly owner: PodOwner | null;
  readonly gpus: number;
  /** The workload of headroom.yaml that gets a replica more before. */
  readonly surge?: string;
}

export interface WaitedJob extends JobRef {
  readonly startedAtMs: number;
  /** Of all its pods. */
  readonly gpus: number;
  /** Names of all nodes that its pods keep busy. */
  readonly nodes: readonly string[];
  readonly pods: { readonly here: number; readonly elsewhere: number };
  readonly cost: InterruptionCost;
  /** Why it may only be waited for; empty: it may be interrupted when policy or a person says so. */
  readonly uninterruptible: readonly Block[];
}

export interface Blocker {
  /** 'pod tensafe/web-1 on ip-10-0-1-7' */
  readonly subject: string;
  readonly why: string;
  readonly allow: string;
}

export type DrainDecision =
  /** `passing`: only nodes are in the way that are not ready, and may be again. */
  | { readonly kind: 'refuse'; readonly reasons: readonly string[]; readonly passing: boolean }
  | { readonly kind: 'plan'; readonly plan: DrainPlan };

/**
 * All that policy, nodes and groups have against a drain, with the pods' blockers beside them; else the plan, which may have
 * blockers: nodes are judged before the cordon, pods after it. `interrupt`: uids of jobs that may be interrupted now.
 */
export function planDrain({
  request,
  policy,
  survey,
  interrupt = [],
  nowMs,
}: {
  readonly request: DrainRequest;
  readonly policy: ResolvedDrain;
  readonly survey: DrainSurvey;
  readonly interrupt?: readonly string[];
  readonly nowMs: number;
}): DrainDecision {
  const { nodes, reasons, passing, warnings } = judgeNodes({ request, survey, policy, nowMs });
  const { budgets, jobs } = survey;
  const scene: DrainScene = { policy, budgets, jobs, interrupt, nowMs };
  const judged = survey.pods.toSorted(byName).map((pod) => ({ pod, verdict: judgePod(pod, scene) }));
  const daemons = judgeDaemons(nodes, survey);
  const blockers = [
    ...judged.flatMap(({ pod, verdict }) => blockersOf(pod, verdict)),
    ...daemons.blocks.map(({ pod, block }) => asBlocker(pod, block)),
  ];
  if (reasons.length > 0)
    return {
      kind: 'refuse',
      reasons: [...reasons, ...blockers.map(describeBlocker)],
      passing: passing && blockers.length === 0,
    };
  const remove = request.remove === true;
  const evicted = judged.flatMap(({ pod, verdict: { kind } }) => (kind === 'evict' ? [pod] : []));
  const waited = (kind: 'wait' | 'interrupt') =>
    jobs
      .toSorted(byName)
      .filter(({ uid }) =>
        kind === 'wait'
          ? judged.some(({ verdict }) => verdict.kind === 'wait' && verdict.job.uid === uid)
          : evicted.some(({ job }) => job === uid),
      )
      .map((job) => asWaited(job, judged, policy, nowMs));
  const [wait, interrupted] = [waited('wait'), waited('interrupt')];
  return {
    kind: 'plan',
    plan: {
      procedure: 'drainGpuNode',
      cluster: policy.cluster,
      nodes,
      group: nodes[0]?.group ?? null,
      remove,
      forMs: remove ? null : (request.forMs ?? policy.drain.cordonForMs),
      evict: evicted.map((pod) => asEvicted(pod, policy)),
      leave: judged.flatMap(({ pod: { namespace, name, uid, node }, verdict }) =>
        verdict.kind === 'leave' ? [{ namespace, name, uid, node, why: verdict.why }] : [],
      ),
      going: judged.flatMap(({ pod: { namespace, name, uid, node }, verdict }) =>
        verdict.kind === 'going' ? [{ namespace, name, uid, node }] : [],
      ),
      wait,
      interrupt: interrupted,
      blockers,
      warnings: [
        ...warnings,
        ...daemons.warnings,
        ...judged.flatMap(({ pod, verdict }) => podWarnings(pod, verdict, scene)),
      ],
      costs: {
        ...sumCosts([...wait, ...interrupted].map(({ cost }) => cost)),
        currency: policy.prices.currency,
        savedPerHour: remove ? savedPerHour(nodes, policy) : null,
      },
      undo: describeUndo(nodes, remove),
      approval: { rule: policy.approval.drainGpuNode, expiresAfterMs: policy.approval.expiresAfterMs },
      policy: policy.drain,
    },
  };
}

/** 'pod tensafe/web-1 on n1: it keeps data on the node; set drain.allowLocalData' */
export function describeBlocker({ subject, why, allow }: Blocker): string {
  return `${subject}: ${why}; ${allow}`;
}

interface Judged {
  readonly pod: DrainPod;
  readonly verdict: PodVerdict;
}

function blockersOf(pod: DrainPod, verdict: PodVerdict): readonly Blocker[] {
  if (verdict.kind !== 'block') return [];
  return verdict.blocks.map((block) => asBlocker(pod, block));
}

function asBlocker(pod: DrainPod, block: Block): Blocker {
  return { subject: `pod ${podName(pod)} on ${pod.node}`, ...block };
}

function asEvicted(pod: DrainPod, policy: ResolvedDrain): EvictedPod {
  const { namespace, name, uid, node, owner, gpus } = pod;
  const surge = surgeOf(pod, policy);
  return { namespace, name, uid, node, owner, gpus, ...(surge !== null && { surge }) };
}

function asWaited(job: DrainJob, judged: readonly Judged[], policy: ResolvedDrain, nowMs: number): WaitedJob {
  const { kind, namespace, name, uid, startedAtMs, gpus, nodes } = job;
  const own = judged.filter(({ pod }) => pod.job === uid);
  const here = job.pods.filter((one) => own.some(({ pod }) => pod.uid === one.uid)).length;
  const blocks = own.flatMap(({ verdict }) => (verdict.kind === 'wait' ? verdict.uninterruptible : []));
  return {
    kind,
    namespace,
    name,
    uid,
    startedAtMs,
    gpus,
    nodes: nodes.map((node) => node.name).toSorted(),
    pods: { here, elsewhere: job.pods.length - here },
    cost: costOf(job, policy, nowMs),
    uninterruptible: [...new Map(blocks.map((block) => [block.why, block])).values()],
  };
}

/** What does not stop the drain, and may make it long or surprise somebody. */
function podWarnings(pod: DrainPod, verdict: PodVerdict, { policy, budgets, jobs }: DrainScene): readonly string[] {
  const name = podName(pod);
  const job = jobs.find(({ uid }) => uid === pod.job);
  if (pod.finalizers.length > 0 && (verdict.kind === 'evict' || verdict.kind === 'going'))
    return [
      ...warningsOf(),
      `${name} has finalizer ${pod.finalizers.join(', ')}: it goes when that is removed, not before`,
    ];
  return warningsOf();

  function warningsOf(): readonly string[] {
    if (verdict.kind !== 'evict') return [];
    const { place, owner, ownerReplicas } = pod;
    const alone = owner !== null && ownerReplicas === 1 && surgeOf(pod, policy) === null;
    return [
      ...heldNow(pod, budgets).map(
        (budget) => `${name} waits for its budget ${budget.name}, which allows no eviction just now (${budget.rule})`,
      ),
      ...(place?.found === false
        ? [
            `${job === undefined ? name : jobName(job)} finds no place elsewhere${job === undefined ? '' : ' when it is interrupted'}: ${place.reason}`,
          ]
        : []),
      ...(alone
        ? [`${name} is the only replica of ${owner.kind} ${owner.name}, which is down until another is ready`]
        : []),
      ...(pod.toleratesCordon && owner !== null
        ? [
            `${name} tolerates a cordoned node, so its replacement may come back to ${pod.node}; it is evicted again until the deadline`,
          ]
        : []),
    ];
  }
}

function savedPerHour(nodes: readonly DrainedNode[], policy: ResolvedDrain): number | null {
  return nodes
    .map(({ instanceType }) => pricePerNodeHour(policy, instanceType))
    .reduce((sum, price) => (sum === null || price === null ? null : sum + price), 0);
}

function describeUndo(nodes: readonly DrainedNode[], remove: boolean): string {
  const theirs = nodes.filter(({ wasCordoned }) => wasCordoned).map(({ name }) => name);
  const back =
    theirs.length === nodes.length
      ? 'nothing to undo: every node was cordoned before'
      : `the nodes are made schedulable again${theirs.length > 0 ? `, but for ${theirs.join(', ')}, cordoned before` : ''}`;
  if (!remove) return `${back}; evicted pods stay where they went`;
  if (nodes.some(({ nodeClaim }) => nodeClaim !== undefined))
    return `until the first NodeClaim is deleted ${back}; after that there is no way back: Karpenter ends its instance, and its local disks with it`;
  return `until the first instance is told to terminate ${back}; after that there is no way back: an instance that is terminated is gone, and its local disks with it`;
}

/** The order of pods and jobs says nothing, so that a plan does not either. */
function byName(a: Pick<PodRef, 'namespace' | 'name' | 'uid'>, b: Pick<PodRef, 'namespace' | 'name' | 'uid'>): number {
  const [one, other] = [a, b].map(({ namespace, name, uid }) => JSON.stringify([namespace, name, uid]));
  return (one ?? '') < (other ?? '') ? -1 : 1;
}
