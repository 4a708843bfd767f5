import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readDrainRequest } from '../../domain/drain-request.ts';

const GOOD = { nodes: ['n1', 'ip-10-0-1-7.ec2.internal'], requestedBy: 'alice' };

describe('reading what a drain is asked for with', () => {
  it('hands on what is whole', () => {
    for (const more of [
      {},
      { remove: true },
      { forMs: 1 },
      { remove: false, forMs: 7 * 86_400_000 },
      { reason: 'x', planOnly: true },
    ]) {
      const input = { ...GOOD, ...more };
      assert.deepEqual(readDrainRequest(input), { request: input, faults: [] });
    }
  });

  const rows: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /^the input is missing; give \{"nodes"/],
    [[], /^the input is \[\]/],
    [{ ...GOOD, nodes: [] }, /^nodes is \[\]; give 1 to 20 names/],
    [{ ...GOOD, nodes: 'n1' }, /^nodes is "n1"/],
    [{ ...GOOD, nodes: ['N1'] }, /^nodes has "N1"; give a node's name/],
    [{ ...GOOD, nodes: [7] }, /^nodes has 7/],
    [{ ...GOOD, nodes: ['n1', 'n1', 'n1'] }, /^nodes has "n1" more than once/],
    [{ ...GOOD, nodes: Array.from({ length: 21 }, (_, i) => `n${i}`) }, /^nodes are 21/],
    [{ ...GOOD, requestedBy: ' ' }, /^requestedBy is " "/],
    [{ ...GOOD, remove: 'yes' }, /^remove is "yes"/],
    [{ ...GOOD, forMs: 0 }, /^forMs is 0/],
    [{ ...GOOD, forMs: 1.5 }, /^forMs is 1.5/],
    [{ ...GOOD, forMs: 604_800_001 }, /^forMs is 604800001; give whole milliseconds above 0, at most 7d/],
    [{ ...GOOD, remove: true, forMs: 5 }, /^remove and forMs exclude each other/],
    [{ ...GOOD, planOnly: 1 }, /^planOnly is 1/],
    [{ ...GOOD, reason: 1 }, /^reason is 1/],
  ];
  for (const [input, fault] of rows)
    it(`names ${fault.source}`, () => {
      const { faults } = readDrainRequest(input);
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', fault);
    });

  it('names all faults at once, and keeps what can be read', () => {
    const { request, faults } = readDrainRequest({
      nodes: ['n1', 'N2', 'n1'],
      remove: 1,
      forMs: 'x',
      requestedBy: 'alice',
    });
    assert.equal(faults.length, 4);
    assert.deepEqual(request, { nodes: ['n1', 'N2', 'n1'], requestedBy: 'alice' });
    assert.deepEqual(readDrainRequest({}).request, { nodes: ['?'], requestedBy: '?' });
  });

  it('reads or refuses whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        const { request, faults } = readDrainRequest(input);
        assert.ok(faults.length > 0 || request.nodes.length > 0);
      }),
    );
  });
});
