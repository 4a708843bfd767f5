import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Claim } from '../../domain/claim.ts';
import {
  asksForLess,
  claimFaults,
  emptyBook,
  noteClaim,
  noteRelease,
  withFound,
  withoutOwners,
  type ClaimsBook,
} from '../../domain/claims-book.ts';

function aClaim(name: string, floor = 6): Claim {
  return { id: `pre-scale.web.${name}/run-1`, floor, reason: name };
}
const sale = aClaim('sale');
const launch = aClaim('launch', 9);

describe('keeping claims', () => {
  it('adds, amends and releases', () => {
    const both = noteClaim(noteClaim(emptyBook, sale, 1), launch, 1);
    assert.deepEqual(both.claims, [sale, launch]);
    const amended = noteClaim(both, aClaim('sale', 12), 2);
    assert.deepEqual(amended.claims, [launch, aClaim('sale', 12)]);
    assert.deepEqual(noteRelease(amended, launch.id, 2).claims, [aClaim('sale', 12)]);
  });

  it('tells the runs of one event name apart', () => {
    const second = { ...sale, id: 'pre-scale.web.sale/run-2' };
    assert.deepEqual(noteRelease(noteClaim(noteClaim(emptyBook, sale, 1), second, 1), sale.id, 2).claims, [second]);
  });

  const claimed = noteClaim(noteClaim(emptyBook, sale, 1), aClaim('sale', 8), 3);
  const released = noteRelease(claimed, sale.id, 4);
  const late: readonly (readonly [name: string, before: ClaimsBook, after: ClaimsBook])[] = [
    ['a retry of the same claim', claimed, noteClaim(claimed, aClaim('sale', 8), 3)],
    ['an older amendment', claimed, noteClaim(claimed, aClaim('sale', 20), 2)],
    ['an older release', claimed, noteRelease(claimed, sale.id, 2)],
    ['a claim after its release', released, noteClaim(released, aClaim('sale', 8), 3)],
    ['a retry of the release', released, noteRelease(released, sale.id, 4)],
    ['an owner who is gone already', released, withoutOwners(released, [sale.id])],
  ];
  for (const [name, before, after] of late) {
    it(`is the same book after ${name}, so that nothing is applied for it`, () => assert.equal(after, before));
  }

  it('takes an amendment that was said after the release: the run claims again', () => {
    assert.deepEqual(noteClaim(released, aClaim('sale', 7), 5).claims, [aClaim('sale', 7)]);
  });

  it('remembers a release that came before its claim', () => {
    assert.deepEqual(noteClaim(noteRelease(emptyBook, sale.id, 2), sale, 1).claims, []);
  });

  it('does not take a claim up again that it found on the object and has dropped', () => {
    const recalled = withFound(emptyBook, [sale, launch]);
    const dropped = withoutOwners(recalled, [sale.id]);
    assert.deepEqual(withFound(dropped, [sale, launch]).claims, [launch]);
    assert.deepEqual(noteClaim(dropped, aClaim('sale', 7), 2).claims, [launch, aClaim('sale', 7)]);
  });

  it('drops the claims of owners that are gone, and hears no late retry of theirs', () => {
    const left = withoutOwners(noteClaim(noteClaim(emptyBook, sale, 1), launch, 1), [sale.id]);
    assert.deepEqual(left.claims, [launch]);
    assert.equal(noteClaim(left, sale, 1), left);
  });
});

describe('remembering what was heard', () => {
  const finished = (count: number) =>
    Array.from({ length: count }, (_, index) => aClaim(`event-${index}`)).reduce(
      (book, claim) => noteRelease(noteClaim(book, claim, 1), claim.id, 2),
      noteClaim(emptyBook, sale, 7),
    );

  it('keeps the word of every live claim, however many runs have finished since', () => {
    const book = finished(500);
    assert.deepEqual(book.claims, [sale]);
    assert.equal(noteClaim(book, aClaim('sale', 50), 7), book);
  });

  it('forgets finished runs but for the last two hundred', () => {
    const book = finished(500);
    assert.ok(book.heard.length <= 201, `${book.heard.length} are remembered`);
    assert.equal(noteClaim(book, aClaim('event-499'), 1), book);
    assert.equal(noteClaim(book, aClaim('event-301'), 1), book);
  });

  it('keeps more than two hundred live claims', () => {
    const claims = Array.from({ length: 300 }, (_, index) => aClaim(`event-${index}`));
    const book = claims.reduce((book, claim) => noteClaim(book, claim, 1), emptyBook);
    assert.equal(book.claims.length, 300);
    for (const claim of claims) assert.equal(noteClaim(book, claim, 1), book);
  });
});

describe('finding claims on the object', () => {
  it('keeps what it finds beside what it has heard', () => {
    assert.deepEqual(withFound(noteClaim(emptyBook, launch, 1), [sale]).claims, [sale, launch]);
  });
  it('believes what it has heard itself', () => {
    assert.deepEqual(withFound(noteClaim(emptyBook, aClaim('sale', 20), 3), [sale]).claims, [aClaim('sale', 20)]);
  });
  it('does not bring back what was released before the object was read', () => {
    assert.deepEqual(withFound(noteRelease(emptyBook, sale.id, 2), [sale, launch]).claims, [launch]);
  });
  it('takes a later word about a claim that was found', () => {
    const found = withFound(emptyBook, [sale, launch]);
    assert.deepEqual(noteRelease(noteClaim(found, aClaim('sale', 11), 2), launch.id, 5).claims, [aClaim('sale', 11)]);
  });
});

it('ends with the last word of each owner, in whatever order the words arrive and however often', () => {
  const word = fc.record({ owner: fc.nat(3), sequence: fc.integer({ min: 1, max: 6 }) });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      const last = new Map<number, number>();
      let book = emptyBook;
      for (const { owner, sequence } of words) {
        const claim = aClaim(`event-${owner}`, sequence);
        // each third word of an owner is a release
        book = sequence % 3 === 0 ? noteRelease(book, claim.id, sequence) : noteClaim(book, claim, sequence);
        last.set(owner, Math.max(sequence, last.get(owner) ?? 0));
      }
      const live = [...last].filter(([, sequence]) => sequence % 3 !== 0);
      assert.deepEqual(
        book.claims.map(({ id, floor }) => `${id} ${floor}`).toSorted(),
        live.map(([owner, sequence]) => `${aClaim(`event-${owner}`).id} ${sequence}`).toSorted(),
      );
    }),
  );
});

describe('refusing a claim', () => {
  const rows: readonly (readonly [name: string, claim: object, word: RegExp])[] = [
    ['that asks for nothing', { id: 'a/b', reason: '', freezeScaleIn: false }, /a floor, a pin, or freezeScaleIn/],
    ['for nothing', { id: 'a/b', floor: 0, reason: '' }, /floor 0/],
    ['for a part of a pod', { id: 'a/b', floor: 2.5, reason: '' }, /floor 2.5/],
    ['for no number', { id: 'a/b', floor: Number.NaN, reason: '' }, /floor NaN/],
    [
      'with a freeze that is no yes or no',
      { id: 'a/b', floor: 1, freezeScaleIn: 'yes', reason: '' },
      /freezeScaleIn yes/,
    ],
    ['with a conflict that is no yes', { id: 'a/b', floor: 1, inConflict: false, reason: '' }, /inConflict false/],
    ['with a pin to nothing', { id: 'a/b', pin: 0, reason: '' }, /pin 0/],
    ['without an owner', { id: 'a', floor: 1, reason: '' }, /claim id a is not/],
    ['without a reason, which a new ledger could not read back', { id: 'a/b', floor: 1 }, /needs a reason/],
  ];
  for (const [name, claim, word] of rows) {
    it(name, () => assert.match(claimFaults(claim as Claim).join('; '), word));
  }
  it('names all that is wrong at once', () => {
    assert.equal(claimFaults({ id: '', floor: -1, pin: 0.5, freezeScaleIn: 1 } as unknown as Claim).length, 5);
  });
  for (const asked of [{ floor: 6 }, { freezeScaleIn: true }, { pin: 4 }, { floor: 6, freezeScaleIn: true }])
    it(`finds nothing wrong with ${JSON.stringify(asked)}`, () =>
      assert.deepEqual(claimFaults({ id: 'a/b', reason: '', ...asked }), []));
});

describe('what gives capacity up', () => {
  const frozen: Claim = { id: sale.id, freezeScaleIn: true, reason: 'sale' };
  const pinned: Claim = { id: sale.id, pin: 6, reason: 'sale' };
  const rows: readonly (readonly [what: string, before: readonly Claim[], now: readonly Claim[], less: boolean])[] = [
    ['nothing changed', [sale], [sale], false],
    ['a first claim', [], [sale], false],
    ['one claim more', [sale], [launch, sale], false],
    ['a claim that asks for more', [sale], [aClaim('sale', 7)], false],
    ['a freeze besides', [sale], [{ ...sale, freezeScaleIn: true }], false],
    ['a claim that is gone', [sale, launch], [sale], true],
    ['one for another', [sale], [launch], true],
    ['a claim that asks for less', [sale], [aClaim('sale', 5)], true],
    ['a floor that is a freeze now', [sale], [frozen], true],
    ['a freeze that is a floor now', [frozen], [sale], true],
    ['a pin of somebody new', [sale], [sale, { ...launch, pin: 6 }], true],
    ['a pin besides', [sale], [{ ...sale, pin: 6 }], true],
    ['a pin that is gone', [pinned], [{ ...sale, floor: 9 }], true],
    ['a pin elsewhere', [pinned], [{ ...pinned, pin: 7 }], true],
  ];
  for (const [what, before, now, less] of rows)
    it(`${what}: ${less ? 'yes' : 'no'}`, () => {
      assert.equal(asksForLess(before, now), less);
    });
});
