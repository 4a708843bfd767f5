import type { ObservedAutoscaler, ScalingFacts, Stop } from '../../domain/scaling-facts.ts';
import type { Governor } from '../../domain/workload.ts';
import { aGovernor, aState } from './availability-builders.ts';

export const NOW_MS = Date.UTC(2026, 10, 27, 12);
const AGO_MS = 3 * 3_600_000;
/** Three hours ago. */
export const KIM = { manager: 'kubectl-annotate', atMs: NOW_MS - AGO_MS };

export function anHpa(of: Partial<ObservedAutoscaler> = {}): ObservedAutoscaler {
  return {
    kind: 'horizontalPodAutoscaler',
    namespace: 'shop',
    name: 'web-hpa',
    uid: 'hpa-1',
    fields: { floor: 3, ceiling: 10 },
    marks: {},
    target: { kind: 'Deployment', name: 'web' },
    spec: { minReplicas: 3, maxReplicas: 10 },
    conditions: [condition('AbleToScale', 'True'), condition('ScalingActive', 'True', 'ValidMetricFound')],
    metricsFrom: ['metrics.k8s.io'],
    stops: [],
    ...of,
  };
}
export function aScaledObject(of: Partial<ObservedAutoscaler> = {}): ObservedAutoscaler {
  return anHpa({
    kind: 'scaledObject',
    name: 'web-so',
    uid: 'so-1',
    spec: { minReplicaCount: 3, maxReplicaCount: 10 },
    conditions: [condition('Ready', 'True')],
    metricsFrom: ['external.metrics.k8s.io'],
    ...of,
  });
}
export function condition(type: string, status: string, reason = '', message = '') {
  return { type, status, reason, message };
}
export function annotation(word: string, value: string, by?: Stop['by']): Stop {
  return { key: `autoscaling.keda.sh/${word}`, value, ...(by !== undefined && { by }) };
}

/** The same object as the ledger sees it. */
export function governorOf(
  { kind, namespace, name, uid, fields, marks }: ObservedAutoscaler,
  of: Partial<Governor> = {},
) {
  return aGovernor({ kind, namespace, name, uid, fields, marks, ...of });
}

/** A workload `web` of four pods under these autoscalers, whose namespace has those others. */
export function someFacts({
  own = [anHpa()],
  others = [],
  governors = own.filter(({ madeFor }) => madeFor === undefined).map((one) => governorOf(one)),
  ...of
}: Partial<ScalingFacts> & {
  readonly own?: readonly ObservedAutoscaler[];
  readonly others?: readonly ObservedAutoscaler[];
  readonly governors?: readonly Governor[];
} = {}): ScalingFacts {
  const ref = { name: 'web', namespace: 'shop', kind: 'Deployment', object: 'web' } as const;
  const apis = ['metrics.k8s.io', 'external.metrics.k8s.io'].map((group) => ({ group, available: true, reason: '' }));
  return {
    state: aState({ ref, wantedReplicas: 4, availableReplicas: 4, autoscalers: governors }),
    autoscalers: [...others, ...own],
    metricsApis: { kind: 'read', apis },
    owners: {},
    ...of,
  };
}
