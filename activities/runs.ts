import type { ExistingRun } from '../domain/schedule.ts';
import { currentCall } from './call.ts';
import { emergencyId } from '../domain/names.ts';
import type { Ports } from './ports.ts';

const HOUR_MS = 3_600_000;

export function createRunActivities({ runs }: Pick<Ports, 'runs'>) {
  /** Reads only. */
  async function findRun(workflowId: string): Promise<ExistingRun | null> {
    return runs.find(workflowId, currentCall());
  }
  /** How many emergencies of the workload were started in the last hour and in the last day, this one not counted. */
  async function countEmergencies({
    workload,
    perHour,
  }: {
    readonly workload: string;
    /** Fewer than this in a day are fewer in an hour: then one question answers both. */
    readonly perHour: number;
  }): Promise<{ readonly hour: number; readonly day: number }> {
    const [id, nowMs] = [emergencyId(workload), Date.now()];
    const day = await runs.countSince(id, nowMs - 24 * HOUR_MS, currentCall());
    const hour = day < perHour ? day : await runs.countSince(id, nowMs - HOUR_MS, currentCall());
    return { hour, day };
  }
  return { findRun, countEmergencies };
}
