import { judgeBudgets, type Block } from './drain-budget.ts';
import { isFinished, jobName, type BudgetFacts, type DrainJob, type DrainPod } from './drain-pod.ts';
import type { ResolvedDrain } from './drain-policy.ts';
import { formatDuration } from './duration.ts';

/** What becomes of one pod. */
export type PodVerdict =
  | { readonly kind: 'leave'; readonly why: string }
  /** Somebody deletes it already: nothing is asked of it, and it is waited for. */
  | { readonly kind: 'going' }
  | { readonly kind: 'evict' }
  /** Its job may go on to its end; `uninterruptible` says why it may only be waited for, and is empty where it may be interrupted. */
  | { readonly kind: 'wait'; readonly job: DrainJob; readonly uninterruptible: readonly Block[] }
  | { readonly kind: 'block'; readonly blocks: readonly Block[] };

/** What a pod is judged by. */
export interface DrainScene {
  readonly policy: Pick<ResolvedDrain, 'drain' | 'surgeable'>;
  readonly budgets: readonly BudgetFacts[];
  readonly jobs: readonly DrainJob[];
  /** uids of the jobs that may be interrupted now: they have answered with a checkpoint, or a person has said so. */
  readonly interrupt: readonly string[];
  readonly nowMs: number;
}

interface LeaveRule {
  readonly when: (pod: DrainPod) => boolean;
  readonly why: string;
}

/** First match wins, in kubectl's order (R49): what stays, whatever else is so. */
const LEFT: readonly LeaveRule[] = [
  { when: (pod) => isDaemons(pod) && !isFinished(pod), why: 'its DaemonSet would put it back' },
  { when: ({ mirror }) => mirror, why: 'the kubelet runs it from a file on the node' },
  // evicting it would only delete its logs (R52)
  { when: isFinished, why: 'it is over' },
];

type BlockRule = (pod: DrainPod, scene: DrainScene, job: DrainJob | undefined) => readonly Block[];

/** What kubectl refuses, then what we do; all that apply are told. */
const BLOCKS: readonly BlockRule[] = [
  ({ localData }, { policy }) =>
    blockIf(localData.length > 0 && !policy.drain.allowLocalData, {
      why: `it keeps data on the node (emptyDir ${localData.join(', ')}), which an eviction deletes`,
      allow:
        'set drain.allowLocalData, or annotate it with cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes and the names of the volumes',
    }),
  ({ owner }, { policy }) =>
    blockIf((owner === null || owner.gone === true) && !policy.drain.allowBarePods, {
      why:
        owner === null
          ? 'no controller made it, so nobody makes it anew'
          : `its ${owner.kind} is gone, so nobody makes it anew`,
      allow: 'delete it yourself, or set drain.allowBarePods',
    }),
  ({ optOut }, _scene, job) => {
    const written = optOut ?? job?.optOut ?? null;
    return blockIf(written !== null, {
      why: `it asks not to be disrupted (${written})`,
      allow: 'remove the annotation, or wait until it is over',
    });
  },
  (pod, { budgets, policy }) => judgeBudgets(pod, budgets, { surged: surgeOf(pod, policy) !== null }),
  // also of a job that is interrupted: Cluster Autoscaler would order a new node for it
  ({ gpus, place }, { policy }) =>
    blockIf(gpus > 0 && place?.found === false && !policy.drain.allowUnplacedGpuPods, {
      why: `it needs ${gpus} GPUs, and no other node has a place for it: ${place?.reason}`,
      allow: 'add a GPU node first, scale its owner down, or set drain.allowUnplacedGpuPods',
    }),
];

/** What keeps a pod where it is that no waiting for its job mends. */
const FIRM_BLOCKS: readonly BlockRule[] = [
  (_pod, { policy, nowMs }, job) => {
    const { protectYoungGpuJobsMs: protectedMs } = policy.drain;
    const ageMs = nowMs - (job?.startedAtMs ?? 0);
    return blockIf(job !== undefined && job.gpus > 0 && ageMs < protectedMs, {
      why: `${job === undefined ? 'its job' : jobName(job)} started ${formatDuration(wholeSeconds(ageMs))} ago on ${job?.gpus} GPUs and has had no time for a checkpoint`,
      allow: `wait ${formatDuration(wholeSeconds(protectedMs - ageMs))}, or lower drain.protectYoungGpuJobs`,
    });
  },
];

/** What becomes of a pod of a node that is drained, with everything that stands against it. */
export function judgePod(pod: DrainPod, scene: DrainScene): PodVerdict {
  const left = LEFT.find(({ when }) => when(pod));
  if (left !== undefined) return { kind: 'leave', why: left.why };
  if (pod.deletingSinceMs !== null) return { kind: 'going' };
  const job = scene.jobs.find(({ uid }) => uid === pod.job);
  const told = (rules: readonly BlockRule[]) => rules.flatMap((rule) => rule(pod, scene, job));
  const [blocks, firm] = [told(BLOCKS), told(FIRM_BLOCKS)];
  if (job !== undefined && firm.length === 0 && !scene.interrupt.includes(job.uid))
    return { kind: 'wait', job, uninterruptible: blocks };
  if (blocks.length + firm.length > 0) return { kind: 'block', blocks: [...blocks, ...firm] };
  return { kind: 'evict' };
}

/** The workload of headroom.yaml that gets one replica more before this pod, its only one, is evicted. */
export function surgeOf(
  { namespace, owner, ownerReplicas }: DrainPod,
  { drain, surgeable }: Pick<ResolvedDrain, 'drain' | 'surgeable'>,
): string | null {
  if (!drain.surgeSingleReplicas || ownerReplicas !== 1 || owner?.kind !== 'Deployment') return null;
  return surgeable.find((one) => one.namespace === namespace && one.object === owner.name)?.workload ?? null;
}

function isDaemons({ owner }: DrainPod): boolean {
  return owner?.kind === 'DaemonSet' && owner.gone !== true;
}

function blockIf(holds: boolean, block: Block): readonly Block[] {
  return holds ? [block] : [];
}

function wholeSeconds(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1000) * 1000);
}
