import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { killGroup, spawnGuarded } from './guard.ts';

const HEADROOM = join(import.meta.dirname, '..', 'bin', 'headroom');
/** A worker lets go of what it holds, a sandbox stops its programs: both are far quicker. */
const STOP_MS = 8_000;
/** Characters: the longest of the labels. */
const LABEL = 'emergency'.length;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
}

/** A command that stays. */
export interface Running {
  readonly pid: number;
  /** The first line of a stream that the listener takes for the sign, or undefined when it ended without. */
  readonly ready: Promise<string | undefined>;
  readonly ended: Promise<Finished>;
  isOver(): boolean;
  stop(): Promise<void>;
}

interface StartOptions {
  /** Which line says that it is ready. */
  readonly sign?: (line: string, stream: 'stdout' | 'stderr') => boolean;
  /** A file for all that it prints; absent: the terminal. */
  readonly log?: string;
  /** Its stdout is for us to read, not to show. */
  readonly quiet?: boolean;
  /** Before each of its lines, where several tell at the same time. */
  readonly label?: string;
  /** Which of its lines are worth showing; absent: all. */
  readonly isNews?: (line: string) => boolean;
}

/**
 * Types `headroom` commands as a user would: in processes of their own, each shown before it runs. They die with us,
 * however we die.
 */
export interface Cli {
  /** What the commands after this one see; none of it is put on the command line. */
  setEnvironment(environment: Readonly<Record<string, string>>): void;
  run(args: readonly string[], options?: StartOptions): Promise<Finished>;
  start(args: readonly string[], options?: StartOptions): Running;
  say(line: string): void;
  /** Ends what stays, the last one started first. */
  stopAll(): Promise<void>;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

export function createCli(): Cli {
  const running: Running[] = [];
  let environment: Readonly<Record<string, string>> = {};
  let isStopping = false;

  function start(args: readonly string[], options: StartOptions = {}): Running {
    if (isStopping) throw new Error('nothing is started any more');
    say(styleText('bold', `$ headroom ${args.join(' ')}`, { stream: process.stdout }));
    const child = spawnGuarded(HEADROOM, args, { env: { ...process.env, ...environment } });
    const started = follow(child, options);
    running.push(started);
    return started;
  }

  return {
    setEnvironment: (values) => void (environment = values),
    run: (args, options) => start(args, options).ended,
    start,
    say,
    async stopAll() {
      isStopping = true;
      for (const one of running.toReversed()) await one.stop();
    },
  };
}

function follow(child: ChildProcess, { sign, log, quiet = false, label, isNews }: StartOptions): Running {
  const file = log === undefined ? undefined : createWriteStream(log, { flags: 'a' });
  const printed: string[] = [];
  const prefix = label === undefined ? '' : `${label.padEnd(LABEL)} | `;
  let over = false;
  // not at 'exit': what it printed last is still on its way then
  const ended = once(child, 'close').then((): Finished => {
    over = true;
    file?.end();
    // one that a signal ended has no code
    return { code: child.exitCode ?? 1, stdout: printed.join('\n') };
  });
  const ready = new Promise<string | undefined>((resolve) => {
    const listen = (stream: 'stdout' | 'stderr', onLine: (line: string) => void) => {
      const input = child[stream];
      if (input === null) return;
      createInterface({ input }).on('line', (line) => {
        onLine(line);
        if (sign?.(line, stream) === true) resolve(line);
      });
    };
    const show = (line: string): void => {
      if (isNews?.(line) !== false) say(`  ${prefix}${line}`);
    };
    const print = (line: string): void => (file === undefined ? show(line) : void file.write(`${line}\n`));
    listen('stdout', (line) => {
      if (file === undefined) printed.push(line);
      if (!quiet) print(line);
    });
    listen('stderr', print);
    void ended.then(() => resolve(undefined));
  });
  return {
    pid: child.pid ?? 0,
    ready,
    ended,
    isOver: () => over,
    async stop() {
      if (over) return;
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(STOP_MS, undefined, { ref: false })]);
      if (!over) killGroup(child.pid ?? 0);
      await ended;
    },
  };
}
