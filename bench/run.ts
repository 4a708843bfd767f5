import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { DefaultLogger } from '@temporalio/worker';
import { startSandbox } from '../sandbox/start.ts';
import { buildWorkflowBundle } from '../worker/bundle.ts';
import { alertBurst } from './alert-burst.ts';
import { alertPriority } from './alert-priority.ts';
import { alertRejections } from './alert-rejections.ts';
import { asleep } from './asleep.ts';
import { claimLatency } from './claim-latency.ts';
import { drainBudgets, drainFree, drainOneBudget, drainOpening } from './drain.ts';
import { emergency } from './emergency.ts';
import { preScaleCost } from './pre-scale-cost.ts';
import { judge, renderTable, type Bench, type Findings } from './report.ts';

/**
 * npm run bench: starts a sandbox of its own, measures in order, prints one table and writes JSON.
 * Words after `--` are the benches to run instead of all of them. Exit code 1 when a bound is broken, or a bench fails.
 */
const BENCHES: readonly Bench[] = [
  claimLatency,
  preScaleCost,
  emergency,
  alertBurst,
  alertPriority,
  alertRejections,
  asleep,
  drainFree,
  drainOneBudget,
  drainBudgets,
  drainOpening,
];
const USAGE = `npm run bench -- [--json FILE] [--quick] [BENCH…]

${BENCHES.map(({ name, about }) => `  ${name.padEnd(16)}${about}`).join('\n')}

  --json FILE     where the figures and every sample go (default: bench/results/<time>.json)
  --quick         a tenth of the samples, and no bound is judged: does it still work?
`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const { words, isQuick, json } = readWords();
const chosen = BENCHES.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0) fail(`no bench is called ${words.join(' or ')}`);

const sandbox = await startSandbox({ name: `bench-${process.pid}`, seed: true, onProgress: say });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void sandbox.stop().then(() => process.exit(1)));
try {
  const startedAt = new Date();
  const { directory, kubeconfig, addresses, versions } = sandbox.status;
  const bundle = join(directory, 'workflow-bundle.js');
  writeFileSync(bundle, (await buildWorkflowBundle(new DefaultLogger('ERROR'))).code);
  // what lanes of the tests are told, too
  Object.assign(process.env, {
    HEADROOM_TEST_SANDBOX: join(directory, 'status.json'),
    HEADROOM_TEST_ADMIN_KUBECONFIG: kubeconfig.admin,
    HEADROOM_TEST_WORKER_KUBECONFIG: kubeconfig.worker ?? '',
    HEADROOM_TEST_PROMETHEUS_URL: addresses.prometheus,
    HEADROOM_WORKFLOW_BUNDLE: bundle,
  });
  const [processor] = cpus();
  const machine = { cores: cpus().length, processor: processor?.model ?? '', node: process.version };
  const about = { startedAt, isQuick, machine, versions: { headroom: ownVersion(), ...versions } };
  const file = json ?? join(import.meta.dirname, 'results', `${startedAt.toISOString().replaceAll(':', '-')}.json`);
  mkdirSync(dirname(file), { recursive: true });
  const found = await runAll(chosen, (soFar) =>
    writeFileSync(file, `${JSON.stringify({ ...about, found: soFar }, null, 2)}\n`),
  );
  const measures = Object.values(found).flatMap((findings) => findings.measures);
  process.stdout.write(`${renderTable(measures)}\n`);
  say(`\nall samples: ${file}`);
  const broken = measures.filter((measure) => judge(measure) === 'BROKEN');
  const isShort = Object.keys(found).length < chosen.length;
  process.exitCode = isShort || (broken.length > 0 && !isQuick) ? 1 : 0;
} finally {
  await sandbox.stop();
}
process.exit();

type Found = Readonly<Record<string, Findings>>;

/** One after another, as each would be noise to the next; one that fails leaves the others their turn. What is found is kept at once. */
async function runAll(benches: readonly Bench[], keep: (found: Found) => void): Promise<Found> {
  let found: Found = {};
  for (const { name, about, run } of benches) {
    say(`\n${name}: ${about}`);
    const startedMs = Date.now();
    try {
      found = { ...found, [name]: await run({ say: (line) => say(`  ${line}`), isQuick }) };
      keep(found);
      say(`  took ${((Date.now() - startedMs) / 1_000).toFixed(0)} s`);
    } catch (error) {
      say(`  FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return found;
}

function readWords() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'string' }, quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    return { words: positionals, isQuick: values.quick ?? false, json: values.json };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function fail(why: string): never {
  say(`${why}\n\n${USAGE}`);
  process.exit(2);
}

function ownVersion(): string {
  const file = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8');
  return (JSON.parse(file) as { readonly version: string }).version;
}
