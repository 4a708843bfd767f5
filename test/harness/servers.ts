import { readFileSync } from 'node:fs';
import type { SandboxStatus } from '../../sandbox/state.ts';

/** The sandbox that test/run.ts started; a missing one is a failure and never a silent skip. */
export function servers(): SandboxStatus {
  const file = process.env['HEADROOM_TEST_SANDBOX'];
  if (file === undefined)
    throw new Error('HEADROOM_TEST_SANDBOX is not set: these tests run under "npm test", which starts a sandbox');
  return JSON.parse(readFileSync(file, 'utf8')) as SandboxStatus;
}

/** Takes one of the sandbox's programs away, and gives it back. Only where nobody else needs the sandbox: test/faults. */
export function program(name: string) {
  const { addresses } = servers();
  const order = async (what: 'stop' | 'start', more: object = {}): Promise<void> => {
    const answer = await fetch(`${addresses.control}/programs/${what}`, {
      method: 'POST',
      body: JSON.stringify({ name, ...more }),
    });
    if (!answer.ok) throw new Error(`${name} does not ${what}: ${await answer.text()}`);
  };
  return {
    kill: () => order('stop', { signal: 'SIGKILL' }),
    start: () => order('start'),
    /** It stays there and answers nobody, until the answer is called. */
    freeze(): () => void {
      const pid = servers().pids[name];
      if (pid === undefined) throw new Error(`${name} does not run`);
      process.kill(pid, 'SIGSTOP');
      return () => process.kill(pid, 'SIGCONT');
    },
  };
}

/** What gave up while a server was away comes back, as in a cluster it would by itself. */
export async function reviveThoseThatLeft(): Promise<void> {
  for (const { name, state } of servers().programs) if (state === 'exited') await program(name).start();
}
