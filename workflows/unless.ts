import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { PreScaleRun } from './run.ts';
import type { Steering } from './steering.ts';

/** The activity's answer, or undefined when the condition came true first; then the activity is let go. */
export async function unless<T>(given: () => boolean, act: () => Promise<T>): Promise<T | undefined> {
  const scope = new CancellationScope();
  let answer: T | undefined;
  let done = false;
  let failed: unknown;
  const acting = scope.run(act).then(
    (value) => {
      answer = value;
      done = true;
    },
    (error: unknown) => {
      if (!(isCancellation(error) && scope.consideredCancelled)) failed = error;
      done = true;
    },
  );
  await condition(() => done || given());
  scope.cancel();
  await acting;
  if (failed !== undefined) throw failed;
  return answer;
}

/**
 * The activity's answer, or undefined when the event was over first. Its end may move meanwhile, so the activity is let go
 * only at an end that stands.
 */
export async function untilOver<T>(
  { run, steering }: { readonly run: PreScaleRun; readonly steering: Steering },
  act: () => Promise<T>,
): Promise<T | undefined> {
  let timedOut = false;
  const clock = new CancellationScope();
  const watching = clock
    .run(async () => {
      while (!steering.isOver()) {
        const endMs = run.status().event.endMs;
        await condition(() => steering.isOver() || run.status().event.endMs !== endMs, Math.max(1, endMs - Date.now()));
      }
      timedOut = true;
    })
    .catch(() => undefined);
  try {
    return await unless(() => timedOut, act);
  } finally {
    clock.cancel();
    await watching;
  }
}
