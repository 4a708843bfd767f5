import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadPolicy } from '../../adapters/policy-file.ts';

/** The example's ScaledObject says what its policy says, and nothing of the runbook that has no effect or the wrong one. */
const manifest = parse(
  await readFile('examples/tensafe/manifests/keda/tensafe-scaledobject.yaml', 'utf8'),
) as ScaledObject;
const hpa = parse(await readFile('examples/tensafe/manifests/tensafe-hpa.yaml', 'utf8')) as {
  readonly spec: { readonly behavior: object };
};
const policy = await loadPolicy(['examples/tensafe/headroom.yaml']);

interface ScaledObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly scaleTargetRef: { readonly name: string };
    readonly minReplicaCount: number;
    readonly maxReplicaCount: number;
    readonly cooldownPeriod?: number;
    readonly advanced: { readonly horizontalPodAutoscalerConfig: { readonly behavior: object } };
    readonly triggers: readonly {
      readonly name: string;
      readonly metricType: string;
      readonly metadata: Readonly<Record<string, string>>;
    }[];
  };
}

const words = (query = ''): string => query.replaceAll(/\s+/g, ' ').trim();

describe('the ScaledObject of the TenSafe example', () => {
  const { spec, metadata } = manifest;
  const autoscaler = policy.autoscaler?.['tensafe-server'];
  const keda = autoscaler?.keda ?? assert.fail('the policy has no keda');

  it('has the policy’s name and limits, and the HPA’s behaviour', () => {
    assert.deepEqual([metadata.name, metadata.namespace], [keda.object, 'tensafe']);
    assert.deepEqual({ min: spec.minReplicaCount, max: spec.maxReplicaCount }, keda.limits);
    assert.deepEqual(spec.advanced.horizontalPodAutoscalerConfig.behavior, hpa.spec.behavior);
  });

  for (const [name, trigger] of Object.entries(keda.triggers)) {
    it(`has the policy’s trigger ${name}, and takes no data for no reason to scale in`, () => {
      const found = spec.triggers.find((one) => one.name === name);
      assert.equal(found?.metricType, trigger.metricType);
      assert.equal(Number(found.metadata['threshold']), trigger.threshold);
      assert.ok(words(found.metadata['query']).includes(words(trigger.query)), words(found.metadata['query']));
      assert.equal(found.metadata['ignoreNullValues'], 'false');
    });
  }

  it('has none of the runbook’s settings that do nothing: no cooldown above 0 replicas, no metricName', () => {
    assert.equal(spec.triggers.length, Object.keys(keda.triggers).length);
    assert.equal(spec.cooldownPeriod, undefined);
    for (const trigger of spec.triggers) assert.equal(trigger.metadata['metricName'], undefined);
  });
});
