import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentsWith } from './components.ts';
import { provisionDefinitions } from './definitions.ts';
import type { Extra } from './extras.ts';
import { killGroup } from './guard.ts';
import { provision, type OnProgress } from './provision.ts';
import { FILES, SUPERVISOR_LOG } from './run.ts';
import { sandboxDirectory, type SandboxStatus } from './state.ts';
import type { Order, Report } from './supervisor.ts';

export interface StartOptions {
  readonly name: string;
  /** Absent: the one that belongs to the name. Given, the sandbox is not among the listed ones. */
  readonly directory?: string;
  /** Fill it with the TenSafe workloads and their load. */
  readonly seed: boolean;
  /** Programs that a plain sandbox does without. */
  readonly extras?: readonly Extra[];
  readonly onProgress?: OnProgress;
  /** A program that ended by itself after the sandbox was ready. */
  readonly onProblem?: (message: string) => void;
}

export interface SandboxHandle {
  /** As it was when it got ready. */
  readonly status: SandboxStatus;
  /** Resolves when the supervisor has ended, for whatever reason. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  /** Without a goodbye: for somebody who presses Ctrl-C twice. */
  kill(): void;
  /** Lets it live on when this process ends. Until then it dies with us, however we die. */
  detach(): void;
}

/** Somebody else started it between our look and our start. */
export class SandboxTaken extends Error {}

/** Gets what is missing, starts a sandbox, and answers when it is ready. Its end is ours: see `detach`. */
export async function startSandbox(options: StartOptions): Promise<SandboxHandle> {
  const { name, seed, extras = [], onProgress = () => {} } = options;
  const directory = resolve(options.directory ?? sandboxDirectory(name));
  refuseForeign(directory);
  const programs = await provision(
    componentsWith(extras).map((component) => component.name),
    onProgress,
  );
  const definitionFiles = await provisionDefinitions(onProgress);
  const child = spawnSupervisor(directory);
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  send(child, { kind: 'start', request: { name, directory, seed, extras, programs, definitionFiles } });
  const status = await ready(child, { directory, onProgress, onProblem: options.onProblem ?? (() => {}) });
  return {
    status,
    ended,
    async stop() {
      send(child, { kind: 'stop' });
      await ended;
    },
    kill: () => killGroup(child.pid ?? 0),
    detach() {
      send(child, { kind: 'detach' });
      child.disconnect();
      child.unref();
    },
  };
}

/** Starting wipes the directory: never one that is not a sandbox's. */
function refuseForeign(directory: string): void {
  const isOurs =
    !existsSync(directory) ||
    existsSync(join(directory, 'status.json')) ||
    readdirSync(directory).every((entry) => entry === FILES.logs);
  if (!isOurs)
    throw new Error(`${directory} is not empty and not a sandbox's; starting there would delete what it holds`);
}

function spawnSupervisor(directory: string): ChildProcess {
  mkdirSync(join(directory, FILES.logs), { recursive: true, mode: 0o700 });
  const log = openSync(join(directory, FILES.logs, SUPERVISOR_LOG), 'a', 0o600);
  const entry = fileURLToPath(new URL('supervisor.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  return child;
}

const send = (child: ChildProcess, order: Order): void => {
  if (child.connected) child.send(order);
};

interface Listener {
  readonly directory: string;
  readonly onProgress: OnProgress;
  readonly onProblem: (message: string) => void;
}

function ready(child: ChildProcess, { directory, onProgress, onProblem }: Listener): Promise<SandboxStatus> {
  return new Promise((resolve, reject) => {
    let failure = new Error(
      `the supervisor died without a word; its log: ${join(directory, FILES.logs, SUPERVISOR_LOG)}`,
    );
    child.on('message', (report: Report) => {
      if (report.kind === 'progress') onProgress(report.line);
      if (report.kind === 'problem') onProblem(report.message);
      if (report.kind === 'ready') resolve(report.status);
      if (report.kind === 'failed') failure = new Error(report.message);
      if (report.kind === 'taken') failure = new SandboxTaken(`another supervisor is at work in ${directory}`);
    });
    child.once('error', reject);
    // not at the report: when the caller hears of the failure, everything is stopped
    child.once('exit', () => reject(failure));
  });
}
