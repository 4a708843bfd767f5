import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { isAlive } from '../../sandbox/guard.ts';
import { readStatus, sandboxDirectory } from '../../sandbox/state.ts';
import { eventually } from './eventually.ts';
import type { openSandboxes } from './sandboxes.ts';

/** A third of what a user sees: the event starts after 10 s and lasts 20, with the storm 46. */
const CLOCK = '10';

/** A demo under way, as somebody who watches its terminal knows it. */
export interface Act {
  readonly process: ChildProcess;
  readonly printed: () => string;
  readonly ended: Promise<number | null>;
}

export function beginDemo(
  { begin }: ReturnType<typeof openSandboxes>,
  name: string,
  ...options: readonly string[]
): Act {
  const child = begin('demo', '--name', name, '--clock', CLOCK, ...options);
  const lines: string[] = [];
  if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr?.pipe(process.stderr);
  const ended = once(child, 'close').then(([code]: readonly (number | null)[]) => code ?? null);
  return { process: child, printed: () => lines.join('\n'), ended };
}

export const prints = (act: Act, text: RegExp): Promise<RegExpExecArray> =>
  eventually(`it prints ${text.source}`, async () => text.exec(act.printed()) ?? undefined, { withinMs: 90_000 });

export const workerPid = async (act: Act): Promise<number> =>
  Number((await prints(act, /worker is ready \(pid (\d+)\)/))[1]);

export const pidsOf = (name: string): readonly number[] =>
  Object.values(readStatus(sandboxDirectory(name))?.pids ?? {});

export const areGone = (pids: readonly number[], withinMs: number): Promise<boolean> =>
  eventually(`none of ${pids.join(' ')} lives`, async () => !pids.some(isAlive), { withinMs });

export const claims = (act: Act): readonly string[] => act.printed().match(/^ {2}(yes|NO ) {2}.*$/gm) ?? [];
