import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { Nodegroup } from '@aws-sdk/client-eks';
import { failure } from '../../activities/failure.ts';
import type { Call, CloudPort } from '../../activities/ports.ts';
import type { ScalingActivity } from '../../domain/node-group.ts';
import { checkAccess, type Reads } from './access.ts';
import { createAwsClients, type AwsOptions } from './clients.ts';
import { isRefusal } from './failures.ts';
import { isUnderWay, readActivity, readGroup, readInstance, readUpdate } from './readings.ts';

export interface CloudOptions extends AwsOptions {
  /** As EKS names it. */
  readonly cluster: string;
}

/** What DescribeAutoScalingInstances takes at once. */
const IDS_AT_ONCE = 50;
/** Enough for a group's launches of hours; with a time to begin from, more are never needed. */
const MAX_ACTIVITY_PAGES = 10;

/** EKS and Auto Scaling, through the ordinary SDK. */
export function createCloudPort({ cluster, ...options }: CloudOptions): CloudPort {
  const aws = createAwsClients(options);

  async function describeNodeGroup(
    name: string,
    call: Call,
  ): Promise<{ readonly nodegroup: Nodegroup; readonly groupName: string }> {
    const deed = { action: 'eks:DescribeNodegroup', target: nodeGroup(name) };
    const { nodegroup } = await aws.read(deed, call, ({ eks }, http) =>
      eks.describeNodegroup({ clusterName: cluster, nodegroupName: name }, http),
    );
    const groupName = nodegroup?.resources?.autoScalingGroups?.[0]?.name;
    if (nodegroup !== undefined && groupName !== undefined) return { nodegroup, groupName };
    const status = nodegroup?.status ?? 'unknown';
    throw failure(
      'stateConflict',
      `${nodeGroup(name)} has no Auto Scaling group yet (it is ${status}); wait until it is ACTIVE`,
    );
  }

  async function describeGroup(name: string, call: Call): Promise<AutoScalingGroup> {
    const deed = { action: 'autoscaling:DescribeAutoScalingGroups', target: autoScalingGroup(name) };
    const { AutoScalingGroups } = await aws.read(deed, call, ({ autoScaling }, http) =>
      autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [name] }, http),
    );
    const [group] = AutoScalingGroups ?? [];
    if (group !== undefined) return group;
    throw failure('targetNotFound', `${autoScalingGroup(name)} is not there, though its node group names it`);
  }

  async function isRefreshing(name: string, call: Call): Promise<boolean> {
    const deed = { action: 'autoscaling:DescribeInstanceRefreshes', target: autoScalingGroup(name) };
    const { InstanceRefreshes } = await aws.read(deed, call, ({ autoScaling }, http) =>
      autoScaling.describeInstanceRefreshes({ AutoScalingGroupName: name, MaxRecords: 1 }, http),
    );
    return (InstanceRefreshes ?? []).some(isUnderWay);
  }

  async function describeInstances(ids: readonly string[], call: Call) {
    const deed = { action: 'autoscaling:DescribeAutoScalingInstances', target: ids.join(', ') };
    const { AutoScalingInstances } = await aws.read(deed, call, ({ autoScaling }, http) =>
      autoScaling.describeAutoScalingInstances({ InstanceIds: [...ids] }, http),
    );
    return AutoScalingInstances ?? [];
  }

  const port: CloudPort = {
    async readNodeGroup(name, call) {
      const { nodegroup, groupName } = await describeNodeGroup(name, call);
      const [group, refreshing] = await Promise.all([describeGroup(groupName, call), isRefreshing(groupName, call)]);
      return readGroup(name, { nodegroup, group, refreshing });
    },

    async readInstances(ids, call) {
      // an empty list would ask for all that there are
      const chunks = Array.from({ length: Math.ceil(ids.length / IDS_AT_ONCE) }, (_, index) =>
        ids.slice(index * IDS_AT_ONCE, (index + 1) * IDS_AT_ONCE),
      );
      const found = await Promise.all(chunks.map((chunk) => describeInstances(chunk, call)));
      return found.flat().map((instance) => ({
        ...readInstance(instance),
        autoScalingGroup: instance.AutoScalingGroupName ?? '',
      }));
    },

    async terminateInstance(id, call) {
      const deed = { action: 'autoscaling:TerminateInstanceInAutoScalingGroup', target: `instance ${id}` };
      try {
        await aws.write(deed, call, ({ autoScaling }, http) =>
          autoScaling.terminateInstanceInAutoScalingGroup(
            { InstanceId: id, ShouldDecrementDesiredCapacity: true },
            http,
          ),
        );
        return 'asked';
      } catch (error) {
        if (isRefusal(error, /instance id not found/i)) return 'unknown';
        if (isRefusal(error, /desiredsize equals minsize|min size constraint/i)) return 'at minimum';
        throw error;
      }
    },

    async resizeNodeGroup({ group, sizes: { min, max, desired }, token }, call) {
      const deed = { action: 'eks:UpdateNodegroupConfig', target: nodeGroup(group) };
      const scalingConfig = {
        ...(min !== undefined && { minSize: min }),
        ...(max !== undefined && { maxSize: max }),
        ...(desired !== undefined && { desiredSize: desired }),
      };
      const { update } = await aws.write(deed, call, ({ eks }, http) =>
        eks.updateNodegroupConfig(
          { clusterName: cluster, nodegroupName: group, scalingConfig, clientRequestToken: token },
          http,
        ),
      );
      if (update?.id !== undefined) return update.id;
      throw failure('apiUnavailable', `${deed.action} on ${deed.target} was answered without the id of an update`);
    },

    async readUpdate(group, updateId, call) {
      const deed = { action: 'eks:DescribeUpdate', target: `update ${updateId} of ${nodeGroup(group)}` };
      const { update } = await aws.read(deed, call, ({ eks }, http) =>
        eks.describeUpdate({ name: cluster, nodegroupName: group, updateId }, http),
      );
      return readUpdate(updateId, update);
    },

    async readActivities(group, sinceMs, call) {
      const deed = { action: 'autoscaling:DescribeScalingActivities', target: autoScalingGroup(group) };
      let found: readonly ScalingActivity[] = [];
      let token: string | undefined;
      for (let page = 0; page < MAX_ACTIVITY_PAGES; page += 1) {
        const { Activities = [], NextToken } = await aws.read(deed, call, ({ autoScaling }, http) =>
          autoScaling.describeScalingActivities({ AutoScalingGroupName: group, NextToken: token }, http),
        );
        const activities = Activities.map(readActivity);
        found = [...found, ...activities.filter(({ startedAtMs }) => startedAtMs >= sinceMs)];
        token = NextToken;
        // those under way come first, however old: only the last one tells how far back the page goes
        if (token === undefined || (activities.at(-1)?.startedAtMs ?? 0) < sinceMs) break;
      }
      return found.toSorted((one, other) => other.startedAtMs - one.startedAtMs);
    },

    async setDesired(group, desired, call) {
      const deed = { action: 'autoscaling:SetDesiredCapacity', target: autoScalingGroup(group) };
      await aws.write(deed, call, ({ autoScaling }, http) =>
        autoScaling.setDesiredCapacity(
          { AutoScalingGroupName: group, DesiredCapacity: desired, HonorCooldown: false },
          http,
        ),
      );
    },

    async checkAccess(groups, call) {
      const reads: Reads = {
        locate: (call) => aws.locate(call),
        nodeGroup: describeNodeGroup,
        update: (group, id, call) => port.readUpdate(group, id, call),
        autoScalingGroup: describeGroup,
        instances: describeInstances,
        instanceRefreshes: isRefreshing,
        activities: (group, sinceMs, call) => port.readActivities(group, sinceMs, call),
      };
      return checkAccess(reads, { cluster, groups }, call);
    },
  };
  return port;
}

const nodeGroup = (name: string): string => `node group ${name}`;
const autoScalingGroup = (name: string): string => `Auto Scaling group ${name}`;
