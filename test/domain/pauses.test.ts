import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { frozen } from '../../domain/freeze.ts';
import { canonicalJson, type Json } from '../../domain/json.ts';
import { findPauses } from '../../domain/pauses.ts';
import type { ObservedAutoscaler } from '../../domain/scaling-facts.ts';
import { annotation, anHpa, aScaledObject, KIM } from './scaling-builders.ts';

const marksOf = (fields: Json) => ({
  baseline: canonicalJson({ uid: 'u', replicas: 3, fields }),
  claims: '[]',
  generation: '1',
  held: 'true',
});
const OFF = frozen({ kind: 'horizontalPodAutoscaler', fields: {} }) ?? null;
const stopped = { key: 'spec.behavior.scaleDown.selectPolicy', value: 'Disabled', by: KIM };
const fixed = { floor: 4, ceiling: 4 };

describe('finding what keeps an autoscaler from its work', () => {
  const rows: readonly (readonly [name: string, one: ObservedAutoscaler, what: readonly string[]])[] = [
    ['a free HPA', anHpa(), []],
    ['a free ScaledObject', aScaledObject(), []],
    ['a pause', aScaledObject({ stops: [annotation('paused', 'true')] }), ['autoscaling.keda.sh/paused=true']],
    ['a pause that is none', aScaledObject({ stops: [annotation('paused', 'false')] }), []],
    [
      'a count, whatever it says',
      aScaledObject({ stops: [annotation('paused-replicas', 'false')] }),
      ['autoscaling.keda.sh/paused-replicas=false'],
    ],
    [
      'no scale-out',
      aScaledObject({ stops: [annotation('paused-scale-out', 'true')] }),
      ['autoscaling.keda.sh/paused-scale-out=true'],
    ],
    [
      'several at once',
      aScaledObject({ stops: [annotation('paused-scale-out', 'true'), annotation('paused', 'yes')] }),
      ['autoscaling.keda.sh/paused=yes', 'autoscaling.keda.sh/paused-scale-out=true'],
    ],
    [
      'a person’s freeze of a ScaledObject',
      aScaledObject({
        fields: { floor: 3, ceiling: 10, freeze: 'true' },
        stops: [annotation('paused-scale-in', 'true')],
      }),
      ['autoscaling.keda.sh/paused-scale-in=true'],
    ],
    [
      'our freeze of a ScaledObject',
      aScaledObject({
        fields: { floor: 3, ceiling: 10, freeze: 'true' },
        stops: [annotation('paused-scale-in', 'true')],
        marks: marksOf({ freeze: { set: 'true' } }),
      }),
      [],
    ],
    [
      'our freeze over a person’s',
      aScaledObject({
        fields: { floor: 3, ceiling: 10, freeze: 'true' },
        stops: [annotation('paused-scale-in', 'true')],
        marks: marksOf({ freeze: { was: 'true', set: 'true' } }),
      }),
      ['autoscaling.keda.sh/paused-scale-in=true'],
    ],
    [
      'a person’s freeze of an HPA',
      anHpa({ fields: { floor: 3, ceiling: 10, freeze: OFF }, stops: [stopped] }),
      ['scaleDown.selectPolicy=Disabled'],
    ],
    [
      'our freeze of an HPA',
      anHpa({
        fields: { floor: 3, ceiling: 10, freeze: OFF },
        stops: [stopped],
        marks: marksOf({ freeze: { set: OFF } }),
      }),
      [],
    ],
    ['an HPA without room', anHpa({ fields: fixed }), ['minReplicas and maxReplicas are both 4']],
    [
      'an HPA that we hold at a count',
      anHpa({ fields: fixed, marks: marksOf({ floor: { was: 3, set: 4 }, ceiling: { was: 10, set: 4 } }) }),
      [],
    ],
    [
      'an HPA without room that we hold higher',
      anHpa({
        fields: { floor: 6, ceiling: 6 },
        marks: marksOf({ floor: { was: 4, set: 6 }, ceiling: { was: 4, set: 6 } }),
      }),
      ['minReplicas and maxReplicas are both 4'],
    ],
    ['KEDA’s own HPA, whose ScaledObject is asked', anHpa({ fields: fixed, madeFor: 'web-so' }), []],
  ];
  for (const [name, one, what] of rows)
    it(name, () =>
      assert.deepEqual(
        findPauses(one).map((pause) => pause.what),
        what,
      ),
    );

  it('tells who set it, and what takes it off', () => {
    const [pause] = findPauses(aScaledObject({ stops: [annotation('paused', 'true', KIM)] }));
    assert.deepEqual(pause?.by, KIM);
    assert.equal(pause?.help, 'kubectl -n shop annotate scaledobject web-so autoscaling.keda.sh/paused-');
    const [freeze] = findPauses(anHpa({ fields: { floor: 3, ceiling: 10, freeze: OFF }, stops: [stopped] }));
    assert.deepEqual(freeze?.by, KIM);
  });
  it('names of two bounds the last writer, and never headroom', () => {
    const writers = [
      { field: 'floor', manager: 'kubectl-edit', atMs: 1 },
      { field: 'ceiling', manager: 'helm', atMs: 2 },
      { field: 'freeze', manager: 'bob', atMs: 3 },
      { field: 'floor', manager: 'headroom', atMs: 4 },
    ] as const;
    assert.deepEqual(findPauses(anHpa({ fields: fixed, writers }))[0]?.by, { manager: 'helm', atMs: 2 });
  });
});
