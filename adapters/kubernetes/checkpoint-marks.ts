import { failure } from '../../activities/failure.ts';
import type { Call, DrainFactsPort } from '../../activities/ports.ts';
import { isOurs, requestedMark } from '../../domain/drain-checkpoint.ts';
import type { CheckpointMark } from '../../domain/drain-pod.ts';
import type { PodRef } from '../../domain/eviction.ts';
import type { KubernetesClient } from './client.ts';
import { CHECKPOINT_KEYS, checkpointOf, isOver } from './drain-pods.ts';
import { guardedPatch, mapEdits } from './guarded-patch.ts';
import type { RawObject } from './kinds.ts';

/** A pod's annotations are changed by few, and none of them often. */
const MAX_RACES = 4;

/** Asks these pods for a checkpoint, or takes the request back; looks and acts anew while others change them under our hands. */
export async function setCheckpoints(
  client: KubernetesClient,
  change: { readonly pods: readonly PodRef[]; readonly owner: string; readonly ask: boolean },
  call: Call,
): ReturnType<DrainFactsPort['setCheckpoints']> {
  for (let races = 0; races < MAX_RACES; races += 1) {
    const found = await findPods(client, change.pods, call);
    const written = await Promise.all(found.map((pod) => write(client, pod, change, call)));
    if (written.every(Boolean)) return { pods: found.length };
  }
  throw failure('stateConflict', 'pods are being changed by somebody else while they are asked; it is tried again');
}

/** Those that are still there and not over, by a list for each namespace. */
async function findPods(
  client: KubernetesClient,
  pods: readonly PodRef[],
  call: Call,
): Promise<readonly RawObject<'Pod'>[]> {
  const [namespaces, uids] = [new Set(pods.map(({ namespace }) => namespace)), new Set(pods.map(({ uid }) => uid))];
  const lists = await Promise.all(
    [...namespaces].map(async (namespace) => client.list({ kind: 'Pod', namespace }, {}, call)),
  );
  return lists.flat().filter((pod) => uids.has(pod.metadata?.uid ?? '') && !isOver(pod));
}

/** False: somebody changed what was read; nothing was written. */
async function write(
  client: KubernetesClient,
  pod: RawObject<'Pod'>,
  { owner, ask }: { readonly owner: string; readonly ask: boolean },
  call: Call,
): Promise<boolean> {
  const { namespace = '', name = '', uid = '', annotations } = pod.metadata ?? {};
  const mark = checkpointOf(pod);
  const wanted = ask ? requestedMark(mark, owner) : undefined;
  const isRight = ask ? wanted === undefined : !isOurs(mark, owner);
  if (isRight) return true;
  const edit = (part: keyof CheckpointMark) => {
    const key = CHECKPOINT_KEYS[part];
    return { key, from: annotations?.[key], to: wanted?.[part] };
  };
  const edits = mapEdits('annotations', {
    present: annotations !== undefined,
    edits: [edit('state'), edit('owner')],
  });
  return (await client.patch({ kind: 'Pod', namespace, name }, guardedPatch({ uid }, edits), call)) !== undefined;
}
