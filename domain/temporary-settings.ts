import type { ConfigurationPlan } from './configuration.ts';
import { sameJson } from './json.ts';
import type { Finding } from './metrics-health.ts';
import type { ScalingFacts } from './scaling-facts.ts';
import { describeChanges } from './settings.ts';
import { ownersSpec } from './settings-hold.ts';

/** Settings of an autoscaler that a run has made for a time. */
export interface TemporarySettings {
  /** Workflow id of the run. */
  readonly id: string;
  readonly plan: ConfigurationPlan;
  readonly untilMs: number;
  /** The run is open, and gives the old ones back; else it was terminated, and nobody does. */
  readonly lives: boolean;
}

/** What of them still stands on the object, and whether somebody gives the old ones back. */
export function judgeTemporarySettings(
  { id, plan, untilMs, lives }: TemporarySettings,
  { state, autoscalers }: Pick<ScalingFacts, 'state' | 'autoscalers'>,
): readonly Finding[] {
  const governor = state.autoscalers.find(({ uid }) => uid === plan.governor.uid);
  const observed = autoscalers.find(({ uid }) => uid === plan.governor.uid);
  if (governor === undefined || observed === undefined) return [];
  const owners = ownersSpec(governor, observed.spec);
  const standing = describeChanges(plan.changes.filter(({ key, set }) => sameJson(owners[key], set))).join('; ');
  if (standing === '') return [];
  if (lives) {
    const says = `${standing}, until ${new Date(untilMs).toISOString().slice(0, 19)}Z, by ${id}`;
    return [{ what: 'settings', says, needsPerson: false }];
  }
  return [
    {
      what: 'settings',
      says: `${standing}: meant for a time by ${id}, which was terminated, so nobody gives the old ones back`,
      needsPerson: true,
      help: `headroom autoscaler configure ${plan.workload} for what headroom.yaml says, or set the old values by hand`,
    },
  ];
}
