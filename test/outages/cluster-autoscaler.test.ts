import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { additionId } from '../../domain/names.ts';
import { openKubeClient, type KubeClient } from '../../sandbox/kube.ts';
import { eventually } from '../harness/eventually.ts';
import { inGpuLane, untilEnded, untilIn, type GpuLane } from '../harness/gpu-lane.ts';
import { endOfAddition } from '../harness/gpu-runs.ts';
import { servers } from '../harness/servers.ts';

const CONFIG_MAPS = '/api/v1/namespaces/kube-system/configmaps';
const STATUS = 'cluster-autoscaler-status';
const [BEFORE, HELD, AFTER] = [
  { min: 1, max: 6, desired: 4 },
  { min: 6, max: 6, desired: 6 },
  { min: 1, max: 6, desired: 6 },
];

const run = ({ group }: GpuLane) => additionId(group);

/** Two nodes are there, and the minimum keeps them. */
async function untilHeld(gpu: GpuLane): Promise<void> {
  assert.deepEqual(gpu.sizes(), BEFORE);
  await gpu.lane.headroom('add-nodes', gpu.group, '--count', '2');
  await untilIn(gpu, run(gpu), 'holding');
  await eventually('the minimum is raised', async () => gpu.sizes().min > 1, { everyMs: 50 });
  assert.deepEqual(gpu.sizes(), HELD);
}

/** Alone, because Cluster Autoscaler is the whole cluster's. */
describe('adding GPU nodes beside Cluster Autoscaler', () => {
  let kube: KubeClient;
  before(async () => {
    kube = openKubeClient(servers().kubeconfig.admin);
    const data = { status: 'autoscalerStatus: Running\nnodeGroups: []\n' };
    const { status, text } = await kube.send('POST', CONFIG_MAPS, { metadata: { name: STATUS }, data });
    assert.equal(status, 201, text);
  });
  after(async () => {
    await kube.send('DELETE', `${CONFIG_MAPS}/${STATUS}`);
    kube.close();
  });

  it('raises the minimum when the nodes are there, and gives it back after a while', () =>
    inGpuLane({ policy: { addGpuNodes: { holdMinimumFor: '3s' } } }, async (gpu) => {
      await untilHeld(gpu);
      assert.equal((await endOfAddition(gpu, run(gpu))).outcome, 'added');
      assert.deepEqual([gpu.sizes(), gpu.instances().length], [AFTER, 6]);
    }));

  for (const [how, state] of [
    ['cancelled', 'CANCELLED'],
    ['terminated', 'TERMINATED'],
  ] as const)
    it(`gives the minimum back where the run is ${how} meanwhile, and keeps the nodes`, () =>
      inGpuLane({ policy: { addGpuNodes: { holdMinimumFor: '10m' } } }, async (gpu) => {
        await untilHeld(gpu);
        const handle = gpu.lane.temporal.workflow.getHandle(run(gpu));
        await (how === 'cancelled' ? handle.cancel() : handle.terminate('on purpose'));
        assert.equal(await untilEnded(gpu, run(gpu)), state);
        await eventually('it is given back', async () => gpu.sizes().min === 1, { withinMs: 60_000 });
        assert.deepEqual([gpu.sizes(), gpu.instances().length], [AFTER, 6]);
      }));
});
