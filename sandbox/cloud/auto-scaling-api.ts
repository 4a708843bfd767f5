import type { CloudCore } from './core.ts';
import { Refusal, type Activity, type Group, type Instance } from './model.ts';
import { ANYTHING, type CloudRequest, type Resource } from './request.ts';

/** The part of EC2 Auto Scaling that node groups need: forms in, XML out. */

/** What a reply holds at most, unless it is asked for less. */
const PAGE = 50;

type Perform = (core: CloudCore, form: Form, nowMs: number) => object | null;

const READS: Readonly<Record<string, Perform>> = {
  DescribeAutoScalingGroups: (core, form) => {
    const names = form.list('AutoScalingGroupNames');
    const groups = [...core.fleet.groups.values()].filter(
      ({ autoScalingGroup }) => names.length === 0 || names.includes(autoScalingGroup),
    );
    return paged(
      form,
      'AutoScalingGroups',
      groups.map((group) => showGroup(group, core.fleet.instances(group))),
    );
  },
  DescribeAutoScalingInstances: (core, form) => {
    const ids = form.list('InstanceIds');
    if (ids.length > PAGE) throw new Refusal('ValidationError', `The number of instance ids may not be over ${PAGE}`);
    const found = core.fleet.instances().filter(({ id }) => ids.length === 0 || ids.includes(id));
    const show = (instance: Instance) => ({
      ...showInstance(instance),
      AutoScalingGroupName: core.fleet.groups.get(instance.group)?.autoScalingGroup,
      HealthStatus: 'HEALTHY',
    });
    return paged(form, 'AutoScalingInstances', found.map(show));
  },
  DescribeScalingActivities: (core, form) => {
    const { autoScalingGroup } = groupOf(core, form);
    return paged(form, 'Activities', core.fleet.activities.of(autoScalingGroup).map(showActivity));
  },
  DescribeInstanceRefreshes: (core, form) => {
    const { autoScalingGroup, refreshing } = groupOf(core, form);
    const refresh = { InstanceRefreshId: 'refresh-1', AutoScalingGroupName: autoScalingGroup, Status: 'InProgress' };
    return paged(form, 'InstanceRefreshes', refreshing ? [refresh] : []);
  },
};

const CHANGES: Readonly<Record<string, Perform>> = {
  TerminateInstanceInAutoScalingGroup: (core, form, nowMs) => {
    const decrement = form.text('ShouldDecrementDesiredCapacity') === 'true';
    return { Activity: showActivity(core.fleet.terminate(form.text('InstanceId'), { decrement, nowMs })) };
  },
  SetDesiredCapacity: (core, form, nowMs) => {
    core.fleet.setDesired(groupOf(core, form), Number(form.text('DesiredCapacity')), nowMs);
    return null;
  },
  SuspendProcesses: (core, form) => {
    const { suspended } = groupOf(core, form);
    for (const process of processesIn(form)) suspended.add(process);
    return null;
  },
  ResumeProcesses: (core, form) => {
    const { suspended } = groupOf(core, form);
    for (const process of processesIn(form)) suspended.delete(process);
    return null;
  },
};

export const AUTO_SCALING_OPERATIONS = [...Object.keys(READS), ...Object.keys(CHANGES)];

const PROCESSES = [
  'Launch',
  'Terminate',
  'AddToLoadBalancer',
  'AlarmNotification',
  'AZRebalance',
  'HealthCheck',
  'InstanceRefresh',
  'ReplaceUnhealthy',
  'ScheduledActions',
];

/** None named: all that there are. */
function processesIn(form: Form): readonly string[] {
  const named = form.list('ScalingProcesses');
  return named.length === 0 ? PROCESSES : named;
}

export function readAutoScalingRequest(core: CloudCore, body: string): CloudRequest {
  const form = readForm(body);
  const operation = form.text('Action');
  const change = CHANGES[operation];
  const perform = change ?? READS[operation];
  if (perform === undefined) throw new Refusal('InvalidAction', `the stand-in has no ${operation}`);
  return {
    action: `autoscaling:${operation}`,
    resource: change === undefined ? ANYTHING : resourceOf(core, form),
    token: null,
    perform: (nowMs) => perform(core, form, nowMs),
  };
}

/** Of the group that is named, or that the instance is in. */
function resourceOf(core: CloudCore, form: Form): Resource {
  const id = form.text('InstanceId');
  const owner = core.fleet.instances().find((instance) => instance.id === id)?.group;
  const name =
    core.fleet.groups.get(owner ?? '')?.autoScalingGroup ?? (form.text('AutoScalingGroupName') || 'eks-gone');
  const arn = `arn:aws:autoscaling:us-east-1:000000000000:autoScalingGroup:stand-in:autoScalingGroupName/${name}`;
  return { arn, tags: { 'eks:cluster-name': core.cluster } };
}

function groupOf(core: CloudCore, form: Form): Group {
  const name = form.text('AutoScalingGroupName');
  const group = core.fleet.findGroup(name);
  if (group !== undefined) return group;
  throw new Refusal('ValidationError', `AutoScalingGroup name not found - no such group: ${name}`);
}

interface Form {
  /** Empty where it is not there. */
  text(key: string): string;
  /** `Key.member.1`, `Key.member.2`, … */
  list(key: string): readonly string[];
}

function readForm(body: string): Form {
  const fields = new URLSearchParams(body);
  return {
    text: (key) => fields.get(key) ?? '',
    list: (key) => [...fields].filter(([name]) => name.startsWith(`${key}.member.`)).map(([, value]) => value),
  };
}

/** A token is the place to go on from. */
function paged(form: Form, name: string, all: readonly object[]): object {
  const [from, most] = [Number(form.text('NextToken') || 0), Number(form.text('MaxRecords') || PAGE)];
  const next = from + most;
  return { [name]: all.slice(from, next), ...(next < all.length && { NextToken: String(next) }) };
}

function showGroup(group: Group, instances: readonly Instance[]): object {
  return {
    AutoScalingGroupName: group.autoScalingGroup,
    MinSize: group.live.min,
    MaxSize: group.live.max,
    DesiredCapacity: group.live.desired,
    AvailabilityZones: group.zones,
    Instances: instances.map((instance) => ({ ...showInstance(instance), HealthStatus: 'Healthy' })),
    SuspendedProcesses: [...group.suspended].map((ProcessName) => ({
      ProcessName,
      SuspensionReason: 'User suspended',
    })),
  };
}

function showInstance({ id, type, zone, lifecycle, protectedFromScaleIn }: Instance): object {
  return {
    InstanceId: id,
    InstanceType: type,
    AvailabilityZone: zone,
    LifecycleState: lifecycle,
    ProtectedFromScaleIn: protectedFromScaleIn,
  };
}

function showActivity(activity: Activity): object {
  return {
    ActivityId: activity.id,
    AutoScalingGroupName: activity.autoScalingGroup,
    Description: activity.description,
    Cause: activity.cause,
    StartTime: new Date(activity.startedAtMs),
    ...(activity.endedAtMs !== null && { EndTime: new Date(activity.endedAtMs) }),
    StatusCode: activity.status,
    ...(activity.message !== '' && { StatusMessage: activity.message }),
    Progress: activity.status === 'InProgress' ? 50 : 100,
  };
}
