import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { startSandbox } from '../sandbox/start.ts';
import { buildWorkflowBundle } from '../worker/bundle.ts';

/**
 * npm test: the unit tests while the sandbox comes up, then everything on the real servers, in lanes.
 * npm run test:unit (`--unit`): only what needs no servers.
 * npm run test:faults (`--faults`): what takes longer, and then what takes servers away from under everybody, one at a time.
 * Words after `--` are the test files to run instead of all of them.
 */
const UNIT = {
  /** Nothing in a process that another test could meet: one process loads the modules once. */
  pure: ['domain', 'activities', 'client', 'bench', 'docs'],
  apart: ['workflows', 'adapters', 'worker'],
};
/** Two cores: more lanes than this only wait for each other. The sandbox tests mostly wait, and bring their own servers. */
const SERVERS = [
  { rooms: ['cluster', 'procedures'], lanes: 2 },
  { rooms: ['sandbox'], lanes: 1 },
];
/** A sweep has dozens of trials in one test. */
const LONGEST_MS = { ordinary: 600_000, faults: 1_200_000 };

/** What failed beside others is tried again alone, and once more: longer than a busy moment lasts, and far shorter than a defect. */
const TRIES_ALONE = 2;

/** Hundreds of processes load the same modules: what the first one has compiled, the others need not. */
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/headroom-compiled');

const words = process.argv.slice(2);
const MODES = { '--unit': runUnit, '--faults': runFaults };
const asked = words.filter((word) => !(word in MODES));
const filesOf = (rooms: readonly string[]): readonly string[] => {
  const all = rooms.flatMap((room) => globSync(`test/${room}/**/*.test.ts`)).toSorted();
  return asked.length === 0 ? all : all.filter((file) => asked.some((word) => file.includes(word)));
};
const say = (line: string): void => void process.stderr.write(`${line}\n`);

type Env = Readonly<Record<string, string>>;

const startedMs = Date.now();
const mode = words.find((word) => word in MODES) as keyof typeof MODES | undefined;
const codes = await (mode === undefined ? runOrdinary() : MODES[mode]());
say(`it took ${((Date.now() - startedMs) / 1_000).toFixed(0)} s`);
process.exit(codes.every((code) => code === 0) ? 0 : 1);

/** The unit tests need no servers, so they run while the sandbox comes up; both at once would only make each other late. */
async function runOrdinary(): Promise<readonly number[]> {
  const unit = runUnit({ HEADROOM_MODEL_RUNS: '10000' });
  const servers = async (env: Env) => {
    await unit;
    return runPatiently(env);
  };
  const hasServerTests = SERVERS.some(({ rooms }) => filesOf(rooms).length > 0);
  const [codes, code] = await Promise.all([unit, hasServerTests ? withSandbox(servers) : 0]);
  return [...codes, code];
}

function runUnit(env: Env = {}): Promise<number[]> {
  return Promise.all([
    run(filesOf(UNIT.pure), { lanes: 1, env, isolation: 'none' }),
    run(filesOf(UNIT.apart), { lanes: 2, env }),
  ]);
}

/**
 * A deadline may pass because the machine was busy with the other lanes. So a file in which something failed is tried again with
 * the machine for itself; what passes only then is named, and what fails then too has failed.
 */
async function runPatiently(env: Env): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'headroom-test-'));
  const noteOf = (name: string | number) => join(directory, `failed-${name}`);
  const firstCodes = await Promise.all(
    SERVERS.map(({ rooms, lanes }, index) => run(filesOf(rooms), { lanes, env, failedFiles: noteOf(index) })),
  );
  let code = Math.max(...firstCodes);
  let failed: readonly string[] = SERVERS.flatMap((_, index) => failedIn(noteOf(index)));
  for (let attempt = 1; code !== 0 && attempt <= TRIES_ALONE; attempt += 1) {
    if (failed.length === 0) return code;
    say(`\nonce more, one after another: ${failed.join(' ')}`);
    code = await run(failed, { lanes: 1, env, failedFiles: noteOf('alone') });
    say(code === 0 ? `\npassed only when run alone: ${failed.join(' ')}` : '\nfailed alone too');
    failed = failedIn(noteOf('alone'));
  }
  return code;
}

function failedIn(note: string): readonly string[] {
  if (!existsSync(note)) return [];
  const lines = readFileSync(note, 'utf8').split('\n').filter(Boolean);
  return [...new Set(lines)].map((file) => relative('.', file));
}

/** Each file has the machine for itself: it brings its own lanes, or harms the servers that others need. */
async function runFaults(): Promise<readonly number[]> {
  const files = filesOf(['faults']);
  const longestMs = LONGEST_MS.faults;
  return [files.length === 0 ? 0 : await withSandbox((env) => run(files, { lanes: 1, env, longestMs }))];
}

async function withSandbox(act: (env: Env) => Promise<number>): Promise<number> {
  // servers that have memory to spare collect their garbage less often
  process.env['GOGC'] ??= '400';
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
    isolation = 'process',
    failedFiles,
  }: {
    readonly lanes: number;
    readonly env: Env;
    readonly longestMs?: number;
    readonly isolation?: 'process' | 'none';
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
        // only apart from each other can files run at the same time
        ...(isolation === 'none' ? ['--test-isolation=none'] : [`--test-concurrency=${lanes}`]),
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
