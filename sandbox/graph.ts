export interface Task {
  readonly name: string;
  /** Names of the tasks that have to be done first. */
  readonly needs: readonly string[];
  readonly run: () => Promise<void>;
}

/** Runs every task as soon as what it needs is done; fails with the first that fails. */
export async function runGraph(tasks: readonly Task[]): Promise<void> {
  const done = new Map<string, Promise<void>>();
  const waiting = new Set<string>();
  const start = (name: string): Promise<void> => {
    const known = done.get(name);
    if (known !== undefined) return known;
    const task = tasks.find((candidate) => candidate.name === name);
    if (task === undefined) throw new Error(`there is no task ${name}`);
    if (waiting.has(name)) throw new Error(`task ${name} needs itself`);
    waiting.add(name);
    const needs = task.needs.map(start);
    const running = Promise.all(needs).then(task.run);
    done.set(name, running);
    return running;
  };
  await Promise.all(tasks.map(({ name }) => start(name)));
}
