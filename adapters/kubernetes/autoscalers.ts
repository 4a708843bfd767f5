import type { Call } from '../../activities/ports.ts';
import type { Condition, MetricsApi, ObservedAutoscaler, Stop } from '../../domain/scaling-facts.ts';
import type { Spec } from '../../domain/settings.ts';
import type { KubernetesClient } from './client.ts';
import { lastWriterOf } from './field-managers.ts';
import { heldPartsOf, isKedas } from './governors.ts';
import type { RawObject } from './kinds.ts';

type Autoscaler = RawObject<'HorizontalPodAutoscaler'>;
type ScaledObject = RawObject<'ScaledObject'>;

/** All that stop KEDA begin so (R21). */
const KEDAS_PAUSES = 'autoscaling.keda.sh/paused';
const POLICY = ['spec', 'behavior', 'scaleDown', 'selectPolicy'] as const;

export async function readAutoscalers(
  client: KubernetesClient,
  namespace: string,
  call: Call,
): Promise<readonly ObservedAutoscaler[]> {
  const [autoscalers, scaledObjects] = await Promise.all([
    client.list({ kind: 'HorizontalPodAutoscaler', namespace }, {}, call),
    client.list({ kind: 'ScaledObject', namespace }, {}, call),
  ]);
  return [
    ...autoscalers.map((one) => ofHpa(namespace, one)),
    ...scaledObjects.map((one) =>
      ofScaledObject(
        namespace,
        one,
        autoscalers.find(({ metadata }) => madeFor(metadata) === one.metadata?.name),
      ),
    ),
  ];
}

export async function readMetricsApis(client: KubernetesClient, call: Call): Promise<readonly MetricsApi[]> {
  const services = await client.list({ kind: 'APIService' }, {}, call);
  return services.flatMap(({ spec, status }) => {
    const { group = '' } = spec ?? {};
    if (!/(^|\.)metrics\.k8s\.io$/.test(group)) return [];
    const condition = (status?.conditions ?? []).find(({ type }) => type === 'Available');
    const said = [condition?.reason, condition?.message].filter((word) => word !== undefined && word !== '');
    const available = condition?.status === 'True';
    return [{ group, available, reason: available ? '' : said.join(': ') || 'not heard of yet' }];
  });
}

function ofHpa(namespace: string, { metadata, spec, status }: Autoscaler): ObservedAutoscaler {
  const policy = spec?.behavior?.scaleDown?.selectPolicy;
  const scaledObject = madeFor(metadata);
  return {
    ...identityOf(namespace, metadata),
    kind: 'horizontalPodAutoscaler',
    ...heldPartsOf('horizontalPodAutoscaler', { metadata, ...(spec !== undefined && { spec }) }),
    target: { kind: spec?.scaleTargetRef.kind ?? '', name: spec?.scaleTargetRef.name ?? '' },
    spec: specOf(spec),
    conditions: (status?.conditions ?? []).map(asCondition),
    ...lastScaled(status?.lastScaleTime),
    metricsFrom: metricsOf(spec),
    stops: policy === 'Disabled' ? [stopAt(metadata, POLICY, policy)] : [],
    ...(scaledObject !== undefined && { madeFor: scaledObject }),
  };
}

/** Its metrics and its last change of the count are those of the HPA that KEDA made for it. */
function ofScaledObject(
  namespace: string,
  { metadata, spec, status }: ScaledObject,
  made: Autoscaler | undefined,
): ObservedAutoscaler {
  const pauses = Object.entries(metadata?.annotations ?? {}).filter(([key]) => key.startsWith(KEDAS_PAUSES));
  return {
    ...identityOf(namespace, metadata),
    kind: 'scaledObject',
    ...heldPartsOf('scaledObject', { metadata, ...(spec !== undefined && { spec }) }),
    target: { kind: spec?.scaleTargetRef?.kind ?? 'Deployment', name: spec?.scaleTargetRef?.name ?? '' },
    spec: specOf(spec),
    conditions: (status?.conditions ?? []).map(asCondition),
    ...lastScaled(made?.status?.lastScaleTime),
    metricsFrom: made === undefined ? [] : metricsOf(made.spec),
    stops: pauses.map(([key, value]) => stopAt(metadata, ['metadata', 'annotations', key], value)),
  };
}

function identityOf(namespace: string, metadata: Autoscaler['metadata']) {
  return { namespace, name: metadata?.name ?? '', uid: metadata?.uid ?? '' };
}

/** The API's own JSON, under the client's types. */
function specOf(spec: object | undefined): Spec {
  return { ...spec };
}

function madeFor(metadata: Autoscaler['metadata']): string | undefined {
  if (!isKedas(metadata)) return undefined;
  return metadata?.ownerReferences?.find(({ kind }) => kind === 'ScaledObject')?.name;
}

/** An annotation is known by its key alone, what stands in the spec by its path. */
function stopAt(metadata: Autoscaler['metadata'], path: readonly string[], value: string): Stop {
  const by = lastWriterOf(metadata, path);
  const key = path[0] === 'spec' ? path.join('.') : (path.at(-1) ?? '');
  return { key, value, ...(by !== undefined && { by }) };
}

function asCondition({ type = '', status = '', reason = '', message = '' }: Partial<Condition>): Condition {
  return { type, status, reason, message };
}

function lastScaled(time: string | undefined): Pick<ObservedAutoscaler, 'lastScaledAtMs'> {
  const atMs = Date.parse(time ?? '');
  return Number.isNaN(atMs) ? {} : { lastScaledAtMs: atMs };
}

const GROUPS: { readonly [type: string]: string } = {
  Resource: 'metrics.k8s.io',
  ContainerResource: 'metrics.k8s.io',
  Pods: 'custom.metrics.k8s.io',
  Object: 'custom.metrics.k8s.io',
  External: 'external.metrics.k8s.io',
};
function metricsOf(spec: Autoscaler['spec']): readonly string[] {
  return [...new Set((spec?.metrics ?? []).flatMap(({ type }) => GROUPS[type] ?? []))];
}
