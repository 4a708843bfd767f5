import type { ExistingRun } from '../domain/schedule.ts';
import { currentCall } from './call.ts';
import type { Ports } from './ports.ts';

export function createRunActivities({ runs }: Pick<Ports, 'runs'>) {
  /** Reads only. */
  async function findRun(workflowId: string): Promise<ExistingRun | null> {
    return runs.find(workflowId, currentCall());
  }
  return { findRun };
}
