import { counted } from './counted.ts';
import { bearsConflict, findStand, type Stand } from './conflict.ts';
import { isFrozen } from './freeze.ts';
import { readClaims } from './marks.ts';
import { judgeRollout } from './rollout.ts';
import { bySource, describeTrouble, plainRefusal, subjectOfRefusal, type PodTrouble } from './troubles.ts';
import { describeGovernor, findGovernor, type Governor, type WorkloadState } from './workload.ts';

export type Availability =
  | { readonly kind: 'available' }
  | {
      readonly kind: 'waiting';
      readonly available: number;
      readonly wanted: number;
      readonly reasons: readonly string[];
    };

/**
 * Whether the workload has so many available pods (R39: ready for minReadySeconds, not merely Running), and if not, why not.
 * The troubles may be empty when only the yes or no is of interest.
 */
export function judgeAvailability({
  state,
  target,
  troubles,
}: {
  readonly state: WorkloadState;
  readonly target: number;
  readonly troubles: readonly PodTrouble[];
}): Availability {
  const isSeen = state.observedGeneration >= state.generation;
  if (isSeen && state.wantedReplicas >= target && state.availableReplicas >= target) return { kind: 'available' };
  const rollout = judgeRollout(state);
  return {
    kind: 'waiting',
    available: state.availableReplicas,
    wanted: target,
    reasons: [
      ...(isSeen ? [] : [`the ${state.ref.kind} controller has not seen the newest change yet`]),
      ...(state.wantedReplicas < target ? [describeLowCount(state, target)] : []),
      ...(rollout.kind === 'settled' ? [] : [rollout.reason]),
      ...troubleReasons(state, troubles),
    ],
  };
}

/**
 * Why so many replicas are not held although they may be there: an autoscaler's floor under the target lets them go again
 * at its next sync (R18). Undefined when they are held.
 */
export function findLowFloor(state: Pick<WorkloadState, 'autoscalers' | 'self'>, target: number): string | undefined {
  const governance = findGovernor(state);
  const held = governance.kind === 'conflict' ? heldStand(governance.governors) : governance;
  if (held === undefined) return `nothing is held: ${describeConflict(state.autoscalers)}`;
  const { governor } = held;
  if ('rivals' in held && held.rivals.ceiling < target) return `${target} replicas are not held: ${held.rivals.reason}`;
  const { floor = 0 } = governor.fields;
  if (typeof floor === 'number' && floor >= target) return findLag(governor, target);
  return `the floor of ${describeGovernor(governor)} is ${JSON.stringify(floor)} and not yet ${target}`;
}

/**
 * Why a hold does not stand yet, whose count may have been there before: its claim on the object, and KEDA's own HPA as the
 * claim wants it. Undefined when it stands.
 */
export function findUnheld(
  { self, autoscalers, wantedReplicas }: Pick<WorkloadState, 'self' | 'autoscalers' | 'wantedReplicas'>,
  { mode, claimId }: { readonly mode: 'freeze' | 'pause'; readonly claimId: string },
): string | undefined {
  const governance = findGovernor({ self, autoscalers });
  if (governance.kind === 'conflict') return `nothing is held: ${describeConflict(governance.governors)}`;
  const { governor } = governance;
  const object = describeGovernor(governor);
  const claims = readClaims(governor.marks);
  if (claims === undefined || claims === 'unreadable' || !claims.some(({ id }) => id === claimId))
    return `the claim does not stand on ${object} yet`;
  const { paused, inForce } = governor.autoscaler ?? {};
  if (mode === 'freeze' && !isFrozen(governor)) return `scale-in of ${object} is not off`;
  if (paused !== undefined) return `${object} is paused by ${paused}: nothing of headroom's acts on it`;
  if (inForce === undefined) return undefined;
  if (inForce === null) return `KEDA has made no HPA for ${object}`;
  if (mode === 'freeze') return inForce.frozen ? undefined : `${object} is frozen, but KEDA's HPA still scales in`;
  const isLoose = inForce.ceiling > Math.max(inForce.floor, wantedReplicas);
  return isLoose ? `${object} leaves no room, but KEDA's HPA still scales out to ${inForce.ceiling}` : undefined;
}

/** A ScaledObject's floor holds nothing until KEDA's own HPA has it. */
function findLag(governor: Governor, target: number): string | undefined {
  const { paused, inForce } = governor.autoscaler ?? {};
  if (paused !== undefined) return `${describeGovernor(governor)} is paused by ${paused}: its floor holds nothing`;
  if (inForce === undefined || (inForce !== null && inForce.floor >= target)) return undefined;
  return `${describeGovernor(governor)} is raised, but KEDA has not followed: its HPA ${inForce === null ? 'is not there' : `has ${inForce.floor}`}`;
}

function describeLowCount(state: WorkloadState, target: number): string {
  const count = `spec.replicas is ${state.wantedReplicas} of ${target}`;
  const governance = findGovernor(state);
  const held = governance.kind === 'conflict' ? heldStand(governance.governors) : governance;
  if (held === undefined) return `${count}: ${describeConflict(state.autoscalers)}`;
  const { governor } = held;
  if (governor.kind === 'workload') return `${count}: no autoscaler governs it, and nobody has set the count yet`;
  return `${count}: ${describeGovernor(governor)} governs it and has not raised the count yet`;
}

/** The HPA on which a hold stands although others target the same workload. */
function heldStand(governors: readonly Governor[]): Stand | undefined {
  const stand = findStand(governors);
  return stand !== undefined && bearsConflict(stand.governor) ? stand : undefined;
}

/** R20. */
function describeConflict(governors: readonly Governor[]): string {
  return `${governors.map(describeGovernor).join(' and ')} stop each other; remove one`;
}

/** What the pods say, in the order of R40; where they say nothing, what the counts say. */
function troubleReasons(state: WorkloadState, troubles: readonly PodTrouble[]): readonly string[] {
  const told = [
    ...untoldRefusals(state, troubles).map((message) => `pods are refused: ${message}`),
    ...troubles.toSorted(bySource).map(describeTrouble),
  ];
  const missing = told.length === 0 ? state.wantedReplicas - state.replicas : 0;
  const unready = told.length === 0 ? Math.min(state.wantedReplicas, state.replicas) - state.readyReplicas : 0;
  const settling = state.readyReplicas - state.availableReplicas;
  const leaving = troubles.some(({ kind }) => kind === 'terminating') ? 0 : state.terminatingReplicas;
  return [
    ...told,
    ...(missing > 0 ? [`${counted(missing, 'pod')} not created yet`] : []),
    ...(unready > 0 ? [`${counted(unready, 'pod')} not ready yet`] : []),
    ...(settling > 0 ? [`${counted(settling, 'pod')} ready, but not for minReadySeconds yet`] : []),
    ...(leaving > 0
      ? [describeTrouble({ kind: 'terminating', reason: '', message: '', count: leaving, examples: [] })]
      : []),
  ];
}

/** The condition and the events tell of the same refusal; the events also say how often, so they win. */
function untoldRefusals({ conditions }: WorkloadState, troubles: readonly PodTrouble[]): readonly string[] {
  const told = troubles.filter(({ kind }) => kind === 'notCreated').map(({ message }) => subjectOfRefusal(message));
  return conditions
    .filter(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
    .map(({ message }) => plainRefusal(message))
    .filter((message) => !told.includes(subjectOfRefusal(message)));
}
