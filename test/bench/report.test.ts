import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judge, renderTable, type Measure } from '../../bench/report.ts';

const aMeasure = (over: Partial<Measure>): Measure => ({ what: 'reads', value: 30, unit: '', ...over });
const atMost = (limit: number) => ({ bound: { kind: 'at most', limit } }) as const;
const atLeast = (limit: number) => ({ bound: { kind: 'at least', limit } }) as const;

describe('judging a figure', () => {
  const cases = [
    { name: 'keeps a bound that is just reached', measure: aMeasure(atMost(30)), verdict: 'kept' },
    { name: 'breaks it one above', measure: aMeasure({ value: 31, ...atMost(30) }), verdict: 'BROKEN' },
    { name: 'keeps a least that is reached', measure: aMeasure(atLeast(30)), verdict: 'kept' },
    { name: 'breaks a least one below', measure: aMeasure({ value: 29, ...atLeast(30) }), verdict: 'BROKEN' },
    { name: 'breaks what could not be measured', measure: aMeasure({ value: NaN, ...atMost(30) }), verdict: 'BROKEN' },
    { name: 'says nothing without a bound', measure: aMeasure({}), verdict: '' },
  ] as const;
  for (const { name, measure, verdict } of cases) it(name, () => assert.equal(judge(measure), verdict));
});

describe('printing figures', () => {
  it('stands in columns, with unit, bound and verdict', () => {
    const measures = [
      aMeasure({ what: 'claim ÷ naive', value: 0.2134, ...atMost(0.35), note: 'a round: 0.19 to 0.24' }),
      aMeasure({ what: 'memory in all', value: 1_234.56, unit: 'MiB', ...atMost(600) }),
      aMeasure({ what: 'fired', value: 1_000, unit: 'of 1000', ...atLeast(1_000) }),
    ];
    assert.equal(
      renderTable(measures),
      [
        'measure        value          bound           verdict  note',
        'claim ÷ naive  0.21           at most 0.35    kept     a round: 0.19 to 0.24',
        'memory in all  1234.6 MiB     at most 600     BROKEN',
        'fired          1,000 of 1000  at least 1,000  kept',
      ].join('\n'),
    );
  });
});
