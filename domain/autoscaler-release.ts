import { describePause } from './autoscaler-status.ts';
import { describeClaim } from './claim.ts';
import { readClaims } from './marks.ts';
import { findPauses } from './pauses.ts';
import type { ScalingFacts } from './scaling-facts.ts';

/** Why there is nothing to release, what holds the workload else, and what of it is not headroom's to remove (R29). */
export function describeNothingToRelease(
  { state, autoscalers, owners }: ScalingFacts,
  nowMs: number,
): readonly string[] {
  const { name } = state.ref;
  const claims = [state.self, ...state.autoscalers].flatMap(({ marks }) => {
    const found = readClaims(marks);
    return found === undefined || found === 'unreadable' ? [] : found;
  });
  const uids = new Set(state.autoscalers.map(({ uid }) => uid));
  const own = autoscalers.filter(({ uid }) => uids.has(uid));
  return [
    `no hold of ${name}’s autoscaler runs, so there is nothing to release`,
    ...claims.map((claim) => {
      const run = claim.id.split('/')[0] ?? '';
      const help =
        owners[claim.id] === false ? 'its run is gone, so the ledger lets it go' : `end it with: headroom skip ${run}`;
      return `${run} holds it (${describeClaim(claim)}): ${help}`;
    }),
    ...own.flatMap((one) =>
      findPauses(one).map(
        (pause) =>
          `${describePause(one, pause, nowMs)}: not headroom’s, so it stays; whoever set it takes it off: ${pause.help}`,
      ),
    ),
  ];
}
