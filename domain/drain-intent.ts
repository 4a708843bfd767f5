import { formatDuration } from './duration.ts';
import { jobName } from './drain-pod.ts';
import type { DrainPlan, EvictedPod } from './drain.ts';

/** What a person approves of a drain: which nodes, whose pods, which jobs, and what becomes of the nodes. */
export interface DrainIntent {
  readonly procedure: 'drainGpuNode';
  /** By name; their uid and instance tell them from others of the same name (R46). */
  readonly nodes: readonly { readonly name: string; readonly uid: string; readonly instanceId: string }[];
  readonly remove: boolean;
  readonly forMs: number | null;
  /** Whose pods are evicted; a pod without an owner stands for itself. */
  readonly owners: readonly Named[];
  /** Jobs that are waited for, and may be interrupted as policy says. */
  readonly jobs: readonly Named[];
}

interface Named {
  readonly uid: string;
  /** 'Deployment tensafe/web' */
  readonly name: string;
}

/** The same plan gives the same intent, whatever the order of its pods and whatever moves by the second. */
export function drainIntent({ nodes, remove, forMs, evict, wait, interrupt }: DrainPlan): DrainIntent {
  const jobs = [...wait, ...interrupt].map((job) => ({ uid: job.uid, name: jobName(job) }));
  const isJobs = ({ owner }: EvictedPod) => jobs.some(({ uid }) => uid === owner?.uid);
  return {
    procedure: 'drainGpuNode',
    nodes: nodes
      .map(({ name, uid, instanceId }) => ({ name, uid, instanceId }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    remove,
    forMs,
    owners: distinct(evict.filter((pod) => !isJobs(pod)).map(ownerOf)),
    jobs: distinct(jobs),
  };
}

/** What of a new plan is outside of the approved one; empty when it is inside. New pods of an owner are no news. */
export function outgrownDrain(approved: DrainIntent, now: DrainIntent): readonly string[] {
  const isKnown = (of: readonly Named[]) => (one: Named) => of.some(({ uid }) => uid === one.uid);
  const others = now.nodes.filter((node) => {
    return !approved.nodes.some(({ uid, instanceId }) => uid === node.uid && instanceId === node.instanceId);
  });
  return [
    ...others.map(({ name, instanceId }) => `${name} is another node now (instance ${instanceId})`),
    ...(now.remove && !approved.remove ? ['the nodes were to be kept and are to be removed'] : []),
    ...(now.forMs !== null && (approved.forMs === null || now.forMs > approved.forMs)
      ? [
          `the nodes were to be ${approved.forMs === null ? 'removed' : `cordoned for ${formatDuration(approved.forMs)}`} and are to be cordoned for ${formatDuration(now.forMs)}`,
        ]
      : []),
    ...now.owners
      .filter((one) => !isKnown(approved.owners)(one))
      .map(({ name }) => `${name.startsWith('pod ') ? name : `pods of ${name}`} would be evicted too`),
    ...now.jobs.filter((one) => !isKnown(approved.jobs)(one)).map(({ name }) => `${name} runs there too`),
  ];
}

function ownerOf({ owner, namespace, name, uid }: EvictedPod): Named {
  if (owner === null) return { uid, name: `pod ${namespace}/${name}` };
  return { uid: owner.uid, name: `${owner.kind} ${namespace}/${owner.name}` };
}

function distinct(named: readonly Named[]): readonly Named[] {
  return [...new Map(named.map((one) => [one.uid, one])).values()].toSorted((a, b) => (a.uid < b.uid ? -1 : 1));
}
