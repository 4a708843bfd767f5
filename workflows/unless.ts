import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

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
