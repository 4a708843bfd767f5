import type { EmergencyLook } from '../domain/emergency.ts';
import { refOf } from '../domain/policy.ts';
import type { createPolicyActivities } from './policy.ts';
import type { createRunActivities } from './runs.ts';
import type { createWorkloadActivities } from './workloads.ts';

type Parts = Pick<ReturnType<typeof createPolicyActivities>, 'resolveEmergencyPolicy'> &
  Pick<ReturnType<typeof createWorkloadActivities>, 'surveyWorkload'> &
  Pick<ReturnType<typeof createRunActivities>, 'countEmergencies'>;

export function createEmergencyActivities({ resolveEmergencyPolicy, surveyWorkload, countEmergencies }: Parts) {
  /**
   * Policy, workload and budget, of a moment ago and in one go: three local activities one after another are three more turns
   * between the worker's threads, and an alert waits for each. Reads only.
   */
  async function lookAtEmergency({
    workload,
    counts,
  }: {
    readonly workload: string;
    /** Whether the runs that alerts have started count. */
    readonly counts: boolean;
  }): Promise<EmergencyLook | { readonly known: readonly string[] }> {
    const resolved = await resolveEmergencyPolicy(workload);
    if ('known' in resolved) return resolved;
    const { perHour } = resolved.emergency.budget;
    const [survey, started] = await Promise.all([
      surveyWorkload(refOf(resolved.policy), { remembered: true }).catch(() => null),
      counts ? countEmergencies({ workload, perHour }).catch(() => null) : null,
    ]);
    return { resolved, survey, started };
  }
  return { lookAtEmergency };
}
