import type { NodeIdentity } from './gpu-node.ts';
import type { GroupSizes, InstanceState } from './node-group.ts';

/** What is looked at once more directly before a node is ended, whoever ends it. */
export interface LastLook {
  /** Of the node of that name now; null: there is none. */
  readonly nodeUid: string | null;
  /** Somebody has taken the cordon away. */
  readonly schedulable: boolean;
  /** On the node, and not to be lost: `namespace/name`. */
  readonly pods: readonly string[];
}

/** What is known of a node's instance and group just before it is ended. */
export interface TerminationFacts extends LastLook {
  /** Null: Auto Scaling does not know it. */
  readonly instance: (InstanceState & { readonly autoScalingGroup: string }) | null;
  readonly group: { readonly autoScalingGroup: string; readonly live: GroupSizes; readonly refreshing: boolean };
  /** Ids of all instances of the group. */
  readonly instances: readonly string[];
}

export type TerminationVerdict =
  | { readonly kind: 'go' }
  /** It goes already, or has gone: nothing is to be asked. */
  | { readonly kind: 'asked' | 'gone' }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Whether the request may be sent: never for another node, never for one that works again, never twice, never under the minimum (R46, R56, R57, R67). */
export function judgeTermination({
  node,
  desiredBefore,
  facts,
  isFirst,
}: {
  readonly node: NodeIdentity;
  readonly desiredBefore: number;
  readonly facts: TerminationFacts;
  /** Of the attempts of this request. */
  readonly isFirst: boolean;
}): TerminationVerdict {
  const { instance, group } = facts;
  if (instance === null) return { kind: 'gone' };
  if (instance.lifecycle.startsWith('Terminat')) return { kind: 'asked' };
  if (instance.autoScalingGroup !== group.autoScalingGroup)
    return refused(
      `instance ${node.instanceId} belongs to ${instance.autoScalingGroup} now, not to ${group.autoScalingGroup}`,
    );
  const { desired, min } = group.live;
  if (!isFirst && desired < desiredBefore)
    return {
      kind: 'wait',
      reason: `the group wants ${desired} and wanted ${desiredBefore}: a request may have come through, so none is sent until instance ${node.instanceId} is seen to go`,
    };
  const fault = faultOfLastLook(node, facts);
  if (fault !== undefined) return refused(fault);
  if (group.refreshing) return { kind: 'wait', reason: 'an instance refresh of the group is under way' };
  if (desired - 1 < min)
    return refused(
      `the group wants ${desired} and its minimum is ${min}: one less is not allowed; lower the minimum first`,
    );
  return { kind: 'go' };
}

/** What the group wants when this instance has gone: one less, unless it went already before anybody was asked. */
export function desiredWithout({ instance, group }: Pick<TerminationFacts, 'instance' | 'group'>): number {
  const isGoing = instance === null || instance.lifecycle.startsWith('Terminat');
  return group.live.desired - (isGoing ? 0 : 1);
}

/** How a removal has left its group. */
export interface GroupLeft {
  readonly desired: number;
  /** What it should want, where that is another number. */
  readonly expected?: number;
  /** Instances that were there before and that nobody asked us to end (R58). */
  readonly lost: readonly string[];
}

/** What is not as it should be in a group from which the named node has gone. */
export function describeAmiss(group: string, { desired, expected, lost }: GroupLeft): readonly string[] {
  return [
    ...(expected === undefined
      ? []
      : [`${group} wants ${desired} nodes, not ${expected}: somebody else has sized it meanwhile`]),
    ...(lost.length === 0 ? [] : [`gone too, and not by us: ${lost.join(', ')}`]),
  ];
}

/** Why it is not the node that was emptied any more; a node that is gone already has nothing against its end. */
export function faultOfLastLook(
  { name, uid }: NodeIdentity,
  { nodeUid, schedulable, pods }: LastLook,
): string | undefined {
  if (nodeUid === null) return undefined;
  if (nodeUid !== uid) return `the name ${name} is another node’s by now (uid ${nodeUid}, not ${uid})`;
  if (schedulable) return `somebody has made ${name} schedulable again`;
  if (pods.length === 0) return undefined;
  return `${name} is not empty any more: ${pods.slice(0, 5).join(', ')} came after it was`;
}

function refused(reason: string): TerminationVerdict {
  return { kind: 'refused', reason };
}
