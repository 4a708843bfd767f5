import { asyncLocalStorage, Context } from '@temporalio/activity';

export interface ActivityRun {
  /** How long it slept, call by call; nothing is really waited for. */
  readonly slept: number[];
  /** What it beat. */
  readonly beats: unknown[];
  act<T>(run: () => Promise<T>): Promise<T>;
}

/** Runs an activity as the worker would, at a given attempt, without a server. */
export function anActivity({
  attempt = 1,
  info = {},
}: { readonly attempt?: number; readonly info?: Partial<Context['info']> } = {}): ActivityRun {
  const [slept, beats]: [number[], unknown[]] = [[], []];
  const context = new Context(
    { attempt, workflowExecution: { workflowId: 'w', runId: 'r' }, ...info } as never,
    new Promise<never>(() => {}),
    new AbortController().signal,
    (detail: unknown) => void beats.push(detail),
    undefined,
    undefined as never,
    undefined as never,
    {},
  );
  const sleep = async (ms: number) => {
    slept.push(ms);
    // a turn for whoever ends the wait, or a loop of such sleeps would never end
    await new Promise((resolve) => setImmediate(resolve));
  };
  Object.assign(context, { sleep });
  return { slept, beats, act: (run) => asyncLocalStorage.run(context, run) };
}
