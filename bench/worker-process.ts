import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { AS_IT_SHIPS } from '../test/harness/lane.ts';

export interface WorkerProcess {
  readonly pid: number;
  /** From its start to its word that it polls. */
  readonly readyMs: number;
  /** By SIGKILL: nothing is put in order first. */
  kill(): Promise<void>;
}

/** Longer than a worker that builds its bundle on a busy machine. */
const READY_WITHIN_MS = 60_000;

/** A worker in a process of its own, which it is in production too; answers when it says that it is ready. */
export async function startWorkerProcess(
  script: string,
  env: Readonly<Record<string, string>>,
  logFile: string,
  nodeArgs: readonly string[] = AS_IT_SHIPS,
): Promise<WorkerProcess> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...nodeArgs, script], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // a bench that is told to stop leaves nobody behind
  const endIt = () => child.kill('SIGKILL');
  process.once('exit', endIt);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void ended.then(() => process.off('exit', endIt));
  const readyMs = await untilReady(child, logFile, startedMs).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    pid: child.pid ?? 0,
    readyMs,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function untilReady(child: ChildProcess, logFile: string, startedMs: number): Promise<number> {
  const log = createWriteStream(logFile, { flags: 'a' });
  let said = '';
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => fail('is not ready'), READY_WITHIN_MS);
    const fail = (what: string) => {
      clearTimeout(late);
      reject(new Error(`the worker ${what}; its log: ${logFile}\n${said.slice(-2_000)}`));
    };
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? code}`));
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        log.write(chunk);
        if (said.includes('worker is ready')) return;
        said += chunk.toString();
        if (!said.includes('worker is ready')) return;
        clearTimeout(late);
        resolve(performance.now() - startedMs);
      });
  });
}
