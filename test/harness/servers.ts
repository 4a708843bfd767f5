import { readFileSync } from 'node:fs';
import type { SandboxStatus } from '../../sandbox/state.ts';

/** The sandbox that test/run.ts started; a missing one is a failure and never a silent skip. */
export function servers(): SandboxStatus {
  const file = process.env['HEADROOM_TEST_SANDBOX'];
  if (file === undefined)
    throw new Error('HEADROOM_TEST_SANDBOX is not set: these tests run under "npm test", which starts a sandbox');
  return JSON.parse(readFileSync(file, 'utf8')) as SandboxStatus;
}
