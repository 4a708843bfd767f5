import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeNothingToRelease } from '../../domain/autoscaler-release.ts';
import { judgeAutoscaling, type ScalingKnown } from '../../domain/autoscaler-status.ts';
import { canonicalJson } from '../../domain/json.ts';
import type { HoldStanding } from '../../domain/hold-standing.ts';
import { annotation, anHpa, aScaledObject, condition, governorOf, KIM, NOW_MS, someFacts } from './scaling-builders.ts';

const RUN = 'hold-capacity.web';
const CLAIM = `${RUN}/r1`;
const claims = [{ id: CLAIM, freezeScaleIn: true, reason: 'maintenance, asked for by alice' }];
const marks = {
  baseline: canonicalJson({ uid: 'hpa-1', replicas: 4, fields: { floor: { was: 3, set: 6 } } }),
  claims: canonicalJson(claims),
  generation: '1',
  held: 'true',
};
const heldHpa = anHpa({ fields: { floor: 6, ceiling: 10 }, marks });
const standing: HoldStanding = {
  generation: 1,
  floor: 6,
  ceiling: 10,
  wantedFloor: 6,
  baselineFloor: 3,
  held: true,
  drift: [],
};
const gone = (group: string) => ({
  kind: 'read' as const,
  apis: [{ group, available: false, reason: 'MissingEndpoints: no endpoints' }],
});

function judge(of: Partial<ScalingKnown> = {}) {
  const { isWell, findings } = judgeAutoscaling({ facts: someFacts(), ledger: null, ends: {}, nowMs: NOW_MS, ...of });
  const line = ({ what, says }: { readonly what: string; readonly says: string }) => `${what}: ${says}`;
  return {
    isWell,
    all: findings.map(line).join('\n'),
    alarms: findings.filter(({ needsPerson }) => needsPerson).map(line),
  };
}

describe('judging how a workload is autoscaled', () => {
  const paused = aScaledObject({ stops: [annotation('paused', 'true', KIM)] });
  const rows: readonly (readonly [name: string, known: Partial<ScalingKnown>, word: RegExp])[] = [
    ['who governs it, by name and uid', {}, /^autoscaler: HorizontalPodAutoscaler shop\/web-hpa \(uid hpa-1\)$/m],
    ['its bounds', {}, /^bounds: 3 to 10$/m],
    ['its count', {}, /^count: 4 wanted, 4 available$/m],
    ['that nobody holds it', {}, /^hold: nobody$/m],
    ['that its metrics are read', {}, /^metrics: its metrics are read \(ScalingActive=True, ValidMetricFound\)$/m],
    ['who serves them', {}, /^api: metrics.k8s.io is served$/m],
    [
      'when it was scaled last',
      { facts: someFacts({ own: [anHpa({ lastScaledAtMs: NOW_MS - 90_000 })] }) },
      /^scaled: last 2026-11-27T11:58:30Z \(1m30s ago\)$/m,
    ],
    ['that nothing governs it', { facts: someFacts({ own: [] }) }, /^autoscaler: none: the count is whatever/m],
    [
      'the owner’s bounds while it is held',
      { facts: someFacts({ own: [heldHpa], owners: { [CLAIM]: true } }) },
      /^bounds: 6 to 10; the owner’s are 3 to 10$/m,
    ],
    [
      'each hold with its run, its reason and its end',
      {
        facts: someFacts({ own: [heldHpa], owners: { [CLAIM]: true } }),
        ends: { [CLAIM]: NOW_MS + 7_200_000 },
      },
      /^hold: no scale-in, by hold-capacity.web: maintenance, asked for by alice, until 2026-11-27T14:00:00Z \(2h from now\)$/m,
    ],
    [
      'a hold whose run is gone',
      { facts: someFacts({ own: [heldHpa], owners: { [CLAIM]: false } }) },
      /^hold: no scale-in, .*; its run is gone, so the ledger lets it go$/m,
    ],
    [
      'a hold that goes home',
      { facts: someFacts({ own: [{ ...heldHpa, marks: { ...marks, claims: '[]' } }] }) },
      /^hold: let go; it goes back step by step$/m,
    ],
    [
      'drift',
      { facts: someFacts({ own: [{ ...heldHpa, fields: { floor: 7, ceiling: 10 } }] }) },
      /^drift: floor is 7, not our 6: somebody else set it$/m,
    ],
    [
      'where KEDA goes while it idles',
      {
        facts: someFacts({
          own: [aScaledObject()],
          governors: [
            governorOf(aScaledObject(), {
              autoscaler: { idleReplicas: 0, inForce: { floor: 3, ceiling: 10, frozen: false } },
            }),
          ],
        }),
      },
      /^readiness: KEDA takes it to 0 while no trigger is active/m,
    ],
    [
      'that an HPA is switched off, as no fault',
      { facts: someFacts({ own: [anHpa({ conditions: [condition('ScalingActive', 'False', 'ScalingDisabled')] })] }) },
      /^metrics: switched off at 0 replicas/m,
    ],
    [
      'a right that is missing, as a line',
      { facts: someFacts({ metricsApis: { kind: 'unread', reason: 'may not list apiservices' } }) },
      /^api: who serves metrics was not read: may not list apiservices$/m,
    ],
    [
      'that an API which it does not need is away, not at all',
      {
        facts: someFacts({
          metricsApis: {
            ...gone('external.metrics.k8s.io'),
            apis: [{ group: 'metrics.k8s.io', available: true, reason: '' }, ...gone('external.metrics.k8s.io').apis],
          },
        }),
      },
      /^(?!.*external)/s,
    ],
  ];
  for (const [name, known, word] of rows)
    it(`tells ${name}`, () => {
      const { all, alarms } = judge(known);
      assert.match(all, word);
      assert.deepEqual(alarms, []);
    });

  const alarming: readonly (readonly [name: string, known: Partial<ScalingKnown>, word: RegExp])[] = [
    [
      'two autoscalers, with what each says',
      { facts: someFacts({ own: [anHpa(), aScaledObject({ fields: { floor: 5, ceiling: 50 } })] }) },
      /^conflict: 2 autoscalers target web: .*web-hpa \(3 to 10\) and ScaledObject shop\/web-so \(5 to 50\)/,
    ],
    [
      'metrics that are not read',
      {
        facts: someFacts({
          own: [anHpa({ conditions: [condition('ScalingActive', 'False', 'FailedGetResourceMetric', 'no metrics')] })],
        }),
      },
      /^metrics: its metrics are not read \(ScalingActive=False, FailedGetResourceMetric: no metrics\)$/,
    ],
    [
      'the same of the HPA that KEDA made',
      {
        facts: someFacts({
          own: [
            aScaledObject(),
            anHpa({
              name: 'keda-hpa-web-so',
              uid: 'hpa-2',
              madeFor: 'web-so',
              conditions: [condition('ScalingActive', 'False', 'FailedGetExternalMetric')],
            }),
          ],
        }),
      },
      /^metrics: keda-hpa-web-so: its metrics are not read/,
    ],
    [
      'a fallback',
      { facts: someFacts({ own: [aScaledObject({ conditions: [condition('Fallback', 'True', 'FallbackExists')] })] }) },
      /^metrics: its triggers fail/,
    ],
    [
      'an API of its metrics that does not answer',
      { facts: someFacts({ metricsApis: gone('metrics.k8s.io') }) },
      /^api: metrics.k8s.io, from which its metrics come, does not answer: MissingEndpoints: no endpoints$/,
    ],
    [
      'one that nobody serves',
      { facts: someFacts({ metricsApis: { kind: 'read', apis: [] } }) },
      /^api: nobody serves metrics.k8s.io/,
    ],
    [
      'KEDA that does not follow',
      {
        facts: someFacts({
          own: [aScaledObject()],
          governors: [governorOf(aScaledObject(), { autoscaler: { inForce: null } })],
        }),
      },
      /^readiness: KEDA does not follow: KEDA has made no HPA for it$/,
    ],
    [
      'a pause of its own autoscaler, by whom and since when at least',
      {
        facts: someFacts({
          own: [paused],
          governors: [governorOf(paused, { autoscaler: { paused: 'autoscaling.keda.sh/paused=true', inForce: null } })],
        }),
      },
      /^paused: ScaledObject shop\/web-so of Deployment web: autoscaling.keda.sh\/paused=true, by kubectl-annotate, since at least 2026-11-27T09:00:00Z \(3h ago\)$/,
    ],
    [
      'a forgotten pause elsewhere in the namespace',
      {
        facts: someFacts({
          others: [
            aScaledObject({
              name: 'jobs',
              uid: 'so-9',
              target: { kind: 'StatefulSet', name: 'jobs' },
              stops: [annotation('paused-replicas', '0')],
            }),
          ],
        }),
      },
      /^paused: ScaledObject shop\/jobs of StatefulSet jobs: autoscaling.keda.sh\/paused-replicas=0, by nobody that can be told$/,
    ],
    [
      'a hold that somebody took away',
      {
        facts: someFacts({ own: [heldHpa], owners: { [CLAIM]: true } }),
        ledger: {
          standing: {
            ...standing,
            contested: { field: 'freeze', found: false, wanted: true, by: 'argocd', person: false },
          },
          trouble: null,
        },
      },
      /^contested: not held: scale-in is not frozen, reverted by argocd/,
    ],
    [
      'a hold that holds nothing',
      {
        facts: someFacts({ own: [heldHpa], owners: { [CLAIM]: true } }),
        ledger: { standing: { ...standing, unprotected: { kind: 'tooOld', reason: 'KEDA is old' } }, trouble: null },
      },
      /^not held: KEDA is old$/,
    ],
    [
      'a ledger in trouble',
      { ledger: { standing: null, trouble: 'this worker talks to another cluster' } },
      /^ledger: this worker talks to another cluster$/,
    ],
    [
      'marks that somebody edited',
      { facts: someFacts({ own: [anHpa({ marks: { ...marks, claims: 'no' } })] }) },
      /^hold: headroom.dev\/claims of HorizontalPodAutoscaler shop\/web-hpa cannot be read$/,
    ],
  ];
  for (const [name, known, word] of alarming)
    it(`calls a person for ${name}, and for nothing else`, () => {
      const { alarms, isWell } = judge(known);
      assert.equal(alarms.length, 1, alarms.join('\n'));
      assert.match(alarms[0] ?? '', word);
      assert.equal(isWell, false);
    });
});

describe('refusing to release', () => {
  it('says that nothing of ours holds it, and no more', () =>
    assert.deepEqual(describeNothingToRelease(someFacts(), NOW_MS), [
      'no hold of web’s autoscaler runs, so there is nothing to release',
    ]));
  it('names other holds with what ends them, and pauses that are somebody’s', () => {
    const other = 'pre-scale.web.sale';
    const own = aScaledObject({
      fields: { floor: 6, ceiling: 10 },
      marks: { ...marks, claims: canonicalJson([{ id: `${other}/r1`, floor: 6, reason: 'sale' }]) },
      stops: [annotation('paused', 'true', KIM)],
    });
    const elsewhere = aScaledObject({ name: 'jobs', uid: 'so-9', stops: [annotation('paused', 'true')] });
    const facts = someFacts({ own: [own], others: [elsewhere], owners: { [`${other}/r1`]: true } });
    const [, hold, pause, ...more] = describeNothingToRelease(facts, NOW_MS);
    assert.equal(hold, `${other} holds it (at least 6): end it with: headroom skip ${other}`);
    assert.match(
      pause ?? '',
      /web-so.*paused=true, by kubectl-annotate, since at least .*: not headroom’s, so it stays; whoever set it takes it off: kubectl -n shop annotate/,
    );
    assert.deepEqual(more, []);
  });
});

describe('the status of settings that were made for a time', () => {
  const plan = {
    procedure: 'configureAutoscaler',
    cluster: 'prod',
    workload: 'web',
    what: 'policy',
    governor: { kind: 'horizontalPodAutoscaler', name: 'web-hpa', uid: 'hpa-1' },
    changes: [
      { key: 'minReplicas', was: 2, set: 3 },
      { key: 'maxReplicas', was: 20, set: 30 },
    ],
    differences: [],
    untilMs: NOW_MS,
    ailing: [],
    warnings: [],
  } as const;
  const of = (lives: boolean, changes: typeof plan.changes | [] = plan.changes) =>
    judge({ settings: { id: 'configure-autoscaler.web', plan: { ...plan, changes }, untilMs: NOW_MS, lives } });

  it('says of a run what of them stands, and until when', () => {
    const { all, isWell } = of(true);
    assert.match(all, /^settings: minReplicas: 2 -> 3, until 2026-11-27T12:00:00Z, by configure-autoscaler.web$/m);
    assert.equal(isWell, true);
  });
  it('calls a person where the run was terminated, for as long as they stand', () => {
    assert.match(of(false).alarms.join(), /settings: minReplicas: 2 -> 3: meant for a time.*terminated/);
    assert.deepEqual(of(false, []).alarms, []);
  });
});
