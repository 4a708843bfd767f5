import type { CloudAccess } from '../domain/cloud-access.ts';
import { currentCall } from './call.ts';
import type { Ports } from './ports.ts';

export function createCloudAccessActivities({ cloud }: Pick<Ports, 'cloud'>) {
  /** With the credentials of this worker. Reads only; whatever AWS says, or does not say, is a verdict. */
  async function readCloudAccess(groups: readonly string[]): Promise<CloudAccess> {
    return cloud.checkAccess(groups, currentCall());
  }
  return { readCloudAccess };
}
