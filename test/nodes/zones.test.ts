import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { drainId } from '../../domain/names.ts';
import { inGpuLane, type GpuLaneOptions } from '../harness/gpu-lane.ts';
import { drain, endOfDrain } from '../harness/gpu-runs.ts';

/** Two instances in one zone and one in the other: without that one the group is uneven. */
const UNEVEN: GpuLaneOptions = {
  sizes: { min: 1, max: 6, desired: 3 },
  zones: ['us-east-1a', 'us-east-1b'],
  // before the instance that was named has gone
  timings: { rebalanceMs: 200, terminateMs: 1_500 },
};

describe('a removal that leaves the zones of its group uneven', { concurrency: true }, () => {
  it('is warned of, and tells which instance AWS has ended besides', () =>
    inGpuLane(UNEVEN, async (gpu) => {
      const [, node = ''] = gpu.nodes();
      const [before, instance] = [gpu.instances(), gpu.instanceOf(node)];
      const { code, stdout, stderr } = await gpu.lane.headroom('plan', 'drain', node, '--remove');
      assert.equal(code, 0, stderr);
      assert.match(stdout, /spans 2 zones and AZRebalance is not suspended/);
      await drain(gpu, node, '--remove');
      const { outcome, reasons, lost = [] } = await endOfDrain(gpu, node);
      const gone = before.filter((id) => !gpu.instances().includes(id));
      assert.equal(gone.length, 2, 'AWS has evened the zones out');
      assert.deepEqual([outcome, lost], ['removed', gone.filter((id) => id !== instance)]);
      assert.deepEqual(reasons, [`gone too, and not by us: ${lost.join()}`]);
      assert.equal((await gpu.lane.headroom('watch', drainId([node]))).code, 1);
      const shown = await gpu.lane.headroom('show', drainId([node]));
      assert.match(shown.stdout, new RegExp(`LOST +${lost.join()}: gone meanwhile, and not by headroom`));
      // the size is the one that was asked for, and the request was one
      assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [2, 2]);
      assert.equal(gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length, 1);
    }));

  it('costs no other instance where AZRebalance is suspended', () =>
    inGpuLane({ ...UNEVEN, suspended: ['AZRebalance'] }, async (gpu) => {
      const [, node = ''] = gpu.nodes();
      const others = gpu.instances().filter((id) => id !== gpu.instanceOf(node));
      const { stdout } = await gpu.lane.headroom('plan', 'drain', node, '--remove');
      assert.doesNotMatch(stdout, /AZRebalance/);
      await drain(gpu, node, '--remove');
      const { outcome, lost } = await endOfDrain(gpu, node);
      assert.deepEqual([outcome, lost, gpu.instances()], ['removed', [], others]);
    }));
});
