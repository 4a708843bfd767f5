import { setTimeout as sleep } from 'node:timers/promises';
import { environmentOf } from './environment.ts';
import { readExtras, UnknownExtra, type Extra } from './extras.ts';
import { isAlive, killGroup } from './guard.ts';
import { isLocked } from './lock.ts';
import { SandboxTaken, startSandbox, type SandboxHandle } from './start.ts';
import {
  InvalidName,
  isRunning,
  lockFile,
  readName,
  readStatus,
  sandboxDirectory,
  type SandboxStatus,
} from './state.ts';

export interface NameOptions {
  readonly name: string;
}

export interface StatusOptions extends NameOptions {
  readonly json?: boolean;
}

export interface UpOptions extends NameOptions {
  readonly detach?: boolean;
  readonly seed: boolean;
  readonly with: readonly string[];
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Errors become a message and an exit code here: 2 for what was asked wrongly, 1 for what went wrong. */
async function answering(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    say(`headroom: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = error instanceof InvalidName || error instanceof UnknownExtra ? 2 : 1;
  }
}

export function up(options: UpOptions): Promise<void> {
  return answering(() => start(options));
}

async function start(options: UpOptions): Promise<number> {
  const name = readName(options.name);
  const extras = readExtras(options.with);
  const existing = await settled(sandboxDirectory(name));
  if (existing !== undefined) return greetExisting(existing, extras);
  const startedMs = Date.now();
  const handle = await startUnlessTaken(name, options.seed, extras);
  if (handle === undefined) return start(options);
  say(`sandbox ${name} is ready after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
  print(summary(handle.status));
  if (options.detach !== true) return stay(handle, name);
  handle.detach();
  return 0;
}

async function startUnlessTaken(
  name: string,
  seed: boolean,
  extras: readonly Extra[],
): Promise<SandboxHandle | undefined> {
  say(`starting sandbox ${name}`);
  try {
    return await startSandbox({
      name,
      seed,
      extras,
      onProgress: say,
      onProblem: (message) => say(`headroom: ${message}`),
    });
  } catch (error) {
    if (error instanceof SandboxTaken) return undefined;
    throw error;
  }
}

function greetExisting(status: SandboxStatus, asked: readonly Extra[]): number {
  print(`sandbox ${status.name} runs already and is ${status.state}\n${summary(status)}`);
  const missing = asked.filter((extra) => !status.extras.includes(extra));
  const lacks = missing.length === 0 ? [] : [`  problem: it was started without ${missing.join(', ')}`];
  if (status.state === 'ready' && missing.length === 0) return 0;
  const problems = [...(status.problems.length > 0 ? [problemText(status)] : []), ...lacks].join('\n');
  say(`${problems}\n"headroom sandbox down --name ${status.name}" and up again gives a whole one`);
  return 1;
}

/** A sandbox that somebody else is just starting, or stopping, is worth the wait. Undefined: nobody runs it. */
async function settled(directory: string): Promise<SandboxStatus | undefined> {
  while (isLocked(lockFile(directory))) {
    const status = readStatus(directory);
    if (status?.state === 'ready' || status?.state === 'degraded') return status;
    await sleep(200);
  }
  return undefined;
}

async function stay(handle: SandboxHandle, name: string): Promise<number> {
  let asked = false;
  const onSignal = () => {
    if (asked) return handle.kill();
    asked = true;
    say(`stopping sandbox ${name}`);
    return void handle.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  say('Ctrl-C stops it');
  await handle.ended;
  if (asked || readStatus(handle.status.directory)?.state === 'stopped') return 0;
  say(
    `headroom: the supervisor of sandbox ${name} died; everything it ran is stopped; its logs: ${handle.status.logs}`,
  );
  return 1;
}

export function status({ name, json }: StatusOptions): Promise<void> {
  return answering(async () => {
    const found = readStatus(sandboxDirectory(readName(name)));
    if (json === true) print(JSON.stringify(found ?? { name, state: 'absent' }, null, 2));
    else if (found === undefined) print(`there is no sandbox ${name}; "headroom sandbox up --name ${name}" starts one`);
    else
      print(
        `sandbox ${name} is ${found.state}\n${isRunning(found) ? summary(found) : `  logs          ${found.logs}`}`,
      );
    if (found === undefined) return 0;
    if (json !== true && found.problems.length > 0) print(problemText(found));
    return found.state === 'degraded' || found.state === 'failed' || found.state === 'crashed' ? 1 : 0;
  });
}

export function env({ name }: NameOptions): Promise<void> {
  return answering(async () => {
    const found = readStatus(sandboxDirectory(readName(name)));
    if (found === undefined || !isRunning(found)) {
      throw new Error(`sandbox ${name} is not running; "headroom sandbox up --detach --name ${name}" starts it`);
    }
    for (const [key, value] of Object.entries(environmentOf(found))) print(`export ${key}=${quote(value)}`);
    return 0;
  });
}

const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

export function down({ name }: NameOptions): Promise<void> {
  return answering(async () => {
    const found = readStatus(sandboxDirectory(readName(name)));
    if (found === undefined || !(isRunning(found) || found.state === 'stopping')) {
      print(`sandbox ${name} is not running`);
      return 0;
    }
    await stop(found);
    print(`sandbox ${name} is stopped; its logs: ${found.logs}`);
    return 0;
  });
}

/** The lock was held a moment ago, so the supervisor's pid is the supervisor. */
async function stop({ directory, pids }: SandboxStatus): Promise<void> {
  const supervisor = pids['supervisor'];
  if (supervisor === undefined) throw new Error(`${directory}/status.json names no supervisor`);
  process.kill(supervisor, 'SIGTERM');
  if (await gone(Object.values(pids), 6_000)) return;
  killGroup(supervisor);
  if (!(await gone(Object.values(pids), 5_000)))
    throw new Error(`some of the processes ${Object.values(pids).join(' ')} live on`);
}

async function gone(pids: readonly number[], withinMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + withinMs;
  while (pids.some(isAlive)) {
    if (Date.now() > deadlineMs) return false;
    await sleep(50);
  }
  return true;
}

function summary({ addresses, kubeconfig, directory, name, extras, versions }: SandboxStatus): string {
  return [
    `  Temporal UI   ${addresses.temporalUi}`,
    `  Temporal      ${addresses.temporal}`,
    `  Kubernetes    ${addresses.kubernetes}  (KUBECONFIG=${kubeconfig.admin})`,
    `  Prometheus    ${addresses.prometheus}`,
    ...(addresses.alertmanager === undefined ? [] : [`  Alertmanager  ${addresses.alertmanager}`]),
    ...(extras.includes('cloud')
      ? [`  AWS           ${addresses.cloud}  (EKS node groups and Auto Scaling, played)`]
      : []),
    ...(extras.includes('keda') ? [`  KEDA          ${versions['keda-operator']}`] : []),
    `  directory     ${directory}`,
    `  your shell    eval "$(headroom sandbox env${name === 'default' ? '' : ` --name ${name}`})"`,
  ].join('\n');
}

const problemText = ({ problems }: SandboxStatus): string =>
  problems.map((problem) => `  problem: ${problem}`).join('\n');
