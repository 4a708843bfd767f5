import type { Survey } from '../domain/capacity-plan.ts';
import { refOf, type ResolvedPolicy } from '../domain/policy.ts';
import { firstOr } from './first-or.ts';
import { reading, urgently } from './stubs.ts';

/** The workload as it stood a moment ago, in this workflow task where the cluster answers at once; else as it stands, however long that takes. */
export async function surveyNow(policy: ResolvedPolicy, onSlow: () => void = () => undefined): Promise<Survey> {
  const ref = refOf(policy);
  const summary = `${policy.workload.name} as it stands`;
  return firstOr(
    () => urgently.surveyWorkload.executeWithOptions({ summary }, [ref, { remembered: true }]),
    () => {
      onSlow();
      return reading.surveyWorkload.executeWithOptions({ summary }, [ref]);
    },
  );
}
