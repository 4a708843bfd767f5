import type { ResolvedPolicy } from './policy.ts';
import { describeGovernor, type WorkloadState } from './workload.ts';

/** What every procedure that changes an autoscaler is refused for, in the same words. */

/** Policy itself keeps the workload from being scaled by replicas. */
export function refusedByPolicy({ workload }: Pick<ResolvedPolicy, 'workload'>): readonly string[] {
  return workload.refuse === undefined ? [] : [`${workload.name} is not scaled by replicas: ${workload.refuse}`];
}

/** Two autoscalers on one workload stop each other (R20). */
export function refusedForConflict(
  name: string,
  { autoscalers }: Pick<WorkloadState, 'autoscalers'>,
): readonly string[] {
  if (autoscalers.length < 2) return [];
  return [
    `${describeAll(name, autoscalers)}; Kubernetes lets neither scale on metrics while both exist: delete or retarget one`,
  ];
}

/** '2 autoscalers target web: … and …' */
export function describeAll(name: string, autoscalers: WorkloadState['autoscalers']): string {
  return `${autoscalers.length} autoscalers target ${name}: ${autoscalers.map(describeGovernor).join(' and ')}`;
}

/** Somebody has told headroom to leave it alone. */
export function refusedByOwner(
  name: string,
  { self, autoscalers }: Pick<WorkloadState, 'self' | 'autoscalers'>,
): readonly string[] {
  return [self, ...autoscalers].some(({ ignored }) => ignored)
    ? [`headroom.dev/ignore=true is set for ${name}; remove the annotation to let headroom act`]
    : [];
}
