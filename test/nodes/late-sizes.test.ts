import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { additionId } from '../../domain/names.ts';
import { eventually } from '../harness/eventually.ts';
import { inGpuLane, untilEnded, untilIn, type GpuLane, type GpuLaneOptions } from '../harness/gpu-lane.ts';
import { endOfAddition } from '../harness/gpu-runs.ts';

const ORDER = 'UpdateNodegroupConfig';
/** EKS answers at once, and its Auto Scaling group has the sizes so much later. */
const LATE: GpuLaneOptions = {
  timings: { applyMs: 3_000, updateMs: 3_500 },
  policy: { addGpuNodes: { whenUnmet: 'wait', every: '300ms', usableWithin: '1m' } },
};

const run = ({ group }: GpuLane) => additionId(group);
const add = ({ lane, group }: GpuLane, ...words: readonly string[]) => lane.headroom('add-nodes', group, ...words);

/** EKS has the order, and the Auto Scaling group has not heard of it. */
const untilOrdered = (gpu: GpuLane) =>
  eventually(
    'it is ordered',
    async () => {
      if (!gpu.cloud.callsOf(ORDER).some(({ outcome }) => outcome === 'done' || outcome === 'reset-after'))
        return false;
      assert.deepEqual([gpu.sizes().desired, gpu.cloud.core.nodeGroups.status(groupOf(gpu))], [4, 'UPDATING']);
      return true;
    },
    { everyMs: 20 },
  );
const groupOf = ({ cloud, group }: GpuLane) => cloud.core.nodeGroups.find(group);

/** The sizes have come to the Auto Scaling group, and whatever they start has started. */
const untilCarriedOut = (gpu: GpuLane) =>
  eventually(
    'nothing happens by itself any more',
    async () => gpu.cloud.core.nodeGroups.status(groupOf(gpu)) !== 'UPDATING' && gpu.cloud.core.nextMs() === null,
    { withinMs: 30_000 },
  );

describe('sizes that EKS carries out late', { concurrency: 3 }, () => {
  it('are waited for, and ordered once', () =>
    inGpuLane(LATE, async (gpu) => {
      await Promise.all([add(gpu, '--count', '2'), untilOrdered(gpu)]);
      assert.equal((await endOfAddition(gpu, run(gpu))).outcome, 'added');
      assert.deepEqual([gpu.sizes(), gpu.instances().length], [{ min: 1, max: 6, desired: 6 }, 6]);
      assert.equal(gpu.cloud.callsOf(ORDER).length, 1);
    }));

  it('are one order when the answer to it is lost', () =>
    inGpuLane(LATE, async (gpu) => {
      gpu.cloud.order({ do: 'fail', operation: ORDER, what: 'reset-after', times: 1 });
      await Promise.all([add(gpu, '--count', '1'), untilOrdered(gpu)]);
      assert.equal((await endOfAddition(gpu, run(gpu))).outcome, 'added');
      await untilCarriedOut(gpu);
      assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [5, 5]);
    }));

  for (const [words, capacity, left] of [
    ['leave nothing on order', 0, 4],
    ['leave what AWS could give', 1, 5],
  ] as const) {
    it(`${words} when the run is cancelled before they are`, () =>
      inGpuLane(LATE, async (gpu) => {
        gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: capacity });
        await Promise.all([add(gpu, '--count', '2'), untilOrdered(gpu)]);
        await gpu.lane.temporal.workflow.getHandle(run(gpu)).cancel();
        assert.equal(await untilEnded(gpu, run(gpu)), 'CANCELLED');
        await untilCarriedOut(gpu);
        assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [left, left]);
      }));

    it(`${words} when the run is terminated before they are`, () =>
      inGpuLane(LATE, async (gpu) => {
        gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: capacity });
        await Promise.all([add(gpu, '--count', '2'), untilOrdered(gpu)]);
        await gpu.lane.temporal.workflow.getHandle(run(gpu)).terminate('on purpose');
        await eventually('EKS carries them out', async () => gpu.sizes().desired === 6, { everyMs: 20 });
        await eventually('the order is taken back', async () => gpu.sizes().desired === left, { withinMs: 60_000 });
        await untilCarriedOut(gpu);
        assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [left, left]);
      }));
  }

  it('are taken back when nobody waits for what AWS cannot give', () =>
    inGpuLane({ ...LATE, policy: { addGpuNodes: { whenUnmet: 'takeBack', every: '300ms' } } }, async (gpu) => {
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: 1 });
      await Promise.all([add(gpu, '--count', '2'), untilOrdered(gpu)]);
      const { outcome, nodes } = await endOfAddition(gpu, run(gpu));
      await untilCarriedOut(gpu);
      assert.deepEqual([outcome, nodes.length, gpu.sizes().desired, gpu.instances().length], ['partly added', 1, 5, 5]);
    }));

  it('are no reason to end another instance at the end of a loan', () =>
    inGpuLane(LATE, async (gpu) => {
      const before = gpu.instances();
      await Promise.all([add(gpu, '--count', '1', '--for', '1m', '--as', 'alice'), untilOrdered(gpu)]);
      await untilIn(gpu, run(gpu), 'holding');
      assert.equal((await gpu.lane.headroom('end', run(gpu), '--as', 'bob')).code, 0);
      assert.equal((await endOfAddition(gpu, run(gpu))).returned, true);
      assert.deepEqual([gpu.instances(), gpu.sizes().desired], [before, 4]);
    }));
});
