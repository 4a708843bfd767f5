import { planCapacityHold } from './capacity-hold.ts';
import { planCapacity, type CapacityDecision, type CapacityPlan, type PlanTarget } from './capacity-plan.ts';
import { planEmergency } from './emergency.ts';
import { planPreScale } from './pre-scale.ts';
import { readAsked } from './report-asked.ts';
import { lastOf, type RunFacts, type RunStep } from './run-facts.ts';
import type { WorkloadState } from './workload.ts';

type Step<K extends RunStep['kind']> = Extract<RunStep, { readonly kind: K }>;

/** The plan is not in a history, but all that it was made of is; the last one made before the claim is the one carried out. */
export function planAgain(run: RunFacts): {
  readonly plan: CapacityPlan | undefined;
  /** The workload as it was found then. */
  readonly state: WorkloadState | undefined;
} {
  const claimedAt = run.steps.findIndex(({ kind }) => kind === 'claimed');
  const before = claimedAt === -1 ? run.steps : run.steps.slice(0, claimedAt);
  const policy = lastOf(before, 'policy');
  const found = lastOf(before, 'survey');
  const state = found?.survey.kind === 'found' ? found.survey.state : undefined;
  const decision = policy && found && decideAgain(run, policy, found);
  if (decision?.kind !== 'plan') return { plan: undefined, state };
  const room = lastOf(before, 'room')?.warnings ?? [];
  return { plan: { ...decision.plan, warnings: [...decision.plan.warnings, ...room] }, state };
}

function decideAgain(
  run: RunFacts,
  { policy, emergency }: Step<'policy'>,
  { survey, atMs }: Step<'survey'>,
): CapacityDecision | undefined {
  const { asked } = run;
  const { event } = readAsked(run);
  switch (asked.procedure) {
    case 'preScale':
      return planPreScale({ request: asked.request, policy, survey, nowMs: atMs });
    case 'emergencyScaleUp':
      return emergency && planEmergency({ request: asked.request, resolved: { policy, emergency }, survey, event });
    case 'holdCapacity':
      return planCapacityHold({ request: asked.request, policy, survey, event });
    case 'stepScale': {
      const request = { workload: asked.request.workload, event, target: firstStep(run) };
      const nothing = { faults: [], warnings: [] };
      return planCapacity({ procedure: 'stepScale', request, leadMs: 0, policy, survey, ...nothing });
    }
  }
}

/** Which alerts fired then is the run's own knowledge; what came of it is the first claim. */
function firstStep({ steps }: RunFacts): PlanTarget {
  const claimed = steps.find((step) => step.kind === 'claimed');
  const replicas = claimed?.asks?.floor;
  return replicas === undefined ? { kind: 'asItIs' } : { kind: 'replicas', replicas };
}
