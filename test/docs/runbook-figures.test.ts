import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadPolicy } from '../../adapters/policy-file.ts';
import { formatDuration } from '../../domain/duration.ts';
import type { Limits, LoadMetric, ScalingBehaviour, Span } from '../../domain/policy.ts';

/**
 * The example's figures against the runbook's. Each table of the policy is written out in the runbook's own words and compared cell by
 * cell, so that a figure that is lost, mistyped or invented shows, on whichever side.
 */
const runbook = await readFile('docs/tensafe-scaling-runbook.md', 'utf8');
const policy = await loadPolicy(['examples/tensafe/headroom.yaml']);
const emergencyRow = policy.decisionMatrix?.rows.find(({ action }) => action === 'emergencyScaleUp');
const server = policy.workloads['tensafe-server'];
assert.ok(server !== undefined);

type Table = readonly (readonly string[])[];

/** The body of each table by the heading above it: rows of cells, without bold marks. */
function tablesOf(markdown: string): ReadonlyMap<string, Table> {
  const tables = new Map<string, string[][]>();
  let heading = '';
  for (const line of markdown.split('\n')) {
    if (/^#{1,4} /.test(line)) heading = line.replace(/^#+ /, '');
    if (!line.startsWith('|')) continue;
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('**', '').trim());
    tables.set(heading, [...(tables.get(heading) ?? []), cells]);
  }
  return new Map([...tables].map(([name, rows]) => [name, rows.slice(2)]));
}

const METRICS = {
  cpu: ['CPU Utilization', 'Avg CPU'],
  memory: ['Memory Utilization', 'Avg Memory'],
  'p95-latency': ['P95 Latency', 'P95'],
  'queue-depth': ['Queue Depth', 'Depth'],
  gpu: ['GPU Utilization', ''],
  'he-lora-queue': ['HE-LoRA Queue', ''],
} as const;

function metricLabel(name: string): readonly [string, string] {
  const labels = Object.entries(METRICS).find(([known]) => known === name)?.[1];
  return labels ?? assert.fail(`no label for metric ${name}`);
}

const LIMIT_LABELS: Readonly<Record<string, string>> = {
  'tensafe-server': 'API Pods',
  'tensafe-training-worker': 'Training Workers',
  'tensafe-postgresql': 'PostgreSQL Replicas',
  'tensafe-redis': 'Redis Replicas',
};

const TITLES: Readonly<Record<string, string>> = {
  small: 'Small',
  medium: 'Medium',
  large: 'Large',
  xlarge: 'XLarge',
  light: 'Light',
  heavy: 'Heavy',
  'he-lora-training': 'HE-LoRA Training',
  'high-cpu': 'High CPU',
  'high-memory': 'High Memory',
  'high-latency': 'High Latency',
  'queue-backup': 'Queue Backup',
  'low-load': 'Low Load',
};

const ACTIONS: Readonly<Record<string, string>> = {
  considerScalingDown: 'Monitor, consider scaling down',
  none: 'Optimal, no action',
  preScale: 'Pre-scale to add buffer',
  scaleUp: 'Immediate scale up',
  emergencyScaleUp: 'Emergency scale up',
};

function figure(value: number, unit: string): string {
  return /^[a-z]{3,}/.test(unit) ? `${value} ${unit}` : `${value}${unit}`;
}

function minutes(ms: number): string {
  return ms === 60_000 ? '1 minute' : `${ms / 60_000} minutes`;
}

function fromTo({ min, max }: Limits): string {
  return min === max ? String(min) : `${min}-${max}`;
}

function condition({ from, to }: Span, unit: string, any: string): string {
  if (from === undefined) return to === undefined ? any : `< ${to}${unit}`;
  return to === undefined ? `> ${from}${unit}` : `${from}-${to}${unit}`;
}

function loadOf(metric: string): LoadMetric {
  return server?.load.find(({ name }) => name === metric) ?? assert.fail(`no load metric ${metric}`);
}

/** Every table of the policy in the runbook's words, by the runbook's heading; the Notes column is prose and left out. */
const TABLES: Readonly<Record<string, () => Table>> = {
  'Key Scaling Metrics': () =>
    server.load.map(({ name, unit, scaleUpAbove, scaleDownBelow }) => [
      metricLabel(name)[0],
      `> ${figure(scaleUpAbove, unit)}`,
      `< ${figure(scaleDownBelow, unit)}`,
    ]),
  'Scaling Limits': () => [
    ...Object.values(policy.workloads).map(({ name, limits }) => [
      LIMIT_LABELS[name] ?? name,
      String(limits.min),
      String(limits.max),
    ]),
    ...Object.values(policy.nodeGroups).map(({ limits }) => ['GPU Nodes', String(limits.min), String(limits.max)]),
  ],
  'Horizontal Scaling Triggers': () =>
    Object.entries(policy.triggers).map(([name, { metric, when, threshold, forMs, pods, cooldownMs }]) => {
      const { unit } = loadOf(metric);
      const limit = `${when === 'above' ? '>' : '<'} ${threshold}${unit === 'requests' ? '' : unit}`;
      return [
        TITLES[name] ?? name,
        `${metricLabel(metric)[1]} ${limit} for ${formatDuration(forMs)}`,
        `${pods > 0 ? 'Add' : 'Remove'} ${Math.abs(pods)} pod${Math.abs(pods) === 1 ? '' : 's'}`,
        minutes(cooldownMs),
      ];
    }),
  'Resource Profiles': () =>
    Object.entries(policy.profiles).map(([name, { cpuRequest, cpuLimit, memoryRequest, memoryLimit, useCase }]) => [
      TITLES[name] ?? name,
      cpuRequest,
      cpuLimit,
      memoryRequest,
      memoryLimit,
      useCase,
    ]),
  'GPU Node Types': () =>
    Object.values(policy.gpuInstanceTypes).map(({ instanceType, gpus, gpu, memoryGb, vcpus, useCase }) => [
      instanceType,
      `${gpus}x ${gpu}`,
      `${memoryGb} GB`,
      String(vcpus),
      useCase,
    ]),
  'Sizing Guidelines': () =>
    Object.entries(policy.sizing).map(([name, { rps, pods, cpuPerPod, memoryPerPod, gpusPerPod }]) => [
      `${TITLES[name] ?? name}${rps === undefined ? '' : ` (${rps.from === 0 ? `< ${rps.to}` : `${rps.from}-${rps.to}`} RPS)`}`,
      fromTo(pods),
      `${cpuPerPod} cores`,
      memoryPerPod,
      fromTo(gpusPerPod),
    ]),
  'Scaling Decision Matrix': () =>
    (policy.decisionMatrix?.rows ?? [])
      .filter(({ source }) => source === 'runbook')
      .map(({ load, latency, action }) => [
        condition(load, '% capacity', 'Any'),
        condition(latency, 'ms', 'Any'),
        ACTIONS[action] ?? action,
      ]),
};

/** The rows of the matrix stand in order of urgency, the runbook's from calm to urgent. */
const REORDERED = ['Scaling Decision Matrix'];

function comparable(heading: string, rows: Table): Table {
  const known = heading === 'Scaling Limits' ? rows.map((cells) => cells.slice(0, 3)) : rows;
  return REORDERED.includes(heading) ? known.toSorted((a, b) => a.join().localeCompare(b.join())) : known;
}

function policies({ policies: rows }: ScalingBehaviour) {
  return rows.map(({ type, value, periodMs }) => ({ type, value, periodSeconds: periodMs / 1000 }));
}

function resourceMetric(name: string, averageUtilization: number | undefined) {
  return { type: 'Resource', resource: { name, target: { type: 'Utilization', averageUtilization } } };
}

const TARGET = { apiVersion: 'apps/v1', kind: server.kind, name: server.object };

/** The HPA of the policy as the runbook writes it; the scale-down's `Max` is the server's default there. */
function hpaManifest() {
  const { hpa } = policy.autoscaler['tensafe-server'] ?? {};
  assert.ok(hpa !== undefined && hpa.scaleDown.select === 'Max');
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: hpa.object, namespace: server?.namespace },
    spec: {
      scaleTargetRef: TARGET,
      minReplicas: hpa.limits.min,
      maxReplicas: hpa.limits.max,
      metrics: [resourceMetric('cpu', hpa.cpuUtilisation), resourceMetric('memory', hpa.memoryUtilisation)],
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: hpa.scaleDown.stabilisationMs / 1000,
          policies: policies(hpa.scaleDown),
        },
        scaleUp: {
          stabilizationWindowSeconds: hpa.scaleUp.stabilisationMs / 1000,
          policies: policies(hpa.scaleUp),
          selectPolicy: hpa.scaleUp.select,
        },
      },
    },
  };
}

/** The ScaledObject of the policy as the runbook writes it. */
function kedaManifest() {
  const { keda } = policy.autoscaler['tensafe-server'] ?? {};
  assert.ok(keda !== undefined);
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: keda.object, namespace: server?.namespace },
    spec: {
      scaleTargetRef: TARGET,
      pollingInterval: keda.pollingMs / 1000,
      cooldownPeriod: keda.cooldownMs / 1000,
      minReplicaCount: keda.limits.min,
      maxReplicaCount: keda.limits.max,
      triggers: Object.values(keda.triggers).map(({ query, threshold }) => ({
        type: 'prometheus',
        metadata: { serverAddress: policy.prometheus.url, threshold: String(threshold), query: plainQuery(query) },
      })),
    },
  };
}

/** The runbook's query has no namespace and groups at its end; otherwise ours is the same. */
function plainQuery(query: string): string {
  return query
    .replaceAll(',namespace="tensafe"', '')
    .replace(/sum by \(le\) (\(rate\(.*?\)\))/s, 'sum$1 by (le)')
    .replaceAll(/\s+/g, '');
}

/** What the heredoc under a heading applies; without `metricName`, which KEDA dropped in 2.12. */
function manifestUnder(markdown: string, heading: string): unknown {
  const section = markdown.split(`### ${heading}\n`)[1]?.split('\n### ')[0] ?? '';
  const manifest: unknown = parse(/<<EOF\n(.*?)\nEOF/s.exec(section)?.[1] ?? 'null');
  return JSON.parse(JSON.stringify(manifest), (key, value: unknown) => {
    if (key === 'metricName') return undefined;
    return key === 'query' ? plainQuery(String(value)) : value;
  });
}

const MANIFESTS = [
  { heading: 'HPA (Horizontal Pod Autoscaler)', written: hpaManifest },
  { heading: 'Update KEDA Configuration', written: kedaManifest },
];

/** Figures that stand in sentences and commands: what finds them, and what the policy says instead of them. */
const SENTENCES: readonly { readonly says: RegExp; readonly policy: () => readonly (number | undefined)[] }[] = [
  {
    says: /All pods in Running state within \d+-(\d+) minutes/,
    policy: () => [policy.preScale.availableWithinMs / 60_000],
  },
  { says: /Pre-scale (\d+) minutes before event/, policy: () => [policy.preScale.leadMs / 60_000] },
  {
    says: /wait (\d+)-(\d+) minutes after load decrease/,
    policy: () => [policy.preScale.quiet.windowMs / 60_000, policy.preScale.quiet.askAfterMs / 60_000],
  },
  { says: /wait (\d+) minutes before additional scaling/, policy: () => [policy.stepScale.minCooldownMs / 60_000] },
  { says: /minimum replicas\*\* \((\d+) for production\)/, policy: () => [server.limits.min] },
  {
    says: /projected growth \((\d+)%, (\d+)%, (\d+)% increase\)/,
    policy: () => policy.capacityPlanning.growthPercents,
  },
  { says: /buffer capacity \((\d+)% above projected peak\)/, policy: () => [policy.capacityPlanning.bufferPercent] },
  { says: /--replicas=\$\(\(CURRENT \* (\d+)\)\)/, policy: () => [policy.emergencyScaleUp.factor] },
  { says: /\| Any \| > (\d+)ms \|/, policy: () => [emergencyRow?.latency.from] },
  {
    says: /stabilizationWindowSeconds", "value": (\d+)/,
    policy: () => [(policy.autoscaler['tensafe-server']?.thrashingStabilisationMs ?? 0) / 1000],
  },
];

/** Everything that the runbook says and the policy should, as pairs. */
function compare(markdown: string): void {
  const tables = tablesOf(markdown);
  assert.deepEqual([...tables.keys()].toSorted(), [...Object.keys(TABLES), 'Revision History'].toSorted());
  for (const [heading, rows] of Object.entries(TABLES)) {
    assert.deepEqual(comparable(heading, rows()), comparable(heading, tables.get(heading) ?? []), heading);
  }
  for (const { heading, written } of MANIFESTS) assert.deepEqual(written(), manifestUnder(markdown, heading), heading);
  for (const { says, policy } of SENTENCES) {
    assert.deepEqual(policy(), (says.exec(markdown) ?? []).slice(1).map(Number), String(says));
  }
}

describe("the example's figures", () => {
  for (const [heading, rows] of Object.entries(TABLES)) {
    it(`are those of the table ${heading}`, () => {
      assert.deepEqual(comparable(heading, rows()), comparable(heading, tablesOf(runbook).get(heading) ?? []));
    });
  }

  it('leave out no table', () => {
    assert.deepEqual([...tablesOf(runbook).keys()].toSorted(), [...Object.keys(TABLES), 'Revision History'].toSorted());
  });

  for (const { heading, written } of MANIFESTS) {
    it(`are those of the manifest under ${heading}`, () =>
      assert.deepEqual(written(), manifestUnder(runbook, heading)));
  }

  for (const { says, policy } of SENTENCES) {
    it(`are those of ${String(says)}`, () => {
      assert.deepEqual(policy(), (says.exec(runbook) ?? []).slice(1).map(Number));
    });
  }

  it('differ as soon as one figure of a table or manifest is another', () => {
    compare(runbook);
    let seen = 0;
    for (const change of everyChange(runbook)) {
      assert.throws(() => compare(change.markdown), `not noticed: ${change.line}`);
      seen += 1;
    }
    assert.ok(seen > 120, `only ${seen} figures`);
  });
});

/** The runbook with one figure more by one, for each figure in a cell or in an autoscaler's manifest. */
function* everyChange(markdown: string) {
  const lines = markdown.split('\n');
  const until = lines.indexOf('## Revision History');
  let applied = false;
  for (const [index, line] of lines.entries()) {
    if (line.endsWith('<<EOF')) applied = true;
    if (line === 'EOF') applied = false;
    const isRow = line.startsWith('| ') && index < until && !lines[index + 1]?.startsWith('|--');
    const isSetting = applied && !line.includes('metricName');
    if (!isRow && !isSetting) continue;
    // the prose of a note
    for (const match of line.replace('Scale to 0 when idle', '').matchAll(/\d+/g)) {
      const more =
        line.slice(0, match.index) + String(Number(match[0]) + 1) + line.slice(match.index + match[0].length);
      yield { line: `${line} → ${more}`, markdown: lines.with(index, more).join('\n') };
    }
  }
}

function seriesIn(text: string): readonly string[] {
  return [...text.matchAll(/([A-Za-z_:][\w:]*)\{/g)].map(([, name]) => name ?? '');
}

describe("the example's queries", () => {
  const queries = [
    ...Object.values(policy.workloads).flatMap(({ load, dataHealthy = '' }) => [
      ...load.map(({ query }) => query),
      dataHealthy,
    ]),
    ...Object.values(policy.capacityPlanning.queries).map(({ query }) => query),
    ...Object.values(policy.autoscaler).flatMap(({ keda }) =>
      Object.values(keda?.triggers ?? {}).map(({ query }) => query),
    ),
  ].filter((query) => query !== '');

  it('read every series that the runbook reads', () => {
    const fences = [...runbook.matchAll(/```promql\n(.*?)```/gs)].map(([text]) => text).join('\n');
    const wanted = new Set([...seriesIn(fences), ...seriesIn(runbook.split('triggers:')[1] ?? '')]);
    assert.ok(wanted.size >= 6);
    assert.deepEqual(
      [...wanted].filter((name) => !seriesIn(queries.join('\n')).includes(name)),
      [],
    );
  });

  it('select in every selector by namespace="tensafe", written just so', () => {
    for (const query of queries) {
      for (const [selector] of query.matchAll(/\{[^}]*\}/g)) assert.match(selector, /namespace="tensafe"/, query);
    }
  });

  it('leave out the series of the pause container and of the whole pod', () => {
    for (const query of queries) {
      for (const [selector] of query.matchAll(/\bcontainer_\w+\{[^}]*\}/g))
        assert.match(selector, /container!=""/, query);
    }
  });

  it('are listed with their labels at the top of the file', async () => {
    const text = await readFile('examples/tensafe/headroom.yaml', 'utf8');
    for (const name of seriesIn(queries.join('\n'))) assert.match(text, new RegExp(`^# {3}${name} `, 'm'));
  });
});
