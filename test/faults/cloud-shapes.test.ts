import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AutoScaling } from '@aws-sdk/client-auto-scaling';
import { EKS } from '@aws-sdk/client-eks';
import { OPERATOR_KEY, REGION } from '../../sandbox/cloud/keys.ts';
import type { RunningCloud } from '../../sandbox/cloud/start.ts';
import { aCloud, WORKERS } from '../harness/cloud.ts';
import { startMoto, type Moto } from '../harness/moto.ts';
import { shapeOf } from '../harness/shapes.ts';

const GROUP = { clusterName: 'prod', nodegroupName: 'gpu-workers' };

interface Aws {
  readonly eks: EKS;
  readonly autoScaling: AutoScaling;
}
const connect = (endpoint: string): Aws => {
  const settings = { endpoint, region: REGION, credentials: OPERATOR_KEY };
  return { eks: new EKS(settings), autoScaling: new AutoScaling(settings) };
};

/** The same calls to both. moto knows no scaling activities, no updates of EKS and no refreshes: those have no witness. */
const CALLS: Readonly<
  Record<string, (aws: Aws, names: { readonly group: string; readonly instance: string }) => Promise<object>>
> = {
  DescribeNodegroup: ({ eks }) => eks.describeNodegroup(GROUP),
  UpdateNodegroupConfig: ({ eks }) =>
    eks.updateNodegroupConfig({ ...GROUP, scalingConfig: { desiredSize: 5 }, clientRequestToken: 'shape' }),
  DescribeAutoScalingGroups: ({ autoScaling }, { group }) =>
    autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [group] }),
  'DescribeAutoScalingGroups of none': ({ autoScaling }) =>
    autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: ['nobody'] }),
  DescribeAutoScalingInstances: ({ autoScaling }, { instance }) =>
    autoScaling.describeAutoScalingInstances({ InstanceIds: [instance] }),
  SuspendProcesses: ({ autoScaling }, { group }) =>
    autoScaling.suspendProcesses({ AutoScalingGroupName: group, ScalingProcesses: ['AZRebalance'] }),
  'DescribeAutoScalingGroups with a suspended process': ({ autoScaling }, { group }) =>
    autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [group] }),
  ResumeProcesses: ({ autoScaling }, { group }) =>
    autoScaling.resumeProcesses({ AutoScalingGroupName: group, ScalingProcesses: ['AZRebalance'] }),
  SetDesiredCapacity: ({ autoScaling }, { group }) =>
    autoScaling.setDesiredCapacity({ AutoScalingGroupName: group, DesiredCapacity: 4 }),
  TerminateInstanceInAutoScalingGroup: ({ autoScaling }, { instance }) =>
    autoScaling.terminateInstanceInAutoScalingGroup({ InstanceId: instance, ShouldDecrementDesiredCapacity: true }),
};

const REFUSALS: Readonly<Record<string, (aws: Aws) => Promise<object>>> = {
  'DescribeNodegroup of none': ({ eks }) => eks.describeNodegroup({ ...GROUP, nodegroupName: 'nobody' }),
};

describe('the shapes of the stand-in for AWS', () => {
  let moto: Moto | string;
  let cloud: RunningCloud;

  before(async () => {
    [moto, cloud] = await Promise.all([startMoto(), aCloud()]);
    if (typeof moto !== 'string') await furnish(connect(moto.url));
  });
  after(async () => {
    if (typeof moto !== 'string') moto.stop();
    await cloud.stop();
  });

  it('are all known to moto: no field and no type of its own', async (test) => {
    if (typeof moto === 'string') {
      console.error(`NOT COMPARED with moto, because ${moto}`);
      return test.skip(moto);
    }
    const [ours, theirs] = [connect(cloud.url), connect(moto.url)];
    const names = [await namesOf(ours), await namesOf(theirs)] as const;
    for (const [what, call] of Object.entries(CALLS)) {
      const [mine, witness] = [shapeOf(await call(ours, names[0])), shapeOf(await call(theirs, names[1]))];
      assert.deepEqual(
        mine.filter((field) => !witness.includes(field)),
        [],
        what,
      );
    }
  });

  it('of refusals have the names that moto gives', async (test) => {
    if (typeof moto === 'string') return test.skip(moto);
    const [ours, theirs] = [connect(cloud.url), connect(moto.url)];
    for (const call of Object.values(REFUSALS)) {
      const [mine, witness] = [await nameOfError(call(ours)), await nameOfError(call(theirs))];
      assert.equal(mine, witness);
    }
  });
});

const nameOfError = (asked: Promise<object>): Promise<string> =>
  asked.then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );

async function namesOf({ eks, autoScaling }: Aws) {
  const { nodegroup } = await eks.describeNodegroup(GROUP);
  const group = nodegroup?.resources?.autoScalingGroups?.[0]?.name ?? '';
  const { AutoScalingGroups } = await autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [group] });
  return { group, instance: AutoScalingGroups?.[0]?.Instances?.[0]?.InstanceId ?? '' };
}

/** moto's node groups have an Auto Scaling group in name only. */
async function furnish({ eks, autoScaling }: Aws): Promise<void> {
  const role = 'arn:aws:iam::123456789012:role/eks';
  await eks.createCluster({ name: 'prod', roleArn: role, resourcesVpcConfig: { subnetIds: ['subnet-1'] } });
  const { min: minSize, max: maxSize, desired: desiredSize } = WORKERS.sizes;
  const { nodegroup } = await eks.createNodegroup({
    ...GROUP,
    nodeRole: role,
    subnets: ['subnet-1'],
    instanceTypes: [...WORKERS.instanceTypes],
    capacityType: 'ON_DEMAND',
    scalingConfig: { minSize, maxSize, desiredSize },
  });
  const name = nodegroup?.resources?.autoScalingGroups?.[0]?.name ?? '';
  const template = { LaunchConfigurationName: 'workers', ImageId: 'ami-12c6146b', InstanceType: 't3.micro' };
  await autoScaling.createLaunchConfiguration(template);
  await autoScaling.createAutoScalingGroup({
    AutoScalingGroupName: name,
    LaunchConfigurationName: 'workers',
    MinSize: minSize,
    MaxSize: maxSize,
    DesiredCapacity: desiredSize,
    AvailabilityZones: ['us-east-1a'],
  });
}
