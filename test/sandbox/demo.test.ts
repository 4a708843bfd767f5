import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { isAlive } from '../../sandbox/guard.ts';
import { areGone, beginDemo, claims, pidsOf, workerPid } from '../harness/demo.ts';
import { openSandboxes } from '../harness/sandboxes.ts';

const sandboxes = openSandboxes();
after(sandboxes.close);

describe('the demo', () => {
  it('ends well when the event goes as foreseen, and stops what it started', async () => {
    const act = beginDemo(sandboxes, 'own', '--no-storm');
    const worker = await workerPid(act);
    const pids = [worker, ...pidsOf('own')];
    assert.ok(pids.length > 8 && pids.every(isAlive));
    assert.equal(await act.ended, 0, act.printed());
    assert.equal(claims(act).length, 5);
    assert.ok(claims(act).every((claim) => claim.startsWith('  yes')));
    assert.match(act.printed(), /yes {2}when the event began, 6 pods were available of the 6 asked for/);
    assert.match(act.printed(), /yes {2}the autoscaler is its owner's again, to the letter: floor 3, maximum 20/);
    assert.match(act.printed(), /result {4}done: 6 replicas were asked for/);
    assert.match(act.printed(), /Temporal UI +http:.*\/workflows\/pre-scale\.tensafe-server\.demo/);
    assert.ok(await areGone(pids, 1_000));
  });
});
