import { ApplicationFailure } from '@temporalio/workflow';
import type { CloudAccess } from '../domain/cloud-access.ts';
import { asking } from './stubs.ts';

/** What AWS lets the worker do, whose credentials nobody else has. */
export async function cloudAccess(groups: readonly string[]): Promise<CloudAccess> {
  if (!Array.isArray(groups) || groups.length === 0 || !groups.every((group) => typeof group === 'string'))
    throw ApplicationFailure.nonRetryable(
      'give a list of one or more node groups, such as ["gpu-workers"]',
      'invalidRequest',
    );
  return asking.readCloudAccess.executeWithOptions({ summary: `rights on ${groups.join(', ')}` }, [groups]);
}
