import type { CapacityHoldRequest } from './capacity-hold.ts';
import { readCapacityHoldRequest } from './capacity-hold-request.ts';
import type { Procedure } from './capacity-plan.ts';
import type { EmergencyRequest } from './emergency.ts';
import { readEmergencyRequest } from './emergency-request.ts';
import type { PreScaleRequest } from './pre-scale.ts';
import { readPreScaleRequest } from './pre-scale-request.ts';

/** What a run was started with; steps are asked for in the words of an emergency. */
export type RunRequest =
  | { readonly procedure: 'preScale'; readonly request: PreScaleRequest }
  | { readonly procedure: 'emergencyScaleUp'; readonly request: EmergencyRequest }
  | { readonly procedure: 'stepScale'; readonly request: EmergencyRequest }
  | { readonly procedure: 'holdCapacity'; readonly request: CapacityHoldRequest };

type Reader<P extends Procedure> = (input: unknown, nowMs: number) => Extract<RunRequest, { readonly procedure: P }>;

const READERS: { readonly [P in Procedure]: Reader<P> } = {
  preScale: (input, nowMs) => ({ procedure: 'preScale', request: readPreScaleRequest(input, nowMs).request }),
  emergencyScaleUp: (input) => ({ procedure: 'emergencyScaleUp', request: readEmergencyRequest(input).request }),
  stepScale: (input) => ({ procedure: 'stepScale', request: readEmergencyRequest(input).request }),
  holdCapacity: (input) => ({ procedure: 'holdCapacity', request: readCapacityHoldRequest(input).request }),
};

export function isProcedure(workflow: string): workflow is Procedure {
  return Object.hasOwn(READERS, workflow);
}

/** As far as it can be read: what was typed by hand in Temporal's UI is told too. */
export function readRunRequest(procedure: Procedure, input: unknown, nowMs: number): RunRequest {
  return READERS[procedure](input, nowMs);
}
