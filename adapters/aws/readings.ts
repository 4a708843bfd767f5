import type { Activity, AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { Issue, Nodegroup, Update } from '@aws-sdk/client-eks';
import type {
  GroupIssue,
  GroupSizes,
  GroupUpdate,
  InstanceState,
  NodeGroupState,
  ScalingActivity,
} from '../../domain/node-group.ts';

/** What AWS says, in our words. To the SDK every field is optional; what is missing reads as the least that it can mean. */

/** As Auto Scaling tells of an instance, in a group or by itself. */
interface Instance {
  readonly InstanceId?: string | undefined;
  readonly InstanceType?: string | undefined;
  readonly AvailabilityZone?: string | undefined;
  readonly LifecycleState?: string | undefined;
  readonly HealthStatus?: string | undefined;
  readonly ProtectedFromScaleIn?: boolean | undefined;
}

export function readGroup(
  name: string,
  {
    nodegroup,
    group,
    refreshing,
  }: { readonly nodegroup: Nodegroup; readonly group: AutoScalingGroup; readonly refreshing: boolean },
): NodeGroupState {
  return {
    name,
    autoScalingGroup: group.AutoScalingGroupName ?? '',
    status: nodegroup.status ?? 'unknown',
    capacityType: nodegroup.capacityType ?? 'ON_DEMAND',
    instanceTypes: nodegroup.instanceTypes ?? [],
    stored: readSizes(nodegroup.scalingConfig),
    live: readSizes({ minSize: group.MinSize, maxSize: group.MaxSize, desiredSize: group.DesiredCapacity }),
    instances: (group.Instances ?? []).map(readInstance),
    zones: group.AvailabilityZones ?? [],
    suspendedProcesses: (group.SuspendedProcesses ?? []).map(({ ProcessName = '' }) => ProcessName),
    refreshing,
    issues: (nodegroup.health?.issues ?? []).map(readIssue),
  };
}

export function readInstance(instance: Instance): InstanceState {
  return {
    id: instance.InstanceId ?? '',
    type: instance.InstanceType ?? '',
    zone: instance.AvailabilityZone ?? '',
    lifecycle: instance.LifecycleState ?? 'unknown',
    // of a group's instances AWS writes Healthy, of an instance by itself HEALTHY
    healthy: instance.HealthStatus?.toLowerCase() === 'healthy',
    protectedFromScaleIn: instance.ProtectedFromScaleIn ?? false,
  };
}

export function readActivity(activity: Activity): ScalingActivity {
  return {
    id: activity.ActivityId ?? '',
    status: activity.StatusCode ?? 'unknown',
    message: activity.StatusMessage ?? '',
    description: activity.Description ?? '',
    cause: activity.Cause ?? '',
    startedAtMs: activity.StartTime?.getTime() ?? 0,
    endedAtMs: activity.EndTime?.getTime() ?? null,
  };
}

const UPDATE_STATUSES = ['InProgress', 'Successful', 'Failed', 'Cancelled'] as const;

/** A status that nobody knows yet is not an end. */
export function readUpdate(id: string, update: Update | undefined): GroupUpdate {
  return {
    id,
    status: UPDATE_STATUSES.find((status) => status === update?.status) ?? 'InProgress',
    errors: (update?.errors ?? []).map(({ errorCode, errorMessage, resourceIds }) => ({
      code: errorCode ?? 'unknown',
      message: errorMessage ?? '',
      resourceIds: resourceIds ?? [],
    })),
  };
}

/** An instance refresh that has ended; every other status replaces instances, or may go on to (R67). */
const ENDED: readonly string[] = ['Successful', 'Failed', 'Cancelled', 'RollbackFailed', 'RollbackSuccessful'];

export function isUnderWay({ Status = '' }: { readonly Status?: string | undefined }): boolean {
  return !ENDED.includes(Status);
}

function readIssue({ code, message, resourceIds }: Issue): GroupIssue {
  return { code: code ?? 'unknown', message: message ?? '', resourceIds: resourceIds ?? [] };
}

function readSizes(
  sizes: {
    readonly minSize?: number | undefined;
    readonly maxSize?: number | undefined;
    readonly desiredSize?: number | undefined;
  } = {},
): GroupSizes {
  return { min: sizes.minSize ?? 0, max: sizes.maxSize ?? 0, desired: sizes.desiredSize ?? 0 };
}
