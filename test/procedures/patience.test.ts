import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { openLane, type Lane } from '../harness/lane.ts';
import { endSale, RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

const said = async (lane: Lane) => (await lane.status(RUN)).status?.timeline.map(({ what }) => what).join('\n') ?? '';

describe('a pre-scale that somebody suspends', () => {
  let lane: Lane;
  before(async () => {
    // an autoscaler would answer to the load by itself
    lane = await openLane({ governor: 'none' });
    await lane.startWorker();
  });
  after(() => lane.close());

  it('begins no next step until it is resumed, and keeps what is claimed', async () => {
    const owners = await lane.snapshot();
    // so much that it cannot go quiet between two commands
    await eventually('the load is set', () => lane.load(3_000).then(() => true));
    await startSale(lane);
    await untilPhase(lane, 'holding');
    assert.equal((await lane.headroom('suspend', RUN, '--as', 'bob', '--note', 'look first')).code, 0);
    const twice = await lane.headroom('suspend', RUN, '--as', 'bob');
    assert.match(twice.stderr, /was suspended by bob/);
    const skipped = await lane.headroom('skip', RUN, '--as', 'carol');
    assert.equal(skipped.code, 3);
    assert.match(skipped.stderr, /suspended by bob; resume it first, or cancel it/);
    assert.equal((await lane.headroom('resume', RUN, '--as', 'bob')).code, 0);

    await endSale(lane);
    assert.equal((await lane.headroom('suspend', RUN, '--as', 'bob')).code, 0);
    await eventually('the load is gone', () => lane.load(30).then(() => true));
    await eventually('it is quiet, and waits for a person all the same', async () =>
      JSON.stringify(await lane.status(RUN)).includes('let go, when somebody resumes the run'),
    );
    assert.equal(await lane.floor(), 6);
    assert.equal((await lane.headroom('resume', RUN, '--as', 'bob')).code, 0);
    assert.equal(await untilClosed(lane), 'COMPLETED');
    assert.match(await said(lane), /suspended by bob \(look first\)[^]*resumed by bob/);
    await untilHome(lane, owners);
    await lane.record('suspended');
  });

  it('is missed, and says why, when its event passes meanwhile', async () => {
    const writes = lane.writes().length;
    await startSale(lane, { startsIn: 20, lasts: 2 });
    await untilPhase(lane, 'sleeping');
    assert.equal((await lane.headroom('suspend', RUN, '--as', 'bob')).code, 0);
    assert.equal(await untilClosed(lane), 'COMPLETED');
    const { result } = await lane.status(RUN);
    assert.equal(result?.outcome, 'missed');
    assert.match(result.reasons.join(), /bob suspended the run and nobody resumed it/);
    assert.equal(lane.writes().length, writes);
    await lane.record('missed-suspended');
  });
});

describe('load that does not go, or comes back', () => {
  let lane: Lane;
  before(async () => {
    // an autoscaler would answer to this load too; slow steps leave time for it to come back
    lane = await openLane({
      governor: 'none',
      policy: { preScale: { quiet: { askAfter: '4s' } }, windDown: { percent: 1, every: '8s' } },
    });
    await lane.startWorker();
  });
  after(() => lane.close());

  it('makes the run ask a person, with the reasons, and go on by itself when it has gone', async () => {
    await eventually('the load is set', () => lane.load(3_000).then(() => true));
    await startSale(lane);
    await untilPhase(lane, 'holding');
    await endSale(lane);
    await eventually(
      'the run asks',
      async () => /not quiet for 4s: let it go all the same .*queue-depth/.test(await said(lane)),
      { withinMs: 40_000 },
    );
    assert.match((await lane.headroom('runs')).stdout, /NEEDS A PERSON/);
    assert.equal(await lane.floor(), 6);
    await lane.load(30);
    await untilPhase(lane, 'winding down', { withinMs: 60_000 });
  });

  it('makes the run claim again when it comes back during the wind-down, and wind down again afterwards', async () => {
    await eventually('a step down was made', async () => (await lane.floor()) === 5);
    await lane.load(3_000);
    await untilPhase(lane, 'waiting for quiet', { withinMs: 60_000 });
    assert.match(await said(lane), /the load is back, so the capacity is asked for again: queue-depth/);
    await eventually('what was asked for is there again', async () => (await lane.floor()) === 6);
    await lane.load(30);
    await untilPhase(lane, 'winding down', { withinMs: 60_000 });
    const undone = await lane.headroom('retry-undo', RUN, '--now', '--as', 'bob');
    assert.equal(undone.code, 0, undone.stderr);
    assert.equal(await untilClosed(lane), 'COMPLETED');
    assert.match(await said(lane), /the ledger is asked again by bob, without steps/);
    assert.equal(await lane.floor(), 3);
    await lane.record('regained');
  });
});
