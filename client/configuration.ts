import type { Client } from '@temporalio/client';
import type { ConfigurationRequest } from '../domain/configuration.ts';
import { configurationId } from '../domain/names.ts';
import type { RunResult } from '../domain/procedures.ts';
import { planOnly, startOnly } from './start.ts';

/** Starts the run; one that is under way is named instead, for only one may change the settings at a time. */
export function startConfiguration(client: Client, request: ConfigurationRequest): Promise<{ readonly id: string }> {
  const { workload, what } = request;
  const id = configurationId(workload);
  return startOnly(client, 'configureAutoscaler', {
    id,
    request,
    summary: `${workload}: ${what === 'calm' ? 'calm' : 'configure'} its autoscaler`,
    taken: `the settings of ${workload}’s autoscaler are being changed already: ${id}; watch it, or end it first with: headroom end ${id}`,
  });
}

/** The plan of a change. */
export function planConfiguration(client: Client, request: ConfigurationRequest): Promise<RunResult> {
  const { workload } = request;
  return planOnly(client, 'configureAutoscaler', { id: configurationId(workload), request, what: workload });
}
