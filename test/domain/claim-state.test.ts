import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeClaim } from '../../domain/claim-state.ts';
import type { HoldStanding } from '../../domain/hold-standing.ts';

const claim = { id: 'pre-scale.web.sale/run-1', floor: 6, reason: 'sale' };
const standing: HoldStanding = {
  generation: 4,
  floor: 6,
  ceiling: 13,
  wantedFloor: 6,
  baselineFloor: 3,
  held: true,
  drift: [],
};
const stands = (more: Partial<HoldStanding>) => ({
  kind: 'standing' as const,
  standing: { ...standing, ...more },
  limit: 5,
});
const taken = { field: 'floor', found: 3, wanted: 6 } as const;

describe('telling the owner of a claim how it stands', () => {
  const rows = [
    ['applied where the object says it', stands({}), 'applied', /^$/],
    ['clamped under what was asked', stands({ floor: 5 }), 'clamped', /the limit is 5/],
    [
      'contested by a person, who can be answered',
      stands({ contested: { ...taken, by: 'kubectl-edit', person: true } }),
      'contested',
      /floor is 3 instead of 6, set by kubectl-edit; amendFloor/,
    ],
    [
      'contested by a controller',
      stands({ contested: { ...taken, by: 'argocd-controller', person: false } }),
      'contested',
      /not held: .* reverted by argocd-controller/,
    ],
    [
      'refused where the floor holds nothing',
      stands({ unprotected: { kind: 'paused', reason: 'it is paused by x' } }),
      'refused',
      /not held: it is paused by x/,
    ],
    [
      'refused where nothing can be written',
      { kind: 'blocked', reason: 'two autoscalers' },
      'refused',
      /two autoscalers/,
    ],
  ] as const;
  for (const [name, outcome, state, reason] of rows) {
    it(name, () => {
      const judged = judgeClaim(claim, outcome);
      assert.equal(judged?.state, state);
      assert.match(judged.reason, reason);
      assert.equal(judged.claimId, claim.id);
    });
  }
  it('holds beside another autoscaler for who may stand there, and refuses the rest, both with the reason', () => {
    const conflict = 'two autoscalers; the repair';
    const judged = (floor: number, inConflict: boolean) =>
      judgeClaim({ ...claim, floor, ...(inConflict && { inConflict }) }, stands({ floor: 6, conflict }));
    assert.deepEqual(
      [judged(6, true), judged(7, true), judged(6, false)].map((one) => [one?.state, one?.reason]),
      ['applied', 'clamped', 'refused'].map((state) => [state, conflict]),
    );
  });
  it('says nothing while it is not known', () => {
    for (const kind of ['idle', 'raced', 'fenced'] as const) assert.equal(judgeClaim(claim, { kind }), undefined);
  });
});
