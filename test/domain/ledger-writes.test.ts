import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyBook } from '../../domain/claims-book.ts';
import type { HoldStanding } from '../../domain/hold-standing.ts';
import { writesOf, type LedgerStep } from '../../domain/ledger-writes.ts';

const claim = (name: string, floor: number) => ({ id: `${name}/r`, floor, reason: `for ${name}` });
const standing = (generation: number, floor: number, over: Partial<HoldStanding> = {}): HoldStanding => ({
  generation,
  floor,
  ceiling: 20,
  wantedFloor: floor,
  baselineFloor: 3,
  held: true,
  drift: [],
  ...over,
});
const begun = (memory: Extract<LedgerStep, { readonly kind: 'begun' }>['memory'] = null): LedgerStep => ({
  atMs: 0,
  kind: 'begun',
  memory,
});
const stands = (one: HoldStanding, wrote = true): LedgerStep => ({
  atMs: one.generation * 1_000,
  kind: 'stands',
  standing: one,
  wrote,
});
const claims = (name: string, floor: number, sequence = 1): LedgerStep => ({
  atMs: 0,
  kind: 'claim',
  claim: claim(name, floor),
  sequence,
});
const whys = (...histories: readonly (readonly LedgerStep[])[]) =>
  writesOf(histories).map(({ generation, why }) => [generation, why]);

describe('reading the writes of a ledger out of its history', () => {
  const cases: readonly {
    readonly name: string;
    readonly steps: readonly LedgerStep[];
    readonly says: readonly (readonly [number, string])[];
  }[] = [
    {
      name: 'gives the claims that were live as the reason, each with its last word',
      steps: [
        claims('sale', 6),
        stands(standing(1, 6)),
        claims('sale', 8, 2),
        claims('launch', 5),
        stands(standing(2, 8)),
      ],
      says: [
        [1, 'for for sale'],
        [2, 'for for sale, and for launch'],
      ],
    },
    {
      name: 'leaves out rounds in which nothing was written',
      steps: [claims('sale', 6), stands(standing(1, 6)), stands(standing(2, 6), false)],
      says: [[1, 'for for sale']],
    },
    {
      name: 'knows a step down from the last one, and the restore',
      steps: [
        claims('sale', 6),
        stands(standing(1, 6)),
        { atMs: 0, kind: 'release', claimId: 'sale/r', sequence: 2 },
        stands(standing(2, 5, { wantedFloor: 3 })),
        stands(standing(3, 3)),
        stands(standing(4, 3, { held: false })),
      ],
      says: [
        [1, 'for for sale'],
        [2, 'one step down'],
        [3, 'the last step down'],
        [4, 'the owner’s values are back'],
      ],
    },
    {
      name: 'drops claims whose owner is gone, or that a person gave back, and finds those on the object',
      steps: [
        { atMs: 0, kind: 'recalled', claims: [claim('found', 6)] },
        stands(standing(1, 6)),
        { atMs: 0, kind: 'lost', claimIds: ['found/r'] },
        claims('sale', 6),
        stands(standing(2, 6)),
        { atMs: 0, kind: 'restore' },
        stands(standing(3, 6)),
      ],
      says: [
        [1, 'for for found'],
        [2, 'for for sale'],
        [3, 'nobody claims it any more'],
      ],
    },
  ];
  for (const { name, steps, says } of cases) it(name, () => assert.deepEqual(whys([begun(), ...steps]), says));

  it('goes on from what the ledger took along, and has each write once', () => {
    const write = (generation: number) => ({
      atMs: generation * 1_000,
      floor: 6,
      ceiling: 20,
      generation,
      why: 'kept',
    });
    const book = { ...emptyBook, claims: [claim('sale', 6)] };
    const taken = begun({ book, standing: standing(2, 6), writes: [write(1), write(2)] });
    const first = [begun(), claims('sale', 6), stands(standing(2, 6))];
    assert.deepEqual(whys(first, [taken, stands(standing(3, 5, { wantedFloor: 3 }))]), [
      [1, 'kept'],
      [2, 'for for sale'],
      [3, 'one step down'],
    ]);
  });
});
