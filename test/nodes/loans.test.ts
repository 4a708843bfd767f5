import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { additionId, drainId, QUEUES } from '../../domain/names.ts';
import type { DrainRequest } from '../../domain/drain-request.ts';
import { eventually } from '../harness/eventually.ts';
import { inGpuLane, type GpuLane } from '../harness/gpu-lane.ts';
import { endOfAddition, endOfDrain, firstNode, lend } from '../harness/gpu-runs.ts';

const TERMINATE = 'TerminateInstanceInAutoScalingGroup';
const run = ({ group }: GpuLane) => additionId(group);

const startDrain = ({ lane }: GpuLane, request: DrainRequest) =>
  lane.temporal.workflow.start('drainGpuNode', {
    workflowId: drainId(request.nodes),
    taskQueue: QUEUES.procedures,
    args: [request],
  });

describe('GPU nodes for a time', { concurrency: 3 }, () => {
  it('are drained and removed at the end of the loan, exactly those', () =>
    inGpuLane({}, async (gpu) => {
      const before = gpu.instances();
      await lend(gpu);
      assert.equal((await gpu.lane.headroom('end', run(gpu), '--as', 'bob')).code, 0);
      const { returned, reasons } = await endOfAddition(gpu, run(gpu));
      assert.deepEqual([returned, reasons], [true, []]);
      assert.deepEqual([gpu.instances().toSorted(), gpu.sizes().desired], [before.toSorted(), 4]);
      await gpu.lane.record('add-nodes-loan');
    }));

  it('are removed when their time is over, also by another worker than the one that lent them', () =>
    inGpuLane({}, async (gpu) => {
      const before = gpu.instances();
      const orderedAtMs = Date.now();
      const { instance } = await lend(gpu);
      await gpu.lane.killWorker();
      await gpu.lane.startWorker();
      const { returned, reasons } = await endOfAddition(gpu, run(gpu), 120_000);
      assert.deepEqual([returned, reasons], [true, []]);
      assert.deepEqual([gpu.instances().toSorted(), gpu.sizes().desired], [before.toSorted(), 4]);
      const [ended, ...more] = gpu.cloud.callsOf(TERMINATE);
      assert.deepEqual([more.length, ended?.body.includes(instance)], [0, true]);
      assert.ok((ended?.atMs ?? 0) >= orderedAtMs + 60_000, 'not before its time');
    }));

  it('are given back already where somebody has ended one: the machine that has its name by now stays', () =>
    inGpuLane({}, async (gpu) => {
      const { node: name, instance: lent } = await lend(gpu);
      const uid = (await gpu.node(name))?.metadata.uid;
      gpu.cloud.order({ do: 'terminate', instance: lent, decrement: true });
      await eventually('it is gone', async () => (await gpu.node(name)) === undefined);
      gpu.cloud.order({ do: 'desired', group: gpu.group, nodes: 5 });
      await eventually('another node has the name', async () => {
        const node = await gpu.node(name);
        return node !== undefined && node.metadata.uid !== uid && gpu.instanceOf(name) !== lent;
      });
      const after = gpu.instances();
      assert.equal((await gpu.lane.headroom('end', run(gpu), '--as', 'bob')).code, 0);
      assert.equal((await endOfAddition(gpu, run(gpu))).returned, true);
      assert.deepEqual([gpu.instances(), await gpu.isSchedulable(name)], [after, true]);
      assert.equal(gpu.cloud.callsOf(TERMINATE).length, 0);
    }));

  for (const remove of [true, false])
    it(`name instances, and a ${remove ? 'removal' : 'drain'} refuses the name that is another machine’s by now`, () =>
      inGpuLane({}, async (gpu) => {
        const [node = '', other = ''] = gpu.nodes();
        const before = gpu.instances();
        const instances = { [node]: 'i-0123456789abcdef0', [other]: gpu.instanceOf(other) };
        const nodes = [node, other];
        await startDrain(gpu, { nodes, instances, requestedBy: 'tester', ...(remove && { remove }) });
        const result = await eventually('it has ended', async () => (await gpu.result(drainId(nodes))) ?? false);
        assert.deepEqual(result, {
          outcome: 'refused',
          reasons: [`${node} is another node by now (instance ${gpu.instanceOf(node)})`],
        });
        assert.deepEqual(await Promise.all(nodes.map(gpu.isSchedulable)), [true, true]);
        assert.deepEqual([gpu.instances(), gpu.cloud.callsOf(TERMINATE).length], [before, 0]);
      }));

  it('name instances, and a removal ends the one that still has the name', () =>
    inGpuLane({}, async (gpu) => {
      const node = firstNode(gpu);
      const [instance, before] = [gpu.instanceOf(node), gpu.instances()];
      await startDrain(gpu, { nodes: [node], instances: { [node]: instance }, remove: true, requestedBy: 'tester' });
      assert.equal((await endOfDrain(gpu, node)).outcome, 'removed');
      assert.deepEqual(
        gpu.instances(),
        before.filter((id) => id !== instance),
      );
    }));
});
