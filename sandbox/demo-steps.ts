import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunView } from '../client/runs.ts';
import type { Cli, Running } from './demo-cli.ts';
import type { LoadView } from './load-view.ts';
import { FILES } from './run.ts';
import { sandboxDirectory } from './state.ts';

/** The act cannot go on; said to the user as it stands. */
export class ActEnded extends Error {}

const WORKLOAD = 'tensafe-server';
export const RUN = `pre-scale.${WORKLOAD}.demo`;
export const EMERGENCY = `emergency-scale-up.${WORKLOAD}`;

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

export type Environment = Readonly<Record<string, string>>;

/** What `eval "$(headroom sandbox env)"` would put into a shell. */
export async function readEnvironment(cli: Cli, name: string): Promise<Environment> {
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
  if ((await readyWithin(worker, WORKER_MS)) === undefined)
    throw new ActEnded(`the worker did not get ready; its log: ${log}`);
  cli.say(`  the worker is ready (pid ${worker.pid}); its log: ${log}`);
  return worker;
}

/** The sign that it is ready; undefined when it ended, or when nothing came in time. */
export const readyWithin = (started: Running, ms: number): Promise<string | undefined> =>
  Promise.race([started.ready, sleep(ms, undefined, { ref: false })]);

/** A run that waits for quiet names every metric at every look. */
const QUIET_LINES_EVERY_MS = 15_000;

/** Follows a run; of the lines that only tell how far from quiet it is, one in a while. */
export function follow(cli: Cli, args: readonly string[], label?: string): Running {
  let shownMs = Number.NEGATIVE_INFINITY;
  const isNews = (line: string): boolean => {
    if (!line.includes('| awaitQuiet: ')) return true;
    if (Date.now() - shownMs < QUIET_LINES_EVERY_MS) return false;
    shownMs = Date.now();
    return true;
  };
  return cli.start(args, { quiet: true, isNews, ...(label !== undefined && { label }) });
}

export async function setLoad(cli: Cli, name: string, rps: number): Promise<void> {
  const { code } = await cli.run(['sandbox', 'load', WORKLOAD, '--rps', String(rps), '--name', name]);
  if (code !== 0) throw new ActEnded('the load cannot be set');
}

/** The load that there is, whoever set it. */
export async function readRps(cli: Cli, name: string): Promise<number> {
  const { code, stdout } = await cli.run(['sandbox', 'load', WORKLOAD, '--json', '--name', name], { quiet: true });
  if (code !== 0) throw new ActEnded('the load cannot be read');
  const { rps }: LoadView = JSON.parse(stdout);
  return rps;
}

export async function show(cli: Cli, run: string): Promise<RunView> {
  const { code, stdout } = await cli.run(['show', run, '--json'], { quiet: true });
  if (code !== 0) throw new ActEnded(`there is nothing to show of ${run}`);
  return JSON.parse(stdout);
}

/** How many runs of that id began since then. */
export async function countRuns(cli: Cli, run: string, sinceMs: number): Promise<number> {
  const { code, stdout } = await cli.run(['runs', '--all', '--json'], { quiet: true });
  if (code !== 0) throw new ActEnded('the runs cannot be listed');
  const runs: readonly { readonly id: string; readonly startedAt: string }[] = JSON.parse(stdout);
  return runs.filter(({ id, startedAt }) => id === run && Date.parse(startedAt) >= sinceMs).length;
}

export interface EventWindow {
  readonly startMs: number;
  /** When the load reaches the peak that was foreseen, and when it goes beyond; the latter only in the second act. */
  readonly peakMs: number;
  readonly stormMs?: number;
  readonly endMs: number;
}

/** Whatever the clock: until the autoscaler has read the peak, whose count an emergency doubles (its metrics are 10 s old at most) … */
const PEAK_MS = 12_000;
/** … and for a storm, its answer, and the work that has piled up. */
const STORM_MS = 30_000;

/** In whole seconds, as they are typed. */
export function windowFrom(
  nowMs: number,
  clockMs: number,
  { withStorm }: { readonly withStorm: boolean },
): EventWindow {
  const startMs = Math.ceil((nowMs + clockMs) / 1_000) * 1_000;
  const peakMs = startMs + clockMs / 3;
  if (!withStorm) return { startMs, peakMs, endMs: startMs + 2 * clockMs };
  const stormMs = peakMs + Math.max(clockMs / 3, PEAK_MS);
  return { startMs, peakMs, stormMs, endMs: Math.ceil((stormMs + STORM_MS) / 1_000) * 1_000 };
}

export function preScaleCommand({ startMs, endMs }: EventWindow, clockMs: number): readonly string[] {
  const lead = `${Math.round((clockMs * 2) / 3_000)}s`;
  const window = ['--starts', iso(startMs), '--ends', iso(endMs)];
  return ['pre-scale', WORKLOAD, '--event', 'demo', ...window, '--factor', '2', '--lead', lead, '--wait'];
}

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
export const clock = (ms: number): string => `${iso(ms).slice(11, 19)}Z`;
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
