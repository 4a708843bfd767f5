import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/**
 * Nothing that we start may outlive us, even when we are killed without a chance to say so.
 * So a tiny `sh` reads from a pipe whose other end only we hold: when we are gone, for whatever reason, the read
 * ends and it kills the process group. Groups are inherited at fork, so no child is ever outside of it.
 */
const IGNORE_SIGNALS = 'trap "" INT TERM HUP;';
// "-s KILL --" is the one way to name a group that every sh understands: dash takes no "-KILL -- -1"
const WATCH_GROUP = `${IGNORE_SIGNALS} read -r _ || kill -s KILL -- "-$1"`;
const WATCH_OWN_GROUP = `(${IGNORE_SIGNALS} read -r _ <&3; kill -s KILL 0) & exec "$@" 3<&-`;

/**
 * Kills the caller's own process group once the caller is gone. Only for a process that leads its group (was
 * spawned `detached`); everything it spawns without `detached` is then covered.
 */
export function guardOwnGroup(): ChildProcess {
  const guard = spawn('/bin/sh', ['-c', WATCH_GROUP, 'headroom-guard', String(process.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  return guard;
}

/**
 * Spawns a command in a group of its own that dies, children included, with the caller; and once the command has
 * ended, what is left of its group dies too. Otherwise it is `spawn`: same pid, same streams (0 to 2), same exit.
 */
export function spawnGuarded(
  command: string,
  args: readonly string[],
  {
    stdio = ['ignore', 'pipe', 'pipe'],
    ...options
  }: Omit<SpawnOptions, 'detached' | 'stdio'> & { readonly stdio?: Stdio } = {},
): ChildProcess {
  const child = spawn('/bin/sh', ['-c', WATCH_OWN_GROUP, 'headroom-guard', command, ...args], {
    ...options,
    detached: true,
    stdio: [...stdio, 'pipe'],
  });
  child.once('exit', () => child.stdio[3]?.destroy());
  return child;
}

type Stream = 'ignore' | 'pipe' | 'inherit' | number;
type Stdio = readonly [Stream, Stream, Stream];

/** Ends a whole process group at once; one that is already gone is what we wanted. */
export function killGroup(leaderPid: number): void {
  try {
    process.kill(-leaderPid, 'SIGKILL');
  } catch {
    return;
  }
}

/** A process that ended and waits for its parent to notice is not alive, though it still takes signals. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return !existsSync('/proc/self'); // no /proc, as on macOS: what the signal said; else it ended just now
  }
}
