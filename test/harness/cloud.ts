import type { TestContext } from 'node:test';
import { createCloudPort, type CloudOptions as PortOptions } from '../../adapters/aws/cloud.ts';
import type { Call } from '../../activities/ports.ts';
import type { GroupSpec } from '../../sandbox/cloud/group.ts';
import { REGION, WORKER_KEY } from '../../sandbox/cloud/keys.ts';
import type { Timings } from '../../sandbox/cloud/model.ts';
import { startCloud, type CloudOptions, type RunningCloud } from '../../sandbox/cloud/start.ts';

/** Short enough for a test to wait for, long enough to look in between. */
const QUICK: Timings = {
  updateMs: 500,
  applyMs: 0,
  launchMs: 500,
  joinMs: 30,
  gpuMs: 30,
  terminateMs: 500,
  retryMs: 60,
  rebalanceMs: 30,
};

/** Four nodes in one zone, of 1 to 6. */
export const WORKERS: GroupSpec = {
  name: 'gpu-workers',
  instanceTypes: ['p5.48xlarge'],
  sizes: { min: 1, max: 6, desired: 4 },
  zones: ['us-east-1a'],
  subnet: '10.9.1.',
};

export const CALL: Call = { signal: new AbortController().signal, caller: 'drain-gpu-node.ip-10-9-1-10/0197' };

/** The stand-in for AWS, and the port with a client of its own on it: each client has a budget of retries. */
export async function aCloud(
  options: Partial<CloudOptions> & { readonly client?: Partial<PortOptions> } = {},
): Promise<RunningCloud & { readonly port: ReturnType<typeof portTo> }> {
  const { groups = [WORKERS], timings = {}, client = {}, ...others } = options;
  const cloud = await startCloud({ cluster: 'prod', groups, timings: { ...QUICK, ...timings }, ...others });
  return { ...cloud, port: portTo(cloud.url, client) };
}

export const portTo = (endpoint: string, options: Partial<PortOptions> = {}) =>
  createCloudPort({ cluster: 'prod', region: REGION, endpoint, credentials: WORKER_KEY, ...options });

/** As on a machine that has never heard of AWS. */
export function withoutAws(t: TestContext): void {
  const before = { ...process.env };
  t.after(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  const nowhere = { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' };
  Object.assign(process.env, { ...nowhere, AWS_EC2_METADATA_DISABLED: 'true' });
}
