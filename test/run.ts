import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { startSandbox } from '../sandbox/start.ts';
import { buildWorkflowBundle } from '../worker/bundle.ts';

/**
 * npm test: the unit tests while the sandbox comes up, then everything on the real servers, in lanes.
 * npm run test:faults (`--faults`): what takes longer, and then what takes servers away from under everybody, one at a time.
 * Words after `--` are the test files to run instead of all of them.
 */
const UNIT = ['domain', 'activities', 'workflows', 'adapters', 'client', 'worker', 'bench', 'docs'];
const SERVERS = ['cluster', 'procedures', 'sandbox'];
/** Two cores: more lanes than this only wait for each other. */
const LANES = 2;
/** A sweep has dozens of trials in one test. */
const LONGEST_MS = { ordinary: 300_000, faults: 1_200_000 };

/** What failed beside others is tried again alone, and once more: longer than a busy moment lasts, and far shorter than a defect. */
const TRIES_ALONE = 2;

/** Hundreds of processes load the same modules: what the first one has compiled, the others need not. */
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/headroom-compiled');

const words = process.argv.slice(2);
const isFaults = words.includes('--faults');
const asked = words.filter((word) => word !== '--faults');
const filesOf = (rooms: readonly string[]): readonly string[] => {
  const all = rooms.flatMap((room) => globSync(`test/${room}/**/*.test.ts`)).toSorted();
  return asked.length === 0 ? all : all.filter((file) => asked.some((word) => file.includes(word)));
};
const say = (line: string): void => void process.stderr.write(`${line}\n`);

type Env = Readonly<Record<string, string>>;

const startedMs = Date.now();
const codes = isFaults ? await runFaults() : await runOrdinary();
say(`it took ${((Date.now() - startedMs) / 1_000).toFixed(0)} s`);
process.exit(codes.every((code) => code === 0) ? 0 : 1);

/** The unit tests need no servers, so they run while the sandbox comes up; both at once would only make each other late. */
function runOrdinary(): Promise<readonly number[]> {
  const onServers = filesOf(SERVERS);
  const unit = run(filesOf(UNIT), { lanes: 2, env: { HEADROOM_MODEL_RUNS: '10000' } });
  const servers = async (env: Env) => {
    await unit;
    return runPatiently(onServers, env);
  };
  return Promise.all([unit, onServers.length === 0 ? 0 : withSandbox(servers)]);
}

/**
 * A deadline may pass because the machine was busy with the other lanes. So a file in which something failed is tried again with
 * the machine for itself; what passes only then is named, and what fails then too has failed.
 */
async function runPatiently(files: readonly string[], env: Env): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'headroom-test-'));
  const noted = join(directory, 'failed');
  let code = await run(files, { lanes: LANES, env, failedFiles: noted });
  for (let attempt = 1; code !== 0 && attempt <= TRIES_ALONE; attempt += 1) {
    const failed = [...new Set(readFileSync(noted, 'utf8').split('\n').filter(Boolean))].map((file) =>
      relative('.', file),
    );
    if (failed.length === 0) return code;
    say(`\nonce more, one after another: ${failed.join(' ')}`);
    code = await run(failed, { lanes: 1, env, failedFiles: noted });
    say(code === 0 ? `\npassed only when run alone: ${failed.join(' ')}` : '\nfailed alone too');
  }
  return code;
}

/** Each file has the machine for itself: it brings its own lanes, or harms the servers that others need. */
async function runFaults(): Promise<readonly number[]> {
  const files = filesOf(['faults']);
  const longestMs = LONGEST_MS.faults;
  return [files.length === 0 ? 0 : await withSandbox((env) => run(files, { lanes: 1, env, longestMs }))];
}

async function withSandbox(act: (env: Env) => Promise<number>): Promise<number> {
  const sandbox = await startSandbox({ name: `test-${process.pid}`, seed: true, extras: ['keda'], onProgress: say });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void sandbox.stop().then(() => process.exit(1)));
  try {
    const { directory, kubeconfig, addresses } = sandbox.status;
    const bundle = join(directory, 'workflow-bundle.js');
    writeFileSync(bundle, (await buildWorkflowBundle(new DefaultLogger('ERROR'))).code);
    return await act({
      HEADROOM_TEST_SANDBOX: join(directory, 'status.json'),
      HEADROOM_TEST_ADMIN_KUBECONFIG: kubeconfig.admin,
      HEADROOM_TEST_WORKER_KUBECONFIG: kubeconfig.worker ?? '',
      HEADROOM_TEST_PROMETHEUS_URL: addresses.prometheus,
      HEADROOM_WORKFLOW_BUNDLE: bundle,
    });
  } finally {
    await sandbox.stop();
  }
}

function run(
  files: readonly string[],
  {
    lanes,
    env,
    longestMs = LONGEST_MS.ordinary,
    failedFiles,
  }: {
    readonly lanes: number;
    readonly env: Env;
    readonly longestMs?: number;
    /** Where to note the files in which something failed. */
    readonly failedFiles?: string;
  },
): Promise<number> {
  if (files.length === 0) return Promise.resolve(0);
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--test',
        `--test-concurrency=${lanes}`,
        `--test-timeout=${longestMs}`,
        ...(failedFiles === undefined ? [] : reporters(failedFiles)),
        ...files,
      ],
      {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    );
    child.once('exit', (status) => resolve(status ?? 1));
  });
}

function reporters(failedFiles: string): readonly string[] {
  return [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./test/harness/failed-files.ts',
    `--test-reporter-destination=${failedFiles}`,
  ];
}
