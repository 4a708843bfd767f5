import { findOwners } from './conflict.ts';
import { ownersValues as valuesOf } from './drift.ts';
import { readClaims } from './marks.ts';
import { describeGovernor, type Governor, type WorkloadState } from './workload.ts';

export type ReleaseVerdict =
  | { readonly kind: 'waiting'; readonly reason: string }
  | { readonly kind: 'gone'; readonly restored: boolean; readonly otherClaims: number };

/** What the owner of a workload set: which object, and its floor and ceiling without any claim. */
export interface OwnersValues {
  readonly uid: string;
  readonly floor: number;
  readonly ceiling: number | null;
}

/** Whether a released claim has left the object, and with the last claim every mark of ours. */
export function judgeRelease(state: Pick<WorkloadState, 'self' | 'autoscalers'>, claimId: string): ReleaseVerdict {
  const held = [state.self, ...state.autoscalers].filter(
    ({ marks }) => marks.baseline !== undefined || marks.held !== undefined,
  );
  for (const governor of held) {
    const claims = readClaims(governor.marks);
    if (claims === 'unreadable')
      return { kind: 'waiting', reason: `headroom.dev/claims of ${describeGovernor(governor)} cannot be read` };
    if (claims?.some(({ id }) => id === claimId))
      return { kind: 'waiting', reason: `the claim still stands on ${describeGovernor(governor)}` };
    if (claims !== undefined && claims.length > 0) return { kind: 'gone', restored: false, otherClaims: claims.length };
    return { kind: 'waiting', reason: windingDown(governor) };
  }
  return { kind: 'gone', restored: true, otherClaims: 0 };
}

function windingDown(governor: Governor): string {
  const { floor, ceiling } = valuesOf(governor);
  const object = describeGovernor(governor);
  if (governor.fields.floor === floor && ceiling !== null && governor.fields.ceiling !== ceiling) {
    return `the floor of ${object} is back; its maximum of before, ${ceiling}, comes back when the count is no longer above it`;
  }
  return `winding down: the floor of ${object} is ${JSON.stringify(governor.fields.floor)}, before the hold it was ${floor}`;
}

export function ownersValues(state: WorkloadState): OwnersValues {
  const governor = findOwners(state);
  return { uid: governor.uid, ...valuesOf(governor) };
}

/** What the owner's values are not as they were when the run began: somebody else changed them, and they were left. */
export function changedMeanwhile(before: OwnersValues, after: OwnersValues): readonly string[] {
  if (before.uid !== after.uid) return ['another object governs the workload now'];
  return [
    ...(before.floor === after.floor
      ? []
      : [`the floor was ${before.floor} and is ${after.floor}: somebody else set it meanwhile`]),
    ...(before.ceiling === after.ceiling
      ? []
      : [`the ceiling was ${before.ceiling} and is ${after.ceiling}: somebody else set it meanwhile`]),
  ];
}
