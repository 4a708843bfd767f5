import { spawn } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { startSandbox } from '../sandbox/start.ts';
import { buildWorkflowBundle } from '../worker/bundle.ts';

/**
 * npm test: the unit tests while the sandbox comes up, then everything on the real servers, in lanes.
 * Words after `--` are the test files to run instead of all of them.
 */
const UNIT = ['domain', 'activities', 'workflows', 'adapters', 'client', 'worker', 'bench', 'docs'];
const SERVERS = ['cluster', 'procedures', 'sandbox'];
/** Two cores: more lanes than this only wait for each other. */
const LANES = '3';

const asked = process.argv.slice(2);
const filesOf = (rooms: readonly string[]): readonly string[] => {
  const all = rooms.flatMap((room) => globSync(`test/${room}/**/*.test.ts`)).toSorted();
  return asked.length === 0 ? all : all.filter((file) => asked.some((word) => file.includes(word)));
};
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const [unit, onServers] = [filesOf(UNIT), filesOf(SERVERS)];
const startedMs = Date.now();
const [unitCode, code] = await Promise.all([
  run(unit, '2', { HEADROOM_MODEL_RUNS: '10000' }),
  onServers.length === 0 ? 0 : runOnServers(),
]);
say(`npm test took ${((Date.now() - startedMs) / 1_000).toFixed(0)} s`);
process.exit(unitCode === 0 && code === 0 ? 0 : 1);

async function runOnServers(): Promise<number> {
  const sandbox = await startSandbox({ name: `test-${process.pid}`, seed: true, onProgress: say });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void sandbox.stop().then(() => process.exit(1)));
  try {
    const { directory, kubeconfig, addresses } = sandbox.status;
    const bundle = join(directory, 'workflow-bundle.js');
    writeFileSync(bundle, (await buildWorkflowBundle(new DefaultLogger('ERROR'))).code);
    return await run(onServers, LANES, {
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

function run(files: readonly string[], concurrency: string, env: Readonly<Record<string, string>>): Promise<number> {
  if (files.length === 0) return Promise.resolve(0);
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--test',
        `--test-concurrency=${concurrency}`,
        '--test-timeout=300000',
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
