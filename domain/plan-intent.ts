import type { PlanIntent } from './approval.ts';
import { type CapacityPlan, type Target, iso } from './capacity-plan.ts';

/** The part of a plan that an approval and a hash are about: intent and bounds, not facts that move by the second. */
export function planIntent({ target }: { readonly target: Target }, plan: CapacityPlan): PlanIntent {
  return {
    procedure: plan.procedure,
    workload: plan.workload,
    governorUid: plan.governor.uid,
    window: { start: iso(plan.event.startMs), end: iso(plan.event.endMs) },
    leadMs: plan.leadMs,
    target: intentOf(target),
    ceilings: { replicas: plan.ceilingReplicas, cost: plan.costCeiling },
  };
}

function intentOf(target: Target): PlanIntent['target'] {
  if (target.kind === 'added') return { added: target.pods };
  return target.kind === 'factor' ? { factor: target.factor } : { replicas: target.replicas };
}
