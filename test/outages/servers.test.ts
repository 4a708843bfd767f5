import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../harness/eventually.ts';
import { GOVERNOR_NAMES, openLane, type Lane } from '../harness/lane.ts';
import { RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { program, reviveThoseThatLeft } from '../harness/servers.ts';
import { everyWriteIsSound } from '../harness/witness.ts';

interface Fault {
  readonly name: string;
  /** What happens to a server, from its beginning to its end. */
  readonly act: () => Promise<void>;
}

const faults: readonly Fault[] = [
  {
    name: 'the Temporal server is killed and started again on its database',
    act: async () => {
      await program('temporal').kill();
      await program('temporal').start();
    },
  },
  {
    name: 'the API server answers nobody for ten seconds',
    act: async () => {
      const thaw = program('kube-apiserver').freeze();
      await sleep(10_000);
      thaw();
    },
  },
  {
    name: 'the API server is killed and away for ten seconds',
    act: async () => {
      await program('kube-apiserver').kill();
      await sleep(10_000);
      await program('kube-apiserver').start();
    },
  },
];
const PATIENCE_MS = 120_000;

for (const { name, act } of faults) {
  describe(name, { concurrency: true }, () => {
    it('in the hold and in the wind-down of a pre-scale, which brings the same end, on every governor', async () => {
      await reviveThoseThatLeft();
      const lanes = await Promise.all(GOVERNOR_NAMES.map((governor) => openLane({ governor })));
      const all = <T>(each: (lane: Lane) => Promise<T>): Promise<readonly T[]> => Promise.all(lanes.map(each));
      try {
        await all((lane) => eventually('three pods are available', async () => (await lane.available()) === 3));
        const owners = await all((lane) => lane.snapshot());
        await all((lane) => lane.startWorker());
        await all((lane) => startSale(lane));
        await all((lane) => untilPhase(lane, 'holding'));
        await act();
        await all((lane) => eventually('it is still held', async () => (await lane.floor()) === 6));

        await all((lane) =>
          eventually('the run hears', async () => (await lane.headroom('skip', RUN)).code === 0, {
            withinMs: PATIENCE_MS,
            everyMs: 1_000,
          }),
        );
        await all((lane) =>
          eventually('the first step is made', async () => (await lane.floor()) < 6, { withinMs: PATIENCE_MS }),
        );
        await act();
        const ends = await all((lane) => untilClosed(lane, { withinMs: PATIENCE_MS }));
        assert.deepEqual(
          ends,
          lanes.map(() => 'COMPLETED'),
        );
        for (const [index, lane] of lanes.entries()) {
          const before = owners[index];
          assert.ok(before);
          await untilHome(lane, before, { withinMs: 1 });
          assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
          everyWriteIsSound(lane);
        }
      } finally {
        await all((lane) => lane.close());
      }
    });
  });
}
