import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow';
import { findOwners } from '../domain/conflict.ts';
import { replicasBeforeHold } from '../domain/marks.ts';
import type { RunResult, WorkloadCounts } from '../domain/procedures.ts';
import { ownersValues } from '../domain/release.ts';
import type { WorkloadState } from '../domain/workload.ts';
import type { Planned } from './make-plan.ts';
import type { Run } from './run.ts';
import type { Steering } from './steering.ts';
import { unless } from './unless.ts';
import { windDown, type Holding, type Home } from './wind-down.ts';

/** From the claim to the owner's values: the one place that undoes, for the good end, failure and cancellation alike. */
export async function holdThrough({
  run,
  steering,
  planned: { policy, state, plan },
  holdUntilHome,
}: {
  readonly run: Run;
  readonly steering: Steering;
  readonly planned: Pick<Planned, 'policy' | 'state' | 'plan'>;
  /** How the procedure holds, and when it lets go. */
  readonly holdUntilHome: (holding: Holding, said: { readonly isClaimed: boolean }) => Promise<Home>;
}): Promise<RunResult> {
  const { replicas } = plan.target;
  // a freeze leaves the count to the autoscaler
  const count = plan.hold?.mode === 'freeze' ? null : replicas;
  const owners = ownersValues(state);
  const holding: Holding = { run, steering, policy, owners, baselinePods: pods(state) };
  const before: WorkloadCounts = {
    floor: owners.floor,
    ceiling: owners.ceiling,
    replicas: holding.baselinePods,
    available: state.availableReplicas,
  };
  let home: Home | undefined;
  try {
    const what = count === null ? 'wait until scale-in is off' : `wait until ${count} are available`;
    run.enter('scaling', { what, atMs: null });
    run.update({ target: count });
    const asked = count === null ? 'scale-in to be off' : `${count} replicas`;
    run.say(`asking for ${asked}, ${state.wantedReplicas} are there`);
    // a ledger that cannot be reached must not keep an operator from ending the event
    const said = await unless(steering.isOver, () => run.claim(count));
    home = await holdUntilHome(holding, { isClaimed: said !== undefined });
  } finally {
    if (home === undefined) {
      if (CancellationScope.current().consideredCancelled) run.say('cancelled');
      home = await CancellationScope.nonCancellable(() => windDown(holding));
    }
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    run.enter('done', { what: 'nothing', atMs: null });
  }
  const { available, lapses, timeline } = run.status();
  const seen = available ?? { kind: 'short', reasons: ['let go before it was seen to be there'] };
  return {
    outcome: seen.kind === 'short' || lapses.length > 0 ? 'short' : 'done',
    reasons: [...seen.reasons, ...lapses],
    target: run.status().target,
    before,
    ...home,
    timeline,
  };
}

function pods(state: WorkloadState): number {
  return Math.max(1, replicasBeforeHold(findOwners(state)) ?? state.wantedReplicas);
}
