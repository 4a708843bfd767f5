import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { approvalFaults, outgrown, withEnd, type PlanIntent } from '../../domain/approval.ts';

const hour = 3_600_000;
const start = Date.parse('2026-11-27T09:00:00Z');
const iso = (ms: number) => new Date(ms).toISOString();
const intent: PlanIntent = {
  procedure: 'preScale',
  workload: 'web',
  governorUid: 'uid-1',
  window: { start: iso(start), end: iso(start + 2 * hour) },
  leadMs: hour / 2,
  target: { factor: 2 },
  ceilings: { replicas: 50, cost: 25 },
};

describe('approving a plan', () => {
  const planHash = 'abcdef0123456789';
  const asked = { requestedBy: 'alice', planHash };
  const refused: readonly (readonly [name: string, given: object, says: RegExp])[] = [
    ['by the same person in other capitals', { as: ' Alice ', planHash }, /alice asked for this run/],
    ['by who asked for it', { as: 'alice', planHash }, /alice asked for this run, so somebody else/],
    [
      'of another plan',
      { as: 'bob', planHash: 'fedcba98' },
      /plan fedcba98 is not the one that waits; abcdef0123456789 is/,
    ],
    ['of no plan', { as: 'bob' }, /plan without a hash/],
    ['by a hash too short to name one', { as: 'bob', planHash: 'abcdef0' }, /first 8 characters/],
    ['by a hash that is none', { as: 'bob', planHash: 7 }, /without a hash/],
  ];
  for (const [name, given, says] of refused)
    it(`is refused ${name}`, () => assert.match(approvalFaults(given, asked).join(), says));

  it('names both faults at once', () => assert.equal(approvalFaults({ as: 'alice', planHash: 'x' }, asked).length, 2));

  it('is taken of a second person, by the hash or its beginning', () => {
    assert.deepEqual(approvalFaults({ as: 'bob', planHash }, asked), []);
    assert.deepEqual(approvalFaults({ as: 'bob', planHash: 'abcdef01' }, asked), []);
  });
});

describe('holding a new plan against the approved one', () => {
  const outside: readonly (readonly [name: string, change: Partial<PlanIntent>, says: RegExp])[] = [
    ['another governor', { governorUid: 'uid-2' }, /another object/],
    ['another factor', { target: { factor: 3 } }, /the target was × 2 and is × 3/],
    ['another kind of target', { target: { replicas: 9 } }, /was × 2 and is 9 replicas/],
    ['a later end', { window: { ...intent.window, end: iso(start + 3 * hour) } }, /the event was .* and is/],
    ['an earlier start', { window: { ...intent.window, start: iso(start - hour) } }, /the event was/],
    ['a longer lead', { leadMs: hour }, /the lead was 30m and is 1h/],
    ['more replicas', { ceilings: { replicas: 60, cost: 25 } }, /most replicas were 50 and are 60/],
    ['more money', { ceilings: { replicas: 50, cost: 26 } }, /may cost was 25 and is 26/],
  ];
  for (const [name, change, says] of outside)
    it(`names ${name}`, () => assert.match(outgrown(intent, { ...intent, ...change }).join(), says));

  const inside: readonly (readonly [name: string, change: Partial<PlanIntent>])[] = [
    ['nothing changed', {}],
    ['the event ends earlier', { window: { ...intent.window, end: iso(start + hour) } }],
    ['the lead is shorter', { leadMs: 0 }],
    ['less may be used', { ceilings: { replicas: 20, cost: 5 } }],
    ['the price is not known any more', { ceilings: { replicas: 50, cost: null } }],
  ];
  for (const [name, change] of inside)
    it(`goes on when ${name}`, () => assert.deepEqual(outgrown(intent, { ...intent, ...change }), []));

  it('asks about money that was not known when it was approved', () => {
    const unpriced = { ...intent, ceilings: { replicas: 50, cost: null } };
    assert.match(outgrown(unpriced, intent).join(), /was not known and is 25/);
  });

  it('lets an extension by a second person go on, with the money for its time and no more', () => {
    // what is approved is the rounded cost of some price, and so is what is planned for the longer window
    const cents = (amount: number) => Math.round(amount * 100) / 100;
    const longer = fc.integer({ min: 0, max: 1_000 * hour });
    fc.assert(
      fc.property(longer, fc.double({ min: 0.01, max: 500, noNaN: true }), (longerMs, perHour) => {
        const end = start + 2 * hour + longerMs;
        const hours = (end - start + intent.leadMs) / hour;
        const given = { ...intent, ceilings: { replicas: 50, cost: cents(2.5 * perHour) } };
        const approved = withEnd(given, end);
        const planned = (cost: number) => ({
          ...given,
          window: { ...given.window, end: iso(end) },
          ceilings: { replicas: 50, cost },
        });
        assert.deepEqual(outgrown(approved, planned(cents(hours * perHour))), []);
        assert.equal(outgrown(approved, planned(cents(hours * (perHour + 0.01)) + 0.02)).length, 1);
      }),
    );
  });
});
