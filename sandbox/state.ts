import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Extra } from './extras.ts';
import { isAlive } from './guard.ts';
import { isLocked } from './lock.ts';

/** `degraded`: it runs, but not all of it. `crashed`: its supervisor died without a word. */
export type SandboxState = 'starting' | 'ready' | 'degraded' | 'stopping' | 'stopped' | 'failed' | 'crashed';

export interface ProgramStatus {
  readonly name: string;
  readonly version: string;
  /** `exited` by itself, `stopped` on request. */
  readonly state: 'waiting' | 'starting' | 'ready' | 'exited' | 'stopped';
  readonly pid?: number;
  /** How an unexpected end looked from outside. */
  readonly exit?: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly lastLines: readonly string[];
  };
  readonly log: string;
}

/** What `headroom sandbox status --json` prints, and what stands in `<directory>/status.json`. */
export interface SandboxStatus {
  readonly name: string;
  readonly state: SandboxState;
  readonly directory: string;
  readonly startedAt: string;
  /** What it has besides: what it was started `--with`. */
  readonly extras: readonly Extra[];
  /** Why the state is degraded or failed. */
  readonly problems: readonly string[];
  readonly addresses: {
    /** host:port of the gRPC front end. */
    readonly temporal: string;
    readonly temporalUi: string;
    readonly kubernetes: string;
    readonly prometheus: string;
    /** Where the load model's exporter listens. */
    readonly exporter: string;
    /** The supervisor's own loopback endpoint. */
    readonly control: string;
    readonly alertmanager?: string;
    /** Where AWS is played `--with cloud`, and where nobody listens otherwise; absent where an older headroom started it. */
    readonly cloud?: string;
  };
  readonly temporal: { readonly namespace: string; readonly configFile: string; readonly profile: string };
  readonly kubeconfig: { readonly admin: string; readonly worker?: string };
  /** Where alerts are sent, and the file with the token that they bring; absent where an older headroom started it. */
  readonly webhook?: { readonly listen: string; readonly bearerFile: string };
  readonly auditLog: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly pids: Readonly<Record<string, number>>;
  readonly programs: readonly ProgramStatus[];
  /** Directory with one file a program. */
  readonly logs: string;
}

const NAME = /^[a-z0-9-]{1,40}$/;

export function readName(text: string): string {
  if (NAME.test(text)) return text;
  throw new InvalidName(
    `"${text}" is no name for a sandbox: 1 to 40 characters out of a-z, 0-9 and "-" are accepted, for example "default"`,
  );
}

/** A class of its own, because it is the caller's mistake: exit code 2. */
export class InvalidName extends Error {}

/** `${XDG_STATE_HOME:-~/.local/state}/headroom/sandbox`: one directory a sandbox, named after it. */
function sandboxRoot(): string {
  const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return join(state, 'headroom', 'sandbox');
}

export const sandboxDirectory = (name: string): string => join(sandboxRoot(), name);

/** Held by the supervisor as long as it lives; beside the directory, so that wiping that leaves the lock alone. */
export const lockFile = (directory: string): string => join(dirname(directory), `.${basename(directory)}.lock`);

const statusFile = (directory: string): string => join(directory, 'status.json');

export function writeStatus(status: SandboxStatus): void {
  const file = statusFile(status.directory);
  writeFileSync(`${file}.new`, `${JSON.stringify(status, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function lastWord(directory: string): SandboxStatus | undefined {
  if (!existsSync(statusFile(directory))) return undefined;
  const status: SandboxStatus = JSON.parse(readFileSync(statusFile(directory), 'utf8'));
  // one that an older headroom started says nothing of extras
  return { ...status, extras: status.extras ?? [] };
}

/** What the sandbox that was here last had started. */
export const lastPids = (directory: string): readonly number[] => Object.values(lastWord(directory)?.pids ?? {});

/** The last word of the sandbox, corrected where its supervisor died without a word. */
export function readStatus(directory: string): SandboxStatus | undefined {
  const status = lastWord(directory);
  if (status === undefined || status.state === 'stopped' || status.state === 'failed') return status;
  const isHeld = isLocked(lockFile(directory));
  if (isHeld && isAlive(status.pids['supervisor'] ?? 0)) return status;
  // held by another than the one who wrote: a new supervisor has begun, and has not said anything yet
  if (isHeld) return { ...status, state: 'starting', problems: [], pids: {} };
  return { ...status, state: 'crashed', problems: ['the supervisor died without stopping the sandbox'], pids: {} };
}

export const isRunning = ({ state }: SandboxStatus): boolean =>
  state === 'starting' || state === 'ready' || state === 'degraded';

/** Every sandbox of this user that left a status, running or not. */
export function listSandboxes(): readonly SandboxStatus[] {
  let names: readonly string[];
  try {
    names = readdirSync(sandboxRoot());
  } catch {
    return [];
  }
  return names
    .filter((name) => NAME.test(name))
    .map((name) => readStatus(sandboxDirectory(name)))
    .filter((status) => status !== undefined);
}
