import type { PlanIntent } from '../domain/approval.ts';
import { planIntent } from '../domain/plan-intent.ts';
import type { CapacityPlan } from '../domain/capacity-plan.ts';
import { planPreScale, type PreScaleRequest } from '../domain/pre-scale.ts';
import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import type { WorkloadState } from '../domain/workload.ts';
import type { Run } from './run.ts';
import { reading, reckoning } from './stubs.ts';

export interface Planned {
  readonly kind: 'plan';
  readonly plan: CapacityPlan;
  readonly intent: PlanIntent;
  readonly hash: string;
  readonly policy: ResolvedPolicy;
  readonly state: WorkloadState;
}

/** Reads policy, workload and room, and decides: the plan as things stand now, or everything that is against it. */
export async function makePlan(
  run: Run,
  request: PreScaleRequest,
): Promise<Planned | { readonly kind: 'refuse'; readonly reasons: readonly string[] }> {
  const policy = await reckoning.resolveWorkloadPolicy.executeWithOptions(
    { summary: `policy of ${request.workload}` },
    [request.workload],
  );
  if ('known' in policy)
    return {
      kind: 'refuse',
      reasons: [`workload ${request.workload} is not in headroom.yaml; known are ${policy.known.join(', ')}`],
    };
  const survey = await reading.surveyWorkload.executeWithOptions({ summary: `${request.workload} as it stands` }, [
    refOf(policy),
  ]);
  const decision = planPreScale({ request, policy, survey, nowMs: Date.now() });
  if (decision.kind === 'refuse') return decision;
  if (survey.kind === 'missing') return { kind: 'refuse', reasons: [survey.reason] };
  const { state } = survey;
  const podsToAdd = decision.plan.target.replicas - state.wantedReplicas;
  const room = await reading.checkRoom.executeWithOptions(
    { summary: `quota and room for ${Math.max(0, podsToAdd)} more pods` },
    [{ ref: refOf(policy), podsToAdd }],
  );
  const plan = { ...decision.plan, warnings: [...decision.plan.warnings, ...room] };
  const intent = planIntent(request, plan);
  const hash = await reckoning.hashIntent.executeWithOptions({ summary: 'fingerprint of the plan' }, [intent]);
  run.update({ plan, planHash: hash });
  return { kind: 'plan', plan, intent, hash, policy, state };
}
