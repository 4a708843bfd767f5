import type { V1OwnerReference } from '@kubernetes/client-node';
import type { Call } from '../../activities/ports.ts';
import type { PodOwner } from '../../domain/drain-pod.ts';
import type { KubernetesClient } from './client.ts';
import type { Raw, RawObject } from './kinds.ts';

/** What is known of who made the pods of some namespaces. */
export interface Owners {
  /** The top of the pod's chain; null: a bare pod. */
  ownerOf(pod: RawObject<'Pod'>): PodOwner | null;
  /** Wanted replicas of that owner, where it has such a number. */
  replicasOf(pod: RawObject<'Pod'>): number | null;
  /** The job that it belongs to: a Job, or the JobSet, MPIJob … above it. */
  jobOf(pod: RawObject<'Pod'>): PodOwner | null;
  /** When the Jobs of that job started, where they say so. */
  startsOf(jobUid: string): readonly number[];
}

type Controller = RawObject<'ReplicaSet'> | RawObject<'StatefulSet'> | RawObject<'DaemonSet'> | RawObject<'Job'>;
type Reference = Raw<V1OwnerReference>;

/** Kinds that are looked up; all others, a Volcano Job too, are known by what the pod says of them. */
const READ = [
  { kind: 'ReplicaSet', group: 'apps/' },
  { kind: 'StatefulSet', group: 'apps/' },
  { kind: 'DaemonSet', group: 'apps/' },
  { kind: 'Job', group: 'batch/' },
] as const;

/** Job, JobSet, MPIJob, PyTorchJob, TrainJob, RayJob …; of a CronJob each Job is one by itself. */
const JOB_KIND = /Job(?:Set)?$/;

/** Reads the controllers of these pods: a list for each kind in each namespace in which one of them has such a controller. */
export async function readOwners(
  client: KubernetesClient,
  pods: readonly RawObject<'Pod'>[],
  call: Call,
): Promise<Owners> {
  const needed = new Map(
    pods.flatMap(({ metadata }) => {
      const kind = readKind(controllerOf(metadata));
      const namespace = metadata?.namespace;
      return kind === undefined || namespace === undefined
        ? []
        : [[`${kind} ${namespace}`, { kind, namespace }] as const];
    }),
  );
  const lists = await Promise.all(
    [...needed.values()].map(async ({ kind, namespace }) => {
      const list: readonly Controller[] = await client.list({ kind, namespace }, {}, call);
      return list;
    }),
  );
  return ownersIn(lists.flat());
}

function ownersIn(controllers: readonly Controller[]): Owners {
  const byUid = new Map(controllers.map((one) => [one.metadata?.uid ?? '', one]));
  /** From the pod's own controller up to the top, as far as it can be followed. */
  function chainOf({ metadata }: RawObject<'Pod'>): readonly Reference[] {
    const own = controllerOf(metadata);
    if (own === undefined) return [];
    // whatever installs a DaemonSet, it is the DaemonSet that puts its pods back
    if (own.kind === 'DaemonSet') return [own];
    const above = controllerOf(byUid.get(own.uid)?.metadata);
    return above === undefined || above.kind === 'CronJob' ? [own] : [own, above];
  }
  function jobOf(pod: RawObject<'Pod'>): PodOwner | null {
    const job = chainOf(pod).findLast(({ kind }) => JOB_KIND.test(kind));
    return job === undefined ? null : asOwner(job);
  }
  return {
    jobOf,
    ownerOf(pod) {
      const chain = chainOf(pod);
      const [own, top] = [chain[0], chain.at(-1)];
      if (own === undefined || top === undefined) return null;
      const isGone = readKind(own) !== undefined && !byUid.has(own.uid);
      return { ...asOwner(top), ...(isGone && { gone: true }) };
    },
    replicasOf(pod) {
      const own = byUid.get(controllerOf(pod.metadata)?.uid ?? '');
      // of a ReplicaSet in the middle of a rollout the Deployment's number stands beside its own
      const desired = own?.metadata?.annotations?.['deployment.kubernetes.io/desired-replicas'];
      if (desired !== undefined) return Number(desired);
      return own?.spec !== undefined && 'replicas' in own.spec ? (own.spec.replicas ?? 1) : null;
    },
    startsOf: (jobUid) =>
      controllers
        .filter(({ metadata }) => metadata?.uid === jobUid || controllerOf(metadata)?.uid === jobUid)
        .flatMap(({ status }) =>
          status !== undefined && 'startTime' in status ? [Date.parse(status.startTime ?? '')] : [],
        )
        .filter((ms) => !Number.isNaN(ms)),
  };
}

function readKind(owner: Reference | undefined) {
  return READ.find(({ kind, group }) => kind === owner?.kind && owner.apiVersion.startsWith(group))?.kind;
}

function controllerOf(
  metadata: { readonly ownerReferences?: readonly Reference[] } | undefined,
): Reference | undefined {
  return (metadata?.ownerReferences ?? []).find(({ controller }) => controller === true);
}

function asOwner({ kind, name, uid }: Reference): PodOwner {
  return { kind, name, uid };
}
