import type { CloudAccess } from '../domain/cloud-access.ts';
import type { cloudAccess } from '../workflows/cloud-access.ts';
import { askWorker } from './ask-worker.ts';
import { withClient } from './connect.ts';

/** What AWS lets a worker do: the credentials are its own, and not those of whoever asks. */
export function askCloudAccess(groups: readonly string[]): Promise<CloudAccess> {
  return withClient((client) =>
    askWorker<typeof cloudAccess>(client, 'cloudAccess', {
      id: 'status.cloud-access',
      args: [groups],
      what: 'the rights in AWS',
    }),
  );
}
