import { z } from 'zod';
import { readDuration } from '../domain/duration.ts';
import { MONITORING_ALERTS } from '../domain/alerts.ts';
import { judgeMatrix, type Span } from '../domain/policy.ts';
import { list, pathOf, show, suggestion, type Finding } from './policy-faults.ts';
import { childrenOf, unwrap } from './policy-json-schema.ts';
import { NAME_ACCEPTED, NAME_PATTERN, OBJECT_NAME_PATTERN } from './policy-leaves.ts';
import { PolicyFile } from './policy-schema.ts';

/**
 * What a schema cannot say: order between two values, references between sections, totality. These checks look at the file as
 * it was read, whatever else is wrong with it, so that one fault does not hide another; a value that has no sense of its own is
 * passed over here, because the schema reports it.
 */
export function checkPolicyFile(raw: unknown): readonly Finding[] {
  const file = withDefaults(PolicyFile, raw);
  return [
    ...checkNames(PolicyFile, file, []),
    ...ORDERED.flatMap((rule) => checkOrder(file, rule)),
    ...REFERENCES.flatMap((rule) => checkReference(file, rule)),
    ...METRIC_REFERENCES.flatMap((path) => checkMetric(file, path)),
    ...checkWorkloadObjects(file),
    ...checkTriggers(file),
    ...checkAlerts(file),
    ...checkAutoscalers(file),
    ...checkInstanceTypeKeys(file),
    ...checkMatrix(file),
  ];
}

/** The same data with the schema's defaults where nothing is written, so that a check sees what would be used. */
function withDefaults(schema: z.ZodType, raw: unknown): unknown {
  const { core, prefault } = unwrap(schema);
  const value = raw === undefined ? prefault : raw;
  const children = childrenOf(core);
  if (children === undefined) return value;
  if (Array.isArray(value)) {
    const element = children[0]?.[1];
    return core instanceof z.ZodArray && element !== undefined
      ? value.map((item) => withDefaults(element, item))
      : value;
  }
  if (!isMap(value)) return value;
  const known = new Map(children);
  const names = new Set([...Object.keys(value), ...(core instanceof z.ZodObject ? known.keys() : [])]);
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const child = core instanceof z.ZodObject ? known.get(name) : known.get('*');
      const own = Object.hasOwn(value, name) ? value[name] : undefined;
      const filled = child === undefined ? own : withDefaults(child, own);
      return filled === undefined ? [] : [[name, filled]];
    }),
  );
}

function checkNames(schema: z.ZodType, value: unknown, at: readonly string[]): readonly Finding[] {
  const { core } = unwrap(schema);
  const children = new Map(childrenOf(core) ?? []);
  if (Array.isArray(value)) {
    const element = children.get('*');
    return element === undefined ? [] : value.flatMap((item, i) => checkNames(element, item, [...at, String(i)]));
  }
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([name, below]) => {
    const child = children.get(core instanceof z.ZodObject ? name : '*');
    const bad = core instanceof z.ZodRecord && !new RegExp(NAME_PATTERN).test(name);
    return [
      ...(bad ? [{ at: [...at, name], found: `the name ${JSON.stringify(name)}`, accepted: NAME_ACCEPTED }] : []),
      ...(child === undefined ? [] : checkNames(child, below, [...at, name])),
    ];
  });
}

interface OrderRule {
  readonly under: string;
  readonly low: string;
  readonly high: string;
  /** Equal values are a fault too. */
  readonly apart?: boolean;
  /** Whose path the fault bears. */
  readonly blame: 'low' | 'high';
  readonly read: (value: unknown) => number | undefined;
}

const ORDERED: readonly OrderRule[] = [
  ...[
    'workloads.*.limits',
    'nodeGroups.*.limits',
    'autoscaler.*.hpa.limits',
    'autoscaler.*.keda.limits',
    'sizing.*.pods',
    'sizing.*.gpusPerPod',
  ].map((under) => ({ under, low: 'min', high: 'max', blame: 'high', read: asNumber }) as const),
  {
    under: 'workloads.*.load.*',
    low: 'scaleDownBelow',
    high: 'scaleUpAbove',
    apart: true,
    blame: 'low',
    read: asNumber,
  },
  { under: 'preScale.quiet', low: 'step', high: 'window', blame: 'low', read: asMs },
  { under: 'preScale.quiet', low: 'every', high: 'window', blame: 'low', read: asMs },
  { under: 'preScale.quiet', low: 'window', high: 'askAfter', blame: 'high', read: asMs },
  ...['sizing.*.rps', 'decisionMatrix.rows.*.load', 'decisionMatrix.rows.*.latency'].map(
    (under) => ({ under, low: 'from', high: 'to', apart: true, blame: 'high', read: asNumber }) as const,
  ),
  { under: 'profiles.*', low: 'cpuRequest', high: 'cpuLimit', blame: 'high', read: asQuantity },
  { under: 'profiles.*', low: 'memoryRequest', high: 'memoryLimit', blame: 'high', read: asQuantity },
  { under: 'closedWindows.*', low: 'starts', high: 'ends', apart: true, blame: 'high', read: asMoment },
];

function checkOrder(file: unknown, { under, low, high, apart = false, blame, read }: OrderRule): readonly Finding[] {
  return visit(file, under).flatMap(({ at, value }) => {
    const [lowWritten, highWritten] = [get(value, low), get(value, high)];
    const [lowest, highest] = [read(lowWritten), read(highWritten)];
    if (lowest === undefined || highest === undefined) return [];
    if (apart ? lowest < highest : lowest <= highest) return [];
    const words = apart ? { high: 'more than', low: 'less than' } : { high: 'at least', low: 'at most' };
    return blame === 'high'
      ? [
          {
            at: [...at, high],
            found: show(highWritten),
            accepted: `${words.high} ${low}, which is ${plain(lowWritten)}`,
          },
        ]
      : [
          {
            at: [...at, low],
            found: show(lowWritten),
            accepted: `${words.low} ${high}, which is ${plain(highWritten)}`,
          },
        ];
  });
}

interface ReferenceRule {
  readonly from: string;
  readonly to: string;
  /** The reference is the last name of the path, not the value there. */
  readonly byKey?: boolean;
  /** A workload that is marked `refuse` will not do. */
  readonly scalable?: boolean;
}

const REFERENCES: readonly ReferenceRule[] = [
  { from: 'triggers.*.workload', to: 'workloads', scalable: true },
  { from: 'decisionMatrix.workload', to: 'workloads' },
  { from: 'alertRules.*.workload', to: 'workloads', scalable: true },
  { from: 'closedWindows.*.workloads.*', to: 'workloads' },
  { from: 'autoscaler.*', to: 'workloads', byKey: true, scalable: true },
  { from: 'alertRules.*.trigger', to: 'triggers' },
  { from: 'nodeGroups.*.instanceTypes.*', to: 'gpuInstanceTypes' },
  { from: 'prices.perNodeHour.*', to: 'gpuInstanceTypes', byKey: true },
];

function checkReference(
  file: unknown,
  { from, to, byKey = false, scalable = false }: ReferenceRule,
): readonly Finding[] {
  const section = get(file, to);
  if (!isMap(section)) return [];
  return visit(file, from).flatMap(({ at, value }) => {
    const name = byKey ? at.at(-1) : value;
    if (typeof name !== 'string') return [];
    if (!Object.hasOwn(section, name)) return [unknownName(at, name, to, Object.keys(section))];
    const refused = get(section[name], 'refuse');
    if (!scalable || refused === undefined) return [];
    return [
      { at, found: `${name}, which must not be scaled: ${show(refused)}`, accepted: 'a workload without refuse' },
    ];
  });
}

const METRIC_REFERENCES = ['triggers.*.metric', 'decisionMatrix.loadMetric', 'decisionMatrix.latencyMetric'];

/** A metric belongs to the workload that its sibling names. */
function checkMetric(file: unknown, path: string): readonly Finding[] {
  return visit(file, path).flatMap(({ at, value: metric }) => {
    const workload = look(file, [...at.slice(0, -1), 'workload']);
    if (typeof metric !== 'string' || typeof workload !== 'string') return [];
    const load = look(file, ['workloads', workload, 'load']);
    if (!isMap(load) || Object.hasOwn(load, metric)) return [];
    return [unknownName(at, metric, pathOf(['workloads', workload, 'load']), Object.keys(load))];
  });
}

function unknownName(at: readonly string[], name: string, section: string, known: readonly string[]): Finding {
  const accepted =
    known.length === 0
      ? `a key of ${section}, which is empty`
      : `a key of ${section}: ${list(
          known.map((key) => pathOf([key])),
          '',
        )}`;
  return { at, found: JSON.stringify(name), accepted: `${accepted}${suggestion(name, known)}` };
}

/** Two workloads on one object would be two ledgers writing it in turn. */
function checkWorkloadObjects(file: unknown): readonly Finding[] {
  const owners = new Map<string, string>();
  return visit(file, 'workloads.*').flatMap(({ at, value }) => {
    const name = at.at(-1) ?? '';
    const written = get(value, 'object');
    if (written === undefined && new RegExp(NAME_PATTERN).test(name) && !new RegExp(OBJECT_NAME_PATTERN).test(name)) {
      return [
        {
          at: [...at, 'object'],
          found: 'nothing',
          accepted: `the object's name: ${JSON.stringify(name)} cannot be one in Kubernetes`,
        },
      ];
    }
    const [namespace, kind, object] = [get(value, 'namespace'), get(value, 'kind'), written ?? name];
    if (typeof namespace !== 'string' || typeof kind !== 'string' || typeof object !== 'string') return [];
    const key = JSON.stringify([namespace, kind, object]);
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, name);
    const found = `${show(`${kind} ${namespace}/${object}`)}, which is workload ${owner} already`;
    return owner === undefined ? [] : [{ at, found, accepted: 'each object once' }];
  });
}

function checkTriggers(file: unknown): readonly Finding[] {
  return visit(file, 'triggers.*').flatMap(({ at, value }) => {
    if (!isMap(value)) return [];
    const [above, below, pods] = [value['above'], value['below'], value['pods']];
    if ((above === undefined) === (below === undefined)) {
      const found = above === undefined ? 'neither above nor below' : 'both above and below';
      return [{ at, found, accepted: 'either above or below' }];
    }
    if (typeof pods !== 'number' || (above === undefined ? pods < 0 : pods > 0)) return [];
    const accepted =
      above === undefined
        ? 'a negative number, because the trigger has below'
        : 'a positive number, because the trigger has above';
    return [{ at: [...at, 'pods'], found: show(pods), accepted }];
  });
}

const ALERT_NEEDS: Readonly<Record<string, { readonly needs: string; readonly not: string }>> = {
  emergencyScaleUp: { needs: 'workload', not: 'trigger' },
  stepScale: { needs: 'trigger', not: 'workload' },
};

function checkAlerts(file: unknown): readonly Finding[] {
  return visit(file, 'alertRules.*').flatMap(({ at, value }) => {
    if (MONITORING_ALERTS.includes(at.at(-1) ?? ''))
      return [{ at, found: 'an alert of the monitoring itself', accepted: 'alerts that tell of the load' }];
    const procedure = get(value, 'procedure');
    const rule =
      typeof procedure === 'string' && Object.hasOwn(ALERT_NEEDS, procedure) ? ALERT_NEEDS[procedure] : undefined;
    if (rule === undefined) return [];
    const [needed, unused] = [get(value, rule.needs), get(value, rule.not)];
    return [
      ...(needed === undefined
        ? [
            {
              at: [...at, rule.needs],
              found: 'nothing',
              accepted: `a ${rule.needs}, because ${String(procedure)} needs one`,
            },
          ]
        : []),
      ...(unused === undefined
        ? []
        : [
            {
              at: [...at, rule.not],
              found: show(unused),
              accepted: `nothing: ${String(procedure)} has no use for a ${rule.not}`,
            },
          ]),
    ];
  });
}

function checkAutoscalers(file: unknown): readonly Finding[] {
  return visit(file, 'autoscaler.*').flatMap(({ at, value }) => {
    const workload = look(file, ['workloads', at.at(-1) ?? '', 'limits']);
    const use = get(value, 'use');
    const unset = (use === 'hpa' || use === 'keda') && get(value, use) === undefined;
    return [
      ...(unset
        ? [{ at: [...at, 'use'], found: JSON.stringify(use), accepted: `one that is described here: ${use} is not` }]
        : []),
      ...['hpa', 'keda'].flatMap((kind) => {
        const limits = look(value, [kind, 'limits']);
        const [min, max] = [asNumber(get(limits, 'min')), asNumber(get(limits, 'max'))];
        const [least, most] = [asNumber(get(workload, 'min')), asNumber(get(workload, 'max'))];
        return [
          ...(min !== undefined && least !== undefined && min < least
            ? [
                {
                  at: [...at, kind, 'limits', 'min'],
                  found: show(min),
                  accepted: `at least the workload's limits.min, which is ${least}`,
                },
              ]
            : []),
          ...(max !== undefined && most !== undefined && max > most
            ? [
                {
                  at: [...at, kind, 'limits', 'max'],
                  found: show(max),
                  accepted: `at most the workload's limits.max, which is ${most}`,
                },
              ]
            : []),
        ];
      }),
    ];
  });
}

function checkInstanceTypeKeys(file: unknown): readonly Finding[] {
  return visit(file, 'gpuInstanceTypes.*').flatMap(({ at, value }) => {
    const written = get(value, 'instanceType');
    if (typeof written !== 'string' || written.replaceAll('.', '-') === at.at(-1)) return [];
    return [
      {
        at: [...at, 'instanceType'],
        found: JSON.stringify(written),
        accepted: `the type that its key ${at.at(-1)} stands for, with a dot for the dash`,
      },
    ];
  });
}

/** Each load and latency has a row, and each row is the first for some. */
function checkMatrix(file: unknown): readonly Finding[] {
  const rows = look(file, ['decisionMatrix', 'rows']);
  if (!Array.isArray(rows) || rows.length === 0) return [];
  const read = rows.map((row) => ({ load: asSpan(get(row, 'load')), latency: asSpan(get(row, 'latency')) }));
  const whole = read.flatMap(({ load, latency }) =>
    load === undefined || latency === undefined ? [] : [{ load, latency }],
  );
  if (whole.length < rows.length) return [];
  const { gaps, unreachable } = judgeMatrix(whole);
  const at = ['decisionMatrix', 'rows'];
  return [
    ...gaps.map(({ load, latency }) => ({
      at,
      found: `no row for load ${describe(load)} and latency ${describe(latency)}`,
      accepted: 'a row for each load and latency',
    })),
    ...unreachable.map((i) => ({
      at: [...at, String(i)],
      found: 'a row that earlier rows always precede',
      accepted: 'a row that is the first to match something',
    })),
  ];
}

function describe({ from = 0, to }: Span): string {
  return to === undefined ? `from ${from}` : `from ${from} to ${to}`;
}

/** Undefined where the file's own value is faulty. */
function asSpan(value: unknown): Span | undefined {
  if (!isMap(value)) return undefined;
  const { from, to } = value;
  const sound = [from, to].every(
    (end) => end === undefined || (typeof end === 'number' && end >= 0 && Number.isFinite(end)),
  );
  const [low, high] = [asNumber(from), asNumber(to)];
  if (!sound || (low ?? 0) >= (high ?? Infinity)) return undefined;
  return { ...(low !== undefined && { from: low }), ...(high !== undefined && { to: high }) };
}

interface Visit {
  readonly at: readonly string[];
  readonly value: unknown;
}

/** Every value at a path in which `*` stands for any key or place; absent ones are left out. */
function visit(file: unknown, path: string): readonly Visit[] {
  return path.split('.').reduce<readonly Visit[]>(
    (found, step) =>
      found.flatMap(({ at, value }) => {
        if (step !== '*') return get(value, step) === undefined ? [] : [{ at: [...at, step], value: get(value, step) }];
        if (Array.isArray(value)) return value.map((item: unknown, i) => ({ at: [...at, String(i)], value: item }));
        return isMap(value) ? Object.entries(value).map(([name, below]) => ({ at: [...at, name], value: below })) : [];
      }),
    [{ at: [], value: file }],
  );
}

/** The value at a path, or undefined. */
export function look(value: unknown, at: readonly string[]): unknown {
  return at.reduce<unknown>(
    (here, step) => (Array.isArray(here) ? (here as readonly unknown[])[Number(step)] : get(here, step)),
    value,
  );
}

function get(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function plain(value: unknown): string {
  return show(value)
    .replace(/^"([^"\\]*)"$/, '$1')
    .replace(' (a number)', '');
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function asMs(value: unknown): number | undefined {
  const read = typeof value === 'string' ? readDuration(value) : undefined;
  return read?.kind === 'duration' ? read.ms : undefined;
}

function asMoment(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

const SUFFIXES: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Good enough to tell which is larger of two that a person wrote. */
function asQuantity(value: unknown): number | undefined {
  const [, digits, suffix = ''] = (typeof value === 'string' ? /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(value) : null) ?? [];
  const factor = suffix === '' ? 1 : SUFFIXES[suffix];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}
