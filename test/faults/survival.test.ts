import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { GOVERNOR_NAMES, GOVERNORS, inLane, type Lane, type LaneOptions } from '../harness/lane.ts';
import { readDeaths } from '../harness/mortal.ts';
import { askLedger } from '../harness/owners.ts';
import { endSale, RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { everyWriteIsSound } from '../harness/witness.ts';

/** Starts the lane's worker so that it dies at a point; answers when it has, and fails when it never got there. */
async function killedAt(lane: Lane, point: string, act: () => Promise<void>): Promise<void> {
  const mark = join(lane.directory, 'killed');
  const worker = await lane.startWorker({ KILL_AT: point, KILL_MARK: mark });
  const died = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await Promise.all([act(), died]);
  assert.ok(existsSync(mark), `the worker died without having reached ${point}`);
}

for (const governor of GOVERNOR_NAMES) {
  describe(`a worker killed during a pre-scale ${GOVERNORS[governor].words}`, { concurrency: true }, () => {
    it('comes back in the hold and brings the same end', () =>
      inLane({ governor }, async (lane) => {
        const owners = await lane.snapshot();
        await lane.startWorker();
        await startSale(lane);
        await untilPhase(lane, 'holding');
        await lane.killWorker();
        assert.equal(await lane.floor(), 6);
        await lane.startWorker();
        await endSale(lane);
        assert.equal(await lane.floor(), 6);
        await lane.headroom('skip', RUN);
        assert.equal(await untilClosed(lane), 'COMPLETED');
        await untilHome(lane, owners, { withinMs: 1 });
      }));

    it('loses nothing when it dies between the PATCH that holds and its record', () =>
      inLane({ governor }, async (lane) => {
        const owners = await lane.snapshot();
        await killedAt(lane, 'after:workloads.changeGovernor:1', () => startSale(lane).catch(() => undefined));
        assert.equal(await lane.floor(), 6);
        await lane.startWorker();
        await untilPhase(lane, 'holding');
        await lane.headroom('skip', RUN);
        assert.equal(await untilClosed(lane), 'COMPLETED');
        await untilHome(lane, owners, { withinMs: 1 });
        assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3], 'a lost answer is not written twice');
        await lane.record(`survived-${governor}`);
      }));

    it('gives the owner’s exact values back even when the ledger’s history is deleted besides', () =>
      inLane({ governor }, async (lane) => {
        const owners = await lane.snapshot();
        await killedAt(lane, 'after:workloads.changeGovernor:1', () => startSale(lane).catch(() => undefined));
        const { connection, options } = lane.temporal;
        const workflowExecution = { workflowId: 'capacity.tensafe-server' };
        await connection.workflowService.deleteWorkflowExecution({ namespace: options.namespace, workflowExecution });
        await eventually('the ledger is forgotten', async () => {
          const gone = await lane.temporal.workflow
            .getHandle('capacity.tensafe-server')
            .describe()
            .then(
              () => false,
              () => true,
            );
          return gone;
        });
        await lane.startWorker();
        await untilPhase(lane, 'holding');
        await lane.headroom('skip', RUN);
        assert.equal(await untilClosed(lane), 'COMPLETED');
        await untilHome(lane, owners, { withinMs: 1 });
      }));
  });
}

/** A run terminated in the UI; and how far it had come. */
const terminations: readonly { readonly phase: string; readonly options?: LaneOptions }[] = [
  { phase: 'sleeping' },
  { phase: 'scaling', options: { roomFor: 4 } },
  // as it ships: the owner check comes every 15 s
  { phase: 'holding', options: { policy: { ledger: { ownerCheckEvery: '15s', guardEvery: '5s' } } } },
  { phase: 'waiting for quiet' },
  { phase: 'winding down' },
];

describe('a worker that is away from the claim to the end of the event', () => {
  it('asks for the capacity after all when the event is extended', () =>
    // where no autoscaler answers the load, and so much of it that it is not let go
    inLane({ governor: 'none' }, async (lane) => {
      const owners = await lane.snapshot();
      await eventually('the load is set', () => lane.load(3_000).then(() => true));
      const mark = join(lane.directory, 'deaths');
      const worker = await lane.startWorker({ KILL_EACH: 'before:claimCapacity', KILL_MARK: mark });
      const died = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      await startSale(lane, { startsIn: 6, lasts: 2 });
      const endsMs = Date.now() + 8_000;
      await died;
      assert.deepEqual(readDeaths(mark), ['before:claimCapacity']);
      await eventually('the event is over', async () => Date.now() > endsMs);
      await lane.startWorker();
      // on a busy machine the claim's second attempt may be quicker than the run that has let it go
      await untilPhase(lane, 'waiting for quiet');
      assert.equal((await lane.headroom('extend', RUN, '--for', '10m')).code, 0);
      await untilPhase(lane, 'holding');
      assert.equal(await lane.floor(), 6);
      await lane.headroom('skip', RUN);
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await untilHome(lane, owners, { withinMs: 1 });
    }));
});

describe('a run that ends without a word', { concurrency: true }, () => {
  for (const { phase, options = {} } of terminations) {
    it(`loses its claim within 20 s when it is terminated while ${phase}, and the owner’s values come back`, () =>
      inLane(options, async (lane) => {
        const owners = await lane.snapshot();
        await lane.startWorker();
        await startSale(lane, phase === 'sleeping' ? { startsIn: 600 } : {});
        if (phase === 'winding down' || phase === 'waiting for quiet') await untilPhase(lane, 'holding');
        if (phase === 'waiting for quiet') await endSale(lane);
        if (phase === 'winding down') await lane.headroom('skip', RUN);
        await untilPhase(lane, phase);
        await lane.temporal.workflow.getHandle(RUN).terminate('by hand, in the UI');
        if (phase === 'sleeping') assert.deepEqual(await lane.snapshot(), owners);
        else await eventually('nothing is claimed', async () => (await askLedger(lane)).claims.length === 0);
        await untilHome(lane, owners);
        everyWriteIsSound(lane);
      }));
  }

  it('keeps what a person changed meanwhile, and says so', () =>
    inLane({}, async (lane) => {
      await lane.startWorker();
      await startSale(lane);
      await untilPhase(lane, 'holding');
      await lane.admin.patch('HorizontalPodAutoscaler', 'tensafe-hpa', { spec: { maxReplicas: 11 } });
      await lane.headroom('skip', RUN);
      assert.equal(await untilClosed(lane), 'COMPLETED');
      const { spec } = await lane.snapshot();
      assert.deepEqual({ min: spec['minReplicas'], max: spec['maxReplicas'] }, { min: 3, max: 11 });
      const { result } = await lane.status(RUN);
      assert.equal(result?.restored, true);
      assert.match(result.drift.join(), /ceiling was 10 and is 11/);
    }));
});
