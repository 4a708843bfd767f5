import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { cacheDirectory } from '../../sandbox/provision.ts';
import { eventually } from './eventually.ts';

/** https://docs.getmoto.org: AWS's field names and types by another hand than ours. */
const VERSION = '5.2.5';
const INSTALL_MS = 300_000;

export interface Moto {
  readonly url: string;
  stop(): void;
}

/** Installed once into the cache; the answer is a text where this machine cannot have it. */
export async function startMoto(): Promise<Moto | string> {
  const directory = join(cacheDirectory(), `moto-${VERSION}`);
  if (!existsSync(directory)) {
    const missing = install(directory);
    if (missing !== undefined) return missing;
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const python = join(directory, 'bin', 'python');
  const server = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const stop = () => void server.kill('SIGKILL');
  process.once('exit', stop);
  try {
    await eventually('moto answers', () => answers(url, server), { withinMs: 30_000, everyMs: 100 });
  } catch (error) {
    stop();
    throw error;
  }
  return { url, stop };
}

function install(directory: string): string | undefined {
  const fresh = `${directory}.${process.pid}`;
  const needs = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
  if (spawnSync('python3', ['-c', needs]).status !== 0) return 'there is no python3 of 3.10 or newer with venv and pip';
  mkdirSync(cacheDirectory(), { recursive: true });
  const steps = [
    ['python3', ['-m', 'venv', fresh]],
    [join(fresh, 'bin', 'pip'), ['install', '--quiet', `moto[server]==${VERSION}`]],
  ] as const;
  for (const [command, args] of steps) {
    const { status, stderr } = spawnSync(command, args, { timeout: INSTALL_MS, encoding: 'utf8' });
    if (status !== 0) {
      rmSync(fresh, { recursive: true, force: true });
      return `${command} ${args.join(' ')} failed: ${(stderr ?? '').trim().split('\n').at(-1)}`;
    }
  }
  renameSync(fresh, directory);
  return undefined;
}

async function answers(url: string, server: ChildProcess): Promise<boolean> {
  if (server.exitCode !== null) throw new Error(`moto ended with ${server.exitCode}`);
  return (await fetch(`${url}/moto-api/data.json`, { signal: AbortSignal.timeout(2_000) })).ok;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}
