import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readExtras } from '../../sandbox/extras.ts';

describe('reading what a sandbox is to have besides', () => {
  const rows: readonly (readonly [texts: readonly string[], extras: readonly string[]])[] = [
    [[], []],
    [['keda'], ['keda']],
    [['keda', 'keda'], ['keda']],
    [[' keda , keda'], ['keda']],
    [['alertmanager'], ['alertmanager']],
    [
      ['alertmanager', 'keda'],
      ['keda', 'alertmanager'],
    ],
  ];
  for (const [texts, extras] of rows) {
    it(`takes ${JSON.stringify(texts)} for ${JSON.stringify(extras)}`, () => {
      assert.deepEqual(readExtras(texts), extras);
    });
  }

  it('names every word that it does not know, and those that it does', () => {
    assert.throws(() => readExtras(['kedo,keda', '']), /does not know "kedo", ""; it takes keda, alertmanager/);
  });
});
