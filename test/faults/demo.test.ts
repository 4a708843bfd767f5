import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { isAlive } from '../../sandbox/guard.ts';
import { type Act, areGone, beginDemo, claims, pidsOf, prints, workerPid } from '../harness/demo.ts';
import { openSandboxes } from '../harness/sandboxes.ts';

const sandboxes = openSandboxes();
const { command, close } = sandboxes;
const SHARED = 'shared';
after(close);

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

describe('the whole demo', () => {
  it('ends well: an alert storm in the event is one run and one write, and both go home', async () => {
    const act = beginDemo(sandboxes, 'whole');
    assert.equal(await act.ended, 0, act.printed());
    assert.equal(claims(act).length, 11);
    assert.ok(claims(act).every((claim) => claim.startsWith('  yes')));
    assert.match(
      act.printed(),
      /100 answered, \d started a run, \d+ joined it, 1 write to the autoscaler \(floor 6 -> \d+\)/,
    );
    assert.match(act.printed(), /^ {2}emergency-scale-up\.tensafe-server {2}done$/m);
    assert.match(act.printed(), /alerts {4}50 heard, 50 of them over/);
  });
});

describe('a demo that is disturbed', () => {
  before(() => command('up', '--detach', '--name', SHARED));

  it('fails when somebody takes the load away in the event, makes no storm of it, and says what load there was', async () => {
    const act = beginDemo(sandboxes, SHARED);
    await prints(act, /300 requests\/s on/);
    await command('load', 'tensafe-server', '--rps', '0', '--name', SHARED);
    assert.equal(await act.ended, 1, act.printed());
    assert.match(act.printed(), /NO {3}Prometheus saw \d+ requests\/s before .* never fewer than 0 /);
    assert.match(act.printed(), /NO {3}no alert fired, so there was nothing to answer/);
    assert.match(act.printed(), /NO {3}0 emergency runs came of it/);
    // the capacity was there all the same
    assert.match(act.printed(), /yes {2}the run ended as done/);
    assert.ok(pidsOf(SHARED).every(isAlive), 'a sandbox that ran before the demo runs on after it');
  });

  it('fails when somebody takes the load away in the storm, whether an alert has fired by then or not', async () => {
    const act = beginDemo(sandboxes, SHARED);
    await prints(act, /900 requests\/s on/);
    await command('load', 'tensafe-server', '--rps', '0', '--name', SHARED);
    assert.equal(await act.ended, 1, act.printed());
    assert.match(act.printed(), /NO {3}p95 was \d+ ms at worst, and 0 ms at the end of the event/);
    assert.match(act.printed(), /yes {2}the run ended as done/);
  });

  it('says so and fails when its worker is stopped', async () => {
    const act = beginDemo(sandboxes, SHARED);
    const worker = await workerPid(act);
    await prints(act, /holding; next/);
    process.kill(worker, 'SIGKILL');
    await prints(act, /the worker has ended/);
    assert.equal(await act.ended, 1, act.printed());
    assert.match(act.printed(), /the demo did not get to its end: the worker is not answering/);
    assert.equal(claims(act).length, 0);
  });

  /** The pids of all that a demo has begun, once it is under way. */
  async function underWay(act: Act, name: string): Promise<readonly number[]> {
    const worker = await workerPid(act);
    await prints(act, /\$ headroom pre-scale/);
    const pids = [...new Set([worker, ...pidsOf(name), ...descendants(act.process.pid ?? 0)])];
    assert.ok(pids.length > 14 && pids.every(isAlive), `only ${pids.length} processes`);
    return pids;
  }

  it('leaves nothing alive five seconds after SIGKILL', async () => {
    const act = beginDemo(sandboxes, 'killed');
    const pids = await underWay(act, 'killed');
    act.process.kill('SIGKILL');
    assert.ok(await areGone(pids, 5_000));
  });

  it('stops everything at Ctrl-C, in order, and leaves nothing alive when it ends', async () => {
    const act = beginDemo(sandboxes, 'interrupted');
    const pids = await underWay(act, 'interrupted');
    act.process.kill('SIGINT');
    assert.equal(await act.ended, 130);
    assert.ok(await areGone(pids, 1_000));
  });
});
