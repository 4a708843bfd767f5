import type { Client } from '@temporalio/client';
import type { CapacityHoldRequest } from '../domain/capacity-hold.ts';
import { capacityHoldId } from '../domain/names.ts';
import type { RunResult } from '../domain/procedures.ts';
import { planOnly, startOnly } from './start.ts';

/** Starts the run; one that is under way is named instead. */
export function startCapacityHold(client: Client, request: CapacityHoldRequest): Promise<{ readonly id: string }> {
  const { workload, mode } = request;
  const id = capacityHoldId(workload);
  return startOnly(client, 'holdCapacity', {
    id,
    request,
    summary: `${workload}: ${mode} its autoscaler`,
    taken: `${workload} has a hold already: ${id}; watch it, extend it, or end it first with: headroom autoscaler release ${workload}`,
  });
}

/** The plan of a hold. */
export function planCapacityHold(client: Client, request: CapacityHoldRequest): Promise<RunResult> {
  const { workload } = request;
  return planOnly(client, 'holdCapacity', { id: capacityHoldId(workload), request, what: workload });
}
