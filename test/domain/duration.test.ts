import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatDuration, readDuration } from '../../domain/duration.ts';

describe('reading a duration', () => {
  const accepted = [
    ['30m', 1_800_000],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['2d', 172_800_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['1m5ms', 60_005],
    ['0s', 0],
    ['007s', 7000],
    ['366d', 31_622_400_000],
  ] as const;
  for (const [text, ms] of accepted) {
    it(`takes ${text} for ${ms} ms`, () => assert.deepEqual(readDuration(text), { kind: 'duration', ms }));
  }

  const refused = [
    '',
    ' ',
    '30',
    '0',
    '-30',
    '1.5',
    '1.5h',
    '-30m',
    '30 m',
    ' 30m',
    '30m ',
    '30M',
    '30min',
    'm',
    '1m1h',
    '1m1m',
    'PT30M',
    '367d',
    '9'.repeat(400) + 'd',
    '30m\n',
    '٣m',
  ];
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text).slice(0, 20)} and says what is accepted`, () => {
      const read = readDuration(text);
      assert.equal(read.kind, 'fault');
      if (read.kind === 'fault') assert.match(read.message, /accepted is a duration with its unit, such as 30m/);
    });
  }

  it('says of a bare number that its unit is missing, with what may have been meant', () => {
    const read = readDuration('30');
    assert.equal(read.kind === 'fault' && read.found, '"30" has no unit (30s? 30m?)');
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => ['duration', 'fault'].includes(readDuration(text).kind)));
  });
});

describe('writing a duration', () => {
  const cases = [
    [0, '0s'],
    [5_400_000, '1h30m'],
    [900_000, '15m'],
    [500, '500ms'],
    [93_784_005, '1d2h3m4s5ms'],
    [-90_000, '-1m30s'],
    [1.4, '1ms'],
  ] as const;
  for (const [ms, text] of cases) it(`writes ${ms} ms as ${text}`, () => assert.equal(formatDuration(ms), text));

  it('is read back as the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 31_622_400_000 }), (ms) => {
        assert.deepEqual(readDuration(formatDuration(ms)), { kind: 'duration', ms });
      }),
    );
  });
});
