import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { formatFaults, loadPolicy, PolicyError, readPolicy, type PolicyFault } from '../../adapters/policy-file.ts';
import { policyJsonSchema, policyLeaves } from '../../adapters/policy-json-schema.ts';
import { judgePromql } from '../../adapters/policy-leaves.ts';
import { VALUES_READ_NOW } from '../../adapters/policy-schema.ts';
import { readMatrix, resolvePolicy, type Policy } from '../../domain/policy.ts';
import { POLICY_CHANGES } from './policy-changes.ts';
import { tries } from '../harness/effort.ts';

const SHIPPED = 'examples/tensafe/headroom.yaml';
const DEMO = 'examples/tensafe/demo.yaml';
const shipped = { name: 'headroom.yaml', text: await readFile(SHIPPED, 'utf8') };
const demo = { name: 'demo.yaml', text: await readFile(DEMO, 'utf8') };

const SMALLEST = `
cluster: { name: c }
prometheus: { url: http://prometheus:9090 }
workloads:
  web:
    namespace: shop
    kind: Deployment
    limits: { min: 2, max: 20 }
    load:
      cpu: { query: avg(cpu), unit: '%', scaleUpAbove: 70, scaleDownBelow: 30, perPod: true }
`;

function policyOf(...texts: readonly string[]): Policy {
  const reading = readPolicy(texts.map((text, i) => ({ name: `${i}.yaml`, text })));
  return reading.kind === 'policy' ? reading.policy : assert.fail(formatFaults(reading.faults));
}

function faultsOf(...texts: readonly string[]): readonly PolicyFault[] {
  const reading = readPolicy(texts.map((text, i) => ({ name: `${i}.yaml`, text })));
  return reading.kind === 'faults' ? reading.faults : [];
}

describe('reading headroom.yaml', () => {
  it('turns durations into milliseconds and names into fields', () => {
    const policy = policyOf(shipped.text);
    assert.equal(policy.preScale.leadMs, 1_800_000);
    assert.deepEqual(policy.windDown, { percent: 20, everyMs: 300_000 });
    assert.equal(policy.workloads['tensafe-server']?.object, 'tensafe-server');
    assert.deepEqual(
      policy.workloads['tensafe-server']?.load.map(({ name }) => name),
      ['cpu', 'memory', 'p95-latency', 'queue-depth', 'gpu', 'he-lora-queue'],
    );
    assert.equal(policy.triggers['low-load']?.when, 'below');
    assert.deepEqual(policy.alertRules['TensafeHighCpu'], { procedure: 'stepScale', trigger: 'high-cpu' });
  });

  it('needs only cluster, prometheus and workloads; the rest has the defaults of the example', () => {
    const [small, full] = [policyOf(SMALLEST), policyOf(shipped.text)];
    for (const section of ['preScale', 'windDown', 'ledger', 'approval', 'stepScale', 'drain'] as const) {
      assert.deepEqual(small[section], full[section], section);
    }
    assert.deepEqual(small.workloads['web'], {
      name: 'web',
      namespace: 'shop',
      kind: 'Deployment',
      object: 'web',
      limits: { min: 2, max: 20 },
      jobs: false,
      load: [{ name: 'cpu', query: 'avg(cpu)', unit: '%', scaleUpAbove: 70, scaleDownBelow: 30, perPod: true }],
      dashboards: [],
    });
  });

  it('is the same after a way through JSON, as a workflow history takes it', () => {
    const policy = policyOf(shipped.text);
    assert.deepEqual(JSON.parse(JSON.stringify(policy)), policy);
  });

  it('keeps what no one can name: an object may be called otherwise than its workload', () => {
    const policy = policyOf(SMALLEST.replace('kind: Deployment', 'kind: Deployment\n    object: web.v2'));
    assert.equal(policy.workloads['web']?.object, 'web.v2');
  });
});

describe('merging overlays', () => {
  it('goes key by key through maps and replaces lists and values', () => {
    const overlay = `
workloads: { web: { limits: { max: 30 }, dashboards: [{ title: b, url: http://b }] } }
`;
    const base = SMALLEST.replace(
      'kind: Deployment',
      'kind: Deployment\n    dashboards: [{ title: a, url: http://a }]',
    );
    const policy = policyOf(base, overlay, '');
    assert.deepEqual(policy.workloads['web']?.limits, { min: 2, max: 30 });
    assert.deepEqual(policy.workloads['web']?.dashboards, [{ title: 'b', url: 'http://b' }]);
  });

  it('judges what comes out, and points to the file that said it', () => {
    const [fault, ...more] = faultsOf(SMALLEST, '# a comment\nworkloads: { web: { limits: { max: 1 } } }');
    assert.deepEqual(more, []);
    assert.deepEqual(fault, {
      path: 'workloads.web.limits.max',
      found: '1 (a number)',
      accepted: 'at least min, which is 2',
      where: '1.yaml:2',
    });
  });

  it('changes in the demo only durations and the windows of queries', () => {
    const [calm, short] = [policyOf(shipped.text), policyOf(shipped.text, demo.text)];
    const server = short.workloads['tensafe-server'];
    assert.ok(server !== undefined);
    const rewound = {
      ...short,
      workloads: {
        ...short.workloads,
        'tensafe-server': {
          ...server,
          load: server.load.map((metric) => ({ ...metric, query: metric.query.replaceAll('[15s]', '[5m]') })),
        },
      },
      preScale: calm.preScale,
      emergencyScaleUp: {
        ...short.emergencyScaleUp,
        askForMs: calm.emergencyScaleUp.askForMs,
        maxHoldMs: calm.emergencyScaleUp.maxHoldMs,
        remindEveryMs: calm.emergencyScaleUp.remindEveryMs,
        cooldownMs: calm.emergencyScaleUp.cooldownMs,
      },
      stepScale: calm.stepScale,
      addGpuNodes: {
        ...short.addGpuNodes,
        ...Object.fromEntries(Object.entries(calm.addGpuNodes).filter(([name]) => name.endsWith('Ms'))),
      },
      drain: {
        ...short.drain,
        ...Object.fromEntries(Object.entries(calm.drain).filter(([name]) => name.endsWith('Ms'))),
      },
      windDown: { ...short.windDown, everyMs: calm.windDown.everyMs },
      triggers: Object.fromEntries(
        Object.entries(short.triggers).map(([name, trigger]) => [
          name,
          { ...trigger, forMs: calm.triggers[name]?.forMs },
        ]),
      ),
      ledger: {
        ...short.ledger,
        ownerCheckEveryMs: calm.ledger.ownerCheckEveryMs,
        guardEveryMs: calm.ledger.guardEveryMs,
      },
    };
    assert.deepEqual(rewound, calm);
    assert.notDeepEqual(short, calm);
    assert.ok(
      server.load.every(({ query }) => !query.includes('[5m]')),
      'no long window is left',
    );
    const { leadMs, availableWithinMs, quiet } = short.preScale;
    assert.ok(leadMs + availableWithinMs + quiet.askAfterMs < 4 * 60_000);
  });
});

/** What stands in the file, the path that must be named, and what the fault must say. */
const FAULTS: readonly {
  readonly change: string;
  readonly path: string;
  readonly found: RegExp;
  readonly accepted: RegExp;
}[] = [
  { change: 'cluster: { name: "" }', path: 'cluster.name', found: /""/, accepted: /not empty/ },
  { change: 'cluster: 5', path: 'cluster', found: /5 \(a number\)/, accepted: /a map of name/ },
  { change: 'cluster: null', path: 'cluster', found: /null/, accepted: /a map/ },
  { change: 'clustr: {}', path: 'clustr', found: /unknown key/, accepted: /did you mean cluster\?/ },
  {
    change: 'preScale: { led: 3m }',
    path: 'preScale.led',
    found: /unknown key/,
    accepted: /one of lead, .*did you mean lead\?/,
  },
  {
    change: 'drain: { allowKarpenter: true }',
    path: 'drain.allowKarpenter',
    found: /unknown key/,
    accepted: /^drain\.karpenter in its place: refuse for false, empty for true/,
  },
  {
    change: 'drain: { karpenter: true }',
    path: 'drain.karpenter',
    found: /true/,
    accepted: /one of refuse, empty, remove/,
  },
  {
    change: 'prometheus: { url: prometheus:9090 }',
    path: 'prometheus.url',
    found: /"prometheus:9090"/,
    accepted: /http/,
  },
  { change: 'preScale: { lead: 30 }', path: 'preScale.lead', found: /30 \(a number\)/, accepted: /with its unit/ },
  { change: 'preScale: { lead: "30" }', path: 'preScale.lead', found: /has no unit/, accepted: /with its unit/ },
  { change: 'preScale: { lead: -5m }', path: 'preScale.lead', found: /"-5m"/, accepted: /with its unit/ },
  { change: 'preScale: { availableWithin: 0s }', path: 'preScale.availableWithin', found: /"0s"/, accepted: /above 0/ },
  {
    change: 'preScale: { quiet: { step: 20m } }',
    path: 'preScale.quiet.step',
    found: /"20m"/,
    accepted: /at most window, which is 15m/,
  },
  {
    change: 'preScale: { quiet: { every: 20m } }',
    path: 'preScale.quiet.every',
    found: /"20m"/,
    accepted: /at most window/,
  },
  {
    change: 'preScale: { quiet: { window: 40m } }',
    path: 'preScale.quiet.askAfter',
    found: /"30m"/,
    accepted: /at least window, which is 40m/,
  },
  { change: 'windDown: { percent: 0 }', path: 'windDown.percent', found: /0/, accepted: /from 1 to 100/ },
  { change: 'windDown: { percent: 2.5 }', path: 'windDown.percent', found: /2.5/, accepted: /whole number/ },
  {
    change: 'ledger: { continueAsNewAfterUpdates: 2001 }',
    path: 'ledger.continueAsNewAfterUpdates',
    found: /2001/,
    accepted: /1,900/,
  },
  {
    change: 'approval: { preScale: sometimes }',
    path: 'approval.preScale',
    found: /"sometimes"/,
    accepted: /one of never, always/,
  },
  { change: 'workloads: []', path: 'workloads', found: /empty list/, accepted: /a map by name/ },
  {
    change: 'workloads: { web: { limits: { min: 21 } } }',
    path: 'workloads.web.limits.max',
    found: /20/,
    accepted: /at least min, which is 21/,
  },
  {
    change: 'workloads: { web: { limits: { max: .inf } } }',
    path: 'workloads.web.limits.max',
    found: /Infinity/,
    accepted: /whole number/,
  },
  {
    change: 'workloads: { web: { limits: { min: -1 } } }',
    path: 'workloads.web.limits.min',
    found: /-1/,
    accepted: /from 0/,
  },
  {
    change: 'workloads: { web: { kind: deployment } }',
    path: 'workloads.web.kind',
    found: /"deployment"/,
    accepted: /one of Deployment, StatefulSet/,
  },
  {
    change: 'workloads: { web: { namespace: Shop } }',
    path: 'workloads.web.namespace',
    found: /"Shop"/,
    accepted: /lower-case/,
  },
  {
    change: 'workloads: { web: { load: { cpu: { query: " " } } } }',
    path: 'workloads.web.load.cpu.query',
    found: /empty query/,
    accepted: /PromQL/,
  },
  {
    change: 'workloads: { web: { load: { cpu: { query: "sum(a" } } } }',
    path: 'workloads.web.load.cpu.query',
    found: /closing \)/,
    accepted: /PromQL/,
  },
  {
    change: 'workloads: { web: { load: { cpu: { scaleDownBelow: 70 } } } }',
    path: 'workloads.web.load.cpu.scaleDownBelow',
    found: /70/,
    accepted: /less than scaleUpAbove, which is 70/,
  },
  {
    change: 'workloads: { web: { load: { cpu: { scaleUpAbove: .nan } } } }',
    path: 'workloads.web.load.cpu.scaleUpAbove',
    found: /NaN/,
    accepted: /a number/,
  },
  {
    change: 'workloads: { web: { load: { c.pu: { query: a, unit: x, scaleUpAbove: 2, scaleDownBelow: 1 } } } }',
    path: 'workloads.web.load."c.pu"',
    found: /"c.pu"/,
    accepted: /no dots/,
  },
  {
    change: 'workloads: { Web_2: { namespace: shop, kind: Deployment, limits: { min: 1, max: 2 } } }',
    path: 'workloads.Web_2.object',
    found: /nothing/,
    accepted: /cannot be one in Kubernetes/,
  },
  {
    change: 'workloads: { two: { namespace: shop, kind: Deployment, object: web, limits: { min: 1, max: 2 } } }',
    path: 'workloads.two',
    found: /workload web already/,
    accepted: /each object once/,
  },
  {
    change: 'workloads: { __proto__: { a: 1 } }',
    path: 'workloads.__proto__',
    found: /"__proto__"/,
    accepted: /letters/,
  },
  { change: 'workloads: { "": { namespace: shop } }', path: 'workloads.""', found: /""/, accepted: /letters/ },
  { change: 'workloads: { "*": { namespace: shop } }', path: 'workloads.*', found: /"\*"/, accepted: /letters/ },
  {
    change: 'triggers: { t: { workload: wep, metric: cpu, above: 1, for: 1m, pods: 1, cooldown: 1m } }',
    path: 'triggers.t.workload',
    found: /"wep"/,
    accepted: /a key of workloads: web \(did you mean web\?\)/,
  },
  {
    change: 'triggers: { t: { workload: web, metric: cpo, above: 1, for: 1m, pods: 1, cooldown: 1m } }',
    path: 'triggers.t.metric',
    found: /"cpo"/,
    accepted: /workloads\.web\.load: cpu \(did you mean cpu\?\)/,
  },
  {
    change: 'triggers: { t: { workload: web, metric: cpu, for: 1m, pods: 1, cooldown: 1m } }',
    path: 'triggers.t',
    found: /neither/,
    accepted: /either above or below/,
  },
  {
    change: 'triggers: { t: { workload: web, metric: cpu, above: 1, below: 1, for: 1m, pods: 1, cooldown: 1m } }',
    path: 'triggers.t',
    found: /both/,
    accepted: /either above or below/,
  },
  {
    change: 'triggers: { t: { workload: web, metric: cpu, below: 1, for: 1m, pods: 1, cooldown: 1m } }',
    path: 'triggers.t.pods',
    found: /1/,
    accepted: /negative/,
  },
  {
    change: 'triggers: { t: { workload: web, metric: cpu, above: 1, for: 1m, pods: 0, cooldown: 1m } }',
    path: 'triggers.t.pods',
    found: /0/,
    accepted: /positive/,
  },
  {
    change:
      'workloads: { db: { namespace: shop, kind: StatefulSet, limits: { min: 1, max: 2 }, refuse: a database } }\nalertRules: { A: { procedure: emergencyScaleUp, workload: db } }',
    path: 'alertRules.A.workload',
    found: /db, which must not be scaled: "a database"/,
    accepted: /without refuse/,
  },
  {
    change: 'alertRules: { A: { procedure: emergencyScaleUp } }',
    path: 'alertRules.A.workload',
    found: /nothing/,
    accepted: /emergencyScaleUp needs one/,
  },
  {
    change: 'alertRules: { A: { procedure: stepScale, trigger: nope } }',
    path: 'alertRules.A.trigger',
    found: /"nope"/,
    accepted: /triggers, which is empty/,
  },
  {
    change: 'alertRules: { A: { procedure: emergencyScaleUp, workload: web, trigger: t } }',
    path: 'alertRules.A.trigger',
    found: /"t"/,
    accepted: /no use for a trigger/,
  },
  {
    change: 'alertRules: { DatasourceNoData: { procedure: emergencyScaleUp, workload: web } }',
    path: 'alertRules.DatasourceNoData',
    found: /an alert of the monitoring itself/,
    accepted: /tell of the load/,
  },
  {
    change: "alertRules: { A: { procedure: emergencyScaleUp, workload: web, match: { severity: '' } } }",
    path: 'alertRules.A.match.severity',
    found: /""/,
    accepted: /not empty/,
  },
  {
    change: 'alertRules: { A: { procedure: reboot } }',
    path: 'alertRules.A.procedure',
    found: /"reboot"/,
    accepted: /one of emergencyScaleUp, stepScale/,
  },
  {
    change: 'nodeGroups: { g: { limits: { min: 1, max: 2 }, instanceTypes: [p5] } }',
    path: 'nodeGroups.g.instanceTypes.0',
    found: /"p5"/,
    accepted: /gpuInstanceTypes, which is empty/,
  },
  {
    change: 'nodeGroups: { g: { limits: { min: 1, max: 2 }, instanceTypes: [] } }',
    path: 'nodeGroups.g.instanceTypes',
    found: /empty list/,
    accepted: /one or more keys/,
  },
  {
    change:
      'gpuInstanceTypes: { p4: { instanceType: p5.48xlarge, gpus: 8, gpu: H100, memoryGb: 1, vcpus: 1, useCase: x } }',
    path: 'gpuInstanceTypes.p4.instanceType',
    found: /"p5.48xlarge"/,
    accepted: /key p4/,
  },
  {
    change: 'prices: { perNodeHour: { p5: 1 } }',
    path: 'prices.perNodeHour.p5',
    found: /"p5"/,
    accepted: /gpuInstanceTypes/,
  },
  { change: 'prices: { currency: dollars }', path: 'prices.currency', found: /"dollars"/, accepted: /USD/ },
  {
    change: 'profiles: { p: { cpuRequest: "2", cpuLimit: 1999m, memoryRequest: 1Gi, memoryLimit: 1Gi, useCase: x } }',
    path: 'profiles.p.cpuLimit',
    found: /"1999m"/,
    accepted: /at least cpuRequest, which is 2/,
  },
  {
    change: 'profiles: { p: { cpuRequest: 1m, cpuLimit: 1m, memoryRequest: 1025Mi, memoryLimit: 1Gi, useCase: x } }',
    path: 'profiles.p.memoryLimit',
    found: /"1Gi"/,
    accepted: /at least memoryRequest/,
  },
  {
    change: 'profiles: { p: { cpuRequest: 1 core, cpuLimit: 1m, memoryRequest: 1Gi, memoryLimit: 1Gi, useCase: x } }',
    path: 'profiles.p.cpuRequest',
    found: /"1 core"/,
    accepted: /2000m/,
  },
  {
    change:
      'sizing: { s: { rps: { from: 5, to: 5 }, pods: { min: 1, max: 1 }, cpuPerPod: 1, memoryPerPod: 1Gi, gpusPerPod: { min: 0, max: 0 } } }',
    path: 'sizing.s.rps.to',
    found: /5/,
    accepted: /more than from/,
  },
  {
    change:
      'sizing: { s: { pods: { min: 2, max: 1 }, cpuPerPod: 1, memoryPerPod: 1Gi, gpusPerPod: { min: 0, max: 0 } } }',
    path: 'sizing.s.pods.max',
    found: /1/,
    accepted: /at least min/,
  },
  {
    change: 'autoscaler: { web: { use: keda } }',
    path: 'autoscaler.web.use',
    found: /"keda"/,
    accepted: /keda is not/,
  },
  {
    change: 'autoscaler: { nope: { use: keda } }',
    path: 'autoscaler.nope',
    found: /"nope"/,
    accepted: /a key of workloads/,
  },
  {
    change:
      'autoscaler: { web: { use: keda, keda: { object: so, limits: { min: 1, max: 20 }, polling: 15s, cooldown: 0s, triggers: {} } } }',
    path: 'autoscaler.web.keda.limits.min',
    found: /1/,
    accepted: /at least the workload's limits.min, which is 2/,
  },
  {
    change:
      'autoscaler: { web: { use: keda, keda: { object: so, limits: { min: 2, max: 21 }, polling: 15s, cooldown: 0s, triggers: {} } } }',
    path: 'autoscaler.web.keda.limits.max',
    found: /21/,
    accepted: /at most the workload's limits.max, which is 20/,
  },
  {
    change: 'emergencyScaleUp: { factor: 11 }',
    path: 'emergencyScaleUp.factor',
    found: /11/,
    accepted: /from 1 to 10/,
  },
  { change: 'drain: { evictionDeadline: 0s }', path: 'drain.evictionDeadline', found: /"0s"/, accepted: /above 0/ },
  {
    change: 'drain: { waitForJobs: 4 }',
    path: 'drain.waitForJobs',
    found: /4 \(a number\)/,
    accepted: /with its unit/,
  },
  {
    change: 'drain: { jobsLeft: kill }',
    path: 'drain.jobsLeft',
    found: /"kill"/,
    accepted: /one of checkpoint, ask, stop/,
  },
  { change: 'drain: { allowLocalData: yes }', path: 'drain.allowLocalData', found: /"yes"/, accepted: /true or false/ },
  {
    change: 'drain: { evictionDedline: 1h }',
    path: 'drain.evictionDedline',
    found: /unknown key/,
    accepted: /did you mean evictionDeadline\?/,
  },
  {
    change: 'closedWindows: { w: { starts: 2026-12-24, ends: 2026-12-26T00:00:00Z, reason: x } }',
    path: 'closedWindows.w.starts',
    found: /"2026-12-24"/,
    accepted: /with its offset/,
  },
  {
    change: 'closedWindows: { w: { starts: 2026-12-26T00:00:00Z, ends: 2026-12-26T00:00:00Z, reason: x } }',
    path: 'closedWindows.w.ends',
    found: /"2026-12-26T00:00:00Z"/,
    accepted: /more than starts/,
  },
  {
    change:
      'closedWindows: { w: { starts: 2026-12-26T00:00:00Z, ends: 2026-12-27T00:00:00Z, reason: x, workloads: [web, wab] } }',
    path: 'closedWindows.w.workloads.1',
    found: /"wab"/,
    accepted: /did you mean web\?/,
  },
  {
    change: 'notifications: { n: { kind: slack, urlFromEnv: https://hooks.slack.com/x } }',
    path: 'notifications.n.urlFromEnv',
    found: /hooks/,
    accepted: /environment variable/,
  },
  {
    change:
      'decisionMatrix: { workload: web, loadMetric: cpu, latencyMetric: cpu, rows: [{ load: { to: 50 }, action: none, source: added }] }',
    path: 'decisionMatrix.rows',
    found: /no row for load from 50 and latency from 0/,
    accepted: /a row for each/,
  },
  {
    change:
      'decisionMatrix: { workload: web, loadMetric: cpu, latencyMetric: cpu, rows: [{ action: none, source: added }, { load: { from: 5 }, action: scaleUp, source: added }] }',
    path: 'decisionMatrix.rows.1',
    found: /earlier rows always precede/,
    accepted: /first to match/,
  },
  {
    change:
      'decisionMatrix: { workload: web, loadMetric: cpu, latencyMetric: cpu, rows: [{ load: { from: 6, to: 5 }, action: none, source: added }] }',
    path: 'decisionMatrix.rows.0.load.to',
    found: /5/,
    accepted: /more than from, which is 6/,
  },
];

describe('finding faults', () => {
  for (const { change, path, found, accepted } of FAULTS) {
    it(`names ${path} in ${change.replaceAll(/\s+/g, ' ').slice(0, 70)}`, () => {
      const faults = faultsOf(SMALLEST, change);
      const fault = faults.find((one) => one.path === path && found.test(one.found) && accepted.test(one.accepted));
      assert.ok(fault !== undefined, `not named:\n${formatFaults(faults)}`);
      assert.match(fault.where ?? '', /^[01]\.yaml:\d+$/);
    });
  }

  it('names all of them at once', () => {
    const faults = faultsOf(`
clustr: {}
cluster: {}
prometheus: { url: prometheus }
workloads:
  web: { namespace: Shop, kind: Pod, limits: { min: 5, max: 3 }, load: { cpu: { query: "sum(", unit: "%", scaleUpAbove: 10, scaleDownBelow: 20 } } }
  a.b: { namespace: 7 }
preScale: { lead: 30, quiet: { step: 20m, evry: 5s } }
triggers: { t: { workload: wep, metric: cpu, for: "30", pods: x, cooldown: 1m } }
alertRules: { A: { procedure: emergencyScaleUp, workload: tensafe } }
`);
    assert.deepEqual(
      faults.map(({ path }) => path).toSorted(),
      [
        'alertRules.A.workload',
        'cluster.name',
        'clustr',
        'preScale.lead',
        'preScale.quiet.evry',
        'preScale.quiet.step',
        'prometheus.url',
        'triggers.t',
        'triggers.t.for',
        'triggers.t.pods',
        'triggers.t.workload',
        'workloads."a.b"',
        'workloads."a.b".kind',
        'workloads."a.b".limits',
        'workloads."a.b".namespace',
        'workloads.web.kind',
        'workloads.web.limits.max',
        'workloads.web.load.cpu.query',
        'workloads.web.load.cpu.scaleDownBelow',
        'workloads.web.namespace',
      ].toSorted(),
    );
    assert.deepEqual(
      faults.map(({ where }) => Number(where?.split(':')[1])),
      faults.map(({ where }) => Number(where?.split(':')[1])).toSorted((a, b) => a - b),
      'from the top of the file to its end',
    );
  });

  it('names a key that stands twice in a list by its place', () => {
    const text = 'decisionMatrix: { rows: [{ load: { from: 1, from: 2 } }] }';
    assert.ok(
      faultsOf(SMALLEST, text).some(
        ({ path, found }) => path === 'decisionMatrix.rows.0.load.from' && /second time/.test(found),
      ),
    );
  });

  it('names a key that stands twice, with both lines, and judges the rest', () => {
    const faults = faultsOf(`${SMALLEST}  web: { namespace: shop, kind: Job, limits: { min: 1, max: 2 } }\n`);
    assert.deepEqual(
      faults.map(({ path, where }) => [path, where]),
      [
        ['workloads.web', '0.yaml:11'],
        ['workloads.web.kind', '0.yaml:11'],
      ],
    );
    assert.match(faults[0]?.found ?? '', /second time \(first on line 5\)/);
  });

  it('gives line and column of broken YAML, in every file', () => {
    const faults = faultsOf('a: [1', 'b: "x', 'c: !tag x', 'd: *nowhere', 'e: 1\n---\nf: 2', 'g: &g { h: [*g] }');
    for (const name of ['0', '1', '2', '3', '4', '5']) {
      assert.ok(
        faults.some(
          ({ where, found }) => new RegExp(`^${name}\\.yaml:\\d+:\\d+$`).test(where ?? '') && /broken YAML/.test(found),
        ),
        name,
      );
    }
  });

  it('refuses aliases that multiply beyond reason', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [name, below] of ['ba', 'cb', 'dc', 'ed'])
      lines.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${below}`).join(', ')}]`);
    assert.match(faultsOf(lines.join('\n'))[0]?.found ?? '', /broken YAML/);
  });

  it('says of an empty file which sections are missing', () => {
    assert.deepEqual(
      faultsOf('')
        .map(({ path }) => path)
        .toSorted(),
      ['cluster', 'prometheus', 'workloads'],
    );
    assert.match(faultsOf('just words')[0]?.accepted ?? '', /^a map of cluster, prometheus, workloads/);
  });

  it('writes one fault a line', () => {
    const faults = faultsOf(SMALLEST, 'cluster: { name: "\\n\\n" }\nworkloads: { "a\\nb": 1 }');
    assert.ok(faults.length > 2);
    assert.equal(formatFaults(faults).split('\n').length, faults.length);
  });
});

/** Faults that stand in no need of another section's values; a pair from different sections is independent. */
const INDEPENDENT = FAULTS.filter(({ change, path }) => !change.includes('\n') && !path.includes('keda.limits'));

describe('any input', () => {
  it('of two independent faults loses neither', () => {
    const pair = fc.tuple(fc.constantFrom(...INDEPENDENT), fc.constantFrom(...INDEPENDENT));
    fc.assert(
      fc.property(pair, ([one, two]) => {
        const [first, second] = [Object.keys(asMap(one.change)), Object.keys(asMap(two.change))];
        // a section that one replaces by something else leaves the other nothing to be wrong in
        fc.pre(first[0] !== second[0]);
        fc.pre(![one, two].some(({ change }) => change === 'workloads: []'));
        const paths = faultsOf(SMALLEST, one.change, two.change).map(({ path }) => path);
        assert.ok(paths.includes(one.path) && paths.includes(two.path), paths.join(' '));
      }),
      { numRuns: tries(400) },
    );
  });

  it('gives a policy or faults, never anything thrown', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.jsonValue().map((value) => stringify(value)),
          ),
          { maxLength: 3 },
        ),
        gives,
      ),
      { numRuns: tries(300) },
    );
  });

  it('gives a policy or faults when any value of the example is any other', () => {
    const places = pathsOf(parse(shipped.text));
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 }), (place, value) => {
        gives([stringify(replaced(parse(shipped.text), place, value))]);
      }),
      { numRuns: tries(100) },
    );
  });

  it('makes loading throw PolicyError and nothing else, with every file that cannot be read', async () => {
    await assert.rejects(loadPolicy(['nowhere.yaml', 'examples']), (error) => {
      assert.ok(error instanceof PolicyError);
      assert.deepEqual(
        error.faults.map(({ where }) => where),
        ['nowhere.yaml', 'examples'],
      );
      assert.match(error.message, /^the configuration has 2 faults:\nnowhere\.yaml: found no such file/);
      return true;
    });
    await assert.rejects(loadPolicy([]), PolicyError);
    await assert.rejects(loadPolicy(['a\0b']), PolicyError);
  });
});

function gives(texts: readonly string[]): void {
  const reading = readPolicy(texts.map((text, i) => ({ name: `${i}.yaml`, text })));
  if (reading.kind === 'faults') assert.ok(reading.faults.length > 0 && formatFaults(reading.faults).length > 0);
}

function asMap(text: string): object {
  const data: unknown = parse(text);
  return typeof data === 'object' && data !== null ? data : {};
}

function pathsOf(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([name, below]) => pathsOf(below, [...at, name]))];
}

function replaced(value: unknown, [step, ...rest]: readonly string[], by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value))
    return value.map((item: unknown, i) => (String(i) === step ? replaced(item, rest, by) : item));
  return Object.fromEntries(
    Object.entries(Object(value)).map(([name, below]) => [name, name === step ? replaced(below, rest, by) : below]),
  );
}

describe('a query', () => {
  const cases = [
    ['sum(rate(a{b="("}[5m])) # )', undefined],
    ["label_replace(a, 'x', '$1', \"y\", `(.*)`)", undefined],
    ['a{b="\\""}', undefined],
    ['', 'an empty query'],
    ['# only a comment', 'an empty query'],
    ['sum(a', 'a query without its closing )'],
    ['a{b="c"', 'a query without its closing }'],
    ['a[5m', 'a query without its closing ]'],
    ['a)', 'a query with a ) that closes nothing'],
    ['(a]', 'a query with a ] that closes nothing'],
    ['a{b="c}', 'a query with an open "'],
  ] as const;
  for (const [query, fault] of cases)
    it(`${fault ?? 'is fine'}: ${query}`, () => assert.equal(judgePromql(query), fault));
});

describe('each value', () => {
  const leaves = policyLeaves();

  it('is read now or names the procedure that will read it, and not both', () => {
    const now = VALUES_READ_NOW.map(({ path }) => path);
    assert.equal(new Set(now).size, now.length);
    assert.deepEqual(
      leaves
        .filter(({ readLaterBy }) => readLaterBy === undefined)
        .map(({ path }) => path)
        .toSorted(),
      now.toSorted(),
    );
  });

  it('says what it is and what it accepts', () => {
    assert.deepEqual(
      leaves.filter(({ accepted, description }) => accepted === undefined || description === undefined),
      [],
    );
    assert.equal(new Set(leaves.map(({ path }) => path)).size, leaves.length);
  });

  it('of those read now changes what is read when it is changed', () => {
    assert.deepEqual(Object.keys(POLICY_CHANGES).toSorted(), VALUES_READ_NOW.map(({ path }) => path).toSorted());
    const before = policyOf(shipped.text);
    for (const [path, overlay] of Object.entries(POLICY_CHANGES)) {
      assert.notDeepEqual(policyOf(shipped.text, overlay), before, path);
    }
  });

  it('has a place in the example, unless the runbook has none for it', () => {
    const withoutExample = [
      'cluster.eks',
      'workloads.*.object',
      'workloads.*.stateful',
      'workloads.*.container',
      'alertRules.*.match',
      'nodeGroups.*.capacityBlockEnds',
      'closedWindows.*',
      'notifications.*',
    ];
    const places = new Set(pathsOf(parse(shipped.text)).map((place) => place.join('.')));
    const patterns = leaves.filter(({ path }) => !withoutExample.some((start) => path.startsWith(start)));
    for (const { path } of patterns) {
      const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`);
      assert.ok(
        [...places].some((place) => pattern.test(place)),
        path,
      );
    }
  });

  it('stands in docs/configuration.md as the schema has it (UPDATE_SCHEMA=1 writes it)', async () => {
    const path = 'docs/configuration.md';
    const [before, , after] = (await readFile(path, 'utf8')).split(/<!-- (?:reference|end of reference) -->\n/);
    const wanted = `\n${referenceTable()}\n\n`;
    if (process.env['UPDATE_SCHEMA'] === '1') {
      await writeFile(path, `${before}<!-- reference -->\n${wanted}<!-- end of reference -->\n${after}`);
    }
    const [, written] = (await readFile(path, 'utf8')).split(/<!-- (?:reference|end of reference) -->\n/);
    assert.deepEqual(rowsOf(written ?? ''), rowsOf(wanted));
  });
});

function referenceTable(): string {
  const rows = policyLeaves().map(({ path, description = '', accepted = '', fallback, readLaterBy }) => {
    const reader = VALUES_READ_NOW.find((value) => value.path === path)?.readBy ?? `later: \`${readLaterBy}\``;
    return [
      `\`${path}\``,
      description,
      accepted,
      fallback === undefined ? '' : `\`${JSON.stringify(fallback).replaceAll('"', '')}\``,
      reader,
    ];
  });
  const head = ['value', 'what it is', 'accepted', 'default', 'read by'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Cells without the blanks that line them up. */
function rowsOf(markdown: string): readonly string[] {
  const rows = markdown.split('\n').filter((line) => line.startsWith('|') && !/^[|\s-]+$/.test(line));
  return rows.map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .join('|'),
  );
}

function validator(of: 'file' | 'overlay') {
  return new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).compile(policyJsonSchema(of));
}

describe('the JSON Schema', () => {
  const files = [
    ['file', 'docs/headroom.schema.json'],
    ['overlay', 'docs/headroom.overlay.schema.json'],
  ] as const;
  for (const [of, path] of files) {
    it(`for the ${of} is exported as it is (UPDATE_SCHEMA=1 writes it)`, async () => {
      const wanted = `${JSON.stringify(policyJsonSchema(of), undefined, 2)}\n`;
      if (process.env['UPDATE_SCHEMA'] === '1') await writeFile(path, wanted);
      assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), JSON.parse(wanted));
    });
  }

  it('accepts the shipped files and the smallest one', () => {
    const [file, overlay] = [validator('file'), validator('overlay')];
    for (const text of [shipped.text, SMALLEST]) assert.ok(file(parse(text)), JSON.stringify(file.errors));
    for (const text of [demo.text, ...Object.values(POLICY_CHANGES)])
      assert.ok(overlay(parse(text)), JSON.stringify(overlay.errors));
    assert.ok(!file(parse(demo.text)), 'an overlay is no whole file');
  });

  it('refuses, in the editor already, what has the wrong shape', () => {
    const overlay = validator('overlay');
    const shape = [
      'clustr: {}',
      'preScale: { lead: 30 }',
      'preScale: { lead: "30" }',
      'windDown: { percent: 0 }',
      'approval: { preScale: sometimes }',
      'workloads: { a.b: {} }',
    ];
    for (const text of shape) assert.ok(!overlay(parse(text)), text);
  });

  it('is named in the first line of each shipped file', () => {
    assert.match(shipped.text, /^# yaml-language-server: \$schema=\.\.\/\.\.\/docs\/headroom\.schema\.json\n/);
    assert.match(demo.text, /^# yaml-language-server: \$schema=\.\.\/\.\.\/docs\/headroom\.overlay\.schema\.json\n/);
  });
});

describe('resolving the policy of a run', () => {
  it('gives what a run on the workload uses', () => {
    const policy = policyOf(shipped.text);
    const resolved = resolvePolicy(policy, 'tensafe-server');
    assert.ok(!('unknown' in resolved));
    assert.equal(resolved.workload, policy.workloads['tensafe-server']);
    assert.equal(resolved.pricePerPodHour, 0.2);
    assert.equal(resolved.currency, 'USD');
  });

  it('of an unknown workload gives the known ones, sorted', () => {
    const known = ['tensafe-postgresql', 'tensafe-redis', 'tensafe-server', 'tensafe-training-worker'];
    assert.deepEqual(resolvePolicy(policyOf(shipped.text), 'tensafe'), { unknown: 'tensafe', known });
    assert.deepEqual(resolvePolicy(policyOf(shipped.text), 'constructor'), { unknown: 'constructor', known });
  });
});

describe('the decision matrix of the example', () => {
  const matrix = policyOf(shipped.text).decisionMatrix ?? assert.fail();

  it('has one answer for each load and latency', () => {
    const number = fc.double({ min: 0, max: 1000, noNaN: true });
    fc.assert(fc.property(number, number, (load, latency) => readMatrix(matrix, load, latency) !== undefined));
  });

  const cases = [
    [0, 0, 'considerScalingDown'],
    [49.9, 49.9, 'considerScalingDown'],
    [49.9, 50, 'none'],
    [49.9, 100, 'investigate'],
    [50, 99.9, 'none'],
    [69.9, 150, 'investigate'],
    [70, 99.9, 'preScale'],
    [70, 100, 'scaleUp'],
    [85, 0, 'scaleUp'],
    [85, 100, 'scaleUp'],
    [10, 200, 'emergencyScaleUp'],
    [99, 1000, 'emergencyScaleUp'],
  ] as const;
  for (const [load, latency, action] of cases) {
    it(`says ${action} at ${load} % and ${latency} ms`, () => assert.equal(readMatrix(matrix, load, latency), action));
  }
});
