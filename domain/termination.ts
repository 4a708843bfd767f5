import type { NodeIdentity } from './gpu-node.ts';
import type { GroupSizes, InstanceState } from './node-group.ts';

/** What is known of a node's instance and group just before it is ended. */
export interface TerminationFacts {
  /** Of the node of that name now; null: there is none. */
  readonly nodeUid: string | null;
  /** Somebody has taken the cordon away. */
  readonly schedulable: boolean;
  /** On the node, and not to be lost: `namespace/name`. */
  readonly pods: readonly string[];
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
  facts: { nodeUid, schedulable, pods, instance, group },
  isFirst,
}: {
  readonly node: NodeIdentity;
  readonly desiredBefore: number;
  readonly facts: TerminationFacts;
  /** Of the attempts of this request. */
  readonly isFirst: boolean;
}): TerminationVerdict {
  if (instance === null) return { kind: 'gone' };
  if (instance.lifecycle.startsWith('Terminat')) return { kind: 'asked' };
  if (instance.autoScalingGroup !== group.autoScalingGroup)
    return refused(
      `instance ${node.instanceId} belongs to ${instance.autoScalingGroup} now, not to ${group.autoScalingGroup}`,
    );
  if (nodeUid !== null && nodeUid !== node.uid)
    return refused(`the name ${node.name} is another node’s by now (uid ${nodeUid}, not ${node.uid})`);
  if (nodeUid !== null && schedulable) return refused(`somebody has made ${node.name} schedulable again`);
  if (nodeUid !== null && pods.length > 0)
    return refused(`${node.name} is not empty any more: ${pods.slice(0, 5).join(', ')} came after it was`);
  const { desired, min } = group.live;
  if (!isFirst && desired < desiredBefore)
    return {
      kind: 'wait',
      reason: `the group wants ${desired} and wanted ${desiredBefore}: a request may have come through, so none is sent until instance ${node.instanceId} is seen to go`,
    };
  if (group.refreshing) return { kind: 'wait', reason: 'an instance refresh of the group is under way' };
  if (desired - 1 < min)
    return refused(
      `the group wants ${desired} and its minimum is ${min}: one less is not allowed; lower the minimum first`,
    );
  return { kind: 'go' };
}

function refused(reason: string): TerminationVerdict {
  return { kind: 'refused', reason };
}
