import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  isToBeEvicted,
  planEvictions,
  type Budget,
  type NodePod,
  type TurnedDown,
  type UnderWay,
} from '../../domain/eviction.ts';

const nowMs = 1_000_000;
const aPod = (name: string, given: Partial<NodePod> = {}): NodePod => ({
  namespace: 'shop',
  name,
  uid: `uid-${name}`,
  labels: { app: 'web' },
  phase: 'Running',
  ready: true,
  owner: { kind: 'ReplicaSet', name: 'web', uid: 'rs' },
  mirror: false,
  deleting: false,
  finalizers: [],
  ...given,
});
const aBudget = (given: Partial<Budget> = {}): Budget => ({
  namespace: 'shop',
  name: 'web',
  version: '1',
  selector: { matchLabels: { app: 'web' }, matchExpressions: [] },
  disruptionsAllowed: 1,
  currentHealthy: 10,
  desiredHealthy: 9,
  disruptedPods: [],
  allowsUnready: false,
  isObserved: true,
  ...given,
});
type Given = Parameters<typeof planEvictions>[0];
const plan = (given: Partial<Given>) => {
  const { now, held, lookAgainMs } = planEvictions({
    pods: [],
    budgets: [],
    underWay: new Map(),
    turnedDown: new Map(),
    unreplaced: null,
    atOnce: 50,
    nowMs,
    ...given,
  });
  return {
    now: now.map(({ pod }) => pod.name),
    held: held.map(({ pod, why }) => [pod.name, why]),
    raw: held,
    lookAgainMs,
  };
};
const five = ['a', 'b', 'c', 'd', 'e'].map((name) => aPod(name));

describe('what is to be evicted', () => {
  const rows: readonly (readonly [string, Partial<NodePod>, boolean])[] = [
    ['a pod of a ReplicaSet', {}, true],
    ['a bare pod', { owner: null }, true],
    ['a pod that waits for its node', { phase: 'Pending' }, true],
    ['a pod that is going already', { deleting: true }, true],
    ['a DaemonSet’s pod', { owner: { kind: 'DaemonSet', name: 'dcgm', uid: 'ds' } }, false],
    ['a mirror pod', { mirror: true }, false],
    ['a pod that has ended well', { phase: 'Succeeded' }, false],
    ['a pod that has failed', { phase: 'Failed' }, false],
  ];
  for (const [name, given, is] of rows)
    it(`${is ? 'counts' : 'does not count'} ${name}`, () => assert.equal(isToBeEvicted(aPod('a', given)), is));
});

describe('planning who is evicted now', () => {
  it('takes all that no budget covers, a bounded number at a time', () => {
    assert.deepEqual(plan({ pods: five }).now, ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(plan({ pods: five, atOnce: 2 }).now, ['a', 'b']);
    const waiting: UnderWay = { budget: null, acceptedAtMs: null, counted: true };
    assert.deepEqual(plan({ pods: five, atOnce: 3, underWay: new Map([['uid-a', waiting]]) }).now, ['b', 'c']);
  });

  it('takes under each budget as many as it allows', () => {
    const others = [aPod('x', { labels: { app: 'db' } }), aPod('y', { labels: { app: 'db' } })];
    const db = aBudget({ name: 'db', selector: { matchLabels: { app: 'db' }, matchExpressions: [] } });
    const { now, held } = plan({ pods: [...five, ...others], budgets: [aBudget({ disruptionsAllowed: 2 }), db] });
    assert.deepEqual(now, ['a', 'b', 'x']);
    assert.deepEqual(held[0], [
      'c',
      'the disruption budget web allows no eviction now: it needs 9 healthy pods and has 10',
    ]);
    assert.equal(held.length, 4);
  });

  const uncounted: readonly (readonly [string, Partial<UnderWay>, readonly string[]])[] = [
    ['was asked for and is not answered', {}, ['b', 'c']],
    ['was accepted a moment ago', { acceptedAtMs: nowMs - 100 }, ['b', 'c']],
    ['stands in its status already', { acceptedAtMs: nowMs - 100, counted: true }, ['b', 'c', 'd']],
    ['was accepted long ago, and its note must have been missed', { acceptedAtMs: nowMs - 2_000 }, ['b', 'c', 'd']],
    ['is of another budget', { budget: 'shop/db' }, ['b', 'c', 'd']],
  ];
  for (const [name, given, now] of uncounted)
    it(`${now.length === 2 ? 'takes one less' : 'takes as many'} where an eviction of the budget ${name}`, () => {
      const one: UnderWay = { budget: 'shop/web', acceptedAtMs: null, counted: false, ...given };
      const budgets = [aBudget({ disruptionsAllowed: 3 })];
      assert.deepEqual(plan({ pods: five, budgets, underWay: new Map([['uid-a', one]]) }).now, now);
    });

  const coverage: readonly (readonly [string, Partial<NodePod>, Partial<Budget>, boolean])[] = [
    ['a ready pod', {}, {}, false],
    ['a pod that does not run yet', { phase: 'Pending', ready: false }, {}, true],
    ['a pod of a node that does not report', { phase: 'Unknown' }, {}, false],
    ['an unready pod where enough others are healthy', { ready: false }, {}, true],
    ['an unready pod where others are missing', { ready: false }, { currentHealthy: 8 }, false],
    ['an unready pod where none is needed', { ready: false }, { currentHealthy: 0, desiredHealthy: 0 }, false],
    ['an unready pod under AlwaysAllow', { ready: false }, { currentHealthy: 8, allowsUnready: true }, true],
    ['a pod of another namespace', { namespace: 'other' }, {}, true],
    ['a pod with other labels', { labels: { app: 'db' } }, {}, true],
    [
      'any pod of the namespace under an empty selector',
      { labels: {} },
      { selector: { matchLabels: {}, matchExpressions: [] } },
      false,
    ],
    ['a pod under a budget that selects nothing', {}, { selector: null }, true],
    ['a ready pod under counts of an older spec', {}, { disruptionsAllowed: 5, isObserved: false }, false],
  ];
  for (const [name, pod, budget, goes] of coverage)
    it(`${goes ? 'takes' : 'holds'} ${name} with nothing allowed`, () => {
      const budgets = [aBudget({ disruptionsAllowed: 0, ...budget })];
      assert.deepEqual(plan({ pods: [aPod('a', pod)], budgets }).now, goes ? ['a'] : []);
    });

  it('holds a pod under two budgets for ever, also an unready one, but not one that does not run', () => {
    const budgets = [aBudget({ allowsUnready: true }), aBudget({ name: 'web-old', allowsUnready: true })];
    for (const ready of [true, false]) {
      const [held] = plan({ pods: [aPod('a', { ready })], budgets }).raw;
      assert.equal(held?.forever, true);
      assert.equal(held?.budget, 'shop/web, shop/web-old');
      assert.match(held?.why ?? '', /^web and web-old both select it/);
    }
    assert.deepEqual(plan({ pods: [aPod('a', { phase: 'Pending' })], budgets }).now, ['a']);
  });

  it('takes one pod of each controller where they wait for each other, and none of one that lacks a pod', () => {
    const other = { kind: 'StatefulSet', name: 'db', uid: 'ss' };
    const pods = [...five, aPod('x', { owner: other }), aPod('y', { owner: other }), aPod('z', { owner: null })];
    assert.deepEqual(plan({ pods, unreplaced: new Set() }).now, ['a', 'x', 'z']);
    const { now, held } = plan({ pods, unreplaced: new Set(['ss']) });
    assert.deepEqual(now, ['a', 'z']);
    assert.deepEqual(held.at(-1), [
      'y',
      'waits until StatefulSet db has all its pods ready again, without the one that went before',
    ]);
  });

  it('names what is going and what keeps it', () => {
    const pods = [aPod('a', { deleting: true }), aPod('b', { deleting: true, finalizers: ['x/y', 'z'] })];
    assert.deepEqual(plan({ pods }).held, [
      ['a', 'is terminating: its kubelet has not ended it yet'],
      ['b', 'is terminating and kept by x/y, z; whoever set the finalizer has to remove it'],
    ]);
  });

  it('leaves a pod alone that was turned down, until its time or another state of its budget', () => {
    const refusal: TurnedDown = { why: 'busy', budget: null, notBeforeMs: nowMs + 500, stamp: 'shop/web@1' };
    const pods = [aPod('a')];
    const asked = (given: Partial<TurnedDown>, version = '1', atMs = nowMs) =>
      plan({
        pods,
        budgets: [aBudget({ version })],
        turnedDown: new Map([['uid-a', { ...refusal, ...given }]]),
        nowMs: atMs,
      });
    assert.deepEqual(asked({}).held, [['a', 'busy']]);
    assert.equal(asked({}).lookAgainMs, nowMs + 500);
    assert.deepEqual(asked({}, '2').now, ['a']);
    assert.deepEqual(asked({ stamp: null }, '2').now, []);
    assert.deepEqual(asked({}, '1', nowMs + 500).now, ['a']);
    assert.equal(asked({ notBeforeMs: Infinity }).raw[0]?.forever, true);
    assert.equal(asked({ notBeforeMs: Infinity }).lookAgainMs, null);
  });

  it('never asks a budget for more than it allows, asks for each pod once, and forgets none', () => {
    const pods = fc.array(
      fc.record({
        app: fc.constantFrom('a', 'b', 'free'),
        ready: fc.boolean(),
        phase: fc.constantFrom('Running', 'Pending'),
        deleting: fc.boolean(),
        asked: fc.option(
          fc.record({ counted: fc.boolean(), acceptedAtMs: fc.option(fc.integer({ min: nowMs - 4_000, max: nowMs })) }),
        ),
      }),
      { maxLength: 30 },
    );
    const allowed = fc.record({ a: fc.integer({ min: 0, max: 6 }), b: fc.integer({ min: 0, max: 6 }) });
    fc.assert(
      fc.property(pods, allowed, fc.integer({ min: 1, max: 8 }), (given, allows, atOnce) => {
        const all = given.map(({ app, ready, phase, deleting }, index) =>
          aPod(`${index}`, { labels: { app }, ready, phase, deleting }),
        );
        const budgets = (['a', 'b'] as const).map((name) =>
          aBudget({
            name,
            selector: { matchLabels: { app: name }, matchExpressions: [] },
            disruptionsAllowed: allows[name],
            currentHealthy: 1,
          }),
        );
        const underWay = new Map<string, UnderWay>(
          given.flatMap(({ app, asked }, index) =>
            asked === null
              ? []
              : [[`uid-${index}`, { ...asked, budget: app === 'free' ? null : `shop/${app}` }] as const],
          ),
        );
        const { now, held } = plan({ pods: all, budgets, underWay, atOnce });
        const unanswered = [...underWay.values()].filter(({ acceptedAtMs }) => acceptedAtMs === null).length;
        assert.ok(now.length <= Math.max(0, atOnce - unanswered));
        assert.equal(new Set([...now, ...held.map(([name]) => name)]).size, now.length + held.length);
        for (const name of ['a', 'b'] as const) {
          const asked = all.filter(
            (pod) => now.includes(pod.name) && pod.labels['app'] === name && pod.phase === 'Running',
          );
          assert.ok(asked.length <= allows[name]);
        }
        for (const { name } of all) if (underWay.has(`uid-${name}`)) assert.ok(!now.includes(name));
        if (now.length < atOnce - unanswered) assert.equal(now.length + held.length, all.length);
      }),
    );
  });
});
