import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { EMERGENCY, firing, isScaleInOff, resolved, tellAlerts } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import { GOVERNORS, openLane, type Lane } from '../harness/lane.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

const run = EMERGENCY;

for (const governor of ['hpa', 'keda'] as const) {
  describe(`an emergency scale-up of a workload ${GOVERNORS[governor].words}`, () => {
    let lane: Lane;
    before(async () => {
      lane = await openLane({ governor });
      await lane.startWorker();
    });
    after(() => lane.close());

    it('doubles at once with scale-in off, in one write, and gives all of it back when the load is quiet', async () => {
      const owners = await lane.snapshot();
      await lane.load(60);
      const began = await lane.headroom('emergency', 'tensafe-server', '--reason', 'checkout is slow', '--json');
      assert.equal(began.code, 0, began.stderr);
      await eventually('six pods are available', async () => (await lane.available()) === 6);
      assert.deepEqual([await lane.floor(), await isScaleInOff(lane), lane.writes().length], [6, true, 1]);
      await lane.load(0);
      assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
      await untilHome(lane, owners);
      const { result, status } = await lane.status(run);
      assert.deepEqual([result?.outcome, result?.restored, result?.drift], ['done', true, []]);
      assert.equal(status?.evidence?.kind, 'missing');
      assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
      await lane.record(`emergency-${governor}`);
    });
  });
}

describe('alerts of an emergency', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane({ policy: { emergencyScaleUp: { cooldown: '30s', remindEvery: '5s', maxHold: '1h' } } });
    await lane.startWorker();
  });
  after(() => lane.close());

  it('start one run, join it, call it back from its wind-down, and are not answered twice', async () => {
    const owners = await lane.snapshot();
    await lane.load(3_000);
    const slow = firing('TensafeEmergencyLatency');
    const first = await tellAlerts(lane, slow);
    assert.deepEqual(first, { kind: 'taken', dispositions: [{ kind: 'started', run }] });
    await untilPhase(lane, 'holding', { run });
    assert.equal(await lane.floor(), 6);

    const errors = firing('TensafeErrorSpike');
    const told = await tellAlerts(lane, slow, errors);
    assert.deepEqual(told, {
      kind: 'taken',
      dispositions: [
        { kind: 'joined', run },
        { kind: 'joined', run },
      ],
    });
    assert.equal(await lane.floor(), 6);
    const { status } = await lane.status(run);
    assert.deepEqual(status?.alerts, { firing: [slow.name, errors.name], heard: 2, resolved: 0 });

    await tellAlerts(lane, resolved(slow), resolved(errors));
    assert.equal(await lane.floor(), 6, 'resolved is no permission to go down');
    await lane.load(0);
    await untilPhase(lane, 'winding down', { run });
    await tellAlerts(lane, firing('TensafeEmergencyLatency'));
    await eventually('it is back at its target', async () => (await lane.floor()) === 6);
    assert.equal(await isScaleInOff(lane), true);

    await untilPhase(lane, 'cooling down', { run, withinMs: 60_000 });
    await untilHome(lane, owners);
    const again = await tellAlerts(lane, slow);
    assert.equal(again.kind === 'taken' && again.dispositions[0]?.kind, 'suppressed');
    assert.match(JSON.stringify(again), /the cooldown of 30s until/);
    assert.equal(await lane.floor(), 3);

    const another = await tellAlerts(lane, firing('TensafeErrorSpike'));
    assert.deepEqual(another, { kind: 'over' });
    assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
    assert.equal((await lane.status(run)).result?.outcome, 'done');
    await lane.record('emergency-alerts');
  });
});
