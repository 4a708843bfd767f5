import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from '@temporalio/worker';

type Running = Pick<Worker, 'getState'>;

const LOOK_EVERY_MS = 250;

interface Pace {
  readonly lookEveryMs?: number;
}

/**
 * Rejects soon after one of the workers has failed. Its own `run` does not always: it then waits for activities in flight whose end it
 * no longer hears of, and there are watches that never end. Meanwhile it serves nobody, and its process looks alive.
 */
export async function untilFailed(
  workers: readonly Running[],
  { lookEveryMs = LOOK_EVERY_MS, signal }: Pace & { readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    if (workers.some(hasFailed))
      throw new Error(
        'a Temporal worker has failed, and its log says why; this process serves nobody any more and ends',
      );
    await sleep(lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Until each has stopped or failed, or for as long as that may take. */
export async function untilEnded(
  workers: readonly Running[],
  { lookEveryMs = LOOK_EVERY_MS, withinMs }: Pace & { readonly withinMs: number },
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (
    performance.now() < deadlineMs &&
    !workers.every((worker) => worker.getState() === 'STOPPED' || hasFailed(worker))
  )
    await sleep(lookEveryMs);
}

export function hasFailed(worker: Running): boolean {
  return worker.getState() === 'FAILED';
}
