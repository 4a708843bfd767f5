import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { EMERGENCY, firing, isScaleInOff, resolved, tellAlerts } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import { GOVERNORS, inLane, openLane, type Lane, type LaneOptions } from '../harness/lane.ts';
import { askLedger, describeLedger, LEDGER } from '../harness/owners.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { everyWriteIsSound, noWriteIsUnder } from '../harness/witness.ts';

const run = EMERGENCY;

const CEILINGS = { hpa: 'maxReplicas', keda: 'maxReplicaCount' } as const;

/**
 * As it ships: the owner check comes every 15 s, the sweep for holds without a ledger every 30 s. No quiet ends the hold before,
 * and the load is so little that an HPA does nothing about it.
 */
const HELD_ON = {
  load: 1,
  policy: {
    ledger: { ownerCheckEvery: '15s', guardEvery: '5s' },
    preScale: { quiet: { window: '10m', askAfter: '20m' } },
  },
};
/** So much that it is not quiet while it lasts, and an HPA that leaves the count alone all the same: what is doubled are the three of the owner. */
const BURNING = { load: 3_000, cpuPercent: 10_000 };
const inWorkedLane = (
  { load, ...options }: LaneOptions & { readonly load: number },
  act: (lane: Lane) => Promise<void>,
): Promise<void> =>
  inLane(options, async (lane) => {
    await lane.load(load);
    await lane.startWorker();
    await act(lane);
  });

async function begin(lane: Lane, ...words: readonly string[]): Promise<void> {
  const began = await lane.headroom('emergency', 'tensafe-server', '--reason', 'checkout is slow', '--json', ...words);
  assert.equal(began.code, 0, began.stderr);
  // an autoscaler may add to them: scale-out is alive
  await eventually('six pods are available', async () => (await lane.available()) >= 6, { withinMs: 60_000 });
}

async function skip(lane: Lane): Promise<void> {
  const skipped = await lane.headroom('skip', run, '--as', 'bob');
  assert.equal(skipped.code, 0, skipped.stderr);
}

for (const governor of ['hpa', 'keda'] as const) {
  describe(`an emergency scale-up of a workload ${GOVERNORS[governor].words}`, { concurrency: true }, () => {
    it('doubles at once with scale-in off, in one write, and gives all of it back when the load is quiet', () =>
      inWorkedLane({ ...BURNING, governor }, async (lane) => {
        const owners = await lane.snapshot();
        await begin(lane);
        assert.deepEqual([await lane.floor(), await isScaleInOff(lane), lane.writes().length], [6, true, 1]);
        await lane.load(0);
        assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
        await untilHome(lane, owners);
        const { result, status } = await lane.status(run);
        assert.deepEqual([result?.outcome, result?.restored, result?.drift], ['done', true, []]);
        assert.equal(status?.evidence?.kind, 'missing');
        assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
        await lane.record(`emergency-freeze-${governor}`);
      }));

    it('holds exactly its target where it pauses, in one write, and gives all of it back when it is let go', () =>
      inWorkedLane({ ...HELD_ON, governor }, async (lane) => {
        const owners = await lane.snapshot();
        await begin(lane, '--mode', 'pause');
        await untilPhase(lane, 'holding', { run });
        const { spec } = await lane.snapshot();
        assert.deepEqual([await lane.floor(), spec[CEILINGS[governor]], lane.writes().length], [6, 6, 1]);
        await skip(lane);
        assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
        await untilHome(lane, owners);
        const { result } = await lane.status(run);
        assert.deepEqual([result?.outcome, result?.restored, result?.drift], ['done', true, []]);
        assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
        everyWriteIsSound(lane);
        await lane.record(`emergency-pause-${governor}`);
      }));

    it('lets scale-in go and gives all of it back by steps when it is cancelled, without quiet', () =>
      inWorkedLane({ ...HELD_ON, governor }, async (lane) => {
        const owners = await lane.snapshot();
        await begin(lane);
        const cancelled = await lane.headroom('cancel', run, '--as', 'bob', '--note', 'a false alarm');
        assert.equal(cancelled.code, 0, cancelled.stderr);
        assert.equal(await untilClosed(lane, { run }), 'CANCELLED');
        await untilHome(lane, owners);
        assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
        everyWriteIsSound(lane);
        await lane.record(`emergency-cancelled-${governor}`);
      }));
  });
}

describe('an emergency that ends without a word', { concurrency: true }, () => {
  const untilHeld = async (lane: Lane) => {
    await begin(lane);
    await untilPhase(lane, 'holding', { run });
    assert.equal(await isScaleInOff(lane), true);
  };
  const terminate = (lane: Lane, ...ids: readonly string[]) =>
    Promise.all(ids.map((id) => lane.temporal.workflow.getHandle(id).terminate('by hand, in the UI')));
  const untilLetGo = (lane: Lane) =>
    eventually(
      'scale-in is on again and the first step down is made',
      async () => !(await isScaleInOff(lane)) && (await lane.floor()) < 6,
      { withinMs: 60_000 },
    );

  const ends = [
    { what: 'it is terminated', governor: 'hpa', ids: [run] },
    { what: 'it is terminated, and its ledger too', governor: 'keda', ids: [run, LEDGER] },
  ] as const;
  for (const { what, governor, ids } of ends)
    it(`leaves no freeze and winds down within 60 s when ${what}, ${GOVERNORS[governor].words}`, () =>
      inWorkedLane({ ...HELD_ON, governor }, async (lane) => {
        const owners = await lane.snapshot();
        await untilHeld(lane);
        await terminate(lane, ...ids);
        await untilLetGo(lane);
        await untilHome(lane, owners);
        noWriteIsUnder(lane, 3);
        everyWriteIsSound(lane);
      }));

  it('is held on without a dip when only its ledger is terminated, and goes home as ever', () =>
    inWorkedLane(HELD_ON, async (lane) => {
      const owners = await lane.snapshot();
      await untilHeld(lane);
      const { runId } = await describeLedger(lane);
      await terminate(lane, LEDGER);
      await eventually(
        'a new ledger holds it',
        async () => {
          const isNew = (await describeLedger(lane)).runId !== runId;
          return isNew && (await askLedger(lane)).standing?.frozen === true;
        },
        { withinMs: 60_000, everyMs: 500 },
      );
      assert.deepEqual([await lane.floor(), await isScaleInOff(lane), lane.floorsWritten()], [6, true, [6]]);
      await skip(lane);
      assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
      await untilHome(lane, owners);
      assert.equal((await lane.status(run)).result?.outcome, 'done');
      assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
      everyWriteIsSound(lane);
    }));
});

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
    await eventually(
      'it is back at its target, with scale-in off',
      async () => (await lane.floor()) === 6 && (await isScaleInOff(lane)),
    );

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
