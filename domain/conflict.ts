import { readMarks } from './marks.ts';
import { ceilingOf, describeGovernor, findGovernor, floorOf, type Governor, type WorkloadState } from './workload.ts';

/**
 * Two autoscalers on one workload (R20): metrics drive neither, and the bounds of both apply. An HPA can still be given a floor
 * there, and that raises the count; every change of a ScaledObject is refused by KEDA's webhook until one of the two is gone.
 */

/** What the other autoscalers do to a count that is held beside them. */
export interface Rivals {
  /** The highest of their floors, under which a maximum would make the count flip at every sync. */
  readonly floor: number;
  /** The lowest of their maximums, above which a floor would. */
  readonly ceiling: number;
  /** What a hold beside them is worth, and what repairs it. */
  readonly reason: string;
}

/** The HPA that a hold can stand on although others target the same workload. */
export interface Stand {
  readonly governor: Governor;
  readonly rivals: Rivals;
}

/** The HPA that bears a hold already, else the one whose rivals leave most room. Undefined where only KEDA is in conflict with itself. */
export function findStand(governors: readonly Governor[]): Stand | undefined {
  const autoscalers = governors.filter(({ kind }) => kind === 'horizontalPodAutoscaler');
  const [lowest] = autoscalers.toSorted((a, b) => actingCeiling(a) - actingCeiling(b));
  const governor = autoscalers.find(({ marks }) => marks.baseline !== undefined) ?? lowest;
  if (governor === undefined || governors.length < 2) return undefined;
  return { governor, rivals: rivalsOf(governor, governors) };
}

/** Whether a hold stands there that was made, or went on, in a conflict: it goes home from there, whoever claims. */
export function bearsConflict({ marks }: Pick<Governor, 'marks'>): boolean {
  const read = readMarks(marks);
  return read.kind === 'read' && read.baseline?.brought !== undefined;
}

/** The object whose values are the owner's: the only governor; in a conflict the HPA that a hold would stand on, else the workload. */
export function findOwners({ autoscalers, self }: Pick<WorkloadState, 'autoscalers' | 'self'>): Governor {
  const governance = findGovernor({ autoscalers, self });
  if (governance.kind === 'governed') return governance.governor;
  return findStand(governance.governors)?.governor ?? self;
}

/** The limits of the workload, with none above what the others let stand. */
export function limitsBeside<Limits extends { readonly max: number }>(
  limits: Limits,
  rivals: Pick<Rivals, 'ceiling'> | undefined,
): Limits {
  return rivals === undefined ? limits : { ...limits, max: Math.min(limits.max, rivals.ceiling) };
}

function rivalsOf(governor: Governor, governors: readonly Governor[]): Rivals {
  const others = governors.filter((one) => one !== governor);
  const ceiling = Math.min(...others.map(actingCeiling));
  const names = others.map(describeGovernor).join(' and ');
  const emptying = others.filter(mayEmpty).map(describeGovernor);
  const reason = [
    `${describeGovernor(governor)} and ${names} target the same workload, so Kubernetes lets neither scale on metrics`,
    `only ${describeGovernor(governor)} can hold it, and never above ${ceiling}: everything above the maximum of ${names} would be taken away at every sync`,
    ...emptying.map((name) => `KEDA takes it to nothing while no trigger of ${name} is active`),
    `the repair: delete one of them, or let ${names} target something else`,
  ].join('; ');
  return { floor: Math.max(...others.map(actingFloor)), ceiling, reason };
}

/** Of a ScaledObject the tighter of what it says and what KEDA's HPA still has: either may act at the next sync. */
function actingCeiling(governor: Governor): number {
  return Math.min(ceilingOf(governor) ?? Infinity, governor.autoscaler?.inForce?.ceiling ?? Infinity);
}
function actingFloor(governor: Governor): number {
  return Math.max(floorOf(governor), governor.autoscaler?.inForce?.floor ?? 0);
}

/** KEDA itself goes to a minimum of 0, or to an idle count, and asks no HPA (R25). */
function mayEmpty(governor: Governor): boolean {
  if (governor.kind !== 'scaledObject' || governor.autoscaler?.paused !== undefined) return false;
  return floorOf(governor) === 0 || governor.autoscaler?.idleReplicas !== undefined;
}
