import type { WorkloadState } from './workload.ts';

export type Rollout =
  | { readonly kind: 'settled' }
  | { readonly kind: 'inProgress'; readonly reason: string }
  | { readonly kind: 'paused'; readonly reason: string };

/** Progressing reasons of a Deployment that has not completed its newest template yet; a pure scaling keeps NewReplicaSetAvailable. */
const ROLLING = ['NewReplicaSetCreated', 'FoundNewReplicaSet', 'ReplicaSetUpdated'];
const DEADLINE_EXCEEDED = 'ProgressDeadlineExceeded';

/** Whether the newest template runs with the full count and nothing else is left of the old one (R36, R38). */
export function isSettled(state: WorkloadState): boolean {
  return (
    state.observedGeneration >= state.generation &&
    progressOf(state) !== DEADLINE_EXCEEDED &&
    state.replicas === state.wantedReplicas &&
    state.updatedReplicas >= state.replicas &&
    state.availableReplicas >= state.updatedReplicas
  );
}

/** Whether a change of the template is under way. More or fewer pods of one template are no rollout (R37). */
export function judgeRollout(
  state: Pick<WorkloadState, 'conditions' | 'paused' | 'replicas' | 'wantedReplicas' | 'updatedReplicas'>,
): Rollout {
  const progress = progressOf(state);
  const counts = `${state.updatedReplicas} of ${state.wantedReplicas} pods are of the newest template`;
  if (state.paused) return { kind: 'paused', reason: `rollouts are paused (spec.paused): ${counts}` };
  if (progress === DEADLINE_EXCEEDED) {
    return { kind: 'inProgress', reason: `a rollout is past its progress deadline: ${counts}` };
  }
  const isRolling = state.updatedReplicas < state.replicas || ROLLING.includes(progress);
  return isRolling ? { kind: 'inProgress', reason: `a rollout is under way: ${counts}` } : { kind: 'settled' };
}

function progressOf({ conditions }: Pick<WorkloadState, 'conditions'>): string {
  return conditions.find(({ type }) => type === 'Progressing')?.reason ?? '';
}
