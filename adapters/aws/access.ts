import { ApplicationFailure } from '@temporalio/common';
import { messageOf } from '../../activities/failure.ts';
import type { Call } from '../../activities/ports.ts';
import type { CloudAccess, CloudVerdict } from '../../domain/cloud-access.ts';

/** What the worker does in AWS, by the statement of deploy/iam/headroom-policy.json that grants it; a test compares the two. */
export const NEEDED_IN_AWS = {
  'eks:DescribeNodegroup': 'NodeGroups',
  'eks:DescribeUpdate': 'NodeGroups',
  'eks:UpdateNodegroupConfig': 'NodeGroups',
  'autoscaling:DescribeAutoScalingGroups': 'ReadAutoScaling',
  'autoscaling:DescribeAutoScalingInstances': 'ReadAutoScaling',
  'autoscaling:DescribeInstanceRefreshes': 'ReadAutoScaling',
  'autoscaling:DescribeScalingActivities': 'ReadAutoScaling',
  'autoscaling:SetDesiredCapacity': 'ChangeAutoScalingGroupsOfNodeGroups',
  'autoscaling:TerminateInstanceInAutoScalingGroup': 'ChangeAutoScalingGroupsOfNodeGroups',
} as const;

/** The reads of the port: what is tried is what runs do. */
export interface Reads {
  locate(call: Call): Promise<{ readonly region: string }>;
  nodeGroup(name: string, call: Call): Promise<{ readonly groupName: string }>;
  update(group: string, id: string, call: Call): Promise<unknown>;
  autoScalingGroup(name: string, call: Call): Promise<unknown>;
  /** None named: any. */
  instances(ids: readonly string[], call: Call): Promise<unknown>;
  instanceRefreshes(autoScalingGroup: string, call: Call): Promise<unknown>;
  activities(autoScalingGroup: string, sinceMs: number, call: Call): Promise<unknown>;
}

type Action = keyof typeof NEEDED_IN_AWS;

/** Asked for so that AWS says whether one may ask: it looks at the right before the name. */
const NO_UPDATE = '00000000-0000-0000-0000-000000000000';

/** Reads are tried on each node group; what would change something is not, and AWS tells of it only who may ask IAM. */
export async function checkAccess(
  reads: Reads,
  { cluster, groups }: { readonly cluster: string; readonly groups: readonly string[] },
  call: Call,
): Promise<CloudAccess> {
  const located = await reads.locate(call).catch((error: unknown) => {
    call.signal.throwIfAborted();
    return messageOf(error);
  });
  if (typeof located === 'string') return { kind: 'unusable', cluster, reason: located };

  async function tried(action: Action, target: string, ask: () => Promise<unknown>): Promise<CloudVerdict> {
    try {
      await ask();
      return { action, target, kind: 'allowed', reason: '' };
    } catch (error) {
      call.signal.throwIfAborted();
      return { action, target, kind: 'failed', reason: reasonOf(action, error) };
    }
  }

  const nameOf = new Map<string, string>();
  const [ofNodeGroups, instances, update] = await Promise.all([
    Promise.all(
      groups.map((group) =>
        tried('eks:DescribeNodegroup', nodeGroup(group), async () => {
          const { groupName } = await reads.nodeGroup(group, call);
          nameOf.set(group, groupName);
        }),
      ),
    ),
    tried('autoscaling:DescribeAutoScalingInstances', 'any instance', () => reads.instances([], call)),
    tried('eks:DescribeUpdate', `updates of ${nodeGroup(groups[0] ?? '')}`, () =>
      reads.update(groups[0] ?? '', NO_UPDATE, call).catch(unlessNotFound),
    ),
  ]);
  const names = groups.flatMap((group) => nameOf.get(group) ?? []);
  const [first] = names;
  const ofAutoScalingGroups = await Promise.all([
    ...names.map((name) =>
      tried('autoscaling:DescribeAutoScalingGroups', autoScalingGroup(name), () => reads.autoScalingGroup(name, call)),
    ),
    ...(first === undefined
      ? []
      : [
          tried('autoscaling:DescribeInstanceRefreshes', autoScalingGroup(first), () =>
            reads.instanceRefreshes(first, call),
          ),
          tried('autoscaling:DescribeScalingActivities', autoScalingGroup(first), () =>
            reads.activities(first, Date.now(), call),
          ),
        ]),
  ]);
  const unknown = first === undefined ? UNNAMED.map((action) => untried(action, 'Auto Scaling groups', NO_NAME)) : [];
  const [of, ofAll] = [groups.map(nodeGroup).join(', '), names.map(autoScalingGroup).join(', ')];
  const changes = [
    untried('eks:UpdateNodegroupConfig', of, WOULD_CHANGE),
    ...(['autoscaling:SetDesiredCapacity', 'autoscaling:TerminateInstanceInAutoScalingGroup'] as const).map((action) =>
      untried(action, ofAll === '' ? 'Auto Scaling groups of node groups' : ofAll, WOULD_CHANGE),
    ),
  ];
  const verdicts = [...ofNodeGroups, update, instances, ...ofAutoScalingGroups, ...unknown, ...changes];
  return { kind: 'asked', cluster, region: located.region, verdicts };
}

const UNNAMED: readonly Action[] = [
  'autoscaling:DescribeAutoScalingGroups',
  'autoscaling:DescribeInstanceRefreshes',
  'autoscaling:DescribeScalingActivities',
];
const NO_NAME = 'no node group could be read that would name one';
const WOULD_CHANGE = 'it would change something';

function untried(action: Action, target: string, why: string): CloudVerdict {
  return { action, target, kind: 'not tried', reason: `${why}; ${granted(action)}` };
}

function granted(action: Action): string {
  return `statement ${NEEDED_IN_AWS[action]} of deploy/iam/headroom-policy.json grants it`;
}

function reasonOf(action: Action, error: unknown): string {
  const isDenied = error instanceof ApplicationFailure && error.type === 'permissionDenied';
  return isDenied ? `${messageOf(error)} (${granted(action)})` : messageOf(error);
}

function unlessNotFound(error: unknown): void {
  if (!(error instanceof ApplicationFailure) || error.type !== 'targetNotFound') throw error;
}

const nodeGroup = (name: string): string => `node group ${name}`;
const autoScalingGroup = (name: string): string => `Auto Scaling group ${name}`;
