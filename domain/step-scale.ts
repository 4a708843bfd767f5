/** A row of the trigger table as a run uses it. */
export interface Step {
  readonly trigger: string;
  /** Positive adds; negative takes back what this run added. */
  readonly pods: number;
  /** Never shorter than the policy's least; it starts when what the trigger's last step asked for was looked for. */
  readonly cooldownMs: number;
}

export interface StepFacts {
  /** Of the triggers whose alert fires now. */
  readonly firing: readonly Step[];
  /** When the last step of a trigger was seen through. */
  readonly steppedAtMs: Readonly<Record<string, number>>;
  /** The floor that this run claims, and what was there before it. */
  readonly floor: number;
  readonly base: number;
  /** spec.replicas: an autoscaler may have gone above the floor by itself. */
  readonly replicas: number;
  readonly limit: number;
  readonly nowMs: number;
}

export type StepDecision =
  /** At `base` and below nothing of this run is left to hold. */
  | { readonly kind: 'step'; readonly floor: number; readonly triggers: readonly string[] }
  | { readonly kind: 'full'; readonly triggers: readonly string[] }
  /** Until the next cooldown ends; null where nothing that fires could make a step. */
  | { readonly kind: 'wait'; readonly untilMs: number | null };

/**
 * What to do next: steps of all triggers that are due add up, on top of what runs; while any of them asks for more nothing is
 * taken back, and never more than this run has added: the count of before is the owner's, and the autoscaler's business is its own.
 */
export function decideStep({ firing, steppedAtMs, floor, base, replicas, limit, nowMs }: StepFacts): StepDecision {
  const dueMs = ({ trigger, cooldownMs }: Step) => (steppedAtMs[trigger] ?? Number.NEGATIVE_INFINITY) + cooldownMs;
  const isDue = (step: Step) => dueMs(step) <= nowMs;
  const up = firing.filter(({ pods }) => pods > 0);
  const able = up.length > 0 ? up : firing.filter(({ pods }) => pods < 0 && floor > base);
  const due = able.filter(isDue);
  if (due.length === 0) {
    const next = able.map(dueMs);
    return { kind: 'wait', untilMs: next.length === 0 ? null : Math.min(...next) };
  }
  const triggers = due.map(({ trigger }) => trigger);
  const pods = due.reduce((sum, step) => sum + step.pods, 0);
  if (pods < 0) return { kind: 'step', floor: Math.max(base, floor + pods), triggers };
  const present = Math.max(floor, replicas);
  const wanted = Math.min(limit, present + pods);
  return wanted > present ? { kind: 'step', floor: wanted, triggers } : { kind: 'full', triggers };
}

/** The steps of the alerts that fire, each trigger once. */
export function stepsFiring(byAlert: Readonly<Record<string, Step>>, alerts: readonly string[]): readonly Step[] {
  const firing = alerts.flatMap((name) => (Object.hasOwn(byAlert, name) ? (byAlert[name] ?? []) : []));
  return firing.filter((step, index) => firing.findIndex(({ trigger }) => trigger === step.trigger) === index);
}
