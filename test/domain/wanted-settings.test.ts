import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadPolicy } from '../../adapters/policy-file.ts';
import type { AutoscalerPolicy } from '../../domain/policy.ts';
import { changesBetween, describeChanges, type Spec } from '../../domain/settings.ts';
import { calmed, configured } from '../../domain/wanted-settings.ts';

const manifest = async (path: string) =>
  (parse(await readFile(`examples/tensafe/manifests/${path}`, 'utf8')) as { readonly spec: Spec }).spec;
const hpa = await manifest('tensafe-hpa.yaml');
const scaledObject = await manifest('keda/tensafe-scaledobject.yaml');
const example = (await loadPolicy(['examples/tensafe/headroom.yaml'])).autoscaler['tensafe-server'];
assert.ok(example?.hpa !== undefined && example.keda !== undefined);
const { hpa: hpaPolicy, keda: kedaPolicy } = example;

const asHpa = (change: Partial<typeof hpaPolicy>): AutoscalerPolicy => ({
  use: 'hpa',
  hpa: { ...hpaPolicy, ...change },
});
const asKeda = (change: Partial<typeof kedaPolicy>): AutoscalerPolicy => ({
  use: 'keda',
  keda: { ...kedaPolicy, ...change },
});
const differences = (before: Spec, wanted: Spec) => describeChanges(changesBetween(before, wanted));

describe('the spec that the policy wants', () => {
  it('of the example’s HPA is the one of its manifest, but for a default that is said', () => {
    const { spec, faults } = configured('horizontalPodAutoscaler', hpa, example);
    assert.deepEqual(faults, []);
    assert.deepEqual(differences(hpa, spec), ['behavior.scaleDown.selectPolicy: absent -> "Max"']);
  });

  it('of the example’s ScaledObject adds what the manifest leaves to KEDA, and leaves its queries', () => {
    const { spec, faults, warnings } = configured('scaledObject', scaledObject, example);
    assert.deepEqual([faults, warnings], [[], []]);
    assert.deepEqual(differences(scaledObject, spec), [
      'advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.selectPolicy: absent -> "Max"',
      'pollingInterval: absent -> 15',
      'cooldownPeriod: absent -> 60',
    ]);
  });

  const rows: readonly (readonly [what: string, kind: 'hpa' | 'keda', policy: AutoscalerPolicy, line: string])[] = [
    ['the minimum', 'hpa', asHpa({ limits: { min: 4, max: 20 } }), 'minReplicas: 3 -> 4'],
    ['the maximum', 'hpa', asHpa({ limits: { min: 3, max: 25 } }), 'maxReplicas: 20 -> 25'],
    ['a utilisation', 'hpa', asHpa({ cpuUtilisation: 60 }), 'metrics.cpu.resource.target.averageUtilization: 70 -> 60'],
    [
      'the stabilisation',
      'hpa',
      asHpa({ scaleDown: { ...hpaPolicy.scaleDown, stabilisationMs: 600_000 } }),
      'behavior.scaleDown.stabilizationWindowSeconds: 300 -> 600',
    ],
    [
      'which rule holds',
      'hpa',
      asHpa({ scaleUp: { ...hpaPolicy.scaleUp, select: 'Min' } }),
      'behavior.scaleUp.selectPolicy: "Max" -> "Min"',
    ],
    ['the minimum', 'keda', asKeda({ limits: { min: 4, max: 50 } }), 'minReplicaCount: 3 -> 4'],
    ['the maximum', 'keda', asKeda({ limits: { min: 3, max: 40 } }), 'maxReplicaCount: 50 -> 40'],
    ['the polling', 'keda', asKeda({ pollingMs: 30_000 }), 'pollingInterval: absent -> 30'],
    ['the cooldown', 'keda', asKeda({ cooldownMs: 0 }), 'cooldownPeriod: absent -> 0'],
    [
      'a threshold',
      'keda',
      asKeda({
        triggers: {
          ...kedaPolicy.triggers,
          'queue-depth': { query: 'sum(tensafe_request_queue_depth', threshold: 40, metricType: 'AverageValue' },
        },
      }),
      'triggers.queue-depth.metadata.threshold: "50" -> "40"',
    ],
    [
      'the behaviour of KEDA’s HPA',
      'keda',
      asKeda({ scaleDown: { ...hpaPolicy.scaleDown, stabilisationMs: 600_000 } }),
      'advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds: 300 -> 600',
    ],
  ];
  for (const [what, kind, policy, line] of rows)
    it(`has ${what} of the policy (${kind})`, () => {
      const [of, before] =
        kind === 'hpa' ? (['horizontalPodAutoscaler', hpa] as const) : (['scaledObject', scaledObject] as const);
      const { spec, faults } = configured(of, before, policy);
      assert.deepEqual(faults, []);
      assert.ok(differences(before, spec).includes(line), differences(before, spec).join('\n'));
    });

  it('leaves a tolerance, a fallback and a metric of another kind alone', () => {
    const pods = {
      type: 'Pods',
      pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '1k' } },
    };
    const behavior = { scaleUp: { tolerance: '0.05' }, scaleDown: {} };
    const { spec } = configured('horizontalPodAutoscaler', { ...hpa, metrics: [pods], behavior }, example);
    assert.deepEqual((spec['metrics'] as readonly unknown[])[0], pods);
    assert.equal((spec['behavior'] as { readonly scaleUp: Spec }).scaleUp['tolerance'], '0.05');
    const fallback = { failureThreshold: 3, replicas: 6 };
    assert.deepEqual(configured('scaledObject', { ...scaledObject, fallback }, example).spec['fallback'], fallback);
  });

  it('keeps a threshold that says the same in other letters', () => {
    const trigger = { type: 'prometheus', name: 'queue-depth', metadata: { threshold: '50.0', query: 'x' } };
    const { spec } = configured('scaledObject', { triggers: [trigger] }, asKeda({}));
    assert.deepEqual(spec['triggers'], [trigger]);
  });

  it('names every fault at once', () => {
    const policy = asKeda({
      pollingMs: 1500,
      scaleDown: {
        stabilisationMs: 7_200_000,
        select: 'Max',
        policies: [{ type: 'Pods', value: 1, periodMs: 3_600_000 }],
      },
      triggers: { ...kedaPolicy.triggers, more: { query: 'x', threshold: 1, metricType: 'Value' } },
    });
    const { faults } = configured('scaledObject', { ...scaledObject, idleReplicaCount: 3 }, policy);
    assert.deepEqual(
      faults.map((fault) => fault.split(/ is |, | has no /)[0]),
      [
        'keda.polling',
        'keda.scaleDown.stabilisation',
        'keda.scaleDown.policies.0.period',
        'its idleReplicaCount',
        'it',
      ],
    );
    assert.match(faults.at(-1) ?? '', /no trigger named more; it has p95-latency, queue-depth/);
  });

  it('warns of a query that is another one', () => {
    const other = {
      triggers: { 'queue-depth': { query: 'sum(other)', threshold: 50, metricType: 'AverageValue' as const } },
    };
    assert.match(
      configured('scaledObject', scaledObject, asKeda(other)).warnings.join(),
      /trigger queue-depth is not that/,
    );
  });
});

describe('the spec of a calmer count', () => {
  const path = 'behavior.scaleDown.stabilizationWindowSeconds';
  it('differs in the stabilisation of the scale-in alone', () => {
    assert.deepEqual(differences(hpa, calmed('horizontalPodAutoscaler', hpa, 600_000).spec), [`${path}: 300 -> 600`]);
    assert.deepEqual(differences(scaledObject, calmed('scaledObject', scaledObject, 600_000).spec), [
      `advanced.horizontalPodAutoscalerConfig.${path}: 300 -> 600`,
    ]);
  });
  it('says it whole where nothing was said', () => {
    const { spec, stabilisedMs } = calmed('horizontalPodAutoscaler', { maxReplicas: 5 }, 600_000);
    assert.equal(stabilisedMs, 300_000);
    assert.deepEqual(Object.keys(spec['behavior'] as object), ['scaleUp', 'scaleDown']);
    assert.deepEqual(calmed('scaledObject', {}, 600_000).spec, {
      advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 600 } } } },
    });
  });
  it('is the owner’s where that is as long already', () => {
    for (const ms of [60_000, 300_000]) assert.equal(calmed('horizontalPodAutoscaler', hpa, ms).spec, hpa);
  });
  it('is refused above what Kubernetes takes', () => {
    assert.match(calmed('horizontalPodAutoscaler', hpa, 7_200_000).faults.join(), /at most 60m/);
  });
});
