import type { GroupSizes, NodeGroupState, NodeOrder } from './node-group.ts';

/** Whether somebody else has sized the group since it was planned: sizes are absolute, and what was right then may end nodes now (R60). */
export function hasMoved({ before, raised }: NodeOrder, live: GroupSizes): boolean {
  return ![before, raised].some(
    ({ min, max, desired }) => min === live.min && max === live.max && desired === live.desired,
  );
}

/**
 * What the group should want so that nothing of an order is left that is not met; undefined: nothing is. A desired count that cannot
 * be met is a standing order: AWS goes on trying, and may start a p5 hours later (R63). It goes down to the instances that are there,
 * never by more than was ordered, never under what was desired before, and never under what exists: a lower count makes Auto Scaling
 * choose which of them to end. An order that AWS was not seen to take is only there where the group wants exactly that.
 */
export function takeBackOrder(
  { live, instances }: Pick<NodeGroupState, 'live' | 'instances'>,
  { before, raised, placed = true }: NodeOrder,
): number | undefined {
  if (!placed && live.desired !== raised.desired) return undefined;
  const existing = instances.filter(({ lifecycle }) => !lifecycle.startsWith('Terminat')).length;
  const others = live.desired - (raised.desired - before.desired);
  const desired = Math.max(live.min, before.desired, existing, others);
  return desired < live.desired ? desired : undefined;
}

/** Whether the group may have to be looked at again: EKS takes an order at once and carries it out later (R62). */
export function mayStillCome(
  { status, live }: Pick<NodeGroupState, 'status' | 'live'>,
  { raised }: NodeOrder,
): boolean {
  return status === 'UPDATING' && live.desired < raised.desired;
}

/**
 * The minimum that keeps nodes which have come while pods come to them, beside Cluster Autoscaler (R59). It is raised when they are
 * there and not with their order: AWS takes no update of a group that cannot launch, so a minimum could not be lowered any more.
 */
export function minimumFor({ raised }: NodeOrder, live: GroupSizes): GroupSizes | undefined {
  const min = Math.min(raised.desired, live.desired);
  return live.min >= min ? undefined : { ...live, min };
}

/** That minimum again as it was; the desired count stays. Undefined: somebody else has set it since, or it never was raised. */
export function minimumBack({ before, raised, held }: NodeOrder, live: GroupSizes): GroupSizes | undefined {
  const isOurs = live.min > before.min && live.min === (held ?? Math.min(raised.desired, live.desired));
  return isOurs ? { ...live, min: before.min } : undefined;
}
