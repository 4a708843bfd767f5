import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { describeAmiss, desiredWithout, judgeTermination, type TerminationFacts } from '../../domain/termination.ts';
import { anInstance } from './addition-builders.ts';

const NODE = { name: 'gpu-1', uid: 'uid-1', instanceId: 'i-01' };
const LIVE = { min: 1, max: 10, desired: 4 };
const facts = (of: Partial<TerminationFacts> = {}, lifecycle = 'InService'): TerminationFacts => ({
  nodeUid: 'uid-1',
  schedulable: false,
  pods: [],
  instance: { ...anInstance('i-01', { lifecycle }), autoScalingGroup: 'eks-gpu-workers' },
  group: { autoScalingGroup: 'eks-gpu-workers', live: LIVE, refreshing: false },
  instances: ['i-01', 'i-02'],
  ...of,
});
const judge = (of: TerminationFacts, { isFirst = true, desiredBefore = 4 } = {}) =>
  judgeTermination({ node: NODE, desiredBefore, facts: of, isFirst });
const group = (live: Partial<typeof LIVE>, refreshing = false) => ({
  group: { autoScalingGroup: 'eks-gpu-workers', live: { ...LIVE, ...live }, refreshing },
});

describe('whether a request to end an instance may be sent', () => {
  it('may, for the node that was drained, in a group that may be smaller', () => {
    assert.deepEqual(judge(facts()), { kind: 'go' });
    assert.deepEqual(judge(facts({ nodeUid: null })), { kind: 'go' });
  });
  it('need not, where the instance goes already or has gone', () => {
    assert.deepEqual(judge(facts({}, 'Terminating:Wait'), { isFirst: false, desiredBefore: 5 }), { kind: 'asked' });
    assert.deepEqual(judge(facts({ instance: null })), { kind: 'gone' });
  });
  it('may not, for the name of another node', () => {
    const verdict = judge(facts({ nodeUid: 'uid-2' }));
    assert.match(verdict.kind === 'refused' ? verdict.reason : '', /gpu-1 is another node’s by now \(uid uid-2/);
  });
  it('may not, where the node works again: somebody took the cordon away, or pods came', () => {
    assert.match(JSON.stringify(judge(facts({ schedulable: true }))), /made gpu-1 schedulable again/);
    assert.match(JSON.stringify(judge(facts({ pods: ['ml/train-0'] }))), /not empty any more: ml\/train-0/);
  });
  it('may not, for an instance of another group', () => {
    const instance = { ...anInstance('i-01'), autoScalingGroup: 'other' };
    assert.equal(judge(facts({ instance })).kind, 'refused');
  });
  it('may not, where the group would get under its minimum', () => {
    const verdict = judge(facts(group({ min: 4 })));
    assert.match(verdict.kind === 'refused' ? verdict.reason : '', /wants 4 and its minimum is 4/);
  });
  it('waits while an instance refresh replaces nodes by itself', () => {
    assert.equal(judge(facts(group({}, true))).kind, 'wait');
  });
  it('waits, and asks nothing, where an answer was lost and the group is smaller already', () => {
    assert.equal(judge(facts(group({ desired: 3 })), { isFirst: false }).kind, 'wait');
    assert.equal(judge(facts(group({ desired: 3 })), { isFirst: true }).kind, 'go');
  });
  it('waits then whatever the last look shows: what may be going is not given back', () => {
    const rows: readonly (readonly [Partial<TerminationFacts>, afterOurs: string, before: string])[] = [
      [{ pods: ['ml/train-0'] }, 'wait', 'refused'],
      [{ schedulable: true }, 'wait', 'refused'],
      [{ nodeUid: 'uid-2' }, 'wait', 'refused'],
      [{}, 'wait', 'go'],
    ];
    for (const [of, afterOurs, before] of rows) {
      assert.equal(judge(facts({ ...of, ...group({ desired: 3 }) }), { isFirst: false }).kind, afterOurs);
      assert.equal(judge(facts({ ...of, ...group({ desired: 3 }) }), { isFirst: true }).kind, before);
      assert.equal(judge(facts(of), { isFirst: false }).kind, before);
    }
  });
  it('never goes under the minimum, and never a second time once the group is smaller', () => {
    const size = fc.nat({ max: 12 });
    fc.assert(
      fc.property(size, size, size, fc.boolean(), (min, desired, desiredBefore, isFirst) => {
        const { kind } = judge(facts(group({ min, desired })), { isFirst, desiredBefore });
        if (kind === 'go') assert.ok(desired - 1 >= min && (isFirst || desired >= desiredBefore));
      }),
    );
  });
});

describe('what a group should be when an instance has gone', () => {
  const rows: readonly (readonly [string, TerminationFacts, number])[] = [
    ['one less by our request', facts(), 3],
    ['as it was where somebody else has ended it already', facts({}, 'Terminating'), 4],
    ['as it was where it had gone before', facts({ instance: null }), 4],
  ];
  for (const [name, before, desired] of rows) it(`wants ${name}`, () => assert.equal(desiredWithout(before), desired));

  it('is as it should be where nobody has sized it and no other instance went', () =>
    assert.deepEqual(describeAmiss('gpu', { desired: 3, lost: [] }), []));
  it('is told where it is not, everything at once', () =>
    assert.deepEqual(describeAmiss('gpu', { desired: 4, expected: 3, lost: ['i-02', 'i-03'] }), [
      'gpu wants 4 nodes, not 3: somebody else has sized it meanwhile',
      'gone too, and not by us: i-02, i-03',
    ]));
});
