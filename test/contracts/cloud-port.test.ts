import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { aCloud, CALL, WORKERS } from '../harness/cloud.ts';
import { eventually } from '../harness/eventually.ts';

async function started(t: TestContext, options: Parameters<typeof aCloud>[0] = {}) {
  const cloud = await aCloud(options);
  t.after(() => cloud.stop());
  const read = () => cloud.port.readNodeGroup('gpu-workers', CALL);
  const { autoScalingGroup, instances } = await read();
  const [first, second] = instances.map(({ id }) => id);
  assert.ok(first !== undefined && second !== undefined);
  const until = <T>(what: string, ask: () => Promise<T | undefined | false>) =>
    eventually(what, ask, { withinMs: 5_000, everyMs: 10 });
  return { ...cloud, read, autoScalingGroup, first, second, until };
}

const isType = (type: string) => (error: unknown) => error instanceof ApplicationFailure && error.type === type;

describe('reading a node group', () => {
  it('tells what EKS stores and what the Auto Scaling group has, apart', async (t) => {
    const cloud = await started(t);
    cloud.order({ do: 'desired', group: 'gpu-workers', nodes: 5 });
    const group = await cloud.read();
    assert.equal(group.status, 'ACTIVE');
    assert.deepEqual(group.instanceTypes, ['p5.48xlarge']);
    assert.deepEqual(group.stored, { min: 1, max: 6, desired: 4 });
    assert.deepEqual(group.live, { min: 1, max: 6, desired: 5 });
    assert.deepEqual(group.zones, ['us-east-1a']);
    assert.equal(group.instances.length, 5);
    assert.deepEqual(group.instances[0], {
      id: cloud.first,
      type: 'p5.48xlarge',
      zone: 'us-east-1a',
      lifecycle: 'InService',
      healthy: true,
      protectedFromScaleIn: false,
    });
    assert.equal(group.instances[4]?.lifecycle, 'Pending');
    assert.equal(group.refreshing, false);
  });

  it('tells of a refresh, of suspended processes and of protection', async (t) => {
    const cloud = await started(t);
    cloud.order({ do: 'refresh', group: 'gpu-workers', refreshing: true });
    cloud.order({ do: 'suspend', group: 'gpu-workers', process: 'AZRebalance' });
    cloud.order({ do: 'protect', instance: cloud.first });
    const { refreshing, suspendedProcesses, instances } = await cloud.read();
    assert.deepEqual([refreshing, suspendedProcesses], [true, ['AZRebalance']]);
    assert.equal(instances[0]?.protectedFromScaleIn, true);
  });

  it('is carried by requests that name headroom and the run', async (t) => {
    const cloud = await started(t);
    assert.deepEqual([...new Set(cloud.calls.map(({ caller }) => caller))], [CALL.caller]);
  });
});

describe('reading instances', () => {
  it('leaves out those that Auto Scaling does not know, and asks for no others', async (t) => {
    const cloud = await started(t);
    const found = await cloud.port.readInstances([cloud.second, 'i-0abc'], CALL);
    assert.deepEqual(
      found.map(({ id, autoScalingGroup }) => [id, autoScalingGroup]),
      [[cloud.second, cloud.autoScalingGroup]],
    );
    assert.equal(found[0]?.healthy, true);
    assert.deepEqual(await cloud.port.readInstances([], CALL), []);
    assert.equal(cloud.callsOf('DescribeAutoScalingInstances').length, 1);
  });

  it('asks for as many at once as AWS takes', async (t) => {
    const cloud = await started(t);
    const ids = [...Array.from({ length: 60 }, (_, index) => `i-0${index}abc`), cloud.first];
    assert.equal((await cloud.port.readInstances(ids, CALL)).length, 1);
    assert.equal(cloud.callsOf('DescribeAutoScalingInstances').length, 2);
  });
});

describe('terminating an instance', () => {
  it('takes just that one, and makes the group smaller by it', async (t) => {
    const cloud = await started(t);
    assert.equal(await cloud.port.terminateInstance(cloud.second, CALL), 'asked');
    const [going] = await cloud.port.readInstances([cloud.second], CALL);
    assert.equal(going?.lifecycle, 'Terminating:Wait');
    await cloud.until('it is gone', async () => (await cloud.port.readInstances([cloud.second], CALL)).length === 0);
    const { live, instances } = await cloud.read();
    assert.deepEqual([live.desired, instances.length], [3, 3]);
  });

  it('is unknown of one that is gone, or never was', async (t) => {
    const cloud = await started(t);
    assert.equal(await cloud.port.terminateInstance('i-0123', CALL), 'unknown');
  });

  it('is refused at the minimum, and changes nothing', async (t) => {
    const cloud = await started(t, { groups: [{ ...WORKERS, sizes: { min: 4, max: 6, desired: 4 } }] });
    assert.equal(await cloud.port.terminateInstance(cloud.first, CALL), 'at minimum');
    const { live, instances } = await cloud.read();
    assert.deepEqual([live.desired, instances.every(({ lifecycle }) => lifecycle === 'InService')], [4, true]);
  });

  for (const [what, lifecycle, desired] of [
    ['reset-before', 'InService', 4],
    ['reset-after', 'Terminating:Wait', 3],
    ['hang-after', 'Terminating:Wait', 3],
  ] as const) {
    it(`is sent once when the reply is lost (${what}); the instance says what became of it`, async (t) => {
      // a first call loads the SDK, which takes its time on a busy machine
      const writeDeadlineMs = what === 'hang-after' ? 1_000 : 10_000;
      const cloud = await started(t, { client: { writeDeadlineMs }, timings: { terminateMs: 20_000 } });
      cloud.order({ do: 'fail', operation: 'TerminateInstance', what, times: 1 });
      await assert.rejects(cloud.port.terminateInstance(cloud.second, CALL), isType('apiUnavailable'));
      assert.equal(cloud.callsOf('TerminateInstanceInAutoScalingGroup').length, 1);
      const [instance] = await cloud.port.readInstances([cloud.second], CALL);
      assert.equal(instance?.lifecycle, lifecycle);
      assert.equal((await cloud.read()).live.desired, desired);
    });
  }

  it('twice costs another node, so that nobody may repeat it blindly (R57)', async (t) => {
    const cloud = await started(t, { timings: { terminateMs: 1_000 } });
    await cloud.port.terminateInstance(cloud.second, CALL);
    await cloud.port.terminateInstance(cloud.second, CALL);
    const { live, instances } = await cloud.read();
    assert.equal(live.desired, 2);
    assert.equal(instances.filter(({ lifecycle }) => lifecycle === 'Terminating:Wait').length, 2);
  });

  it('makes Auto Scaling take another one where it keeps zones in balance (R58)', async (t) => {
    const [a, b] = ['us-east-1a', 'us-east-1b'];
    const groups = [{ ...WORKERS, sizes: { min: 0, max: 6, desired: 4 }, zones: [a, b] }];
    const cloud = await started(t, { groups });
    const inB = (await cloud.read()).instances.filter(({ zone }) => zone === b);
    for (const { id } of inB) await cloud.port.terminateInstance(id, CALL);
    const { instances } = await cloud.until('another one is lost', async () => {
      const group = await cloud.read();
      return group.instances.some(({ zone, lifecycle }) => zone === a && lifecycle === 'Terminating:Wait') && group;
    });
    assert.equal(
      instances.some(({ zone, lifecycle }) => zone === b && lifecycle === 'Pending'),
      true,
    );
  });
});

describe('resizing a node group', () => {
  const resize = (cloud: Awaited<ReturnType<typeof started>>, sizes: object, token = 'one') =>
    cloud.port.resizeNodeGroup({ group: 'gpu-workers', sizes, token }, CALL);

  it('changes what EKS stores and what the group has; instances follow', async (t) => {
    const cloud = await started(t);
    const id = await resize(cloud, { min: 2, desired: 6 });
    assert.equal((await cloud.read()).status, 'UPDATING');
    assert.deepEqual(await cloud.port.readUpdate('gpu-workers', id, CALL), { id, status: 'InProgress', errors: [] });
    await cloud.until(
      'the update has ended',
      async () => (await cloud.port.readUpdate('gpu-workers', id, CALL)).status === 'Successful',
    );
    const { stored, live, status } = await cloud.read();
    assert.deepEqual(
      [stored, live, status],
      [{ min: 2, max: 6, desired: 6 }, { min: 2, max: 6, desired: 6 }, 'ACTIVE'],
    );
    await cloud.until(
      'six are in service',
      async () => (await cloud.read()).instances.filter(({ lifecycle }) => lifecycle === 'InService').length === 6,
    );
  });

  it('is one update for one token, however often it is sent, and whatever is asked with it', async (t) => {
    const cloud = await started(t);
    const id = await resize(cloud, { desired: 5 });
    assert.equal(await resize(cloud, { desired: 5 }), id);
    assert.equal(await resize(cloud, { desired: 6 }), id);
    assert.equal((await cloud.read()).live.desired, 5);
    assert.deepEqual(
      cloud.callsOf('UpdateNodegroupConfig').map(({ token }) => token),
      ['one', 'one', 'one'],
    );
  });

  it('is done though the reply was lost: the same token tells its id', async (t) => {
    const cloud = await started(t);
    cloud.order({ do: 'fail', operation: 'UpdateNodegroup', what: 'reset-after' });
    await assert.rejects(resize(cloud, { desired: 5 }), isType('apiUnavailable'));
    const id = await resize(cloud, { desired: 5 });
    assert.equal((await cloud.port.readUpdate('gpu-workers', id, CALL)).status, 'InProgress');
    assert.equal((await cloud.read()).live.desired, 5);
  });

  it('waits while another update is under way, or the group is degraded', async (t) => {
    const cloud = await started(t, { timings: { retryMs: 3_000 } });
    cloud.order({ do: 'capacity', group: 'gpu-workers', nodes: 0 });
    await resize(cloud, { desired: 6 });
    await assert.rejects(resize(cloud, { desired: 4 }, 'two'), isType('stateConflict'));
    await cloud.until('it is degraded', async () => (await cloud.read()).status === 'DEGRADED');
    await assert.rejects(resize(cloud, { desired: 4 }, 'two'), isType('stateConflict'));
    cloud.order({ do: 'leniency', degradedTakesUpdates: true });
    await resize(cloud, { desired: 4 }, 'two');
  });

  for (const sizes of [{ min: 7 }, { desired: 9 }, { max: 3 }, { min: 5 }]) {
    it(`is refused with ${JSON.stringify(sizes)} of 1, 4, 6`, async (t) => {
      const cloud = await started(t);
      await assert.rejects(resize(cloud, sizes), isType('invalidRequest'));
      assert.deepEqual((await cloud.read()).stored, WORKERS.sizes);
    });
  }

  it('tells why an update failed, and that it changed nothing', async (t) => {
    const cloud = await started(t);
    cloud.order({
      do: 'fail-update',
      group: 'gpu-workers',
      errorCode: 'AccessDenied',
      errorMessage: 'the role is gone',
    });
    const id = await resize(cloud, { desired: 6 });
    const update = await cloud.until('it has ended', async () => {
      const now = await cloud.port.readUpdate('gpu-workers', id, CALL);
      return now.status !== 'InProgress' && now;
    });
    assert.deepEqual(update, {
      id,
      status: 'Failed',
      errors: [{ code: 'AccessDenied', message: 'the role is gone', resourceIds: [] }],
    });
    assert.deepEqual((await cloud.read()).stored, WORKERS.sizes);
  });

  it('without a size puts back what EKS stored of it, over what others set since, unless AWS is kinder than it says', async (t) => {
    const cloud = await started(t);
    cloud.order({ do: 'desired', group: 'gpu-workers', nodes: 6 });
    await resize(cloud, { min: 2 });
    assert.equal((await cloud.read()).live.desired, 4);
  });
});

describe('following launches', () => {
  it('tells of missing capacity within one look, newest first, and only of what began since', async (t) => {
    const cloud = await started(t);
    cloud.order({ do: 'desired', group: 'gpu-workers', nodes: 5 });
    cloud.order({ do: 'capacity', group: 'gpu-workers', nodes: 0 });
    await cloud.until('five are in service', async () =>
      (await cloud.read()).instances.every(({ lifecycle }) => lifecycle === 'InService'),
    );
    const sinceMs = Date.now();
    await cloud.port.setDesired(cloud.autoScalingGroup, 6, CALL);
    const [failed, ...others] = await cloud.port.readActivities(cloud.autoScalingGroup, sinceMs, CALL);
    assert.equal(failed?.status, 'Failed');
    assert.match(failed?.message ?? '', /do not have sufficient p5\.48xlarge capacity/);
    assert.ok((failed?.startedAtMs ?? 0) >= sinceMs);
    // on a busy machine the next attempt has failed too by now; what was before is not among them
    assert.ok(others.every((one) => one.status === 'Failed' && one.startedAtMs >= sinceMs));
    const { status, issues } = await cloud.read();
    assert.deepEqual([status, issues.map(({ code }) => code)], ['DEGRADED', ['AsgInstanceLaunchFailures']]);
    const all = await cloud.port.readActivities(cloud.autoScalingGroup, 0, CALL);
    assert.equal(all.filter((one) => one.status === 'Successful').length, 1);
  });

  it('orders again and again what is missing, until it is taken back', async (t) => {
    const cloud = await started(t);
    cloud.order({ do: 'capacity', group: 'gpu-workers', nodes: 1 });
    await cloud.port.setDesired(cloud.autoScalingGroup, 6, CALL);
    await cloud.until(
      'three attempts have failed',
      async () =>
        (await cloud.port.readActivities(cloud.autoScalingGroup, 0, CALL)).filter(({ status }) => status === 'Failed')
          .length >= 3,
    );
    await cloud.port.setDesired(cloud.autoScalingGroup, 5, CALL);
    await cloud.until('nothing is ordered any more', async () => cloud.core.nextMs() === null);
    assert.equal((await cloud.read()).status, 'ACTIVE');
  });

  it('reads page after page', async (t) => {
    const cloud = await started(t, { groups: [{ ...WORKERS, sizes: { min: 0, max: 70, desired: 2 } }] });
    await cloud.port.setDesired(cloud.autoScalingGroup, 70, CALL);
    const activities = await cloud.port.readActivities(cloud.autoScalingGroup, 0, CALL);
    assert.equal(activities.length, 68);
    assert.equal(new Set(activities.map(({ id }) => id)).size, 68);
    assert.equal(cloud.callsOf('DescribeScalingActivities').length, 2);
  });
});

describe('setting the desired size', () => {
  for (const desired of [0, 7])
    it(`is refused at ${desired} of 1 to 6`, async (t) => {
      const cloud = await started(t);
      await assert.rejects(cloud.port.setDesired(cloud.autoScalingGroup, desired, CALL), isType('invalidRequest'));
    });

  it('to fewer than there are takes instances that nobody named', async (t) => {
    const cloud = await started(t);
    // as Kubernetes' cordon has it in the sandbox
    cloud.core.fleet.find(cloud.first).spared = true;
    await cloud.port.setDesired(cloud.autoScalingGroup, 3, CALL);
    const [going] = (await cloud.read()).instances.filter(({ lifecycle }) => lifecycle === 'Terminating:Wait');
    assert.equal(going?.id, cloud.second);
  });
});
