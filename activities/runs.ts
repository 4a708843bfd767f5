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
  async function countEmergencies(workload: string): Promise<{ readonly hour: number; readonly day: number }> {
    const [id, nowMs] = [emergencyId(workload), Date.now()];
    const [hour, day] = await Promise.all(
      [HOUR_MS, 24 * HOUR_MS].map((spanMs) => runs.countSince(id, nowMs - spanMs, currentCall())),
    );
    return { hour: hour ?? 0, day: day ?? 0 };
  }
  return { findRun, countEmergencies };
}
