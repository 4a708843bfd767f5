import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { join, relative } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { startSandbox } from '../sandbox/start.ts';
import { buildWorkflowBundle } from '../worker/bundle.ts';

/**
 * npm test: the unit tests while the sandbox comes up, then what holds when nothing breaks, on the real servers, in lanes.
 * npm run test:unit (`--unit`): only what needs no servers.
 * npm run test:emergencies (`--emergencies`): what answers to load and alerts, and what holds an autoscaler, in lanes; and then, alone, the way from Alertmanager on.
 * npm run test:nodes (`--nodes`): what is done to GPU nodes, with a stand-in for AWS, in lanes.
 * npm run test:faults (`--faults`): what breaks something, in lanes; and then, alone, the kill sweeps and what takes servers away from everybody.
 * Words after `--` are the test files to run instead of all of them.
 */
/** Each group is one process: it loads the modules once, and no test of it may disturb another. */
const UNIT = [
  ['domain', 'activities'],
  ['client', 'client/webhook', 'bench', 'docs', 'worker'],
  ['adapters'],
  // these mostly wait, for deadlines of a second
  ['adapters/kubernetes'],
  ['contracts'],
  ['workflows'],
];

interface Group {
  readonly rooms: readonly string[];
  readonly lanes: number;
}
/** Two cores: more lanes than these only wait for each other. Procedures mostly wait; the sandbox tests bring their own servers. */
const SERVERS: readonly Group[] = [
  { rooms: ['cluster', 'procedures'], lanes: 3 },
  { rooms: ['sandbox'], lanes: 1 },
];
/** In lanes, and then alone. */
const EMERGENCIES = [
  { rooms: ['emergencies'], lanes: 3 },
  { rooms: ['alerts'], lanes: 1 },
] as const;
const NODES = [{ rooms: ['nodes'], lanes: 3 }] as const;
const FAULTS = [
  { rooms: ['faults'], lanes: 3 },
  { rooms: ['outages'], lanes: 1 },
] as const;
/** Sets how often properties are tried. */
const EFFORT = pathToFileURL(join(import.meta.dirname, 'harness/effort.ts')).href;
/** Longer than any file takes, the sweeps of the faults too. */
const LONGEST_MS = 900_000;

/** What failed beside others is tried again alone, and once more: longer than a busy moment lasts, and far shorter than a defect. */
const TRIES_ALONE = 2;

/** Dozens of processes load the same modules: what the first one has compiled, the others need not. */
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/headroom-compiled');

const words = process.argv.slice(2);
const MODES = {
  '--unit': runUnit,
  '--emergencies': () => runInTurn(EMERGENCIES),
  '--nodes': () => runInTurn(NODES),
  '--faults': () => runInTurn(FAULTS),
};
const asked = words.filter((word) => !(word in MODES));
const filesOf = (rooms: readonly string[]): readonly string[] => {
  const all = rooms.flatMap((room) => globSync(`test/${room}/*.test.ts`)).toSorted();
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
  const servers = withSandbox(SERVERS, (env) => unit.then(() => runPatiently(SERVERS, env)));
  return (await Promise.all([unit, servers])).flat();
}

function runUnit(env: Env = {}): Promise<number[]> {
  return Promise.all(UNIT.map((those) => run(filesOf(those), { lanes: 1, env, isolation: 'none' })));
}

/** One group after the other, on one sandbox. */
async function runInTurn(groups: readonly Group[]): Promise<readonly number[]> {
  const code = await withSandbox(groups, async (env) => {
    let worst = 0;
    for (const group of groups) worst = Math.max(worst, await runPatiently([group], env));
    return worst;
  });
  return [code];
}

/**
 * A deadline may pass because the machine was busy with the other lanes. So a file in which something failed is tried again with
 * the machine for itself; what passes only then is named, and what fails then too has failed.
 */
async function runPatiently(groups: readonly Group[], env: Env): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'headroom-test-'));
  const noteOf = (name: string | number) => join(directory, `failed-${name}`);
  const firstCodes = await Promise.all(
    groups.map(({ rooms, lanes }, index) => run(filesOf(rooms), { lanes, env, failedFiles: noteOf(index) })),
  );
  let code = Math.max(...firstCodes);
  let failed: readonly string[] = groups.flatMap((_, index) => failedIn(noteOf(index)));
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

/** Answers 0 at once where none of the asked files needs servers. */
async function withSandbox(groups: readonly Group[], act: (env: Env) => Promise<number>): Promise<number> {
  if (groups.every(({ rooms }) => filesOf(rooms).length === 0)) return 0;
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
    isolation = 'process',
    failedFiles,
  }: {
    readonly lanes: number;
    readonly env: Env;
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
        ...(mode === '--unit' ? [`--import=${EFFORT}`] : []),
        // only apart from each other can files run at the same time
        ...(isolation === 'none' ? ['--test-isolation=none'] : [`--test-concurrency=${lanes}`]),
        `--test-timeout=${LONGEST_MS}`,
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
