import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { canonicalJson, sameJson } from '../../domain/json.ts';

describe('writing canonical JSON', () => {
  const rows: readonly (readonly [name: string, value: unknown, text: string])[] = [
    ['sorts keys at each depth', { b: 1, a: { d: [], c: null } }, '{"a":{"c":null,"d":[]},"b":1}'],
    ['keeps the order of a list', [2, 1, { b: 0, a: 0 }], '[2,1,{"a":0,"b":0}]'],
    ['escapes texts and keys', { 'a"b': 'line\nbreak' }, '{"a\\"b":"line\\nbreak"}'],
    ['leaves out a key without a value', { a: undefined, b: [undefined] }, '{"b":[null]}'],
    ['writes what has no number as null', [Number.NaN, Infinity, -0], '[null,null,0]'],
    ['writes nothing as null', undefined, 'null'],
  ];
  for (const [name, value, text] of rows) it(name, () => assert.equal(canonicalJson(value), text));

  it('says what JSON.stringify says, whatever the order of the keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
        assert.equal(canonicalJson(reversed(value)), text);
      }),
    );
  });
});

describe('comparing values', () => {
  it('does not care for the order of keys, and does for that of lists', () => {
    assert.ok(sameJson({ a: 1, b: 2 }, { b: 2, a: 1 }));
    assert.ok(!sameJson([1, 2], [2, 1]));
  });
  it('compares literally: spelled otherwise is another value', () => {
    assert.ok(!sameJson('0.01', '10m'));
    assert.ok(!sameJson('1', 1));
    assert.ok(!sameJson(0, false));
  });
  it('takes an absent key for itself only', () => {
    assert.ok(sameJson(undefined, undefined));
    assert.ok(!sameJson(undefined, null));
    assert.ok(!sameJson(0, undefined));
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => reversed(item));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, reversed(item)]);
  return Object.fromEntries(entries.toReversed());
}
