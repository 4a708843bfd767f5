import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DrainPlan } from '../../domain/drain.ts';
import type { RunStatus } from '../../domain/procedures.ts';
import { openDrainRecord } from '../../workflows/drain-record.ts';
import type { Run } from '../../workflows/run.ts';

const NODES = ['n1', 'n2'].map((name) => ({ name, uid: `uid-${name}`, instanceId: `i-${name}` }));

/** Of a removal of two nodes. */
function aRecord() {
  const plan = { remove: true, nodes: NODES } as unknown as DrainPlan;
  let status = { drain: { plan, nodes: [] }, timeline: [] } as unknown as RunStatus;
  const run = {
    status: () => status,
    update: (change: Partial<RunStatus>) => void (status = { ...status, ...change }),
  } as unknown as Run;
  const record = openDrainRecord(run);
  record.begin(plan);
  const result = (reasons: readonly string[]) => {
    const ended = record.result(reasons);
    return 'lost' in ended ? [ended.outcome, ended.reasons, ended.lost] : assert.fail();
  };
  return { record, result };
}

describe('the result of a drain', () => {
  it('is that all has gone, also where the group is left otherwise than it should be, which it tells', () => {
    const { record, result } = aRecord();
    assert.deepEqual(result([]), ['removed', [], []]);
    record.noteAmiss([], ['gpu wants 5 nodes, not 3']);
    record.noteAmiss(['i-03'], ['gone too: i-03']);
    assert.deepEqual(result([]), ['removed', ['gpu wants 5 nodes, not 3', 'gone too: i-03'], ['i-03']]);
  });

  it('has why it went no further before that', () => {
    const { record, result } = aRecord();
    record.note('n1', { state: 'removed' });
    record.noteAmiss(['i-03'], ['gone too: i-03']);
    assert.deepEqual(result(['a budget']), ['partly removed', ['a budget', 'gone too: i-03'], ['i-03']]);
  });
});
