import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { isAlive } from '../../sandbox/guard.ts';
import { isRunning, readStatus, sandboxDirectory } from '../../sandbox/state.ts';
import { eventually } from '../harness/eventually.ts';

const root = mkdtempSync(join(tmpdir(), 'headroom-demo-'));
process.env['XDG_STATE_HOME'] = root;
const HEADROOM = join(import.meta.dirname, '..', '..', 'bin', 'headroom');
/** A third of what a user sees: the event starts after 10 s and lasts 20. */
const CLOCK = '10';
const SHARED = 'shared';
const started: Act[] = [];

/** A demo under way, as somebody who watches its terminal knows it. */
interface Act {
  readonly process: ChildProcess;
  readonly printed: () => string;
  readonly ended: Promise<number | null>;
}

function begin(...args: readonly string[]): Act {
  const child = spawn(HEADROOM, ['sandbox', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const ended = once(child, 'close').then(([code]: readonly (number | null)[]) => code ?? null);
  const act = { process: child, printed: () => lines.join('\n'), ended };
  started.push(act);
  return act;
}

const beginDemo = (name: string): Act => begin('demo', '--name', name, '--clock', CLOCK);

async function run(...args: readonly string[]): Promise<void> {
  const act = begin(...args);
  assert.equal(await act.ended, 0, `headroom sandbox ${args.join(' ')}: ${act.printed()}`);
}

const prints = (act: Act, text: RegExp): Promise<RegExpExecArray> =>
  eventually(`it prints ${text.source}`, async () => text.exec(act.printed()) ?? undefined, { withinMs: 90_000 });

const workerPid = async (act: Act): Promise<number> => Number((await prints(act, /worker is ready \(pid (\d+)\)/))[1]);

/** Every process that came from this one, however far down. */
function descendants(pid: number): readonly number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
  const children = rows.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
  return [...children, ...children.flatMap(descendants)];
}

const pidsOf = (name: string): readonly number[] => Object.values(readStatus(sandboxDirectory(name))?.pids ?? {});

const areGone = (pids: readonly number[], withinMs: number): Promise<boolean> =>
  eventually(`none of ${pids.join(' ')} lives`, async () => !pids.some(isAlive), { withinMs });

const claims = (act: Act): readonly string[] => act.printed().match(/^ {2}(yes|NO ) {2}.*$/gm) ?? [];

after(async () => {
  for (const act of started) act.process.kill('SIGKILL');
  const names = [SHARED, 'own', 'killed', 'interrupted'];
  const running = names.filter((name) => {
    const status = readStatus(sandboxDirectory(name));
    return status !== undefined && isRunning(status);
  });
  for (const name of running) await run('down', '--name', name);
  rmSync(root, { recursive: true, force: true });
});

describe('the demo', { concurrency: true }, () => {
  before(() => run('up', '--detach', '--name', SHARED));

  it('ends well when nobody disturbs it, and stops what it started', async () => {
    const act = beginDemo('own');
    const worker = await workerPid(act);
    const pids = [worker, ...pidsOf('own')];
    assert.ok(pids.length > 8 && pids.every(isAlive));
    assert.equal(await act.ended, 0, act.printed());
    assert.equal(claims(act).length, 5);
    assert.ok(claims(act).every((claim) => claim.startsWith('  yes')));
    assert.match(act.printed(), /yes {2}when the event began, 6 pods were available of the 6 asked for/);
    assert.match(act.printed(), /result {4}done: 6 replicas were asked for/);
    assert.match(act.printed(), /Temporal UI +http:.*\/workflows\/pre-scale\.tensafe-server\.demo/);
    assert.ok(await areGone(pids, 1_000));
  });

  it('fails when somebody takes the load away in the event, and says what load there was', async () => {
    const act = beginDemo(SHARED);
    await prints(act, /300 requests\/s on/);
    await run('load', 'tensafe-server', '--rps', '0', '--name', SHARED);
    assert.equal(await act.ended, 1, act.printed());
    assert.match(act.printed(), /NO {3}Prometheus saw \d+ requests\/s before .* never fewer than 0 /);
    // the capacity was there all the same
    assert.match(act.printed(), /yes {2}the run ended as done/);
    assert.ok(pidsOf(SHARED).every(isAlive), 'a sandbox that ran before the demo runs on after it');
  });
});

describe('a demo that cannot go on', () => {
  it('says so and fails when its worker is stopped', async () => {
    const act = beginDemo(SHARED);
    const worker = await workerPid(act);
    await prints(act, /holding; next/);
    process.kill(worker, 'SIGKILL');
    await prints(act, /the worker has ended/);
    assert.equal(await act.ended, 1, act.printed());
    assert.match(act.printed(), /the demo did not get to its end: the worker is not answering/);
    assert.equal(claims(act).length, 0);
  });

  for (const [signal, name] of [
    ['SIGKILL', 'killed'],
    ['SIGINT', 'interrupted'],
  ] as const) {
    it(`leaves nothing alive five seconds after ${signal}`, async () => {
      const act = beginDemo(name);
      const worker = await workerPid(act);
      await prints(act, /\$ headroom pre-scale/);
      const pids = [...new Set([worker, ...pidsOf(name), ...descendants(act.process.pid ?? 0)])];
      assert.ok(pids.length > 14 && pids.every(isAlive), `only ${pids.length} processes`);
      act.process.kill(signal);
      assert.ok(await areGone(pids, 5_000));
      assert.equal(await act.ended, signal === 'SIGINT' ? 130 : null);
    });
  }
});
