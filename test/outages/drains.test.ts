import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { drainId } from '../../domain/names.ts';
import { evictionsOf } from '../harness/audit.ts';
import { eventually } from '../harness/eventually.ts';
import { inGpuLane } from '../harness/gpu-lane.ts';
import { aBudget, aDeployment, podsOn, put } from '../harness/gpu-pods.ts';
import { drain, endOfDrain } from '../harness/gpu-runs.ts';
import { program, reviveThoseThatLeft } from '../harness/servers.ts';

const AWAY_MS = 8_000;
/** Six on a node, and the budget lets one go at a time: an outage falls between two evictions. */
const PODS = 24;

const OUTAGES = {
  'answers nobody for eight seconds': async () => {
    const thaw = program('kube-apiserver').freeze();
    await sleep(AWAY_MS);
    thaw();
  },
  'is killed and away for eight seconds': async () => {
    await program('kube-apiserver').kill();
    await sleep(AWAY_MS);
    await program('kube-apiserver').start();
  },
};

describe('an API server that is away while pods are evicted', () => {
  after(reviveThoseThatLeft);
  for (const [what, away] of Object.entries(OUTAGES))
    it(`and ${what}: the node is removed, and its budget is kept`, async () => {
      await reviveThoseThatLeft();
      await inGpuLane({ policy: { drain: { evictionDeadline: '5m', goneWithin: '2m' } } }, async (gpu) => {
        const before = gpu.instances();
        await put(gpu, aDeployment(gpu, 'web', { replicas: PODS }));
        await put(gpu, aBudget(gpu, 'web', { minAvailable: PODS - 1 }));
        const node = await eventually('all of them run, and some node has several', async () => {
          const counts = await Promise.all(gpu.nodes().map(async (name) => (await podsOn(gpu, name)).length));
          const most = Math.max(...counts);
          return (
            counts.reduce((sum, count) => sum + count, 0) === PODS && most > 4 && gpu.nodes()[counts.indexOf(most)]
          );
        });
        const [instance, there] = [gpu.instanceOf(node), (await podsOn(gpu, node)).length];
        const run = drainId([node]);
        const [began] = await Promise.all([
          drain(gpu, node, '--remove'),
          eventually('the first has gone', async () => evictionsOf(gpu, run).length > 0, { everyMs: 100 }).then(away),
        ]);
        assert.equal(began.code, 0, began.stderr);
        assert.ok(evictionsOf(gpu, run).length < there, 'there was nothing left to do when the API server came back');
        const { outcome, reasons, lost } = await endOfDrain(gpu, node, 180_000);
        assert.deepEqual([outcome, reasons, lost], ['removed', [], []]);
        assert.deepEqual(
          gpu.instances(),
          before.filter((id) => id !== instance),
        );
        assert.deepEqual([gpu.sizes().desired, await gpu.node(node)], [3, undefined]);
      });
    });
});
