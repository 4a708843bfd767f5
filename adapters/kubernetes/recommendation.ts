import { readQuantity } from '../../domain/quantity.ts';
import { recommend, type MetricAim } from '../../domain/recommendation.ts';
import type { RawObject } from './kinds.ts';

type Autoscaler = RawObject<'HorizontalPodAutoscaler'>;
type Metric = NonNullable<NonNullable<Autoscaler['spec']>['metrics']>[number];
type Measured = NonNullable<NonNullable<Autoscaler['status']>['currentMetrics']>[number];

/** What the HPA would have by its own metrics now, whatever its minimum says; undefined while it measures nothing. */
export function readRecommendation({ spec, status }: Autoscaler): number | undefined {
  const pods = status?.currentReplicas ?? 0;
  const aims = (spec?.metrics ?? []).flatMap((metric) => {
    const measured = (status?.currentMetrics ?? []).find((one) => keyOf(one) === keyOf(metric));
    const aim = measured === undefined ? undefined : aimOf(metric, measured);
    return aim === undefined ? [] : [aim];
  });
  return pods === 0 ? undefined : recommend(aims, pods);
}

/** A metric and its measurement have the same name; there is no other link between spec and status. */
function keyOf(one: Metric | Measured): string {
  const { type, resource, containerResource, pods, object, external } = one;
  const name =
    resource?.name ??
    (containerResource === undefined ? undefined : `${containerResource.container}/${containerResource.name}`) ??
    pods?.metric.name ??
    object?.metric.name ??
    external?.metric.name ??
    '';
  return `${type} ${name}`;
}

function aimOf(metric: Metric, measured: Measured): MetricAim | undefined {
  const target = (metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external)
    ?.target;
  const current = (
    measured.resource ??
    measured.containerResource ??
    measured.pods ??
    measured.object ??
    measured.external
  )?.current;
  for (const key of ['averageUtilization', 'averageValue', 'value'] as const) {
    const [wanted, found] = [asNumber(target?.[key]), asNumber(current?.[key])];
    if (wanted !== undefined && found !== undefined) return { current: found, target: wanted };
  }
  return undefined;
}

function asNumber(value: number | string | undefined): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  const read = readQuantity(value);
  return read.ok ? Number(read.nano) / 1e9 : undefined;
}
