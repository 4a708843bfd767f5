export interface Reapply {
  readonly overPersons: boolean;
  readonly overControllers: boolean;
}

/** A controller that reverts us is overruled this often in ten minutes; then it is contested. */
export const REAPPLIES = { times: 3, withinMs: 600_000 };

/** Times that still count against a further try. */
export function recentReapplies(atMs: readonly number[], nowMs: number): readonly number[] {
  return atMs.filter((one) => nowMs - one < REAPPLIES.withinMs);
}

/** A claim that has just come or changed is worth any edit of before; later edits of persons are left where policy says so. */
export function mayReapplyOver(
  { fresh, reappliedAtMs }: { readonly fresh: boolean; readonly reappliedAtMs: readonly number[] },
  whenPersonLowers: 'leave' | 'reapply',
  nowMs: number,
): Reapply {
  if (fresh) return { overPersons: true, overControllers: true };
  const hasTries = recentReapplies(reappliedAtMs, nowMs).length < REAPPLIES.times;
  return { overPersons: whenPersonLowers === 'reapply' && hasTries, overControllers: hasTries };
}
