import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { addQuantities, compareQuantities, formatQuantity, readQuantity } from '../../domain/quantity.ts';

const UNITS = new Map<string, bigint>([
  ['n', 1n],
  ['u', 1_000n],
  ['m', 1_000_000n],
  ['', 10n ** 9n],
  ['k', 10n ** 12n],
  ['M', 10n ** 15n],
  ['G', 10n ** 18n],
  ['T', 10n ** 21n],
  ['P', 10n ** 24n],
  ['E', 10n ** 27n],
  ['Ki', 2n ** 10n * 10n ** 9n],
  ['Mi', 2n ** 20n * 10n ** 9n],
  ['Gi', 2n ** 30n * 10n ** 9n],
  ['Ti', 2n ** 40n * 10n ** 9n],
]);

function nanoOf(text: string): bigint {
  const reading = readQuantity(text);
  assert.ok(reading.ok, text);
  return reading.nano;
}

describe('reading a quantity', () => {
  const same = [
    ['0.5', '500m'],
    ['1.5Gi', '1536Mi'],
    ['.5', '500m'],
    ['5.', '5'],
    ['+5', '5'],
    ['1e3', '1k'],
    ['1E3', '1000'],
    ['1E', '1000P'],
    ['2.5e-3', '2500u'],
    ['1e+2', '100'],
    ['0.1', '100m'],
    ['128974848', '123Mi'],
    ['128974848000m', '123Mi'],
    ['1Ei', '1024Pi'],
    ['-1500m', '-1.5'],
    ['00012', '12'],
    ['-0', '0'],
  ] as const;
  for (const [a, b] of same) it(`takes ${a} for ${b}`, () => assert.equal(nanoOf(a), nanoOf(b)));

  for (const text of [
    '',
    '.',
    '+',
    '1K',
    '1ki',
    '1 Gi',
    ' 1',
    '1\n',
    '1e',
    '1e1.5',
    '1e3m',
    '1Gi2',
    '0x10',
    '1_000',
    'NaN',
    'Gi',
    '--1',
    '٣',
  ]) {
    it(`refuses ${JSON.stringify(text)} and names it`, () => {
      const reading = readQuantity(text);
      assert.ok(!reading.ok);
      assert.ok(reading.fault.includes(`'${text}'`));
    });
  }

  it('rounds away from zero below a nano-unit, as the API server does', () => {
    assert.equal(nanoOf('0.1n'), 1n);
    assert.equal(nanoOf('1.0000000001'), 10n ** 9n + 1n);
    assert.equal(nanoOf('-0.1n'), -1n);
    assert.equal(nanoOf('0.0n'), 0n);
  });

  it('caps binary quantities at 2^63-1 and leaves decimal ones alone', () => {
    assert.equal(nanoOf('8Ei'), (2n ** 63n - 1n) * 10n ** 9n);
    assert.equal(nanoOf('-9Ei'), -(2n ** 63n - 1n) * 10n ** 9n);
    assert.equal(nanoOf('10E'), 10n ** 28n);
  });

  it('refuses an exponent that would fill the memory', () => {
    assert.equal(readQuantity('1e999999999').ok, false);
    assert.equal(readQuantity('1e-999999999').ok, false);
  });

  it('keeps digits that a floating-point number loses', () => {
    assert.equal(nanoOf('9007199254740993'), 9_007_199_254_740_993n * 10n ** 9n);
    assert.equal(nanoOf('0.1') + nanoOf('0.2'), nanoOf('0.3'));
  });

  it('agrees with rational arithmetic for every suffix', () => {
    const unit = fc.constantFrom(...UNITS.keys());
    fc.assert(
      fc.property(
        fc.bigInt(-(10n ** 6n), 10n ** 6n),
        fc.integer({ min: 0, max: 6 }),
        unit,
        (digits, decimals, suffix) => {
          const magnitude = digits < 0n ? -digits : digits;
          const padded = String(magnitude).padStart(decimals + 1, '0');
          const cut = padded.length - decimals;
          const text = `${digits < 0n ? '-' : ''}${padded.slice(0, cut)}.${padded.slice(cut)}${suffix}`;
          const exact = magnitude * (UNITS.get(suffix) ?? 0n);
          const scale = 10n ** BigInt(decimals);
          const rounded = (exact + scale - 1n) / scale;
          assert.equal(nanoOf(text), digits < 0n ? -rounded : rounded);
        },
      ),
    );
  });
});

describe('writing a quantity', () => {
  const rows = [
    ['500m', 'decimal', '500m'],
    ['2', 'decimal', '2'],
    ['1.5Gi', 'bytes', '1.5Gi'],
    ['1536Mi', 'bytes', '1.5Gi'],
    ['1023Mi', 'bytes', '1023Mi'],
    ['1024Mi', 'bytes', '1Gi'],
    ['1e-9', 'decimal', '1n'],
    ['1000', 'bytes', '1000'],
    ['0', 'bytes', '0'],
    ['-2Ki', 'bytes', '-2Ki'],
    ['1500m', 'bytes', '1500m'],
    ['1024', 'decimal', '1024'],
  ] as const;
  for (const [text, style, written] of rows) {
    it(`writes ${text} in ${style} as ${written}`, () => assert.equal(formatQuantity(nanoOf(text), style), written));
  }

  it('reads back as the same amount', () => {
    const nano = fc.oneof(
      fc.bigInt(-(10n ** 40n), 10n ** 40n),
      fc.bigInt(-(10n ** 6n), 10n ** 6n).map((count) => count * 2n ** 20n * 10n ** 9n),
      fc.bigInt(0n, 2n ** 12n).map((count) => count * 2n ** 52n * 10n ** 9n),
    );
    fc.assert(
      fc.property(nano, fc.constantFrom('decimal' as const, 'bytes' as const), (nano, style) => {
        assert.equal(nanoOf(formatQuantity(nano, style)), nano);
      }),
    );
  });
});

describe('adding and comparing quantities', () => {
  it('adds exactly across suffixes', () => {
    assert.deepEqual(addQuantities(['1Gi', '512Mi', '0.5']), { ok: true, nano: nanoOf('1.5Gi') + nanoOf('500m') });
    assert.deepEqual(addQuantities([]), { ok: true, nano: 0n });
  });

  it('makes the sum a fault when one of them is no quantity', () => {
    assert.equal(addQuantities(['1', 'many']).ok, false);
    assert.equal(compareQuantities('1', 'many'), undefined);
  });

  it('orders as the amounts do', () => {
    assert.equal(compareQuantities('1G', '1Gi'), -1);
    assert.equal(compareQuantities('1000m', '1'), 0);
    assert.equal(compareQuantities('0.1', '99m'), 1);
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
        const order = compareQuantities(formatQuantity(a), formatQuantity(b, 'bytes'));
        assert.equal(order === 0, a === b);
        assert.equal(order === -1, a < b);
      }),
    );
  });
});
