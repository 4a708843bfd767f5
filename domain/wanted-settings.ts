import { DEFAULT_BEHAVIOR } from './freeze.ts';
import type { AutoscalerPolicy, HpaPolicy, KedaPolicy, ScalingBehaviour } from './policy.ts';
import type { Json } from './json.ts';
import { asList, asRecord, asText, isRecord, type Spec } from './settings.ts';
import type { GovernorKind } from './workload.ts';

/** A spec as it is wanted: the one there is, with what the policy says; what the policy does not name stays. */
export interface WantedSpec {
  readonly spec: Spec;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** The API server's, for an HPA and for the one that KEDA makes. */
export const LONGEST_STABILISATION_MS = 3_600_000;
const LONGEST_PERIOD_MS = 1_800_000;
/** How the HPA controller scales where nothing is said: all at once, after five minutes of less. */
const DEFAULT_STABILISATION_SECONDS = 300;
/** Where an autoscaler says how fast it goes up and down, key by key. */
const BEHAVIOR: { readonly [kind in Exclude<GovernorKind, 'workload'>]: readonly [string, ...string[]] } = {
  horizontalPodAutoscaler: ['behavior'],
  scaledObject: ['advanced', 'horizontalPodAutoscalerConfig', 'behavior'],
};

/** The spec of an HPA or a ScaledObject as `autoscaler.<workload>` has it. */
export function configured(kind: Exclude<GovernorKind, 'workload'>, spec: Spec, policy: AutoscalerPolicy): WantedSpec {
  if (kind === 'horizontalPodAutoscaler')
    return policy.hpa === undefined ? unchanged(spec) : configuredHpa(spec, policy.hpa);
  return policy.keda === undefined ? unchanged(spec) : configuredScaledObject(spec, policy.keda);
}

function unchanged(spec: Spec): WantedSpec {
  return { spec, faults: [], warnings: [] };
}

function configuredHpa(
  spec: Spec,
  { limits, cpuUtilisation, memoryUtilisation, scaleDown, scaleUp }: HpaPolicy,
): WantedSpec {
  const metrics = [
    ...(cpuUtilisation === undefined ? [] : [{ name: 'cpu', percent: cpuUtilisation }]),
    ...(memoryUtilisation === undefined ? [] : [{ name: 'memory', percent: memoryUtilisation }]),
  ];
  const behavior = asRecord(spec['behavior']);
  return {
    spec: {
      ...spec,
      minReplicas: limits.min,
      maxReplicas: limits.max,
      ...(metrics.length > 0 && { metrics: metrics.reduce(withUtilisation, asList(spec['metrics'])) }),
      behavior: {
        scaleUp: rulesOf(behavior['scaleUp'], scaleUp),
        scaleDown: rulesOf(behavior['scaleDown'], scaleDown),
      },
    },
    faults: [...behaviourFaults('hpa.scaleUp', scaleUp), ...behaviourFaults('hpa.scaleDown', scaleDown)],
    warnings: [],
  };
}

function withUtilisation(
  metrics: readonly Json[],
  { name, percent }: { readonly name: string; readonly percent: number },
): readonly Json[] {
  const target = { type: 'Utilization', averageUtilization: percent };
  const wanted = { type: 'Resource', resource: { name, target } };
  const isOf = (one: Json) =>
    asRecord(one)['type'] === 'Resource' && asRecord(asRecord(one)['resource'])['name'] === name;
  return metrics.some(isOf) ? metrics.map((one) => (isOf(one) ? wanted : one)) : [...metrics, wanted];
}

function configuredScaledObject(spec: Spec, policy: KedaPolicy): WantedSpec {
  const { limits, pollingMs, cooldownMs, scaleDown, scaleUp } = policy;
  const triggers = withThresholds(spec, policy);
  const behavior = asRecord(valueAt(spec, BEHAVIOR.scaledObject));
  const rules = {
    ...behavior,
    ...(scaleUp && { scaleUp: rulesOf(behavior['scaleUp'], scaleUp) }),
    ...(scaleDown && { scaleDown: rulesOf(behavior['scaleDown'], scaleDown) }),
  };
  const { idleReplicaCount } = spec;
  const bounded = {
    ...spec,
    minReplicaCount: limits.min,
    maxReplicaCount: limits.max,
    pollingInterval: pollingMs / 1000,
    cooldownPeriod: cooldownMs / 1000,
    triggers: triggers.list,
  };
  return {
    spec: scaleUp || scaleDown ? withValueAt(bounded, BEHAVIOR.scaledObject, rules) : bounded,
    faults: [
      ...secondsFaults('keda.polling', pollingMs),
      ...secondsFaults('keda.cooldown', cooldownMs),
      ...(scaleUp ? behaviourFaults('keda.scaleUp', scaleUp) : []),
      ...(scaleDown ? behaviourFaults('keda.scaleDown', scaleDown) : []),
      ...(typeof idleReplicaCount === 'number' && idleReplicaCount >= limits.min
        ? [`its idleReplicaCount is ${idleReplicaCount}, which KEDA wants under the minimum of ${limits.min}`]
        : []),
      ...triggers.faults,
    ],
    warnings: triggers.warnings,
  };
}

/** Threshold and metric type of the triggers that the policy names; addresses, credentials and the queries stay the manifest's. */
function withThresholds(
  spec: Spec,
  { triggers }: KedaPolicy,
): { readonly list: readonly Json[]; readonly faults: readonly string[]; readonly warnings: readonly string[] } {
  const list = asList(spec['triggers']);
  const names = list.map((one) => asRecord(one)['name']);
  const known = names.filter((name) => typeof name === 'string');
  return {
    list: list.map((one) => {
      const trigger = asRecord(one);
      const wanted = triggers[asText(trigger['name'])];
      if (wanted === undefined) return one;
      const metadata = asRecord(trigger['metadata']);
      // '0.10' is 0.1: what says the same already stays as its owner wrote it
      const isSame = Number(metadata['threshold']) === wanted.threshold;
      const threshold = isSame ? (metadata['threshold'] ?? '') : String(wanted.threshold);
      const isDefault = trigger['metricType'] === undefined && wanted.metricType === 'AverageValue';
      return {
        ...trigger,
        ...(!isDefault && { metricType: wanted.metricType }),
        metadata: { ...metadata, threshold },
      };
    }),
    faults: Object.keys(triggers)
      .filter((name) => !names.includes(name))
      .map(
        (name) =>
          `it has no trigger named ${name}; it has ${known.length === 0 ? 'none with a name' : known.join(', ')}: give it one in its manifest, where its address and credentials belong`,
      ),
    warnings: list.flatMap((one) => {
      const { name, metadata } = asRecord(one);
      const wanted = triggers[asText(name)];
      const query = words(asRecord(metadata)['query']);
      return wanted === undefined || query.includes(words(wanted.query))
        ? []
        : [`the query of its trigger ${asText(name)} is not that of headroom.yaml, and stays as it is`];
    }),
  };
}

function words(query: Json | undefined): string {
  return typeof query === 'string' ? query.replaceAll(/\s+/g, ' ').trim() : '';
}

/** The rest of the rules, such as a tolerance, is not ours. */
function rulesOf(live: Json | undefined, { stabilisationMs, select, policies }: ScalingBehaviour): Spec {
  return {
    ...asRecord(live),
    stabilizationWindowSeconds: stabilisationMs / 1000,
    selectPolicy: select,
    policies: policies.map(({ type, value, periodMs }) => ({ type, value, periodSeconds: periodMs / 1000 })),
  };
}

function behaviourFaults(where: string, { stabilisationMs, policies }: ScalingBehaviour): readonly string[] {
  return [
    ...secondsFaults(`${where}.stabilisation`, stabilisationMs, LONGEST_STABILISATION_MS),
    ...policies.flatMap(({ periodMs }, index) =>
      secondsFaults(`${where}.policies.${index}.period`, periodMs, LONGEST_PERIOD_MS),
    ),
  ];
}

function secondsFaults(where: string, ms: number, most = Infinity): readonly string[] {
  if (ms % 1000 === 0 && ms <= most) return [];
  const bound = most === Infinity ? '' : `, at most ${most / 60_000}m,`;
  return [`${where} is ${ms / 1000} s; whole seconds${bound} are accepted`];
}

/** The spec with a longer scale-in stabilisation, against a count that swings; a longer one of its owner's stays. */
export function calmed(
  kind: Exclude<GovernorKind, 'workload'>,
  spec: Spec,
  stabilisationMs: number,
): WantedSpec & { readonly stabilisedMs: number } {
  const path = BEHAVIOR[kind];
  const found = valueAt(spec, path);
  const unsaid: Spec = kind === 'scaledObject' ? {} : DEFAULT_BEHAVIOR;
  const behavior = isRecord(found) ? found : unsaid;
  const scaleDown = asRecord(behavior['scaleDown']);
  const live = scaleDown['stabilizationWindowSeconds'];
  const stabilisedMs = (typeof live === 'number' ? live : DEFAULT_STABILISATION_SECONDS) * 1000;
  const faults = secondsFaults('stabilisation', stabilisationMs, LONGEST_STABILISATION_MS);
  if (faults.length > 0 || stabilisedMs >= stabilisationMs) return { spec, faults, warnings: [], stabilisedMs };
  const calm = { ...behavior, scaleDown: { ...scaleDown, stabilizationWindowSeconds: stabilisationMs / 1000 } };
  return { spec: withValueAt(spec, path, calm), faults, warnings: [], stabilisedMs };
}

function valueAt(spec: Spec, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((value, key) => asRecord(value)[key], spec);
}

function withValueAt(spec: Spec, [key, ...rest]: readonly string[], value: Json): Spec {
  if (key === undefined) return spec;
  const [next] = rest;
  return { ...spec, [key]: next === undefined ? value : withValueAt(asRecord(spec[key]), rest, value) };
}
