import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Claim } from '../../domain/claim.ts';
import { decideHold } from '../../domain/hold.ts';
import type { HoldFacts } from '../../domain/hold-targets.ts';
import type { HoldStanding } from '../../domain/hold-standing.ts';
import type { AutoscalerFacts, Governor, GovernorField } from '../../domain/workload.ts';

const inForce = { floor: 3, ceiling: 10, frozen: false };

function aScaledObject(autoscaler: AutoscalerFacts, fields: Governor['fields'] = {}): Governor {
  return {
    kind: 'scaledObject',
    workloadKind: 'Deployment',
    namespace: 'shop',
    name: 'web',
    uid: 'uid-1',
    hasAnnotations: true,
    hasLabels: true,
    fields: { floor: 3, ceiling: 10, ...fields },
    marks: {},
    ignored: false,
    autoscaler,
  };
}

interface Outcome {
  readonly set: { readonly [field in GovernorField]?: unknown };
  readonly lift: number | undefined;
  readonly marks: Governor['marks'];
  readonly unprotected: HoldStanding['unprotected'];
}

function hold(governor: Governor, of: Partial<HoldFacts> & { readonly freezeScaleIn?: boolean } = {}): Outcome {
  const { freezeScaleIn, ...more } = of;
  const claim: Claim = {
    id: 'pre-scale.web.sale/r1',
    floor: 6,
    reason: 'sale',
    ...(freezeScaleIn !== undefined && { freezeScaleIn }),
  };
  const decision = decideHold({
    governor,
    liveReplicas: 3,
    claims: [claim],
    generation: 1,
    skipSteps: false,
    policy: { limits: { min: 1, max: 12 }, windDown: { percent: 20, everyMs: 300_000 } },
    nowMs: Date.UTC(2026, 10, 27, 8, 30),
    ...more,
  });
  assert.ok(decision.kind === 'change', decision.kind);
  return {
    set: Object.fromEntries(decision.change.fields.map(({ field, to }) => [field, to])),
    lift: decision.lift,
    marks: Object.fromEntries(decision.change.marks.map(({ mark, to }) => [mark, to])),
    unprotected: decision.standing.unprotected,
  };
}

describe('a hold on a ScaledObject', () => {
  it('sets floor, maximum and freeze in one change where a freeze is asked for', () => {
    const { set, lift, unprotected } = hold(aScaledObject({ inForce, version: '2.20.2' }), { freezeScaleIn: true });
    assert.deepEqual(
      { set, lift, unprotected },
      { set: { floor: 6, ceiling: 12, freeze: 'true' }, lift: undefined, unprotected: undefined },
    );
  });

  it('freezes unasked and lifts the count where KEDA would go to an idle count', () => {
    const outcome = hold(aScaledObject({ inForce, idleReplicas: 0 }), { liveReplicas: 0 });
    assert.deepEqual([outcome.set.freeze, outcome.lift, outcome.unprotected], ['true', 6, undefined]);
  });

  it('stays frozen, and lifts, while KEDA has not yet followed the write before', () => {
    const facts = { inForce, idleReplicas: 0 };
    const { set, marks } = hold(aScaledObject(facts), { liveReplicas: 0 });
    const written = { ...aScaledObject(facts, { floor: 6, ceiling: 12, freeze: 'true' }), marks };
    assert.deepEqual(set, written.fields);
    const more: Claim = { id: 'pre-scale.web.launch/r1', floor: 8, reason: 'launch' };
    for (const silent of [false, true]) {
      const outcome = hold(written, { liveReplicas: 0, silent, claims: [more], generation: 2 });
      assert.deepEqual([outcome.set.floor, outcome.lift], [8, 8], `silent ${silent}`);
      assert.ok(!('freeze' in outcome.set), 'it is not taken off');
    }
  });

  it('says that an idle count is not held off where KEDA is too old to freeze, and lifts nothing', () => {
    const outcome = hold(aScaledObject({ inForce, idleReplicas: 0, version: '2.17.2' }), { liveReplicas: 0 });
    assert.deepEqual([outcome.set.freeze, outcome.lift], [undefined, undefined]);
    assert.equal(outcome.unprotected?.kind, 'idleable');
    assert.match(outcome.unprotected.reason, /idleReplicaCount of 0 .*KEDA 2\.17\.2 cannot freeze/);
  });

  it('lets the floor follow the count up where KEDA is too old to freeze, and says so', () => {
    const outcome = hold(aScaledObject({ inForce, version: '2.17.2' }), { freezeScaleIn: true, liveReplicas: 9 });
    assert.deepEqual([outcome.set.floor, outcome.set.freeze], [9, undefined]);
    assert.equal(outcome.unprotected?.kind, 'tooOld');
  });

  it('raises the floor of one that a person paused, and says that it protects nothing', () => {
    const paused = 'autoscaling.keda.sh/paused=true';
    const outcome = hold(aScaledObject({ inForce: null, paused }));
    assert.equal(outcome.set.floor, 6);
    assert.deepEqual(outcome.unprotected, { kind: 'paused', reason: `it is paused by ${paused}` });
  });

  for (const [name, facts, fields] of [
    ['made no HPA', { inForce: null }, {}],
    ['left its HPA behind', { inForce }, { floor: 5 }],
    ['passed no freeze on', { inForce }, { freeze: 'true' }],
  ] as const) {
    it(`gives KEDA a moment, and says that it is silent when somebody has waited: ${name}`, () => {
      const governor = aScaledObject(facts, fields);
      assert.equal(hold(governor).unprotected, undefined);
      assert.equal(hold(governor, { silent: true }).unprotected?.kind, 'silent');
    });
  }
});
