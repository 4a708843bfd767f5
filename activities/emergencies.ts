import type { EmergencyLook } from '../domain/emergency.ts';
import { refOf } from '../domain/policy.ts';
import { emergencyId } from '../domain/names.ts';
import { currentCall } from './call.ts';
import type { createPolicyActivities } from './policy.ts';
import type { Ports } from './ports.ts';
import type { createWorkloadActivities } from './workloads.ts';

const HOUR_MS = 3_600_000;

interface Parts extends Pick<Ports, 'runs'> {
  readonly resolveEmergencyPolicy: ReturnType<typeof createPolicyActivities>['resolveEmergencyPolicy'];
  readonly surveyWorkload: ReturnType<typeof createWorkloadActivities>['surveyWorkload'];
}

export function createEmergencyActivities({ runs, resolveEmergencyPolicy, surveyWorkload }: Parts) {
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
      counts ? countEmergencies(workload, perHour).catch(() => null) : null,
    ]);
    return { resolved, survey, started };
  }

  /** Those of the last hour and of the last day, this one not counted. Fewer than this in a day are fewer in an hour: then one question answers both. */
  async function countEmergencies(workload: string, perHour: number) {
    const [id, nowMs] = [emergencyId(workload), Date.now()];
    const day = await runs.countSince(id, nowMs - 24 * HOUR_MS, currentCall());
    const hour = day < perHour ? day : await runs.countSince(id, nowMs - HOUR_MS, currentCall());
    return { hour, day };
  }
  return { lookAtEmergency };
}
