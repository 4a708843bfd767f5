import { Context } from '@temporalio/activity';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

/** `<half>:<activity, or port.method>:<n>`: before the effect of its n-th call, or after it and before anybody heard of it. */
export interface KillPoint {
  readonly half: 'before' | 'after';
  readonly name: string;
  readonly count: number;
}

export function readKillPoint(text: string): KillPoint {
  const [, half, name = '', count] = /^(before|after):([\w.]+):(\d+)$/.exec(text) ?? [];
  if (half !== 'before' && half !== 'after') throw new Error(`KILL_AT=${text} is not <before|after>:<name>:<n>`);
  return { half, name, count: Number(count) };
}

export function killPointText({ half, name, count }: KillPoint): string {
  return `${half}:${name}:${count}`;
}

type Acts = Readonly<Record<string, (...args: readonly never[]) => Promise<unknown>>>;

/** The same functions, one of which dies by SIGKILL at its point; the mark is written just before, for the test to find. */
export function mortal<A extends object>(all: A, { half, name, count }: KillPoint, mark: string): A {
  const acts = all as unknown as Acts;
  const act = acts[name];
  if (act === undefined) throw new Error(`there is nothing called ${name} to die at`);
  let calls = 0;
  const reached = () => {
    calls += 1;
    if (calls !== count) return;
    writeFileSync(mark, killPointText({ half, name, count }));
    process.kill(process.pid, 'SIGKILL');
  };
  const dying = async (...args: readonly never[]) => {
    // a poll is one activity, however often it is tried
    if (half === 'before' && isFirstAttempt()) reached();
    const answer = await act(...args);
    if (half === 'after') reached();
    return answer;
  };
  return { ...all, [name]: dying };
}

/** The deaths so far, oldest first: name of the activity, and which one it was. */
export function readDeaths(file: string): readonly { readonly name: string; readonly id: string }[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  return lines.map((line) => {
    const [name = '', id = ''] = line.split(' ');
    return { name, id };
  });
}

/**
 * The same activities, and each one of these names dies by SIGKILL after its effect and before its answer, once: its next
 * attempt, in another process, finds its death noted and lives.
 */
export function mortalOnceEach<A extends object>(all: A, names: readonly string[], deaths: string): A {
  const acts = all as unknown as Acts;
  const dying =
    (name: string, act: Acts[string]) =>
    async (...args: readonly never[]) => {
      const answer = await act(...args);
      const { workflowExecution, activityId } = Context.current().info;
      const id = `${workflowExecution?.workflowId}/${workflowExecution?.runId}/${activityId}`;
      if (readDeaths(deaths).some((death) => death.id === id)) return answer;
      appendFileSync(deaths, `${name} ${id}\n`);
      process.kill(process.pid, 'SIGKILL');
      return answer;
    };
  const mortals = names.map((name) => {
    const act = acts[name];
    if (act === undefined) throw new Error(`there is nothing called ${name} to die at`);
    return [name, dying(name, act)] as const;
  });
  return { ...all, ...Object.fromEntries(mortals) };
}

function isFirstAttempt(): boolean {
  return Context.current().info.attempt === 1;
}
