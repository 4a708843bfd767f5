import { isFrozen, isOnForKeda, thawed } from './freeze.ts';
import { ownersValues } from './drift.ts';
import { readMarks } from './marks.ts';
import type { ObservedAutoscaler, Stop } from './scaling-facts.ts';

/** What keeps an autoscaler from its work and is no hold of headroom's: a person's or a tool's, perhaps a forgotten one. */
export interface Pause {
  /** As it stands there. */
  readonly what: string;
  /** What takes it off; headroom does not. */
  readonly help: string;
  readonly by?: Stop['by'];
}

const KEDA = 'autoscaling.keda.sh/';
/** KEDA's annotations that stop it, and which values of theirs do (R21). */
const ANNOTATIONS: readonly { readonly key: string; readonly isOn: (value: string) => boolean }[] = [
  { key: `${KEDA}paused-replicas`, isOn: () => true },
  { key: `${KEDA}paused`, isOn: isOnForKeda },
  { key: `${KEDA}paused-scale-in`, isOn: isOnForKeda },
  { key: `${KEDA}paused-scale-out`, isOn: isOnForKeda },
];

/** Of an HPA that KEDA made its ScaledObject is asked. */
export function findPauses(one: ObservedAutoscaler): readonly Pause[] {
  if (one.madeFor !== undefined) return [];
  return one.kind === 'scaledObject' ? annotatedPauses(one) : [...frozenPause(one), ...fixedPause(one)];
}

function annotatedPauses(one: ObservedAutoscaler): readonly Pause[] {
  const { namespace, name, stops } = one;
  return ANNOTATIONS.flatMap(({ key, isOn }) => {
    const found = stops.find((stop) => stop.key === key);
    if (found === undefined || !isOn(found.value)) return [];
    if (key.endsWith('/paused-scale-in') && !isFrozenByOwner(one)) return [];
    const help = `kubectl -n ${namespace} annotate scaledobject ${name} ${key}-`;
    return [{ what: `${key}=${found.value}`, help, ...(found.by !== undefined && { by: found.by }) }];
  });
}

function frozenPause(one: ObservedAutoscaler): readonly Pause[] {
  if (!isFrozenByOwner(one)) return [];
  const by = one.stops.find(({ key }) => key.endsWith('.selectPolicy'))?.by;
  const help = 'give spec.behavior.scaleDown.selectPolicy another value, such as Max';
  return [{ what: 'scaleDown.selectPolicy=Disabled', help, ...(by !== undefined && { by }) }];
}

/** Minimum and maximum are the same by their owner's will: a hold of headroom's may make them so for a while. */
function fixedPause(one: ObservedAutoscaler): readonly Pause[] {
  const { floor, ceiling } = ownersValues(one);
  if (floor !== ceiling) return [];
  const by = (one.writers ?? []).findLast(({ field, manager }) => field !== 'freeze' && manager !== 'headroom');
  return [
    {
      what: `minReplicas and maxReplicas are both ${floor}`,
      help: 'give it room between minReplicas and maxReplicas',
      ...(by !== undefined && { by: { manager: by.manager, atMs: by.atMs } }),
    },
  ];
}

/** Scale-in is off, and would be without headroom's hold. */
export function isFrozenByOwner(one: Pick<ObservedAutoscaler, 'kind' | 'fields' | 'marks'>): boolean {
  const read = readMarks(one.marks);
  const ours = read.kind === 'read' ? read.baseline?.fields.freeze : undefined;
  if (ours === undefined) return isFrozen(one);
  const freeze = thawed(one, ours);
  return isFrozen({ kind: one.kind, fields: freeze === undefined ? {} : { freeze } });
}
