import type { CheckpointMark, JobPod, JobRef } from './drain-pod.ts';

/** The words of the handshake: we write the first, the workload answers with the second. */
const [REQUESTED, DONE] = ['requested', 'done'] as const;

/** How a job stands that is waited for: its pods that are not over. */
export interface JobNow extends JobRef {
  readonly pods: readonly JobPod[];
}

/**
 * What a pod's mark is to be when this run asks; undefined: as it is. A mark of the same run is left, whatever it says by now,
 * so that a second request does not wipe out an answer; one of an earlier run says nothing of today.
 */
export function requestedMark(mark: CheckpointMark | null, owner: string): CheckpointMark | undefined {
  return mark?.owner === owner ? undefined : { state: REQUESTED, owner };
}

/** Whether this run takes its mark back: another's, and a mark of nobody, stay. */
export function isOurs(mark: CheckpointMark | null, owner: string): boolean {
  return mark?.owner === owner;
}

/** Every pod has answered this run: of a checkpoint in parts, one that is missing makes it worthless. */
export function isCheckpointed({ pods }: JobNow, owner: string): boolean {
  return pods.length > 0 && pods.every(({ checkpoint }) => checkpoint?.owner === owner && checkpoint.state === DONE);
}

/** Nothing of it is left on these nodes. */
export function isOffNodes({ pods }: JobNow, nodes: readonly string[]): boolean {
  return !pods.some(({ node }) => nodes.includes(node));
}
