import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

/** The activity's answer, or undefined when the condition came true or the time came first; then the activity is let go. */
export async function unless<T>(
  given: () => boolean,
  act: () => Promise<T>,
  { untilMs }: { readonly untilMs?: number } = {},
): Promise<T | undefined> {
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
  const settled = () => done || given();
  await (untilMs === undefined ? condition(settled) : condition(settled, Math.max(1, untilMs - Date.now())));
  scope.cancel();
  await acting;
  if (failed !== undefined) throw failed;
  return answer;
}
