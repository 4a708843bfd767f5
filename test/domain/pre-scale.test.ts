import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { canonicalJson } from '../../domain/json.ts';
import type { ResolvedPolicy } from '../../domain/policy.ts';
import { estimateTarget, type CapacityPlan, type Target } from '../../domain/capacity-plan.ts';
import { planIntent } from '../../domain/plan-intent.ts';
import { planPreScale, windowFaults, type PreScaleRequest } from '../../domain/pre-scale.ts';
import type { Governor, WorkloadState } from '../../domain/workload.ts';

const nowMs = Date.UTC(2026, 10, 27, 6);
const hour = 3_600_000;

function aRequest(of: Partial<PreScaleRequest> = {}): PreScaleRequest {
  const event = { name: 'sale', startMs: nowMs + 2 * hour, endMs: nowMs + 4 * hour };
  return { workload: 'web', event, target: { kind: 'factor', factor: 2 }, requestedBy: 'kim', ...of };
}
function aPolicy(of: { readonly workload?: object; readonly approval?: 'never' | 'always' } = {}): ResolvedPolicy {
  return {
    cluster: 'shop-prod',
    workload: {
      name: 'web',
      namespace: 'shop',
      kind: 'Deployment',
      object: 'web',
      limits: { min: 3, max: 50 },
      jobs: false,
      load: [{ name: 'cpu', query: 'avg(cpu)', unit: '%', scaleUpAbove: 70, scaleDownBelow: 30, perPod: true }],
      dashboards: [],
      ...of.workload,
    },
    preScale: {
      leadMs: hour / 2,
      availableWithinMs: 300_000,
      quiet: { windowMs: 900_000, askAfterMs: 1_800_000, everyMs: 30_000, stepMs: 30_000 },
    },
    windDown: { percent: 20, everyMs: 300_000 },
    ledger: {
      ownerCheckEveryMs: 15_000,
      guardEveryMs: 5_000,
      whenPersonLowers: 'leave',
      continueAsNewAfterEvents: 1_000,
      continueAsNewAfterUpdates: 1_500,
    },
    approval: {
      preScale: of.approval ?? 'never',
      emergencyScaleUp: 'never',
      drainGpuNode: 'never',
      addGpuNodes: 'never',
      resizeWorkload: 'never',
      expiresAfterMs: hour,
    },
    currency: 'USD',
  };
}
function aGovernor(of: Partial<Governor> = {}): Governor {
  return {
    kind: 'horizontalPodAutoscaler',
    workloadKind: 'Deployment',
    namespace: 'shop',
    name: 'web-hpa',
    uid: 'uid-1',
    hasAnnotations: true,
    hasLabels: true,
    fields: { floor: 3, ceiling: 10 },
    marks: {},
    ignored: false,
    ...of,
  };
}
function aState(of: Partial<WorkloadState> = {}): WorkloadState {
  const wantedReplicas = of.wantedReplicas ?? 4;
  return {
    ref: { name: 'web', namespace: 'shop', kind: 'Deployment', object: 'web' },
    uid: 'uid-0',
    generation: 1,
    observedGeneration: 1,
    paused: false,
    wantedReplicas,
    replicas: wantedReplicas,
    updatedReplicas: wantedReplicas,
    readyReplicas: wantedReplicas,
    availableReplicas: wantedReplicas,
    terminatingReplicas: 0,
    conditions: [],
    selector: 'app=web',
    self: aGovernor({ kind: 'workload', name: 'web', uid: 'uid-0', fields: { floor: wantedReplicas } }),
    autoscalers: [aGovernor()],
    ...of,
  };
}
interface World {
  readonly request?: Partial<PreScaleRequest>;
  readonly policy?: Parameters<typeof aPolicy>[0];
  readonly state?: Partial<WorkloadState>;
  readonly missing?: string;
}
function decide({ request, policy, state, missing }: World = {}) {
  const survey =
    missing === undefined
      ? ({ kind: 'found', state: aState(state) } as const)
      : ({ kind: 'missing', reason: missing, type: 'targetNotFound' } as const);
  return planPreScale({ request: aRequest(request), policy: aPolicy(policy), survey, nowMs });
}
function planOf(world: World = {}): CapacityPlan {
  const decision = decide(world);
  return decision.kind === 'plan' ? decision.plan : assert.fail(decision.reasons.join('; '));
}
function reasonsOf(world: World): readonly string[] {
  const decision = decide(world);
  return decision.kind === 'refuse' ? decision.reasons : assert.fail('it was planned');
}

const database: WorkloadState['stateful'] = {
  images: ['redis:7'],
  labels: {},
  ordered: true,
  whenScaled: 'Delete',
  claims: ['data'],
  firstOrdinal: 0,
};
const scaledObject = aGovernor({ kind: 'scaledObject', name: 'web-keda', uid: 'uid-2' });

describe('refusing a pre-scale', () => {
  const window = (startMs: number, endMs: number) => ({ event: { name: 'sale', startMs, endMs } });
  const rows: readonly (readonly [name: string, world: World, word: RegExp])[] = [
    ['that ends before it starts', { request: window(nowMs + hour, nowMs + 1) }, /ends .* before it starts/],
    ['that is over already', { request: window(nowMs - 2, nowMs - 1) }, /window is over/],
    ['without a start', { request: window(Number.NaN, nowMs + 1) }, /event\.startMs is NaN/],
    ['without a start, as JSON has it', { request: window(null as never, nowMs + 1) }, /event\.startMs is null/],
    ['that ends beyond any calendar', { request: window(nowMs, 1e300) }, /event\.endMs is 1e\+300/],
    ['with a negative lead', { request: { leadMs: -1 } }, /lead is negative/],
    ['with a lead that is no number', { request: { leadMs: Number.NaN } }, /lead/],
    ['with a lead of two years', { request: { leadMs: 2 * 8_760 * hour } }, /longer than a year/],
    ['of a database', { state: { stateful: database } }, /looks like a database, redis .*allowDatabase: true/],
    ['whose volumes would go', { state: { stateful: database } }, /deletes volumes .*allowVolumeDeletion: true/],
    ['by a factor of 0', { request: { target: { kind: 'factor', factor: 0 } } }, /factor 0 is not/],
    ['by a negative factor', { request: { target: { kind: 'factor', factor: -2 } } }, /factor -2 is not/],
    ['by no factor', { request: { target: { kind: 'factor', factor: Number.NaN } } }, /factor NaN is not/],
    ['by an endless factor', { request: { target: { kind: 'factor', factor: Infinity } } }, /factor Infinity is not/],
    ['to 0 replicas', { request: { target: { kind: 'replicas', replicas: 0 } } }, /replicas 0 is not/],
    ['to half a replica', { request: { target: { kind: 'replicas', replicas: 4.5 } } }, /replicas 4.5 is not/],
    [
      'above the limit',
      { request: { target: { kind: 'replicas', replicas: 51 } } },
      /51 replicas are above the limit of web \(workloads\.web\.limits\.max\); 3 to 50 are accepted/,
    ],
    [
      'below the minimum',
      { request: { target: { kind: 'replicas', replicas: 2 } } },
      /2 replicas are below the minimum of web \(workloads\.web\.limits\.min\)/,
    ],
    ['of what the policy refuses', { policy: { workload: { refuse: 'it is a database' } } }, /it is a database/],
    ['of a workload that runs jobs', { policy: { workload: { jobs: true } } }, /runs jobs/],
    ['under two autoscalers', { state: { autoscalers: [aGovernor(), scaledObject] } }, /2 autoscalers target web/],
    [
      'under a ScaledObject that somebody paused',
      { state: { autoscalers: [{ ...scaledObject, autoscaler: { paused: 'autoscaling.keda.sh/paused=true' } }] } },
      /ScaledObject shop\/web-keda obeys no floor: it is paused by autoscaling\.keda\.sh\/paused=true/,
    ],
    [
      'that the autoscaler is told to ignore',
      { state: { autoscalers: [aGovernor({ ignored: true })] } },
      /ignore=true/,
    ],
    ['that the workload is told to ignore', { state: { self: aGovernor({ ignored: true }) } }, /ignore=true/],
    [
      'at 0 replicas under an HPA',
      { state: { wantedReplicas: 0 }, request: { target: { kind: 'replicas', replicas: 6 } } },
      /at 0 replicas, where an HPA is switched off/,
    ],
    ['by a factor at 0 replicas', { state: { wantedReplicas: 0, autoscalers: [] } }, /0 replicas, of which a factor/],
  ];
  for (const [name, world, word] of rows) {
    it(`refuses one ${name}, and says what would be accepted`, () => {
      const reasons = reasonsOf(world);
      assert.ok(
        reasons.some((reason) => word.test(reason)),
        reasons.join('; '),
      );
    });
  }

  it('names both autoscalers of a conflict as an operator would look them up', () => {
    const [reason = ''] = reasonsOf({ state: { autoscalers: [aGovernor(), scaledObject] } });
    assert.match(reason, /HorizontalPodAutoscaler shop\/web-hpa and ScaledObject shop\/web-keda/);
  });

  it('names everything that is wrong at once', () => {
    const reasons = reasonsOf({
      request: {
        event: { name: 'sale', startMs: nowMs, endMs: nowMs - hour },
        leadMs: -1,
        target: { kind: 'replicas', replicas: 99 },
      },
      policy: { workload: { refuse: 'it is a database', jobs: true } },
      state: { wantedReplicas: 0, autoscalers: [aGovernor(), aGovernor({ name: 'other', ignored: true })] },
    });
    const words = [
      /before it starts/,
      /is over/,
      /lead is negative/,
      /above the limit/,
      /database/,
      /jobs/,
      /2 autoscalers/,
      /ignore/,
    ];
    for (const word of words)
      assert.ok(
        reasons.some((reason) => word.test(reason)),
        String(word),
      );
    assert.equal(reasons.length, words.length);
  });

  it('accepts an event that has begun', () => {
    assert.deepEqual(
      windowFaults(aRequest({ event: { name: 'sale', startMs: nowMs - hour, endMs: nowMs + 1 } }), nowMs),
      [],
    );
  });
  it('accepts 0 replicas without an autoscaler, where a count is given', () => {
    const world = {
      state: { wantedReplicas: 0, autoscalers: [] },
      request: { target: { kind: 'replicas', replicas: 6 } as const },
    };
    assert.equal(planOf(world).target.floor.to, 6);
  });
});

describe('estimating the target', () => {
  const { workload } = aPolicy();
  const estimate = (target: Target, of: Partial<WorkloadState> = {}) => {
    const state = aState(of);
    return estimateTarget(target, { workload }, state, state.autoscalers[0] ?? state.self);
  };
  const times = (factor: number, wantedReplicas: number) => estimate({ kind: 'factor', factor }, { wantedReplicas });
  const rows: readonly (readonly [
    name: string,
    factor: number,
    count: number,
    replicas: number,
    from: number | null,
  ])[] = [
    ['multiplies the count', 2, 4, 8, null],
    ['rounds up', 1.5, 5, 8, null],
    ['does not round up an error of the arithmetic', 0.07, 100, 7, null],
    ['says what it was clamped from at the limit', 20, 4, 50, 80],
    ['says what it was clamped from at the minimum', 0.1, 4, 3, 1],
    ['clamps what is beyond any number', 1e308, 40, 50, Number.MAX_SAFE_INTEGER],
  ];
  for (const [name, factor, count, replicas, from] of rows) {
    it(name, () => {
      const { replicas: found, clampedFrom, base } = times(factor, count);
      assert.deepEqual({ found, clampedFrom, base }, { found: replicas, clampedFrom: from, base: count });
    });
  }

  it('takes the pods that are ready where they are more than are wanted: they carry the load now', () => {
    assert.equal(estimate({ kind: 'factor', factor: 2 }, { wantedReplicas: 4, readyReplicas: 6 }).replicas, 12);
  });

  it('shows the floor and the maximum that come with it', () => {
    const { floor, ceiling, base } = estimate({ kind: 'replicas', replicas: 8 });
    assert.deepEqual(
      { floor, ceiling, base },
      { floor: { from: 3, to: 8 }, ceiling: { from: 10, to: 15 }, base: null },
    );
  });
  it('knows no maximum without an autoscaler', () => {
    assert.equal(estimate({ kind: 'replicas', replicas: 8 }, { autoscalers: [] }).ceiling, null);
  });

  const baseline = '{"fields":{"ceiling":{"set":19,"was":10},"floor":{"set":12,"was":3}},"replicas":6,"uid":"uid-1"}';
  const held = aGovernor({ fields: { floor: 12, ceiling: 19 }, marks: { baseline, claims: '[]', held: 'true' } });
  it('multiplies the count of before while a hold lives: two events do not double a double', () => {
    const { base, replicas } = estimate({ kind: 'factor', factor: 2 }, { wantedReplicas: 12, autoscalers: [held] });
    assert.deepEqual({ base, replicas }, { base: 6, replicas: 12 });
  });

  it('takes what the autoscaler would have by its metrics, where that is more, and shows both', () => {
    const busy = { ...held, autoscaler: { recommended: 9 } };
    const { base, baseHeld } = estimate({ kind: 'factor', factor: 2 }, { wantedReplicas: 12, autoscalers: [busy] });
    assert.deepEqual({ base, baseHeld }, { base: 9, baseHeld: { beforeHold: 6, recommended: 9 } });
  });
  it('multiplies no more than there is, whatever an autoscaler makes of metrics that are behind its count', () => {
    const hasty = { ...held, autoscaler: { recommended: 34 } };
    const { base, replicas } = estimate({ kind: 'factor', factor: 2 }, { wantedReplicas: 12, autoscalers: [hasty] });
    assert.deepEqual({ base, replicas }, { base: 12, replicas: 24 });
  });
  it('starts from what the owner has, not from what another run holds', () => {
    const { floor, ceiling } = estimate({ kind: 'replicas', replicas: 5 }, { wantedReplicas: 12, autoscalers: [held] });
    assert.deepEqual({ floor, ceiling }, { floor: { from: 3, to: 5 }, ceiling: { from: 10, to: 12 } });
  });

  it('stays within the limits, never goes under the owner’s floor, and does the same twice', () => {
    const count = fc.integer({ min: 1, max: 200 });
    const limits = fc.record({ min: fc.integer({ min: 0, max: 10 }), room: fc.nat(60) });
    fc.assert(
      fc.property(
        count,
        fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        limits,
        fc.nat(90),
        (pods, factor, bounds, floor) => {
          const { min } = bounds;
          const max = Math.max(1, min + bounds.room);
          const governor = aGovernor({ fields: { floor, ceiling: floor + 5 } });
          const state = aState({ wantedReplicas: pods, autoscalers: [governor] });
          const policy = { workload: { ...workload, limits: { min, max } } };
          const target = estimateTarget({ kind: 'factor', factor }, policy, state, governor);
          assert.ok(target.replicas >= Math.max(1, min) && target.replicas <= max, `${target.replicas}`);
          assert.ok(target.floor.to >= floor && target.floor.to <= Math.max(max, floor));
          assert.ok((target.ceiling?.to ?? 0) >= Math.max(target.floor.to, floor + 5));
          assert.deepEqual(estimateTarget({ kind: 'factor', factor }, policy, state, governor), target);
        },
      ),
    );
  });
});

describe('planning a pre-scale', () => {
  it('says when, where, how many, until when and at what cost', () => {
    assert.deepEqual(planOf({ policy: { workload: { pricePerPodHour: 0.2 } } }), {
      workload: 'web',
      event: aRequest().event,
      scaleAtMs: nowMs + 1.5 * hour,
      leadMs: hour / 2,
      procedure: 'preScale',
      cluster: 'shop-prod',
      currency: 'USD',
      dashboards: [],
      governor: { kind: 'horizontalPodAutoscaler', name: 'web-hpa', uid: 'uid-1' },
      target: {
        replicas: 8,
        base: 4,
        baseHeld: null,
        clampedFrom: null,
        floor: { from: 3, to: 8 },
        ceiling: { from: 10, to: 15 },
      },
      ceilingReplicas: 50,
      availableWithinMs: 300_000,
      quiet: { windowMs: 900_000, askAfterMs: 1_800_000, metrics: ['cpu'] },
      approval: { rule: 'never', expiresAfterMs: hour },
      windDown: { percent: 20, everyMs: 300_000 },
      costPerHour: 0.8,
      costCeiling: 25,
      warnings: [],
    } satisfies CapacityPlan);
  });
  it('knows no cost without a price', () => {
    assert.deepEqual([planOf().costPerHour, planOf().costCeiling], [null, null]);
  });
  it('costs nothing more where as many run already', () => {
    const world = { state: { wantedReplicas: 20 }, request: { target: { kind: 'replicas', replicas: 8 } as const } };
    assert.equal(planOf({ ...world, policy: { workload: { pricePerPodHour: 1 } } }).costPerHour, 0);
  });
  it('takes the request’s lead before the policy’s', () => {
    assert.equal(planOf({ request: { leadMs: 0 } }).scaleAtMs, aRequest().event.startMs);
  });
  it('warns when the lead has begun already', () => {
    const event = { name: 'sale', startMs: nowMs + hour / 3, endMs: nowMs + hour };
    assert.match(planOf({ request: { event } }).warnings.join(), /lead of 30m began 10m ago/);
  });
  it('warns when a manifest in Git would put the floor back, and refuses nothing for it', () => {
    const gitOps = { tool: 'argoCd', name: 'web', evidence: 'annotation argocd.argoproj.io/tracking-id' } as const;
    const [warning = ''] = planOf({ state: { autoscalers: [aGovernor({ gitOps })] } }).warnings;
    assert.match(warning, /^HorizontalPodAutoscaler shop\/web-hpa is managed by Argo CD application web /);
  });
  it('warns which pods of a StatefulSet start in turn, and which go again', () => {
    const allowed = { stateful: { allowDatabase: true, allowVolumeDeletion: true } };
    const { warnings } = planOf({ state: { stateful: database }, policy: { workload: allowed } });
    assert.match(warnings.join(), /web-4 to web-7 start one after the other.*highest ordinals, web-7 down to web-4/);
  });
  it('warns when nothing can tell that the load is over', () => {
    assert.match(planOf({ policy: { workload: { load: [] } } }).warnings.join(), /no load metric/);
  });
});

describe('planning for a workload that cannot be read', () => {
  it('refuses with what the cluster said and all that policy has against it', () => {
    const decision = decide({
      missing: 'deployment shop/web is not there',
      policy: { workload: { refuse: 'it is a database' } },
    });
    assert.equal(decision.kind, 'refuse');
    const said = decision.kind === 'refuse' ? decision.reasons.join('\n') : '';
    assert.match(said, /it is a database/);
    assert.match(said, /deployment shop\/web is not there/);
  });
});

describe('binding an approval to what was meant', () => {
  const intentOf = (world: World = {}, price?: number) => {
    const workload = { ...world.policy?.workload, ...(price !== undefined && { pricePerPodHour: price }) };
    return canonicalJson(planIntent(aRequest(world.request), planOf({ ...world, policy: { workload } })));
  };
  const same: readonly (readonly [name: string, world: World])[] = [
    ['the count moves', { state: { wantedReplicas: 9 } }],
    ['the count passes the limit', { state: { wantedReplicas: 60 } }],
    ['pods become ready', { state: { readyReplicas: 7 } }],
    ['the owner’s floor moves', { state: { autoscalers: [aGovernor({ fields: { floor: 5, ceiling: 12 } })] } }],
    ['a note is added', { request: { note: 'hurry' } }],
  ];
  for (const [name, world] of same)
    it(`is the same when ${name}`, () => assert.equal(intentOf(world, 0.2), intentOf({}, 0.2)));

  const event = aRequest().event;
  const other: readonly (readonly [name: string, world: World])[] = [
    ['the window', { request: { event: { ...event, endMs: event.endMs + 1 } } }],
    ['the lead', { request: { leadMs: 1 } }],
    ['the factor', { request: { target: { kind: 'factor', factor: 2.5 } } }],
    ['the kind of target', { request: { target: { kind: 'replicas', replicas: 8 } } }],
    ['the object', { state: { autoscalers: [aGovernor({ uid: 'uid-9' })] } }],
    ['the limit', { policy: { workload: { limits: { min: 3, max: 60 } } } }],
    ['the price', { policy: { workload: { pricePerPodHour: 0.3 } } }],
  ];
  for (const [name, world] of other) it(`is another for ${name}`, () => assert.notEqual(intentOf(world), intentOf()));
});
