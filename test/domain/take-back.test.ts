import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { raisedSizes } from '../../domain/addition.ts';
import type { GroupSizes, NodeOrder } from '../../domain/node-group.ts';
import { hasMoved, mayStillCome, minimumBack, minimumFor, takeBackOrder } from '../../domain/take-back.ts';
import { anInstance } from './addition-builders.ts';

const BEFORE = { min: 1, max: 10, desired: 4 };
const RAISED = raisedSizes(BEFORE, 2);
const orderOf = (before: GroupSizes, raised: GroupSizes): NodeOrder => {
  return { group: 'gpu-workers', autoScalingGroup: 'eks-gpu-workers', before, raised, owner: 'run/1' };
};
const ORDER = orderOf(BEFORE, RAISED);
const instances = (count: number) => Array.from({ length: count }, (_, i) => anInstance(`i-${i}`));

describe('taking back what of an order is not met', () => {
  for (const { name, have, live, wants } of [
    { name: 'nothing came', have: 4, live: RAISED, wants: 4 },
    { name: 'one of two came', have: 5, live: RAISED, wants: 5 },
    { name: 'all came', have: 6, live: RAISED, wants: undefined },
    { name: 'EKS has not carried the order out', have: 4, live: BEFORE, wants: undefined },
    { name: 'instances were lost meanwhile', have: 3, live: RAISED, wants: 4 },
    { name: 'somebody else has ordered too', have: 5, live: { ...RAISED, desired: 9 }, wants: 7 },
    { name: 'somebody else has raised the minimum', have: 4, live: { ...RAISED, min: 5 }, wants: 5 },
  ])
    it(`where ${name}`, () => assert.equal(takeBackOrder({ live, instances: instances(have) }, ORDER), wants));

  it('counts an instance that is coming, and none that is going', () => {
    const mixed = [
      ...instances(4),
      anInstance('i-p', { lifecycle: 'Pending' }),
      anInstance('i-t', { lifecycle: 'Terminating:Wait' }),
    ];
    assert.equal(takeBackOrder({ live: RAISED, instances: mixed }, ORDER), 5);
  });

  it('never ends an instance, never goes under what was wanted before, and never orders more', () => {
    const size = fc.nat({ max: 30 });
    fc.assert(
      fc.property(size, size, size, size, fc.nat({ max: 5 }), (min, desired, have, foreign, count) => {
        const before = { min: Math.min(min, desired), max: 60, desired };
        const raised = raisedSizes(before, count);
        const live = { ...raised, desired: Math.max(raised.desired, foreign) };
        const wanted = takeBackOrder({ live, instances: instances(have) }, orderOf(before, raised)) ?? live.desired;
        assert.ok(wanted <= live.desired && wanted >= live.min && wanted >= desired);
        assert.ok(wanted >= Math.min(have, live.desired));
      }),
    );
  });
});

describe('a group that is to be ordered from', () => {
  it('has not moved where it is as it was planned, or as it was ordered already', () => {
    assert.deepEqual(
      [BEFORE, RAISED].map((live) => hasMoved(ORDER, live)),
      [false, false],
    );
  });
  it('has, where somebody else changed any of its sizes', () => {
    const others = [
      { ...BEFORE, desired: 9 },
      { ...BEFORE, min: 2 },
      { ...RAISED, max: 12 },
    ];
    assert.deepEqual(
      others.map((live) => hasMoved(ORDER, live)),
      [true, true, true],
    );
  });
});

describe('an order whose fate is not known', () => {
  const unknown = { ...ORDER, placed: false };
  it('is taken back where the group wants exactly that, and left where it has moved otherwise', () => {
    assert.equal(takeBackOrder({ live: RAISED, instances: instances(4) }, unknown), 4);
    assert.equal(takeBackOrder({ live: { ...RAISED, desired: 9 }, instances: instances(4) }, unknown), undefined);
  });
  it('may still be carried out while EKS updates the group', () => {
    assert.equal(mayStillCome({ status: 'UPDATING', live: BEFORE }, ORDER), true);
    assert.equal(mayStillCome({ status: 'UPDATING', live: RAISED }, ORDER), false);
    assert.equal(mayStillCome({ status: 'ACTIVE', live: BEFORE }, ORDER), false);
  });
});

describe('the minimum that keeps new nodes', () => {
  it('is what was ordered, or what is wanted where that is less; the desired count stays', () => {
    assert.deepEqual(minimumFor(ORDER, RAISED), { min: 6, max: 10, desired: 6 });
    assert.deepEqual(minimumFor(ORDER, { ...RAISED, desired: 5 }), { min: 5, max: 10, desired: 5 });
    assert.equal(minimumFor(ORDER, { ...RAISED, min: 6 }), undefined);
  });
  it('comes back where it is still ours', () => {
    assert.deepEqual(minimumBack(ORDER, { min: 6, max: 10, desired: 7 }), { min: 1, max: 10, desired: 7 });
    // raised while fewer were wanted
    const held = { ...ORDER, held: 5 };
    assert.deepEqual(minimumBack(held, { min: 5, max: 10, desired: 6 }), { min: 1, max: 10, desired: 6 });
    assert.equal(minimumBack(held, { min: 6, max: 10, desired: 6 }), undefined);
  });
  it('is left where it never was raised, or somebody else has set it', () => {
    assert.equal(minimumBack(ORDER, RAISED), undefined);
    assert.equal(minimumBack(ORDER, { ...RAISED, min: 2 }), undefined);
    assert.equal(minimumBack(ORDER, { min: 1, max: 10, desired: 1 }), undefined);
  });
});
