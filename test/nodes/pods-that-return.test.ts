import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { inGpuLane } from '../harness/gpu-lane.ts';
import { aDeployment, podsOn, put } from '../harness/gpu-pods.ts';
import { drain, endOfDrain, firstNode } from '../harness/gpu-runs.ts';

describe('pods whose template names the node that is drained', () => {
  it('are evicted often enough, and then named; the node is given back and nothing ends', () =>
    inGpuLane({ policy: { drain: { evictionDeadline: '5m' } } }, async (gpu) => {
      const node = firstNode(gpu);
      const before = gpu.instances();
      await put(gpu, aDeployment(gpu, 'nailed', { replicas: 2, node, nailed: true }));
      await eventually('they run there', async () => (await podsOn(gpu, node)).length === 2);
      await drain(gpu, node, '--remove');
      const { outcome, reasons, nodes } = await endOfDrain(gpu, node, 120_000);
      assert.equal(outcome, 'not drained');
      assert.equal(reasons.length, 2, reasons.join('; '));
      for (const reason of reasons)
        assert.match(
          reason,
          new RegExp(
            `^pod ${gpu.lane.namespace}/nailed-\\S+: its like come back to ${node} as often as they are evicted; take spec.nodeName`,
          ),
        );
      assert.deepEqual(
        nodes.map(({ name, state }) => [name, state]),
        [[node, 'given back']],
      );
      assert.ok((nodes[0]?.evicted ?? 0) >= 2);
      assert.deepEqual([await gpu.isSchedulable(node), gpu.instances(), gpu.sizes().desired], [true, before, 4]);
      assert.equal(gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length, 0);
    }));
});
