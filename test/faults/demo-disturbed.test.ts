import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isAlive } from '../../sandbox/guard.ts';
import { beginDemo, claims, pidsOf, prints, workerPid } from '../harness/demo.ts';
import { openSandboxes } from '../harness/sandboxes.ts';

const sandboxes = openSandboxes();
const { command, close } = sandboxes;
const SHARED = 'shared';
after(close);

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
});
