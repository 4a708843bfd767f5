import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Claim } from '../../domain/claim.ts';
import { decideHold, type HoldDecision } from '../../domain/hold.ts';
import { ownersValues } from '../../domain/drift.ts';
import { wantedCeiling, wantedFloor, type HoldFacts, type HoldPolicy } from '../../domain/hold-targets.ts';
import { sameJson } from '../../domain/json.ts';
import { readClaims, readGeneration, replicasBeforeHold } from '../../domain/marks.ts';
import type { Governor, GovernorChange, GovernorField, GovernorMarks } from '../../domain/workload.ts';

const nowMs = Date.UTC(2026, 10, 27, 8, 30);
const minute = 60_000;
const policy: HoldPolicy = { limits: { min: 3, max: 50 }, windDown: { percent: 20, everyMs: 5 * minute } };

function aClaim(floor: number, name = 'sale'): Claim {
  return { id: `pre-scale.web.${name}/run-1`, floor, reason: `${name}, asked for by kim` };
}

/** What the API server stores: as strict as the rules that a decision relies on. */
interface Stored {
  readonly kind: Governor['kind'];
  readonly uid: string;
  readonly fields: { readonly [field in GovernorField]?: number };
  readonly marks: GovernorMarks;
  readonly ignored: boolean;
}

function anHpa(floor = 3, ceiling = 10, more: Partial<Stored> = {}): Stored {
  return {
    kind: 'horizontalPodAutoscaler',
    uid: 'uid-1',
    fields: { floor, ceiling },
    marks: {},
    ignored: false,
    ...more,
  };
}
function aDeployment(floor = 3, more: Partial<Stored> = {}): Stored {
  return { ...anHpa(), kind: 'workload', fields: { floor }, ...more };
}
function governorOf(stored: Stored): Governor {
  return {
    ...stored,
    workloadKind: 'Deployment',
    namespace: 'shop',
    name: 'web',
    hasAnnotations: true,
    hasLabels: true,
  };
}

function decide(stored: Stored, of: Partial<HoldFacts> = {}): HoldDecision {
  const liveReplicas = stored.fields.floor ?? 0;
  const facts = { claims: [], generation: 1_000, skipSteps: false, policy, nowMs, liveReplicas, ...of };
  return decideHold({ ...facts, governor: governorOf(stored) });
}

/** One guarded PATCH: refused as a whole when anything that was read is not so any more, or when min is above max. */
function written(stored: Stored, change: GovernorChange): Stored | 'raced' | 'invalid' {
  const guarded =
    change.uid === stored.uid &&
    change.fields.every(({ field, from }) => sameJson(stored.fields[field], from)) &&
    change.marks.every(({ mark, from }) => stored.marks[mark] === from);
  if (!guarded) return 'raced';
  const fields = { ...stored.fields };
  for (const { field, to } of change.fields) {
    delete fields[field];
    if (typeof to === 'number') fields[field] = to;
  }
  if ((fields.floor ?? 0) > (fields.ceiling ?? Infinity)) return 'invalid';
  const marks: { -readonly [mark in keyof GovernorMarks]: string } = { ...stored.marks };
  for (const { mark, to } of change.marks) {
    delete marks[mark];
    if (to !== undefined) marks[mark] = to;
  }
  return { ...stored, fields, marks };
}

function after(stored: Stored, of: Partial<HoldFacts> = {}): Stored {
  const decision = decide(stored, of);
  if (decision.kind !== 'change') return stored;
  const next = written(stored, decision.change);
  return typeof next === 'string' ? assert.fail(`the write was ${next}`) : next;
}

function standingOf(decision: HoldDecision) {
  return decision.kind === 'change' || decision.kind === 'unchanged'
    ? decision.standing
    : assert.fail(`the decision is ${decision.kind}`);
}

function setBy(somebody: Stored['fields'], stored: Stored): Stored {
  return { ...stored, fields: { ...stored.fields, ...somebody } };
}

describe('wanting a floor', () => {
  const limits = { min: 3, max: 50 };
  const rows: readonly (readonly [name: string, claims: readonly number[], baseline: number, wanted: number])[] = [
    ['is the owner’s without a claim', [], 7, 7],
    ['is what is claimed', [12], 3, 12],
    ['is the largest of several claims', [12, 20, 4], 3, 20],
    ['is never under the owner’s', [5], 8, 8],
    ['is at least the limit’s minimum', [1], 0, 3],
    ['is at most the limit', [500], 3, 50],
    ['is the owner’s where that is above the limit', [500], 80, 80],
  ];
  for (const [name, claims, baseline, wanted] of rows) {
    it(name, () =>
      assert.equal(
        wantedFloor(
          claims.map((floor) => aClaim(floor)),
          baseline,
          limits,
        ),
        wanted,
      ),
    );
  }

  it('leaves the owner’s floor alone for a claim that asks for none', () => {
    assert.equal(wantedFloor([{ id: 'a/b', freezeScaleIn: true, reason: '' }], 4, limits), 4);
  });
});

describe('wanting a ceiling', () => {
  const rows: readonly (readonly [name: string, floor: number, owner: readonly [number, number], wanted: number])[] = [
    ['keeps the room that the owner’s had', 6, [3, 10], 13],
    ['stays within the limit', 48, [3, 10], 50],
    ['is never under the owner’s', 6, [3, 80], 80],
    ['is never under the floor, whatever the owner’s say', 90, [12, 10], 90],
    ['is the floor where the owner left no room', 6, [3, 3], 6],
    ['takes an owner’s ceiling under their floor for no room', 14, [12, 10], 14],
  ];
  for (const [name, floor, [from, to], wanted] of rows) {
    it(name, () => assert.equal(wantedCeiling(floor, { floor: from, ceiling: to }, 50), wanted));
  }
});

describe('beginning a hold', () => {
  it('writes floor, ceiling, baseline and claims in one change, guarded by what was read', () => {
    const decision = decide(anHpa(), { claims: [aClaim(6)], generation: 7, liveReplicas: 4 });
    assert.ok(decision.kind === 'change');
    assert.deepEqual(decision.change.fields, [
      { field: 'floor', from: 3, to: 6 },
      { field: 'ceiling', from: 10, to: 13 },
    ]);
    assert.deepEqual(Object.fromEntries(decision.change.marks.map(({ mark, to }) => [mark, to])), {
      baseline: '{"fields":{"ceiling":{"set":13,"was":10},"floor":{"set":6,"was":3}},"replicas":4,"uid":"uid-1"}',
      claims: '[{"floor":6,"id":"pre-scale.web.sale/run-1","reason":"sale, asked for by kim"}]',
      generation: '7',
      held: 'true',
    });
    assert.ok(decision.change.marks.every(({ from }) => from === undefined));
    assert.deepEqual(decision.standing, {
      generation: 7,
      floor: 6,
      ceiling: 13,
      wantedFloor: 6,
      baselineFloor: 3,
      held: true,
      drift: [],
    });
  });

  it('holds a workload without an autoscaler by its own count, and knows no ceiling', () => {
    const decision = decide(aDeployment(), { claims: [aClaim(6)] });
    assert.ok(decision.kind === 'change');
    assert.deepEqual(decision.change.fields, [{ field: 'floor', from: 3, to: 6 }]);
    assert.equal(decision.standing.ceiling, undefined);
  });

  it('writes its marks also where the owner has more than is claimed, so that the claim outlives a lost ledger', () => {
    const held = after(anHpa(8, 20), { claims: [aClaim(6)] });
    assert.deepEqual(held.fields, { floor: 8, ceiling: 20 });
    assert.deepEqual(readClaims(held.marks), [aClaim(6)]);
  });

  it('does not lower a ceiling for a smaller claim: pods above it would be cut at once', () => {
    const held = after(after(anHpa(), { claims: [aClaim(30)] }), { claims: [aClaim(6)], skipSteps: true });
    assert.deepEqual(held.fields, { floor: 6, ceiling: 37 });
  });
});

describe('deciding without claims', () => {
  it('is idle on an object that bears no mark', () => assert.deepEqual(decide(anHpa()), { kind: 'idle' }));
  it('is idle, not blocked, on an ignored object that bears no mark', () =>
    assert.deepEqual(decide(anHpa(3, 10, { ignored: true })), { kind: 'idle' }));
  it('takes leftover marks off an object without a baseline, and no field with them', () => {
    const left = anHpa(3, 10, {
      marks: { held: 'true', generation: '4', windDown: '{"from":9,"steppedAt":"2026-11-27"}' },
    });
    assert.deepEqual(after(left), anHpa());
  });
});

describe('refusing to decide', () => {
  const baseline = '{"fields":{},"replicas":3,"uid":"uid-1"}';
  const unreadable: readonly (readonly [name: string, marks: GovernorMarks, word: RegExp])[] = [
    ['no JSON as baseline', { baseline: '{' }, /headroom\.dev\/baseline/],
    ['a baseline of another shape', { baseline: '[]' }, /headroom\.dev\/baseline/],
    ['a baseline without the count', { baseline: '{"fields":{},"uid":"uid-1"}' }, /baseline/],
    [
      'a field that a newer headroom saved',
      { baseline: '{"fields":{"tolerance":{}},"replicas":3,"uid":"u"}' },
      /baseline/,
    ],
    ['a wind-down without a date', { baseline, windDown: '{"from":3,"steppedAt":"soon"}' }, /wind-down/],
    ['a generation that is no number', { baseline, generation: 'x' }, /headroom\.dev\/generation/],
    ['a negative generation', { baseline, generation: '-1' }, /headroom\.dev\/generation/],
  ];
  for (const [name, marks, word] of unreadable) {
    it(`names ${name} and touches nothing`, () => {
      const decision = decide(anHpa(3, 10, { marks }), { claims: [aClaim(6)] });
      assert.ok(decision.kind === 'unreadable');
      assert.match(decision.reason, word);
    });
  }

  it('leaves an ignored object alone, with and without claims', () => {
    const held = { ...after(anHpa(), { claims: [aClaim(6)] }), ignored: true };
    assert.deepEqual(decide(held), { kind: 'ignored' });
    assert.deepEqual(decide(held, { claims: [aClaim(9)] }), { kind: 'ignored' });
  });

  it('is fenced by a higher generation, and not by an equal one', () => {
    const held = after(anHpa(), { claims: [aClaim(6)], generation: 8 });
    assert.deepEqual(decide(held, { generation: 7 }), { kind: 'fenced', generation: 8 });
    assert.equal(decide(held, { claims: [aClaim(6)], generation: 8 }).kind, 'unchanged');
  });
});

describe('winding down', () => {
  const held = after(anHpa(), { claims: [aClaim(30)] });
  const at = (minutes: number) => ({ nowMs: nowMs + minutes * minute });

  it('goes down by a fifth of the floor at release each interval, and home at the end', () => {
    const floors: number[] = [];
    let stored = held;
    for (let minutes = 0; stored.marks.held !== undefined && minutes < 100; minutes += 5) {
      stored = after(stored, at(minutes));
      floors.push(stored.fields.floor ?? 0);
    }
    assert.deepEqual(floors, [24, 18, 12, 6, 3]);
    assert.deepEqual(stored, anHpa());
  });

  it('waits for the interval, and says until when', () => {
    const stepped = after(held);
    const decision = decide(stepped, at(4.9));
    assert.equal(decision.kind, 'unchanged');
    assert.equal(standingOf(decision).nextCheckAtMs, nowMs + 5 * minute);
    assert.equal(standingOf(decision).waitingFor, 'the next step down');
  });

  it('goes down by one where a fifth is less', () => {
    const small = after(anHpa(1, 10), { claims: [aClaim(4)] });
    assert.equal(after(small).fields.floor, 3);
  });

  it('stops at what the remaining claims need, and does not say that it waits', () => {
    const stepped = after(held, { claims: [aClaim(26)] });
    assert.equal(stepped.fields.floor, 26);
    assert.equal(standingOf(decide(stepped, { claims: [aClaim(26)] })).waitingFor, undefined);
  });

  it('skips the steps when told to', () =>
    assert.deepEqual(after(held, { skipSteps: true, liveReplicas: 3 }), anHpa()));

  it('rises at once for a new claim', () => {
    assert.equal(after(after(held), { ...at(1), claims: [aClaim(28)] }).fields.floor, 28);
  });

  it('does not step twice in an interval because a claim came and went between', () => {
    const again = after(after(held), { ...at(1), claims: [aClaim(28)] });
    assert.equal(after(again, at(2)).fields.floor, 28);
    assert.equal(after(again, at(5)).fields.floor, 23);
  });

  it('takes the mark of the last step away when its interval is over', () => {
    const settled = after(held, { claims: [aClaim(26)] });
    assert.notEqual(settled.marks.windDown, undefined);
    assert.equal(after(settled, { ...at(5), claims: [aClaim(26)] }).marks.windDown, undefined);
  });

  it('does not wait for a step that lies in the far future', () => {
    const marks = { ...after(held).marks, windDown: '{"from":30,"steppedAt":"2036-01-01T00:00:00.000Z"}' };
    assert.equal(after({ ...after(held), marks }).fields.floor, 18);
  });

  it('keeps our ceiling while more pods run than the owner’s allows, and says so', () => {
    const home = after(held, { skipSteps: true, liveReplicas: 22 });
    assert.deepEqual(home.fields, { floor: 3, ceiling: 37 });
    const standing = standingOf(decide(home, { liveReplicas: 22 }));
    assert.equal(standing.waitingFor, 'the count to fall from 22 to the maximum of before, 10');
    assert.equal(standing.nextCheckAtMs, nowMs + 5_000);
    assert.deepEqual(after(home, { liveReplicas: 10 }), anHpa());
  });

  it('goes back to a key that was absent by removing it', () => {
    const absent: Stored = { ...anHpa(), kind: 'scaledObject', fields: {} };
    const raised = after(absent, { claims: [aClaim(6)] });
    assert.deepEqual(raised.fields, { floor: 6, ceiling: 100 });
    assert.deepEqual(after(raised, { skipSteps: true }), absent);
  });
});

describe('finding another’s hand', () => {
  const claims = [aClaim(6)];
  const held = after(anHpa(), { claims });
  const cases: readonly {
    readonly name: string;
    readonly by: Stored['fields'];
    readonly during: Stored['fields'];
    readonly home: Stored['fields'];
  }[] = [
    {
      name: 'a raised floor stays',
      by: { floor: 8 },
      during: { floor: 8, ceiling: 13 },
      home: { floor: 8, ceiling: 10 },
    },
    {
      name: 'a lowered floor is raised again for the claim, and comes back',
      by: { floor: 4 },
      during: { floor: 6, ceiling: 13 },
      home: { floor: 4, ceiling: 10 },
    },
    {
      name: 'a raised ceiling stays',
      by: { ceiling: 40 },
      during: { floor: 6, ceiling: 40 },
      home: { floor: 3, ceiling: 40 },
    },
    {
      name: 'a lowered ceiling stays, as long as the floor fits under it',
      by: { ceiling: 7 },
      during: { floor: 6, ceiling: 7 },
      home: { floor: 3, ceiling: 7 },
    },
    {
      name: 'both lowered under the claim: it is kept, with their room, and theirs come back',
      by: { floor: 2, ceiling: 5 },
      during: { floor: 6, ceiling: 9 },
      home: { floor: 2, ceiling: 5 },
    },
    {
      name: 'a floor over the owner’s old maximum lifts what comes back to it',
      by: { floor: 12 },
      during: { floor: 12, ceiling: 13 },
      home: { floor: 12, ceiling: 12 },
    },
  ];
  for (const { name, by, during, home } of cases) {
    it(name, () => {
      const changed = setBy(by, held);
      const kept = after(changed, { claims });
      assert.deepEqual(kept.fields, during);
      assert.equal(decide(kept, { claims }).kind, 'unchanged');
      assert.deepEqual(after(kept, { skipSteps: true, liveReplicas: 3 }), anHpa(home.floor, home.ceiling));
      // the same when nobody looked between
      assert.deepEqual(after(changed, { skipSteps: true, liveReplicas: 3 }).fields, {
        ...anHpa().fields,
        ...by,
        ...(home.ceiling === 12 && { ceiling: 12 }),
      });
    });
  }

  it('says what was found instead of ours, also later', () => {
    const changed = setBy({ floor: 8 }, held);
    const drift = [{ field: 'floor', ours: 6, found: 8 }];
    assert.deepEqual(standingOf(decide(changed, { claims })).drift, drift);
    assert.deepEqual(standingOf(decide(after(changed, { claims }), { claims })).drift, drift);
  });

  it('leaves theirs also when they write our own value last', () => {
    const raised = after(setBy({ floor: 8 }, held), { claims });
    assert.deepEqual(after(setBy({ floor: 6 }, raised), { skipSteps: true }).fields, { floor: 6, ceiling: 10 });
  });

  it('goes back to theirs when a larger claim is over', () => {
    const raised = after(setBy({ floor: 8 }, held), { claims: [aClaim(12)] });
    assert.equal(raised.fields.floor, 12);
    assert.deepEqual(after(raised, { skipSteps: true, liveReplicas: 8 }).fields, { floor: 8, ceiling: 10 });
  });

  it('restores what is still ours on a copy of the object, and leaves the rest', () => {
    const copy = { ...setBy({ ceiling: 20 }, held), uid: 'uid-2' };
    assert.deepEqual(ownersValues(governorOf(copy)), { floor: 3, ceiling: 20 });
    assert.deepEqual(after(copy, { skipSteps: true }), { ...anHpa(3, 20), uid: 'uid-2' });
    assert.match(after(copy, { claims }).marks.baseline ?? '', /"uid":"uid-2"/);
  });
});

describe('reading a hold from the object', () => {
  const held = after(anHpa(), { claims: [aClaim(6), aClaim(5, 'launch')], generation: 9, liveReplicas: 4 });
  it('gives the claims, the generation, the count of before and the owner’s values', () => {
    assert.deepEqual(readClaims(held.marks), [aClaim(6), aClaim(5, 'launch')]);
    assert.equal(readGeneration(held.marks), 9);
    assert.equal(replicasBeforeHold(governorOf(held)), 4);
    assert.deepEqual(ownersValues(governorOf(held)), { floor: 3, ceiling: 10 });
    assert.deepEqual(ownersValues(governorOf(setBy({ floor: 8 }, held))), { floor: 8, ceiling: 10 });
    assert.deepEqual(ownersValues(governorOf(aDeployment(5))), { floor: 5, ceiling: null });
  });

  const edited = [
    '{',
    '{}',
    '[1]',
    '[{"id":"a/b"}]',
    '[{"id":"a/b","reason":"r","floor":"6"}]',
    '[{"id":"a/b","reason":"r","floor":-1}]',
  ];
  for (const claims of edited) {
    it(`calls ${claims} unreadable`, () => assert.equal(readClaims({ claims }), 'unreadable'));
  }
  it('finds no claims where there is no mark', () => assert.equal(readClaims({}), undefined));
});
