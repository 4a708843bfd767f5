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

function killPointText({ half, name, count }: KillPoint): string {
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

/** One of the two moments at which an activity can be interrupted, at each of its calls. */
export type Boundary = Pick<KillPoint, 'half' | 'name'>;

export function boundaryText({ half, name }: Boundary): string {
  return `${half}:${name}`;
}

/** `<half>:<activity>`, several with commas between them. */
export function readBoundaries(text: string): readonly Boundary[] {
  return text.split(',').map((one) => {
    const { half, name } = readKillPoint(`${one}:1`);
    return { half, name };
  });
}

/** The boundary of each death so far, oldest first. */
export function readDeaths(file: string): readonly string[] {
  return notesIn(file).map((note) => note.split(' ')[0] ?? '');
}

function notesIn(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

/**
 * The same activities, and at each of these boundaries the process dies by SIGKILL, once for each activity of a workflow:
 * its next attempt, in another process, finds the death noted and lives.
 */
export function mortalOnceEach<A extends object>(all: A, boundaries: readonly Boundary[], deaths: string): A {
  const acts = all as unknown as Acts;
  const asked = new Set(boundaries.map(boundaryText));
  const dieOnce = (boundary: Boundary) => {
    if (!asked.has(boundaryText(boundary))) return;
    const { workflowExecution, activityId } = Context.current().info;
    const note = `${boundaryText(boundary)} ${workflowExecution?.workflowId}/${workflowExecution?.runId}/${activityId}`;
    if (notesIn(deaths).includes(note)) return;
    appendFileSync(deaths, `${note}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
  const dying =
    (name: string, act: Acts[string]) =>
    async (...args: readonly never[]) => {
      dieOnce({ half: 'before', name });
      const answer = await act(...args);
      dieOnce({ half: 'after', name });
      return answer;
    };
  const mortals = [...new Set(boundaries.map(({ name }) => name))].map((name) => {
    const act = acts[name];
    if (act === undefined) throw new Error(`there is nothing called ${name} to die at`);
    return [name, dying(name, act)] as const;
  });
  return { ...all, ...Object.fromEntries(mortals) };
}

function isFirstAttempt(): boolean {
  return Context.current().info.attempt === 1;
}
