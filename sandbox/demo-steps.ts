import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunView } from '../client/runs.ts';
import type { Cli, Running } from './demo-cli.ts';
import { FILES } from './run.ts';
import { sandboxDirectory } from './state.ts';

/** The act cannot go on; said to the user as it stands. */
export class ActEnded extends Error {}

const WORKLOAD = 'tensafe-server';
export const RUN = `pre-scale.${WORKLOAD}.demo`;

/** Bundling the workflows takes seconds on a small machine. */
const WORKER_MS = 60_000;
/** Answers the one that was started, which ends with us; one that runs already says so and stays without us. */
export async function startSandbox(cli: Cli, name: string): Promise<Running | undefined> {
  const sandbox = cli.start(['sandbox', 'up', '--name', name], { sign: (_, stream) => stream === 'stdout' });
  const greeting = await sandbox.ready;
  if (greeting !== undefined && !greeting.includes('runs already')) return sandbox;
  const { code } = await sandbox.ended;
  if (code !== 0) throw new ActEnded('there is no sandbox');
  return undefined;
}

/** What `eval "$(headroom sandbox env)"` would put into a shell. */
export async function readEnvironment(cli: Cli, name: string): Promise<Readonly<Record<string, string>>> {
  const { code, stdout } = await cli.run(['sandbox', 'env', '--name', name], { quiet: true });
  if (code !== 0) throw new ActEnded('the sandbox has no environment to use');
  return Object.fromEntries(
    [...stdout.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, key = '', value = '']) => [
      key,
      value.replaceAll(String.raw`'\''`, "'"),
    ]),
  );
}

export async function startWorker(cli: Cli, name: string): Promise<Running> {
  const log = join(sandboxDirectory(name), FILES.logs, 'worker.log');
  const worker = cli.start(['worker'], { log, sign: (line) => line.includes('"msg":"worker is ready"') });
  const line = await Promise.race([worker.ready, sleep(WORKER_MS, undefined, { ref: false })]);
  if (line === undefined) throw new ActEnded(`the worker did not get ready; its log: ${log}`);
  cli.say(`  the worker is ready (pid ${worker.pid}); its log: ${log}`);
  return worker;
}

export async function setLoad(cli: Cli, name: string, rps: number): Promise<void> {
  const { code } = await cli.run(['sandbox', 'load', WORKLOAD, '--rps', String(rps), '--name', name]);
  if (code !== 0) throw new ActEnded('the load cannot be set');
}

export async function show(cli: Cli): Promise<RunView> {
  const { code, stdout } = await cli.run(['show', RUN, '--json'], { quiet: true });
  if (code !== 0) throw new ActEnded(`there is nothing to show of ${RUN}`);
  return JSON.parse(stdout);
}

export interface EventWindow {
  readonly startMs: number;
  readonly endMs: number;
}

/** In whole seconds, as they are typed. */
export function windowFrom(nowMs: number, clockMs: number): EventWindow {
  const startMs = Math.ceil((nowMs + clockMs) / 1_000) * 1_000;
  return { startMs, endMs: startMs + 2 * clockMs };
}

export function preScaleCommand({ startMs, endMs }: EventWindow, clockMs: number): readonly string[] {
  const lead = `${Math.round((clockMs * 2) / 3_000)}s`;
  const window = ['--starts', iso(startMs), '--ends', iso(endMs)];
  return ['pre-scale', WORKLOAD, '--event', 'demo', ...window, '--factor', '2', '--lead', lead, '--wait'];
}

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
export const clock = (ms: number): string => `${iso(ms).slice(11, 19)}Z`;
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
