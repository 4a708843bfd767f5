import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificates } from './certificates.ts';
import { createControlPlane } from './control-plane.ts';
import { createControlServer, type Routes } from './control.ts';
import { prepareDirectory, writeFiles } from './files.ts';
import { guardOwnGroup, isAlive, killGroup } from './guard.ts';
import { createKubeClient } from './kube.ts';
import { tryLock } from './lock.ts';
import { listen, takePorts } from './ports.ts';
import { kubernetesUrl, namePorts, type Ports, type Run, type RunRequest } from './run.ts';
import { startSeed, type Seed } from './seed.ts';
import { lastPids, lockFile, writeStatus, type SandboxState, type SandboxStatus } from './state.ts';

/** What the supervisor tells whoever started it. */
export type Report =
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'ready'; readonly status: SandboxStatus }
  | { readonly kind: 'problem'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
  /** Another supervisor has this directory. */
  | { readonly kind: 'taken' };

export type Order =
  | { readonly kind: 'start'; readonly request: RunRequest }
  /** From now on it may outlive whoever started it. */
  | { readonly kind: 'detach' }
  | { readonly kind: 'stop' };

interface Life {
  start(): Promise<SandboxStatus>;
  /** Safe to call again: there is one end. */
  stop(outcome: 'stopped' | 'failed', problem?: string): Promise<void>;
}

async function createLife(request: RunRequest, onGuardExit: () => void): Promise<Life> {
  await survivorsAreGone(request.directory);
  prepareDirectory(request.directory);
  const routes: Routes = new Map();
  const run = await createRun(request, await openControlEndpoint(routes));
  const guard = guardOwnGroup();
  guard.once('exit', onGuardExit);
  const startedAt = new Date().toISOString();
  let state: SandboxState = 'starting';
  let ending: Promise<void> | undefined;
  let seed: Seed = {};
  const extraProblems: string[] = [];

  const controlPlane = createControlPlane({ run, routes, onChange: save, onUnexpectedExit });

  function current(): SandboxStatus {
    const pids = state === 'stopped' || state === 'failed' ? {} : { supervisor: process.pid, guard: guard.pid ?? 0 };
    const status = controlPlane.status(state, startedAt, pids);
    return { ...status, problems: [...extraProblems, ...(state === 'degraded' ? controlPlane.problems() : [])] };
  }

  function save(): void {
    if (state === 'ready' && controlPlane.problems().length > 0) state = 'degraded';
    if (state === 'degraded' && controlPlane.problems().length === 0) state = 'ready';
    writeStatus(current());
  }

  function onUnexpectedExit(message: string): void {
    console.error(message);
    if (state === 'ready' || state === 'degraded') report({ kind: 'problem', message });
  }

  async function end(outcome: 'stopped' | 'failed'): Promise<void> {
    if (state === 'starting')
      report({ kind: 'failed', message: extraProblems.at(-1) ?? 'it was stopped before it was ready' });
    state = 'stopping';
    save();
    await seed.stop?.();
    await controlPlane.stop();
    state = outcome;
    save();
  }

  routes.set('GET /status', current);
  return {
    async start() {
      save();
      await controlPlane.start();
      seed = await startSeed(run, routes);
      state = 'ready';
      save();
      return current();
    },
    stop(outcome, problem) {
      if (problem !== undefined) extraProblems.push(problem);
      ending ??= end(outcome);
      return ending;
    },
  };
}

/** Programs of a supervisor that was killed have a moment to live; their directory must not be taken from under them. */
async function survivorsAreGone(directory: string): Promise<void> {
  const pids = lastPids(directory);
  const deadlineMs = Date.now() + 5_000;
  while (pids.some(isAlive) && Date.now() < deadlineMs) await sleep(50);
}

/** Held until this process ends. Somebody who only looks at the state has it for a moment too, hence the patience. */
async function takeLock(directory: string): Promise<boolean> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    if (tryLock(lockFile(directory)) !== undefined) return true;
    await sleep(50);
  }
  return false;
}

async function openControlEndpoint(routes: Routes): Promise<Ports> {
  let server = createControlServer(routes);
  const first = await takePorts(
    (port) => listen(server, port),
    async () => {
      server.close();
      server = createControlServer(routes);
    },
  );
  return namePorts(first);
}

async function createRun(request: RunRequest, ports: Ports): Promise<Run> {
  const certificates = await makeCertificates();
  const server = kubernetesUrl({ ports });
  const kube = createKubeClient(server, { authority: certificates.ca.certificate, admin: certificates.admin });
  const run: Run = { ...request, ports, certificates, kube, onProgress: reportProgress };
  writeFiles(run, certificates);
  return run;
}

function reportProgress(line: string): void {
  report({ kind: 'progress', line });
}

function report(message: Report): void {
  if (process.connected) process.send?.(message);
}

async function supervise(request: RunRequest): Promise<void> {
  if (!(await takeLock(request.directory))) {
    report({ kind: 'taken' });
    return leave(1);
  }
  const life = await createLife(request, () => void shutDown('failed', 'the guard that watches over it died'));
  let detached = false;
  let leaving = false;

  async function shutDown(outcome: 'stopped' | 'failed', problem?: string): Promise<never> {
    leaving = true;
    // whatever hangs in here, nothing may live five seconds after a crash
    setTimeout(() => killGroup(process.pid), 4_000).unref();
    await life.stop(outcome, problem);
    return leave(outcome === 'stopped' ? 0 : 1);
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void shutDown('stopped'));
  process.once('disconnect', () => {
    if (!detached) void shutDown('stopped', 'whoever started it is gone');
  });
  process.on('message', (order: Order) => {
    if (order.kind === 'detach') detached = true;
    if (order.kind === 'stop') void shutDown('stopped');
  });
  process.on('uncaughtException', (error) => void fail(error));

  async function fail(error: unknown): Promise<void> {
    console.error(error);
    if (leaving) return; // what is being stopped may well complain
    const message = error instanceof Error ? error.message : String(error);
    await shutDown('failed', message);
  }

  try {
    report({ kind: 'ready', status: await life.start() });
  } catch (error) {
    await fail(error);
  }
}

/** The reports are on their way to another process: leave only when they are out. */
function leave(code: number): never | Promise<never> {
  process.exitCode = code;
  if (process.connected) process.disconnect();
  return new Promise<never>(() => setImmediate(() => process.exit(code)));
}

process.once('message', (order: Order) => {
  if (order.kind === 'start') void supervise(order.request);
});
