import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planConfiguration, type ConfigurationFacts, type ConfigurationRequest } from '../../domain/configuration.ts';
import { readConfigurationRequest } from '../../domain/configuration-request.ts';
import { settingsFaults } from '../../domain/configuration-verdict.ts';
import type { AutoscalerPolicy, ResolvedAutoscaler } from '../../domain/policy.ts';
import type { ObservedAutoscaler } from '../../domain/scaling-facts.ts';
import type { Governor, WorkloadState } from '../../domain/workload.ts';
import { aGovernor, aState } from './availability-builders.ts';
import { anHpa, aScaledObject, condition, governorOf } from './scaling-builders.ts';

const behaviour = {
  stabilisationMs: 600_000,
  select: 'Max',
  policies: [{ type: 'Pods', value: 1, periodMs: 60_000 }],
} as const;
const AS_HPA: AutoscalerPolicy = {
  use: 'hpa',
  hpa: { object: 'web-hpa', limits: { min: 4, max: 12 }, scaleDown: behaviour, scaleUp: behaviour },
};
const AS_KEDA: AutoscalerPolicy = {
  use: 'keda',
  keda: { object: 'web-so', limits: { min: 4, max: 12 }, pollingMs: 15_000, cooldownMs: 60_000, triggers: {} },
};

function aPlanOf({
  request = {},
  autoscaler = AS_HPA,
  observed = anHpa(),
  governor = {},
  state = {},
  refuse,
}: {
  readonly request?: Partial<ConfigurationRequest>;
  readonly autoscaler?: AutoscalerPolicy | null;
  readonly observed?: ObservedAutoscaler;
  readonly governor?: Partial<Governor>;
  readonly state?: Partial<WorkloadState>;
  readonly refuse?: string;
} = {}) {
  const policy = {
    cluster: 'prod',
    workload: { name: 'web', limits: { min: 2, max: 20 }, ...(refuse !== undefined && { refuse }) },
  };
  return planConfiguration({
    request: { workload: 'web', what: 'policy', requestedBy: 'kim', ...request },
    resolved: { policy, ...(autoscaler !== null && { autoscaler }) } as unknown as ResolvedAutoscaler,
    facts: {
      state: aState({ wantedReplicas: 4, autoscalers: [governorOf(observed, governor)], ...state }),
      autoscalers: [observed],
    },
    untilMs: null,
  });
}
function reasonsOf(given: Parameters<typeof aPlanOf>[0]): string {
  const decision = aPlanOf(given);
  assert.equal(decision.kind, 'refuse', JSON.stringify(decision));
  return 'reasons' in decision ? decision.reasons.join('\n') : '';
}
const argo = { tool: 'argoCd', name: 'shop', evidence: 'label argocd.argoproj.io/instance' } as const;
const helm = { tool: 'helm', name: 'shop', evidence: 'field manager helm' } as const;

describe('planning a change of an autoscaler’s configuration', () => {
  it('says every value that it changes, on the object that governs', () => {
    const decision = aPlanOf();
    assert.equal(decision.kind, 'plan');
    assert.ok(decision.kind === 'plan');
    const { governor, differences } = decision.plan;
    assert.deepEqual(governor, { kind: 'horizontalPodAutoscaler', name: 'web-hpa', uid: 'hpa-1' });
    assert.deepEqual(differences.slice(0, 2), ['minReplicas: 3 -> 4', 'maxReplicas: 10 -> 12']);
    assert.ok(differences.includes('behavior.scaleDown.stabilizationWindowSeconds: absent -> 600'), differences.join());
  });

  it('notes what was wrong before, which it does not have to answer for', () => {
    const conditions = [condition('ScalingActive', 'False', 'FailedGet'), condition('AbleToScale', 'True')];
    const decision = aPlanOf({ observed: anHpa({ conditions }) });
    assert.ok(decision.kind === 'plan');
    assert.deepEqual(decision.plan.ailing, ['ScalingActive']);
  });

  it('is not needed where it is so already', () => {
    const decision = aPlanOf({
      autoscaler: AS_KEDA,
      observed: aScaledObject({
        spec: { minReplicaCount: 4, maxReplicaCount: 12, pollingInterval: 15, cooldownPeriod: 60, triggers: [] },
      }),
    });
    assert.deepEqual(decision, {
      kind: 'not needed',
      reasons: ['ScaledObject shop/web-so is as headroom.yaml has it'],
    });
    const calm = aPlanOf({
      request: { what: 'calm', stabilisationMs: 300_000, forMs: 1 },
      observed: anHpa({ spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 300 } } } }),
    });
    assert.ok(calm.kind === 'not needed' && /over 5m already/.test(calm.reasons.join()), JSON.stringify(calm));
  });

  const rows: readonly (readonly [what: string, given: Parameters<typeof aPlanOf>[0], why: RegExp])[] = [
    [
      'two autoscalers',
      { state: { autoscalers: [governorOf(anHpa()), governorOf(aScaledObject())] } },
      /2 autoscalers target web.*web-hpa and .*web-so/,
    ],
    ['no autoscaler', { state: { autoscalers: [] } }, /has no autoscaler: there is nothing/],
    ['a configuration that nobody wrote', { autoscaler: null }, /describe it under autoscaler.web/],
    [
      'an HPA where KEDA is described',
      { autoscaler: AS_KEDA },
      /governed by HorizontalPodAutoscaler shop\/web-hpa, and headroom.yaml describes ScaledObject shop\/web-so/,
    ],
    [
      'a ScaledObject where an HPA is described',
      { observed: aScaledObject() },
      /governed by ScaledObject shop\/web-so, and headroom.yaml describes HorizontalPodAutoscaler/,
    ],
    [
      'an HPA of another name',
      { observed: anHpa({ name: 'other' }) },
      /governed by HorizontalPodAutoscaler shop\/other/,
    ],
    [
      'a manifest of Argo CD',
      { governor: { gitOps: argo } },
      /managed by Argo CD application shop \(label argocd.*change it in its manifest/,
    ],
    ['a chart of Helm, for good', { governor: { gitOps: helm } }, /managed by Helm release shop/],
    ['a manifest of Argo CD, for a time', { governor: { gitOps: argo }, request: { forMs: 1 } }, /managed by Argo CD/],
    ['a workload that policy refuses', { refuse: 'it is a database' }, /it is a database/],
    ['an annotation that keeps headroom away', { governor: { ignored: true } }, /headroom.dev\/ignore=true/],
    [
      'somebody’s pause',
      { observed: aScaledObject(), autoscaler: AS_KEDA, governor: { autoscaler: { paused: 'x=true' } } },
      /paused by x=true/,
    ],
    ['marks that cannot be read', { governor: { marks: { baseline: 'x' } } }, /headroom.dev\/baseline cannot be read/],
    [
      'a calmer count of an unknown length',
      { autoscaler: null, request: { what: 'calm', forMs: 1 } },
      /give --stabilisation/,
    ],
    [
      'an idle count over the minimum',
      { autoscaler: AS_KEDA, observed: aScaledObject({ spec: { idleReplicaCount: 4 } }) },
      /idleReplicaCount is 4/,
    ],
  ];
  for (const [what, given, why] of rows)
    it(`is refused for ${what}`, () => {
      assert.match(reasonsOf(given), why);
    });

  it('names all that is against it at once', () => {
    const reasons = reasonsOf({
      refuse: 'moved',
      observed: aScaledObject({ spec: { idleReplicaCount: 9 } }),
      governor: { gitOps: argo, ignored: true },
      autoscaler: { ...AS_HPA, ...AS_KEDA, keda: { ...AS_KEDA.keda, object: 'other' } as never },
    });
    for (const why of [/moved/, /ignore=true/, /Argo CD/, /describes ScaledObject shop\/other/, /idleReplicaCount/])
      assert.match(reasons, why);
  });

  it('warns of Helm where it ends by itself, of pods that go, and of a hold', () => {
    const warnings = (given: Parameters<typeof aPlanOf>[0]) => {
      const decision = aPlanOf(given);
      return decision.kind === 'plan' ? decision.plan.warnings.join('\n') : assert.fail(JSON.stringify(decision));
    };
    assert.match(
      warnings({ governor: { gitOps: helm }, request: { forMs: 1 } }),
      /its next upgrade or rollback ends this/,
    );
    assert.match(warnings({ state: { wantedReplicas: 14 } }), /14 pods run: what is above the new maximum of 12 goes/);
    assert.equal(warnings({}), '');
    const baseline = JSON.stringify({ uid: 'hpa-1', replicas: 3, fields: { floor: { was: 3, set: 8 } } });
    const held = { observed: anHpa({ fields: { floor: 8, ceiling: 10 }, spec: { minReplicas: 8, maxReplicas: 10 } }) };
    assert.match(warnings({ ...held, governor: { marks: { baseline } } }), /it is held/);
  });

  it('is of the owner’s values while a hold lives, and refused for a field that somebody changed under it', () => {
    const baseline = JSON.stringify({ uid: 'hpa-1', replicas: 3, fields: { floor: { was: 3, set: 8 } } });
    const held = (floor: number) => ({
      observed: anHpa({ fields: { floor, ceiling: 10 }, spec: { minReplicas: floor, maxReplicas: 10 } }),
      governor: { marks: { baseline } },
    });
    const decision = aPlanOf(held(8));
    assert.ok(decision.kind === 'plan' && decision.plan.differences.includes('minReplicas: 3 -> 4'));
    assert.match(reasonsOf(held(6)), /minReplicas is held, and somebody else has set it to 6 meanwhile/);
  });
});

describe('a request for it that was typed by hand', () => {
  it('is read whole', () => {
    const request = { workload: 'web', what: 'calm', stabilisationMs: 600_000, forMs: 1, requestedBy: 'kim' };
    assert.deepEqual(readConfigurationRequest(request), { request, faults: [] });
  });
  const rows: readonly (readonly [what: unknown, faults: readonly RegExp[]])[] = [
    [undefined, [/the input is missing/]],
    [{ what: 'calm', forMs: -1 }, [/workload is missing/, /requestedBy is missing/, /forMs is -1/]],
    [{ workload: 'web', requestedBy: 'kim', what: 'calm' }, [/forMs is missing; give how long/]],
    [
      { workload: 'web', requestedBy: 'kim', what: 'policy', stabilisationMs: 1 },
      [/stabilisationMs is of "calm" alone/],
    ],
  ];
  for (const [input, wanted] of rows)
    it(`${JSON.stringify(input)} is refused with all its faults`, () => {
      const { faults } = readConfigurationRequest(input);
      for (const fault of wanted)
        assert.ok(
          faults.some((one) => fault.test(one)),
          faults.join('\n'),
        );
      assert.equal(faults.length, wanted.length);
    });
});

describe('seeing whether new settings work', () => {
  const governor = { kind: 'scaledObject', name: 'web-so', uid: 'so-1' } as const;
  const triggers = [{ name: 'queue', type: 'prometheus', metadata: { threshold: '0.1' } }];
  const behavior = { scaleDown: { stabilizationWindowSeconds: 600, selectPolicy: 'Max' } };
  const spec = {
    minReplicaCount: 0,
    maxReplicaCount: 12,
    triggers,
    advanced: { horizontalPodAutoscalerConfig: { behavior } },
  };
  const metrics = [
    { type: 'External', external: { metric: { name: 's0-prometheus' }, target: { type: 'Value', value: '100m' } } },
  ];
  const made = (change: object = {}, of: Partial<ObservedAutoscaler> = {}) =>
    anHpa({
      uid: 'made',
      name: 'keda-hpa-web',
      madeFor: 'web-so',
      spec: { minReplicas: 1, maxReplicas: 12, behavior: { ...behavior, scaleUp: {} }, metrics, ...change },
      ...of,
    });
  const facts = (hpa: ObservedAutoscaler | undefined, of: Partial<ObservedAutoscaler> = {}): ConfigurationFacts => {
    const observed = aScaledObject({ spec, ...of });
    const state = aState({ autoscalers: [governorOf(observed)], self: aGovernor() });
    return { state, autoscalers: [observed, ...(hpa === undefined ? [] : [hpa])] };
  };
  const plan = { governor, changes: [{ key: 'maxReplicaCount', was: 10, set: 12 }], ailing: [] };

  it('finds nothing where KEDA’s HPA follows in all', () => {
    assert.deepEqual(settingsFaults(plan, facts(made())), []);
    const frozen = { scaleDown: { stabilizationWindowSeconds: 600, selectPolicy: 'Disabled' } };
    assert.deepEqual(settingsFaults(plan, facts(made({ behavior: frozen }))), []);
  });
  const rows: readonly (readonly [what: string, facts: ConfigurationFacts, why: RegExp])[] = [
    ['no HPA', facts(undefined), /KEDA has made no HPA/],
    ['an older maximum', facts(made({ maxReplicas: 10 })), /KEDA's HPA has maxReplicas 10, not 12/],
    ['an older minimum', facts(made({ minReplicas: 3 })), /has minReplicas 3, not 1/],
    ['another behavior', facts(made({ behavior: {} })), /does not have the behavior/],
    ['another threshold', facts(made({ metrics: [] })), /a threshold of null for queue, not 0.1/],
    [
      'a value that somebody put back',
      facts(made(), { spec: { ...spec, maxReplicaCount: 10 } }),
      /maxReplicaCount is 10, not 12/,
    ],
    ['another object', facts(made(), { uid: 'new' }), /is gone, or was replaced/],
    [
      'KEDA’s own complaint',
      facts(made(), { conditions: [condition('Ready', 'False', 'Bad', 'no such query')] }),
      /Bad: no such query/,
    ],
    [
      'metrics that its HPA cannot read',
      facts(made({}, { conditions: [condition('ScalingActive', 'False', 'FailedGet')] })),
      /its metrics are not read/,
    ],
  ];
  for (const [what, found, why] of rows)
    it(`finds ${what}`, () => {
      assert.match(settingsFaults(plan, found).join('\n'), why);
    });
  it('does not blame them for what was so before', () => {
    const broken = facts(made({}, { conditions: [condition('ScalingActive', 'False', 'FailedGet')] }));
    assert.deepEqual(settingsFaults({ ...plan, ailing: ['ScalingActive'] }, broken), []);
  });
});
