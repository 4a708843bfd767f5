import { existsSync } from 'node:fs';
import { webhookOf } from './alertmanager.ts';
import { componentsWith } from './components.ts';
import { BadRequest, type Routes } from './control.ts';
import { addressesOf } from './files.ts';
import { runGraph } from './graph.ts';
import { createProgramProcess, describeExit, type ProgramProcess } from './program-process.ts';
import { pathIn, type Run } from './run.ts';
import type { ProgramStatus, SandboxState, SandboxStatus } from './state.ts';
import { stepsWith } from './steps.ts';

/**
 * A program that was asked to end gets this long; then it is killed. Nothing is lost by that, as the next start
 * begins anew, and the API server with its watches open would take a minute.
 */
const STOP_MS = 1_000;

export interface ControlPlane {
  /** Starts every component in the order of their needs; fails with the first that fails. */
  start(): Promise<void>;
  stop(): Promise<void>;
  status(state: SandboxState, startedAt: string, pids: Readonly<Record<string, number>>): SandboxStatus;
  /** What is wrong just now, in words. */
  problems(): readonly string[];
}

interface Settings {
  readonly run: Run;
  readonly routes: Routes;
  readonly onChange: () => void;
  readonly onUnexpectedExit: (message: string) => void;
}

export function createControlPlane({ run, routes, onChange, onUnexpectedExit }: Settings): ControlPlane {
  const programs = componentsWith(run.extras).map((component) => ({
    component,
    program: createProgramProcess({
      component,
      run,
      onChange,
      onUnexpectedExit: (status) => onUnexpectedExit(describeExit(status)),
    }),
  }));

  addProgramRoutes(routes, new Map(programs.map(({ component, program }) => [component.name, program])));

  const statuses = (): readonly ProgramStatus[] => programs.map(({ program }) => program.status());
  const problems = () => statuses().flatMap(problemOf);

  return {
    start: () =>
      runGraph([
        ...programs.map(({ component: { name, needs }, program }) => ({ name, needs, run: () => program.start() })),
        ...stepsWith(run.extras).map((step) => ({ ...step, run: () => step.run(run) })),
      ]),
    async stop() {
      await Promise.all(programs.map(({ program }) => program.stop({ signal: 'SIGTERM', killAfterMs: STOP_MS })));
    },
    status: (state, startedAt, pids) => describeRun({ run, state, startedAt, pids, programs: statuses() }),
    problems,
  };
}

function problemOf(status: ProgramStatus): readonly string[] {
  if (status.state === 'exited') return [describeExit(status)];
  return status.state === 'stopped' ? [`${status.name} was stopped on request`] : [];
}

function describeRun({
  run,
  state,
  startedAt,
  pids,
  programs,
}: {
  readonly run: Run;
  readonly state: SandboxState;
  readonly startedAt: string;
  readonly pids: Readonly<Record<string, number>>;
  readonly programs: readonly ProgramStatus[];
}): SandboxStatus {
  const worker = pathIn(run, 'workerKubeconfig');
  return {
    name: run.name,
    state,
    directory: run.directory,
    startedAt,
    extras: run.extras,
    problems: [],
    addresses: addressesOf(run),
    temporal: { namespace: 'default', configFile: pathIn(run, 'temporalConfig'), profile: 'default' },
    kubeconfig: { admin: pathIn(run, 'kubeconfig'), ...(existsSync(worker) ? { worker } : {}) },
    webhook: webhookOf(run),
    auditLog: pathIn(run, 'auditLog'),
    versions: Object.fromEntries(programs.map(({ name, version }) => [name, version])),
    pids: {
      ...pids,
      ...Object.fromEntries(programs.flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid]]))),
    },
    programs,
    logs: pathIn(run, 'logs'),
  };
}

/** Lets a test take one program away and give it back: `{ "name": "temporal", "signal": "SIGKILL" }`. */
function addProgramRoutes(routes: Routes, programs: ReadonlyMap<string, ProgramProcess>): void {
  const find = (body: unknown): ProgramProcess => {
    const { name } = (body ?? {}) as { readonly name?: string };
    const program = programs.get(name ?? '');
    if (program === undefined) throw new BadRequest(`"name" must be one of ${[...programs.keys()].join(', ')}`);
    return program;
  };
  routes.set('POST /programs/stop', async (body) => {
    const { signal = 'SIGTERM' } = (body ?? {}) as { readonly signal?: NodeJS.Signals };
    await find(body).stop({ signal, killAfterMs: STOP_MS });
    return find(body).status();
  });
  routes.set('POST /programs/start', async (body) => {
    await find(body).start();
    return find(body).status();
  });
}
