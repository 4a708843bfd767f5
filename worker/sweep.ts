import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../activities/ports.ts';
import { messageOf } from '../activities/failure.ts';
import { allRefs } from '../domain/policy.ts';

/** So that a hold whose ledger was terminated is under one again within 40 s. */
const EVERY_MS = 30_000;
/** One round; Kubernetes and Temporal have their own, shorter deadlines for each call. */
const ROUND_MS = 25_000;

interface Log {
  warn(message: string, fields?: object): void;
}

/**
 * Nothing is left behind: looks at once and every half minute for objects that bear a hold, and wakes the ledger of each.
 * A ledger that runs takes no notice; one that was terminated begins anew from what stands on the object. Runs in every
 * worker process: a scheduled workflow would flood the list of runs that operators read.
 */
export function startSweep(
  { workloads, ledger, policy }: Pick<Ports, 'workloads' | 'ledger' | 'policy'>,
  log: Log,
): { stop(): Promise<void> } {
  const ending = new AbortController();
  const caller = `sweep/${hostname()}`;

  async function round(): Promise<void> {
    const call = { signal: AbortSignal.any([ending.signal, AbortSignal.timeout(ROUND_MS)]), caller };
    const held = await workloads.findHeld(allRefs(policy.policy()), call);
    for (const name of held) await ledger.wake(name, call);
  }

  async function sweep(): Promise<void> {
    while (!ending.signal.aborted) {
      await round().catch((error: unknown) => {
        if (!ending.signal.aborted)
          log.warn('the sweep for holds without a ledger failed', { reason: messageOf(error) });
      });
      await sleep(EVERY_MS, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  }

  const done = sweep();
  return {
    async stop() {
      ending.abort();
      await done;
    },
  };
}
