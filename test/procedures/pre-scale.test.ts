import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { eventOf, GOVERNOR_NAMES, GOVERNORS, openLane, type Lane } from '../harness/lane.ts';
import { askLedger } from '../harness/owners.ts';
import { endSale, RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

for (const governor of GOVERNOR_NAMES) {
  describe(`a pre-scale of a workload ${GOVERNORS[governor].words}`, () => {
    let lane: Lane;
    before(async () => {
      lane = await openLane({ governor });
      await lane.startWorker();
    });
    after(() => lane.close());

    it('is there before the event, stays through it, and gives back exactly what the owner had', async () => {
      const owners = await lane.snapshot();
      await startSale(lane);
      await eventually('six pods are available', async () => (await lane.available()) === 6);
      assert.equal(await lane.floor(), 6);
      await untilPhase(lane, 'holding');

      const skipped = await lane.headroom('skip', RUN);
      assert.equal(skipped.code, 0, skipped.stderr);
      const watched = await lane.headroom('watch', RUN, '--json');
      assert.equal(watched.code, 0, watched.stderr);
      const { result } = await lane.status(RUN);
      const shown = await lane.headroom('show', RUN, '--json');
      assert.deepEqual(JSON.parse(shown.stdout), await lane.status(RUN));
      assert.deepEqual(
        { outcome: result?.outcome, restored: result?.restored, drift: result?.drift },
        { outcome: 'done', restored: true, drift: [] },
      );
      assert.deepEqual(await lane.snapshot(), owners);
      await lane.record(`done-${governor}`);
    });

    it('winds down one step at a time, each of them written once by the worker’s own account', async () => {
      assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
      const writers = new Set(
        lane.writes().map(({ user, userAgent }) => `${user.username} ${userAgent.split('/')[0]}`),
      );
      assert.deepEqual([...writers], ['system:serviceaccount:headroom:headroom-worker headroom']);
    });
  });
}

describe('steering a pre-scale', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
    await lane.startWorker();
  });
  after(() => lane.close());

  it('amends the floor within the limits, extends and ends the event, and says what was said by whom', async () => {
    const owners = await lane.snapshot();
    await startSale(lane);
    await untilPhase(lane, 'holding');

    const above = await lane.headroom('amend', RUN, '--floor', '13');
    assert.equal(above.code, 3);
    assert.match(above.stderr, /13 is not accepted; 3 \(the baseline\) to 12 \(the limit\)/);
    assert.equal((await lane.headroom('amend', RUN, '--floor', '8', '--as', 'alice', '--note', 'more carts')).code, 0);
    await eventually('eight pods are available', async () => (await lane.available()) === 8);
    assert.equal((await lane.headroom('extend', RUN, '--for', '1m', '--as', 'alice')).code, 0);
    assert.equal((await lane.headroom('end', RUN, '--as', 'bob')).code, 0);
    await untilPhase(lane, 'waiting for quiet');
    assert.equal(await lane.floor(), 8);
    assert.equal((await lane.headroom('end', RUN)).code, 3);
    assert.equal((await lane.headroom('skip', RUN, '--as', 'bob')).code, 0);
    assert.equal(await untilClosed(lane), 'COMPLETED');

    const said = (await lane.status(RUN)).status?.timeline.map(({ what }) => what).join('\n') ?? '';
    assert.match(said, /from 6 to 8 by alice \(more carts\)/);
    assert.match(said, /extended by 1m .* by alice/);
    assert.match(said, /declared over by bob/);
    assert.deepEqual(await lane.snapshot(), owners);
    const late = await lane.headroom('amend', RUN, '--floor', '5');
    assert.equal(late.code, 3);
    assert.match(late.stderr, /has ended/);
    await lane.record('steered');
  });

  it('comes to nothing, and touches nothing, when the event is declared over before its lead', async () => {
    const writes = lane.writes().length;
    await startSale(lane, { startsIn: 600 });
    await untilPhase(lane, 'sleeping');
    assert.equal((await lane.headroom('end', RUN)).code, 0);
    assert.equal(await untilClosed(lane), 'COMPLETED');
    assert.equal((await lane.status(RUN)).result?.outcome, 'not needed');
    assert.equal(lane.writes().length, writes);
    await lane.record('not-needed');
  });

  it('is missed, and says so, when nobody could ask before the event was over', async () => {
    const writes = lane.writes().length;
    const endsMs = Date.now() + 9_000;
    await startSale(lane, { startsIn: 8, lasts: 1 });
    await untilPhase(lane, 'sleeping');
    await lane.killWorker();
    await eventually('the event is over', async () => Date.now() > endsMs + 1_000);
    await lane.startWorker();
    assert.equal(await untilClosed(lane), 'COMPLETED');
    assert.equal((await lane.status(RUN)).result?.outcome, 'missed');
    assert.equal((await lane.headroom('watch', RUN)).code, 1);
    assert.equal(lane.writes().length, writes);
  });

  for (const phase of ['sleeping', 'holding', 'waiting for quiet', 'winding down']) {
    it(`goes home by the ledger’s steps when cancelled while ${phase}`, async () => {
      const owners = await lane.snapshot();
      // not a factor: of the pods that the one before has left it would make more each time
      const words = ['--replicas', '6'];
      await startSale(lane, phase === 'sleeping' ? { startsIn: 600, words } : { words });
      if (phase === 'waiting for quiet') {
        await untilPhase(lane, 'holding');
        await endSale(lane);
      }
      if (phase === 'winding down') {
        await untilPhase(lane, 'holding');
        await lane.headroom('skip', RUN);
      }
      await untilPhase(lane, phase);
      // as Temporal's UI does it; the command takes longer than the shortest of these phases
      await lane.temporal.workflow.getHandle(RUN).cancel();
      assert.equal(await untilClosed(lane), 'CANCELLED');
      assert.equal((await lane.status(RUN)).status?.phase, 'done');
      await untilHome(lane, owners, { withinMs: 1 });
      await lane.record(`cancelled-${phase.replaceAll(' ', '-')}`);
    });
  }
});

describe('two events on one workload', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
    await lane.startWorker();
  });
  after(() => lane.close());

  it('holds the larger of both, and each ends on its own', async () => {
    const owners = await lane.snapshot();
    await startSale(lane, { words: ['--replicas', '8'] });
    const second = await lane.headroom(
      'pre-scale',
      'tensafe-server',
      ...eventOf({ name: 'launch', lasts: 120 }),
      '--replicas',
      '5',
    );
    assert.equal(second.code, 0, second.stderr);
    await eventually('both claims stand', async () => (await askLedger(lane)).claims.length === 2);
    assert.equal(await lane.floor(), 8);
    await untilPhase(lane, 'holding');
    await lane.headroom('skip', RUN);
    await untilClosed(lane);
    const first = await lane.status(RUN);
    assert.equal(first.result?.restored, false);
    await eventually('the smaller claim is left', async () => (await lane.floor()) === 5);
    assert.equal((await lane.headroom('cancel', 'pre-scale.tensafe-server.launch')).code, 0);
    await untilHome(lane, owners);
    await lane.record('merged');
  });
});
