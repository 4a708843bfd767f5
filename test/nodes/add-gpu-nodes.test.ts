import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { additionId } from '../../domain/names.ts';
import { eventually } from '../harness/eventually.ts';
import { inGpuLane, untilEnded, untilIn, type GpuLane } from '../harness/gpu-lane.ts';
import { endOfAddition } from '../harness/gpu-runs.ts';

const add = ({ lane, group }: GpuLane, ...words: readonly string[]) => lane.headroom('add-nodes', group, ...words);
const run = ({ group }: GpuLane) => additionId(group);
const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const untilAsked = (gpu: GpuLane) =>
  eventually('a person is asked', async () => (await gpu.lane.status(run(gpu))).status?.question ?? false);

const endOf = (gpu: GpuLane) => endOfAddition(gpu, run(gpu));

describe('adding GPU nodes', { concurrency: 3 }, () => {
  it('orders relative to what there is, and counts a node when it can compute', () =>
    inGpuLane({ timings: { gpuMs: 5_000 } }, async (gpu) => {
      const before = gpu.instances();
      const plan = await gpu.lane.headroom('plan', 'add-nodes', gpu.group, '--count', '2');
      assert.equal(plan.code, 0, plan.stderr);
      assert.match(plan.stdout, /desired +4 -> 6, minimum 1, maximum 6\n.*all its GPUs: p5.48xlarge \(8 × H100\)/);
      assert.match(plan.stdout, /at most 110 USD an hour/);
      assert.equal(gpu.cloud.callsOf('UpdateNodegroupConfig').length, 0);

      const began = await add(gpu, '--count', '2', '--as', 'alice');
      assert.equal(began.code, 0, began.stderr);
      const second = await add(gpu, '--count', '1');
      assert.equal(second.code, 3);
      assert.match(second.stderr, /nodes are being added .* already/);
      const { outcome, nodes, reasons } = await endOf(gpu);
      assert.deepEqual([outcome, reasons, gpu.sizes()], ['added', [], { min: 1, max: 6, desired: 6 }]);
      const added = gpu.instances().filter((id) => !before.includes(id));
      assert.deepEqual(nodes.map(({ instanceId }) => instanceId).toSorted(), added.toSorted());
      for (const { name } of nodes) assert.equal(await gpu.isSchedulable(name), true);
      assert.equal(gpu.cloud.callsOf('UpdateNodegroupConfig').length, 1);
      await gpu.lane.record('add-nodes');
    }));

  it('names both limits in one refusal, and orders nothing', () =>
    inGpuLane({}, async (gpu) => {
      const { code, stderr } = await add(gpu, '--count', '5');
      assert.equal(code, 3);
      assert.match(
        stderr,
        /has 4 nodes, and 5 more would be 9: headroom.yaml allows 8.*Auto Scaling group allows 6.*at most 2 more/,
      );
      assert.equal(gpu.cloud.callsOf('UpdateNodegroupConfig').length, 0);
    }));

  it('asks a person when AWS has no more, and leaves nothing on order', () =>
    inGpuLane({}, async (gpu) => {
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: 1 });
      await add(gpu, '--count', '2');
      const question = await untilAsked(gpu);
      assert.match(JSON.stringify(question), /do not have sufficient p5.48xlarge capacity/);
      const skipped = await gpu.lane.headroom('skip', run(gpu), '--as', 'bob');
      assert.equal(skipped.code, 0, skipped.stderr);
      const { outcome, nodes } = await endOf(gpu);
      assert.deepEqual([outcome, nodes.length, gpu.sizes().desired], ['partly added', 1, 5]);
      // the capacity that comes later starts nothing
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: null });
      await soon(3_000);
      assert.equal(gpu.instances().length, 5);
      await gpu.lane.record('add-nodes-taken-back');
    }));

  it('waits longer when a person says so, and gets what comes', () =>
    inGpuLane({}, async (gpu) => {
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: 0 });
      await add(gpu, '--count', '1');
      await untilAsked(gpu);
      const extended = await gpu.lane.headroom('extend', run(gpu), '--for', '30s', '--as', 'bob');
      assert.equal(extended.code, 0, extended.stderr);
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: null });
      assert.equal((await endOf(gpu)).outcome, 'added');
      assert.equal(gpu.sizes().desired, 5);
    }));

  it('asks the next group for what the first one cannot give', () =>
    inGpuLane({ second: { min: 1, max: 4, desired: 1 } }, async (gpu) => {
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: 1 });
      await add(gpu, '--count', '2', '--or', gpu.spare);
      const { outcome, nodes } = await endOf(gpu);
      assert.deepEqual([outcome, nodes.map(({ group }) => group)], ['added', [gpu.group, gpu.spare]]);
      assert.deepEqual([gpu.sizes().desired, gpu.sizes(gpu.spare).desired], [5, 2]);
    }));

  it('does not count a node whose GPUs are not registered, and says so at its deadline', () =>
    inGpuLane(
      { policy: { addGpuNodes: { usableWithin: '5s', every: '300ms', whenUnmet: 'takeBack' } } },
      async (gpu) => {
        gpu.cloud.order({ do: 'fate', group: gpu.group, fate: 'without GPUs' });
        await add(gpu, '--count', '1');
        const { outcome, reasons } = await endOf(gpu);
        assert.equal(
          outcome,
          'not added',
          JSON.stringify(await Promise.all(gpu.nodes().map((name) => gpu.node(name)))).slice(-3000),
        );
        assert.match(reasons.join('; '), /0 of 8 GPUs are registered/);
        // it came, so it stays: nobody but a drain ends an instance
        assert.equal(gpu.sizes().desired, 5);
      },
    ));

  it('takes back what has not come when it is cancelled, and keeps what came', () =>
    inGpuLane({ policy: { addGpuNodes: { whenUnmet: 'wait', every: '300ms', usableWithin: '1m' } } }, async (gpu) => {
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: 1 });
      await add(gpu, '--count', '2');
      await eventually('one has come', async () => gpu.instances().length === 5);
      await gpu.lane.headroom('cancel', run(gpu), '--as', 'bob');
      assert.equal(await untilEnded(gpu, run(gpu)), 'CANCELLED');
      assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [5, 5]);
    }));

  it('leaves nothing on order when it is terminated', () =>
    inGpuLane({ policy: { addGpuNodes: { whenUnmet: 'wait', every: '300ms', usableWithin: '1m' } } }, async (gpu) => {
      gpu.cloud.order({ do: 'capacity', group: gpu.group, nodes: 0 });
      await add(gpu, '--count', '2');
      await eventually('the order stands', async () => gpu.sizes().desired === 6);
      await gpu.lane.temporal.workflow.getHandle(run(gpu)).terminate('on purpose');
      await eventually('the order is taken back', async () => gpu.sizes().desired === 4, { withinMs: 60_000 });
    }));

  it('survives a lost answer of AWS without a second order', () =>
    inGpuLane({}, async (gpu) => {
      gpu.cloud.order({ do: 'fail', operation: 'UpdateNodegroupConfig', what: 'reset-after', times: 1 });
      await add(gpu, '--count', '1');
      assert.equal((await endOf(gpu)).outcome, 'added');
      assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [5, 5]);
    }));

  it('waits until the update of somebody else is over', () =>
    inGpuLane({}, async (gpu) => {
      const answers = () => gpu.cloud.callsOf('UpdateNodegroupConfig').map(({ outcome }) => outcome);
      gpu.cloud.order({ do: 'status', group: gpu.group, status: 'UPDATING' });
      await add(gpu, '--count', '1');
      await eventually('AWS does not take the order yet', async () => answers().length > 0);
      gpu.cloud.order({ do: 'status', group: gpu.group, status: null });
      assert.equal((await endOf(gpu)).outcome, 'added');
      assert.deepEqual([answers()[0], answers().indexOf('done')], ['ResourceInUseException', answers().length - 1]);
      assert.deepEqual([gpu.sizes(), gpu.instances().length], [{ min: 1, max: 6, desired: 5 }, 5]);
    }));

  it('needs a second person where policy says so, and ends without one', () =>
    inGpuLane({ policy: { approval: { addGpuNodes: 'always', expiresAfter: '30s' } } }, async (gpu) => {
      const began = await add(gpu, '--count', '1', '--as', 'alice');
      assert.match(began.stdout, /it waits for somebody else/);
      await untilIn(gpu, run(gpu), 'waiting for approval');
      assert.equal(gpu.cloud.callsOf('UpdateNodegroupConfig').length, 0);
      assert.equal((await gpu.lane.headroom('approve', run(gpu), '--as', 'alice')).code, 3);
      assert.equal((await gpu.lane.headroom('approve', run(gpu), '--as', 'bob')).code, 0);
      assert.equal((await endOf(gpu)).outcome, 'added');
    }));
});
