import type { Survey } from '../domain/capacity-plan.ts';
import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import { firstOr } from './first-or.ts';
import { reading, urgently } from './stubs.ts';

/** The workload as it stood a moment ago, in this workflow task where the cluster answers at once; else as it stands, however long that takes. */
export async function surveyNow(policy: ResolvedPolicy, onSlow: () => void = () => undefined): Promise<Survey> {
  return firstOr(
    () => urgently.surveyWorkload.executeWithOptions(summaryOf(policy), [refOf(policy), { remembered: true }]),
    () => {
      onSlow();
      return surveyPatiently(policy);
    },
  );
}

export function surveyPatiently(policy: ResolvedPolicy): Promise<Survey> {
  return reading.surveyWorkload.executeWithOptions(summaryOf(policy), [refOf(policy)]);
}

function summaryOf({ workload }: ResolvedPolicy): { readonly summary: string } {
  return { summary: `${workload.name} as it stands` };
}
