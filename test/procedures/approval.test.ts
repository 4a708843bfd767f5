import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { openLane, type Lane } from '../harness/lane.ts';
import { RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

const expiring = (expiresAfter: string) => ({ approval: { preScale: 'always', expiresAfter } });

describe('a pre-scale that a second person approves', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane({ policy: expiring('2m') });
    await lane.startWorker();
  });
  after(() => lane.close());
  const planHash = async () => (await lane.status(RUN)).status?.planHash ?? '';
  const needsPerson = async () => {
    const { stdout } = await lane.headroom('runs', '--json');
    return (JSON.parse(stdout) as readonly { readonly needsPerson: boolean }[]).some((one) => one.needsPerson);
  };

  it('touches nothing until somebody else than who asked has approved that very plan', async () => {
    const owners = await lane.snapshot();
    const writes = lane.writes().length;
    await startSale(lane, { words: ['--factor', '2', '--as', 'alice'] });
    await untilPhase(lane, 'waiting for approval');
    await eventually('the run is listed as one that needs a person', needsPerson);

    const own = await lane.headroom('approve', RUN, '--as', 'alice');
    assert.equal(own.code, 3);
    assert.match(own.stderr, /alice asked for this run, so somebody else must approve it/);
    const other = await lane.headroom('approve', RUN, '--as', 'bob', '--plan', '0123456789abcdef');
    assert.equal(other.code, 3);
    assert.match(other.stderr, new RegExp(`is not the one that waits; ${await planHash()} is`));
    assert.equal(lane.writes().length, writes);

    const approved = await lane.headroom('approve', RUN, '--as', 'bob', '--plan', (await planHash()).slice(0, 8));
    assert.equal(approved.code, 0, approved.stderr);
    await untilPhase(lane, 'holding');
    assert.equal(await lane.floor(), 6);
    await eventually('nobody is needed any more', async () => !(await needsPerson()));
    assert.equal((await lane.headroom('approve', RUN, '--as', 'bob')).code, 3);

    const longer = await lane.headroom('extend', RUN, '--for', '1m', '--as', 'alice');
    assert.match(longer.stderr, /somebody else than alice must extend it/);
    assert.equal((await lane.headroom('extend', RUN, '--for', '1m', '--as', 'bob')).code, 0);
    const more = await lane.headroom('amend', RUN, '--floor', '8', '--as', 'alice');
    assert.match(more.stderr, /somebody else than alice must ask for more/);
    assert.equal((await lane.headroom('skip', RUN, '--as', 'alice')).code, 0);
    assert.equal(await untilClosed(lane), 'COMPLETED');
    assert.equal((await lane.status(RUN)).result?.outcome, 'done');
    await untilHome(lane, owners);
    await lane.record('approved');
  });

  it('ends as unapproved when somebody rejects it, and says who and why', async () => {
    const writes = lane.writes().length;
    await startSale(lane);
    await untilPhase(lane, 'waiting for approval');
    const rejected = await lane.headroom('reject', RUN, '--as', 'bob', '--note', 'too dear');
    assert.equal(rejected.code, 0, rejected.stderr);
    assert.equal(await untilClosed(lane), 'COMPLETED');
    const { result } = await lane.status(RUN);
    assert.deepEqual([result?.outcome, result?.reasons], ['unapproved', ['rejected by bob (too dear)']]);
    assert.equal((await lane.headroom('watch', RUN)).code, 3);
    const late = await lane.headroom('approve', RUN, '--as', 'carol', '--plan', '0123456789');
    assert.equal(late.code, 3);
    assert.match(late.stderr, /has ended/);
    assert.equal(lane.writes().length, writes);
    await lane.record('unapproved');
  });

  it('asks again when the plan has outgrown what was approved, and shows the difference', async () => {
    const owners = await lane.snapshot();
    await startSale(lane, { startsIn: 25, words: ['--factor', '2', '--as', 'alice'] });
    await untilPhase(lane, 'waiting for approval');
    assert.equal((await lane.headroom('approve', RUN, '--as', 'bob')).code, 0);
    await untilPhase(lane, 'sleeping');
    await lane.killWorker();
    const config = join(lane.directory, 'headroom.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace('max: 12', 'max: 14'));
    await lane.startWorker();
    await untilPhase(lane, 'waiting for approval', { withinMs: 60_000 });
    const again = (await lane.status(RUN)).status?.timeline.map(({ what }) => what).join('\n') ?? '';
    assert.match(again, /outgrown what was approved, so it is asked for again: the most replicas were 12 and are 14/);
    assert.equal((await lane.headroom('approve', RUN, '--as', 'bob')).code, 0);
    await untilPhase(lane, 'holding');
    assert.equal((await lane.headroom('cancel', RUN)).code, 0);
    assert.equal(await untilClosed(lane), 'CANCELLED');
    await untilHome(lane, owners);
    await lane.record('outgrown');
  });
});

describe('an approval that does not come', () => {
  it('expires: nothing was touched, and the reason says what would have been needed', async () => {
    const lane = await openLane({ policy: expiring('3s') });
    try {
      await lane.startWorker();
      await startSale(lane, { words: ['--factor', '2', '--as', 'alice'] });
      assert.equal(await untilClosed(lane), 'COMPLETED');
      const { result } = await lane.status(RUN);
      assert.equal(result?.outcome, 'unapproved');
      assert.match(result.reasons.join(), /nobody approved plan [0-9a-f]{8} by .* somebody else than alice must/);
      assert.equal(lane.writes().length, 0);
      await lane.record('unapproved-expired');
    } finally {
      await lane.close();
    }
  });
});
