import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Component } from './component.ts';
import { pathIn, type Run } from './run.ts';
import type { ProgramStatus } from './state.ts';

/** Far longer than any of them takes, so that a slow machine is no failure. */
const READY_WITHIN_MS = 90_000;

/** What a program gets of our environment: its own settings (ETCD_…, TEMPORAL_…, KUBECONFIG) must not reach it. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'GOMAXPROCS', 'GOMEMLIMIT', 'GOGC'];

export interface ProgramProcess {
  status(): ProgramStatus;
  /** Starts it and waits until it is ready; refused while it runs. */
  start(): Promise<void>;
  /** Ends it on purpose; resolves when it is gone. */
  stop(options: { readonly signal: NodeJS.Signals; readonly killAfterMs: number }): Promise<void>;
}

interface Settings {
  readonly component: Component;
  readonly run: Run;
  readonly onChange: () => void;
  readonly onUnexpectedExit: (status: ProgramStatus) => void;
}

export function createProgramProcess({ component, run, onChange, onUnexpectedExit }: Settings): ProgramProcess {
  const { name } = component;
  const { path, version } = run.programs[name] ?? { path: name, version: '' };
  const log = pathIn(run, 'logs', `${name}.log`);
  let child: ChildProcess | undefined;
  let status: ProgramStatus = { name, version, state: 'waiting', log };
  let expected = true;

  const change = (next: Omit<ProgramStatus, 'name' | 'version' | 'log'>) => {
    status = { name, version, log, ...next };
    onChange();
  };

  function launch(): void {
    const output = openSync(log, 'a', 0o600);
    const environment = Object.fromEntries(INHERITED.map((key) => [key, process.env[key]]));
    child = spawn(path, [...component.args(run)], {
      cwd: run.directory,
      env: { ...environment, ...component.environment?.(run) },
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    child.once('error', (error) => ended({ code: null, signal: error.message }));
    child.once('exit', (code, signal) => ended({ code, signal }));
    change({ state: 'starting', ...(child.pid === undefined ? {} : { pid: child.pid }) });
  }

  function ended(how: { readonly code: number | null; readonly signal: string | null }): void {
    child = undefined;
    if (expected) return change({ state: 'stopped' });
    change({ state: 'exited', exit: { ...how, lastLines: lastLines(log) } });
    return onUnexpectedExit(status);
  }

  async function start(): Promise<void> {
    if (child !== undefined) throw new Error(`${name} runs already, with pid ${child.pid}`);
    expected = false;
    launch();
    const probe = component.ready?.(run);
    const deadlineMs = Date.now() + READY_WITHIN_MS;
    for (;;) {
      const trouble = await probe?.();
      if (child === undefined)
        throw new Error(expected ? `${name} was stopped before it was ready` : describeExit(status));
      if (trouble === undefined) return change({ state: 'ready', pid: status.pid ?? 0 });
      if (Date.now() > deadlineMs) {
        throw new Error(`${name} is not ready after ${READY_WITHIN_MS / 1000} s: ${trouble}\n  its log: ${log}`);
      }
      await sleep(50);
    }
  }

  const stop: ProgramProcess['stop'] = async ({ signal, killAfterMs }) => {
    const ending = child;
    expected = true;
    if (ending === undefined) return;
    const gone = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
    ending.kill(signal);
    const timer = setTimeout(() => ending.kill('SIGKILL'), killAfterMs);
    await gone;
    clearTimeout(timer);
  };

  return { status: () => status, start, stop };
}

export function describeExit({ name, exit, log }: ProgramStatus): string {
  const how = exit?.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit?.code}`;
  const lines = (exit?.lastLines ?? []).map((line) => `    ${line}`).join('\n');
  return `${name} ${how}, and nobody asked it to; the last lines of ${log}:\n${lines || '    (none)'}`;
}

function lastLines(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-10)
    .map((line) => line.slice(0, 500));
}
