import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { additionId, drainId } from '../../domain/names.ts';
import { eventually } from '../harness/eventually.ts';
import { cordonedAtMs, evictionsOf } from '../harness/audit.ts';
import { inGpuLane, untilEnded, untilIn } from '../harness/gpu-lane.ts';
import {
  aBudget,
  aDeployment,
  aJob,
  answerCheckpoint,
  closedBudget,
  finishJob,
  onGroup,
  podsOn,
  put,
} from '../harness/gpu-pods.ts';
import { drain, endOfAddition, endOfDrain as endOf, firstNode } from '../harness/gpu-runs.ts';

describe('draining a GPU node', { concurrency: 3 }, () => {
  it('removes exactly the node that was named, after its pods have gone', () =>
    inGpuLane({}, async (gpu) => {
      const node = firstNode(gpu);
      const [instance, before] = [gpu.instanceOf(node), gpu.instances()];
      await put(gpu, aDeployment(gpu, 'web', { replicas: 6 }));
      await eventually('pods run there', async () => (await podsOn(gpu, node)).length > 0);
      const plan = await gpu.lane.headroom('plan', 'drain', node, '--remove');
      assert.equal(plan.code, 0, plan.stderr);
      assert.match(plan.stdout, new RegExp(`node +${node}, ${instance}, p5.48xlarge, 8 GPUs`));
      assert.match(
        plan.stdout,
        /undo +until the first instance is told to terminate .* after that there is no way back/,
      );
      assert.equal(await gpu.isSchedulable(node), true);

      const began = await drain(gpu, node, '--remove', '--as', 'alice');
      assert.equal(began.code, 0, began.stderr);
      const { outcome, reasons, nodes, lost } = await endOf(gpu, node);
      assert.deepEqual([outcome, reasons, lost], ['removed', [], []]);
      assert.deepEqual(
        nodes.map(({ name, instanceId }) => [name, instanceId]),
        [[node, instance]],
      );
      assert.deepEqual(
        gpu.instances(),
        before.filter((id) => id !== instance),
      );
      assert.deepEqual([gpu.sizes().desired, await gpu.node(node)], [3, undefined]);
      assert.equal(gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length, 1);
      // each signed with the run
      assert.ok(evictionsOf(gpu, drainId([node])).length > 0);
      const { historyLength } = await gpu.lane.temporal.workflow.getHandle(drainId([node])).describe();
      assert.ok(historyLength <= 80, `${historyLength} events`);
      await gpu.lane.record('drain-remove');
    }));

  it('keeps an emptied node cordoned for a while, and makes it schedulable again', () =>
    inGpuLane({}, async (gpu) => {
      const node = firstNode(gpu);
      await drain(gpu, node, '--for', '1m', '--as', 'alice');
      await untilIn(gpu, drainId([node]), 'holding');
      assert.equal(await gpu.isSchedulable(node), false);
      const bears = (await gpu.node(node))?.metadata;
      assert.equal(bears?.labels?.['headroom.dev/cordoned'], 'true');
      assert.match(
        bears?.annotations?.['headroom.dev/cordon'] ?? '',
        /"owner":"drain-gpu-node\..*"requestedBy":"alice"/,
      );
      assert.equal((await gpu.lane.headroom('end', drainId([node]), '--as', 'bob')).code, 0);
      assert.equal((await endOf(gpu, node)).outcome, 'drained');
      const after = await gpu.node(node);
      assert.deepEqual(
        [await gpu.isSchedulable(node), after?.metadata.annotations?.['headroom.dev/cordon']],
        [true, undefined],
      );
      assert.deepEqual([gpu.sizes().desired, gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length], [4, 0]);
    }));

  it('waits for a training job to end before anything is evicted', () =>
    inGpuLane(
      { policy: { drain: { waitForJobs: '1m', checkEvery: '300ms', protectYoungGpuJobs: '0s' } } },
      async (gpu) => {
        const node = firstNode(gpu);
        await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
        await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1);
        await drain(gpu, node, '--remove');
        await untilIn(gpu, drainId([node]), 'waiting for jobs');
        const [pod] = await podsOn(gpu, node);
        assert.deepEqual([await gpu.isSchedulable(node), pod?.metadata.deletionTimestamp], [false, undefined]);
        assert.equal(gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length, 0);
        await finishJob(gpu, 'train');
        assert.equal((await endOf(gpu, node)).outcome, 'removed');
      },
    ));

  it('asks a job for a checkpoint, and interrupts it when it has answered', () =>
    inGpuLane(
      { policy: { drain: { waitForJobs: '1s', checkpointWithin: '40s', allowUnplacedGpuPods: true } } },
      async (gpu) => {
        const node = firstNode(gpu);
        await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
        await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1);
        await drain(gpu, node, '--for', '10s');
        await answerCheckpoint(gpu, node);
        const { outcome, nodes, reasons } = await endOf(gpu, node);
        assert.deepEqual([outcome, reasons], ['drained', []]);
        assert.match(JSON.stringify(nodes), /"evicted":1/);
        await gpu.lane.record('drain-checkpoint');
      },
    ));

  it('gives the node back, with the reason, where a job runs on and nobody says that it may be interrupted', () =>
    inGpuLane(
      {
        policy: {
          drain: { waitForJobs: '1s', jobsLeft: 'ask', allowUnplacedGpuPods: true },
          approval: { expiresAfter: '5s' },
        },
      },
      async (gpu) => {
        const node = firstNode(gpu);
        await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
        await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1);
        await drain(gpu, node, '--remove');
        const { outcome, reasons } = await endOf(gpu, node);
        assert.equal(outcome, 'not drained');
        assert.match(reasons.join(), /Job .*train still runs: nobody said that it may be interrupted/);
        assert.deepEqual([await gpu.isSchedulable(node), (await podsOn(gpu, node)).length], [true, 1]);
      },
    ));

  it('is refused, with its name, where a budget never allows an eviction', () =>
    inGpuLane({}, async (gpu) => {
      const node = firstNode(gpu);
      await put(gpu, aDeployment(gpu, 'web', { replicas: 2, node }));
      await put(gpu, aBudget(gpu, 'web', { minAvailable: 2 }));
      await eventually('pods run there', async () => (await podsOn(gpu, node)).length === 2);
      const { code, stderr } = await drain(gpu, node, '--remove');
      const reasons = code === 3 ? stderr : (await endOf(gpu, node)).reasons.join('; ');
      assert.match(reasons, /budget web never allows an eviction/);
      assert.deepEqual([await gpu.isSchedulable(node), gpu.sizes().desired], [true, 4]);
    }));

  it('names the budget that holds the last pod, and gives the node back at its deadline', () =>
    inGpuLane({}, async (gpu) => {
      const node = firstNode(gpu);
      const before = gpu.instances();
      const held = await closedBudget(gpu, 'web', node);
      await drain(gpu, node, '--remove');
      const { outcome, reasons } = await endOf(gpu, node);
      assert.deepEqual(
        [outcome, reasons],
        [
          'not drained',
          [
            `pod ${gpu.lane.namespace}/${held} on ${node}: the disruption budget web allows no eviction now: it needs 1 healthy pods and has 1 (budget ${gpu.lane.namespace}/web)`,
          ],
        ],
      );
      const left = (await podsOn(gpu, node)).find(({ metadata }) => metadata.name === held);
      assert.deepEqual([left?.metadata.deletionTimestamp, await gpu.isSchedulable(node)], [undefined, true]);
      assert.deepEqual(
        [gpu.instances(), gpu.sizes().desired, gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length],
        [before, 4, 0],
      );
    }));

  it('gives a single replica a second one first, and takes it back', () =>
    inGpuLane({ replicas: 1, policy: { drain: { evictionDeadline: '60s' } } }, async (gpu) => {
      await gpu.lane.admin.patch('Deployment', 'tensafe-server', { spec: { template: { spec: onGroup(gpu) } } });
      const node = await eventually('it runs on a GPU node', async () => {
        const busy = await Promise.all(
          gpu.nodes().map(async (name) => ((await podsOn(gpu, name)).length > 0 ? name : '')),
        );
        return busy.find((name) => name !== '') ?? false;
      });
      await eventually('it is available', async () => (await gpu.lane.available()) === 1);
      await drain(gpu, node, '--for', '1s');
      const { outcome, reasons } = await endOf(gpu, node);
      assert.deepEqual([outcome, reasons], ['drained', []]);
      const { status } = await gpu.lane.status(drainId([node]));
      const told = (status?.timeline ?? []).map(({ what }) => what);
      assert.ok(told.indexOf('tensafe-server has a second replica') > 0, told.join());
      assert.ok(
        told.indexOf('tensafe-server has a second replica') < told.findIndex((what) => what.endsWith('is empty')),
      );
      await eventually('the second one is given back', async () => {
        const { spec, metadata } = await gpu.lane.governorObject();
        return spec['replicas'] === 1 && metadata.labels?.['headroom.dev/held'] === undefined;
      });
    }));

  it('leaves a person’s cordon where it is', () =>
    inGpuLane({}, async (gpu) => {
      const node = firstNode(gpu);
      await gpu.kube.send(
        'PATCH',
        `/api/v1/nodes/${node}`,
        { spec: { unschedulable: true } },
        'application/merge-patch+json',
      );
      await drain(gpu, node, '--for', '1s');
      const { outcome } = await endOf(gpu, node);
      assert.deepEqual([outcome, await gpu.isSchedulable(node)], ['drained', false]);
    }));

  it('gives the node back when the approval is rejected', () =>
    inGpuLane({ policy: { approval: { drainGpuNode: 'always', expiresAfter: '60s' } } }, async (gpu) => {
      const node = firstNode(gpu);
      await drain(gpu, node, '--remove', '--as', 'alice');
      await untilIn(gpu, drainId([node]), 'waiting for approval');
      assert.equal(await gpu.isSchedulable(node), false);
      assert.equal((await gpu.lane.headroom('reject', drainId([node]), '--as', 'bob')).code, 0);
      assert.equal((await endOf(gpu, node)).outcome, 'unapproved');
      assert.deepEqual([await gpu.isSchedulable(node), gpu.sizes().desired], [true, 4]);
      await gpu.lane.record('drain-unapproved');
    }));

  it('makes the node schedulable again when its run is terminated', () =>
    inGpuLane({}, async (gpu) => {
      const node = firstNode(gpu);
      await drain(gpu, node, '--for', '10m');
      await untilIn(gpu, drainId([node]), 'holding');
      await gpu.lane.temporal.workflow.getHandle(drainId([node])).terminate('on purpose');
      await eventually('the node is given back', () => gpu.isSchedulable(node), { withinMs: 60_000, everyMs: 500 });
    }));

  for (const lost of ['reset-before', 'reset-after'] as const)
    it(`ends exactly one instance where AWS does not answer (${lost})`, () =>
      inGpuLane({}, async (gpu) => {
        const node = firstNode(gpu);
        const [instance, before] = [gpu.instanceOf(node), gpu.instances()];
        gpu.cloud.order({ do: 'fail', operation: 'TerminateInstanceInAutoScalingGroup', what: lost, times: 1 });
        await drain(gpu, node, '--remove');
        assert.equal((await endOf(gpu, node)).outcome, 'removed');
        assert.deepEqual(
          gpu.instances(),
          before.filter((id) => id !== instance),
        );
        assert.equal(gpu.sizes().desired, 3);
      }));

  it('lets no two drains pass the same minimum', () =>
    inGpuLane({ sizes: { min: 3, max: 6, desired: 4 } }, async (gpu) => {
      const [one = '', other = ''] = gpu.nodes();
      await Promise.all([drain(gpu, one, '--remove'), drain(gpu, other, '--remove')]);
      const ends = [await endOf(gpu, one), await endOf(gpu, other)];
      const [first, second] = ends.toSorted((a) => (a.outcome === 'removed' ? -1 : 1));
      assert.deepEqual([first?.outcome, second?.outcome === 'removed'], ['removed', false]);
      assert.match(second?.reasons.join() ?? '', /minimum/);
      assert.deepEqual([gpu.sizes().desired, gpu.instances().length], [3, 3]);
      assert.deepEqual(await Promise.all(gpu.nodes().map(gpu.isSchedulable)), [true, true, true]);
    }));

  it('removes several nodes in order, and those alone', () =>
    inGpuLane({}, async (gpu) => {
      const named = gpu.nodes().slice(0, 2);
      const others = gpu.nodes().slice(2);
      for (const node of named) await put(gpu, aDeployment(gpu, `web-${named.indexOf(node)}`, { replicas: 2, node }));
      for (const node of named)
        await eventually(`pods run on ${node}`, async () => (await podsOn(gpu, node)).length === 2);
      const began = await gpu.lane.headroom('drain', ...named, '--remove');
      assert.equal(began.code, 0, began.stderr);
      await untilEnded(gpu, drainId(named));
      const result = await gpu.result(drainId(named));
      assert.equal(result?.outcome, 'removed', JSON.stringify(result));
      assert.deepEqual([gpu.nodes(), gpu.sizes().desired], [others, 2]);
      const cordons = named.map((node) => cordonedAtMs(node, drainId(named)));
      const evictions = evictionsOf(gpu, drainId(named)).map(({ requestReceivedTimestamp: at }) => Date.parse(at));
      const ends = gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').map(({ atMs }) => atMs);
      assert.deepEqual([evictions.length, ends.length], [4, 2]);
      assert.ok(Math.max(...cordons) <= Math.min(...evictions, ...ends), JSON.stringify({ cordons, evictions, ends }));
    }));

  it('sees that somebody else has ended the instance meanwhile, and makes the group no smaller', () =>
    inGpuLane({ policy: { drain: { waitForJobs: '1m' } } }, async (gpu) => {
      const node = firstNode(gpu);
      await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
      await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1);
      await drain(gpu, node, '--remove');
      await untilIn(gpu, drainId([node]), 'waiting for jobs');
      gpu.cloud.order({ do: 'terminate', instance: gpu.instanceOf(node), decrement: true });
      await eventually('the node is gone', async () => (await gpu.node(node)) === undefined);
      await finishJob(gpu, 'train');
      const { reasons } = await endOf(gpu, node);
      assert.match(reasons.join(), new RegExp(node));
      assert.deepEqual([gpu.sizes().desired, gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length], [3, 0]);
    }));

  it('lets one run at a time have a node group, says who it is, and whoever is ended in the queue touches nothing', () =>
    inGpuLane({ policy: { drain: { waitForJobs: '5m' } } }, async (gpu) => {
      const [one = '', other = ''] = gpu.nodes();
      await put(gpu, aJob(gpu, 'train', { node: one, gpus: 8 }));
      await eventually('it trains', async () => (await podsOn(gpu, one)).length === 1);
      await gpu.lane.headroom('drain', one, '--remove');
      await untilIn(gpu, drainId([one]), 'waiting for jobs');
      await gpu.lane.headroom('drain', other, '--remove');
      await untilIn(gpu, drainId([other]), 'waiting for its turn');
      await eventually('it says who is before it', async () => {
        const { stdout } = await gpu.lane.headroom('show', drainId([other]));
        return stdout.includes(`in the hands of ${drainId([one])} (removal of ${one}`);
      });
      assert.equal((await gpu.lane.headroom('end', drainId([other]), '--as', 'bob')).code, 0);
      const { outcome, reasons } = await endOf(gpu, other);
      assert.deepEqual([outcome, reasons], ['not drained', ['an operator ended the drain']]);
      assert.deepEqual([await gpu.isSchedulable(other), await gpu.isSchedulable(one)], [true, false]);
      assert.equal((await gpu.lane.headroom('cancel', drainId([one]), '--as', 'bob')).code, 0);
      assert.equal(await untilEnded(gpu, drainId([one])), 'CANCELLED');
      assert.deepEqual([await gpu.isSchedulable(one), (await podsOn(gpu, one)).length], [true, 1]);
      await gpu.lane.record('drain-cancelled');
    }));

  it('lets an addition wait for its turn, and have it when the node has gone', () =>
    inGpuLane({ policy: { drain: { waitForJobs: '5m' } } }, async (gpu) => {
      const node = firstNode(gpu);
      const [instance, before] = [gpu.instanceOf(node), gpu.instances()];
      await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
      await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1);
      await drain(gpu, node, '--remove');
      await untilIn(gpu, drainId([node]), 'waiting for jobs');
      await gpu.lane.headroom('add-nodes', gpu.group, '--count', '2');
      await untilIn(gpu, additionId(gpu.group), 'waiting for its turn');
      assert.equal(gpu.cloud.callsOf('UpdateNodegroupConfig').length, 0);
      await finishJob(gpu, 'train');
      assert.equal((await endOf(gpu, node)).outcome, 'removed');
      assert.equal((await endOfAddition(gpu, additionId(gpu.group))).outcome, 'added');
      assert.deepEqual(
        gpu.instances().filter((id) => before.includes(id)),
        before.filter((id) => id !== instance),
      );
      assert.deepEqual([gpu.instances().length, gpu.sizes()], [5, { min: 1, max: 6, desired: 5 }]);
    }));

  it('asks a second person before a job is interrupted', () =>
    inGpuLane(
      {
        policy: {
          drain: { waitForJobs: '1s', jobsLeft: 'ask', allowUnplacedGpuPods: true },
          approval: { drainGpuNode: 'always', expiresAfter: '60s' },
        },
      },
      async (gpu) => {
        const node = firstNode(gpu);
        const run = drainId([node]);
        await put(gpu, aJob(gpu, 'train', { node, gpus: 8 }));
        await eventually('it trains', async () => (await podsOn(gpu, node)).length === 1);
        await drain(gpu, node, '--remove', '--as', 'alice');
        await untilIn(gpu, run, 'waiting for approval');
        assert.equal((await gpu.lane.headroom('approve', run, '--as', 'bob')).code, 0);
        await eventually('a person is asked', async () => (await gpu.lane.status(run)).status?.question ?? false);
        const own = await gpu.lane.headroom('skip', run, '--as', 'Alice ');
        assert.equal(own.code, 3, own.stdout);
        assert.match(own.stderr, /somebody else than alice must say that jobs may be interrupted/);
        assert.equal((await podsOn(gpu, node)).length, 1);
        assert.equal((await gpu.lane.headroom('skip', run, '--as', 'bob')).code, 0);
        assert.equal((await endOf(gpu, node)).outcome, 'removed');
      },
    ));

  it('refuses what it cannot do, with all reasons at once', () =>
    inGpuLane({ sizes: { min: 4, max: 6, desired: 4 } }, async (gpu) => {
      const { code, stderr } = await drain(gpu, firstNode(gpu), '--remove');
      assert.equal(code, 3);
      assert.match(stderr, /minimum/);
      const unknown = await drain(gpu, 'ip-10-0-0-1.nowhere', '--remove');
      assert.deepEqual([unknown.code, /ip-10-0-0-1.nowhere/.test(unknown.stderr)], [3, true]);
      const both = await drain(gpu, firstNode(gpu), '--remove', '--for', '1h');
      assert.equal(both.code, 2);
      assert.equal(gpu.cloud.callsOf('TerminateInstanceInAutoScalingGroup').length, 0);
    }));
});

describe('the status of GPU nodes', () => {
  it('shows nodes and groups, and whose cordon it is', () =>
    inGpuLane({}, async (gpu) => {
      const node = firstNode(gpu);
      await gpu.kube.send(
        'PATCH',
        `/api/v1/nodes/${node}`,
        { spec: { unschedulable: true } },
        'application/merge-patch+json',
      );
      const { code, stdout, stderr } = await gpu.lane.headroom('gpu');
      assert.equal(code, 1, stderr);
      assert.match(stdout, new RegExp(`${node} +${gpu.instanceOf(node)} +p5.48xlarge +${gpu.group} +0 of 8 GPUs used`));
      assert.match(
        stdout,
        new RegExp(
          `NEEDS A PERSON +${node}: it is cordoned by \\S+, since at least \\d+s ago, and for no run of headroom`,
        ),
      );
      assert.match(
        stdout,
        new RegExp(`${gpu.group}: minimum 1, desired 4, maximum 6; 4 in service; headroom.yaml allows 1 to 8`),
      );
    }));
});
