import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, describe, it } from 'node:test';
import { isAlive } from '../../sandbox/guard.ts';
import { type Act, areGone, beginDemo, claims, pidsOf, prints, workerPid } from '../harness/demo.ts';
import { openSandboxes } from '../harness/sandboxes.ts';

const sandboxes = openSandboxes();
after(sandboxes.close);

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

describe('a demo that is ended', () => {
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
