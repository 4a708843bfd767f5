import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { describeBefore, leaveTurn, takeTurn, turnOf, type Turn } from '../../domain/turns.ts';

const turn = (owner: string): Turn => ({ owner: `${owner}/run`, what: `work of ${owner}` });

describe('the queue of a node group', () => {
  it('is first come, first served, and keeps the place of who asks again', () => {
    const queue = ['a', 'b', 'a', 'c', 'b'].map(turn).reduce(takeTurn, []);
    assert.deepEqual(
      queue.map(({ owner }) => owner),
      ['a/run', 'b/run', 'c/run'],
    );
    assert.deepEqual(turnOf(queue, 'a/run'), { before: [] });
    assert.equal(describeBefore(turnOf(queue, 'c/run') ?? { before: [] }), 'a (work of a), then b (work of b)');
  });
  it('knows nothing of who is not in it', () => assert.equal(turnOf([], 'a/run'), undefined));
  it('never has two owners of the turn, whoever comes and goes', () => {
    const step = fc.record({ owner: fc.constantFrom('a', 'b', 'c', 'd'), leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const queue = steps.reduce<readonly Turn[]>(
          (all, { owner, leaves }) => (leaves ? leaveTurn(all, `${owner}/run`) : takeTurn(all, turn(owner))),
          [],
        );
        const holders = ['a', 'b', 'c', 'd'].filter((owner) => turnOf(queue, `${owner}/run`)?.before.length === 0);
        assert.equal(holders.length, Math.min(1, queue.length));
      }),
    );
  });
});
