import { ailmentsOf, type ConfigurationFacts, type ConfigurationPlan } from './configuration.ts';
import { compareQuantities } from './quantity.ts';
import type { ObservedAutoscaler } from './scaling-facts.ts';
import { asList, asRecord, asText, isRecord, type Spec } from './settings.ts';
import { missingSettings, ownersSpec } from './settings-hold.ts';
import { describeGovernor } from './workload.ts';
import { sameJson, type Json } from './json.ts';

/** The HPA controller looks every 15 s: what it makes of new settings is seen after one look more. */
export const SETTLES_MS = 20_000;
/** Three such looks, and KEDA follows within a second: what is not seen to work by then does not. */
export const VERIFIED_WITHIN_MS = 60_000;

/** What speaks against new settings, as things stand now; nothing: they stand, and whoever acts on them does. */
export function settingsFaults(
  { governor, changes, ailing }: Pick<ConfigurationPlan, 'governor' | 'changes' | 'ailing'>,
  { state, autoscalers }: ConfigurationFacts,
): readonly string[] {
  const live = state.autoscalers.find(({ uid }) => uid === governor.uid);
  const observed = autoscalers.find(({ uid }) => uid === governor.uid);
  if (live === undefined || observed === undefined)
    return [`${governor.name} is gone, or was replaced by another of its name`];
  const owners = ownersSpec(live, observed.spec);
  return [
    ...missingSettings(owners, changes).map(
      ({ key, set }) => `${key} is ${JSON.stringify(owners[key] ?? null)}, not ${JSON.stringify(set ?? null)}`,
    ),
    ...(governor.kind === 'scaledObject' ? kedasFaults(observed, autoscalers) : []),
    ...ailmentsOf(live, autoscalers)
      .filter(({ type }) => !ailing.includes(type))
      .map(({ says }) => `${describeGovernor(live)}, which had nothing to say before: ${says}`),
  ];
}

/** What acts is the HPA that KEDA makes of the ScaledObject (R19). */
function kedasFaults(
  { name, spec }: ObservedAutoscaler,
  autoscalers: readonly ObservedAutoscaler[],
): readonly string[] {
  const made = autoscalers.find(({ madeFor }) => madeFor === name)?.spec;
  if (made === undefined) return ['KEDA has made no HPA for it'];
  const bounds = [
    { key: 'minReplicas', wanted: Math.max(1, Number(spec['minReplicaCount'] ?? 0)) },
    { key: 'maxReplicas', wanted: Number(spec['maxReplicaCount'] ?? 100) },
  ];
  const { behavior } = asRecord(asRecord(spec['advanced'])['horizontalPodAutoscalerConfig']);
  return [
    ...bounds
      .filter(({ key, wanted }) => made[key] !== wanted)
      .map(({ key, wanted }) => `KEDA's HPA has ${key} ${JSON.stringify(made[key] ?? null)}, not ${wanted}`),
    ...(behavior === undefined || isWithin(behavior, made['behavior'])
      ? []
      : ['KEDA’s HPA does not have the behavior of the ScaledObject']),
    ...thresholdFaults(spec, asList(made['metrics'])),
  ];
}

/** A freeze of scale-in shows in the HPA as the policy that is selected, and nowhere else. */
function isWithin(wanted: Json, found: Json | undefined): boolean {
  if (!isRecord(wanted)) return sameJson(wanted, found);
  const there = asRecord(found);
  return Object.entries(wanted).every(
    ([key, value]) => (key === 'selectPolicy' && there[key] === 'Disabled') || isWithin(value, there[key]),
  );
}

/** KEDA calls the metric of its third trigger s2-… */
function thresholdFaults({ triggers }: Spec, metrics: readonly Json[]): readonly string[] {
  return asList(triggers).flatMap((one, index) => {
    const { name, metadata } = asRecord(one);
    const { threshold } = asRecord(metadata);
    const external = metrics
      .map((metric) => asRecord(asRecord(metric)['external']))
      .find(({ metric }) => asText(asRecord(metric)['name']).startsWith(`s${index}-`));
    const target = asRecord(external?.['target']);
    const found = target['averageValue'] ?? target['value'];
    if (typeof threshold !== 'string' || compareQuantities(asText(found), threshold) === 0) return [];
    return [
      `KEDA's HPA has a threshold of ${JSON.stringify(found ?? null)} for ${asText(name ?? index)}, not ${threshold}`,
    ];
  });
}
