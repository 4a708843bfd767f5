import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { isThorough } from '../harness/effort.ts';
import { readHistories, ownIdsOf } from '../harness/histories.ts';
import { bundle, replayable } from './crafted.ts';

describe('replaying recorded runs', () => {
  // all of them in npm test; an eighth in npm run test:unit
  const recorded = readHistories();
  const histories = recorded.filter((_, index) => isThorough || index % 8 === 0);
  const replayed = new Map<string, Error | undefined>();
  before(async () => {
    const named = histories.map(({ history }) => ({ workflowId: ownIdsOf(history).workflowId, history }));
    for await (const { runId, error } of Worker.runReplayHistories(await replayable(), named))
      replayed.set(runId, error);
  });

  it('has a history of each way a run can end', () => {
    const names = recorded.map(({ name }) => name).join('\n');
    for (const outcome of [
      'done-hpa',
      'done-none',
      'steered',
      'not-needed',
      'cancelled',
      'refused',
      'short',
      'survived',
      'merged',
      'approved',
      'unapproved',
      'suspended',
      'regained',
      'scheduled',
      'done-keda',
      'emergency-freeze',
      'emergency-pause',
      'emergency-cancelled',
      'emergency-alerts',
      'steps',
      'hold-freeze',
      'hold-pause',
      'drain-remove',
      'drain-karpenter',
      'drain-checkpoint',
      'drain-unapproved',
      'drain-cancelled',
      'add-nodes.add-gpu-nodes',
      'add-nodes-taken-back',
      'add-nodes-loan',
    ])
      assert.ok(names.includes(outcome), `${outcome} is missing: record it (see CONTRIBUTING)`);
  });

  for (const { name, history } of histories) {
    it(`goes the same way as ${name}`, () => {
      const { runId } = ownIdsOf(history);
      assert.ok(replayed.has(runId), 'it was not replayed');
      assert.equal(replayed.get(runId), undefined);
    });
  }

  // a second bundle takes seconds
  it('notices an edit that runs under way cannot follow', { skip: !isThorough }, async () => {
    const incompatible = await bundle('./incompatible/index.ts');
    for (const kind of ['pre-scale', 'capacity']) {
      const one = recorded.find(({ name }) => name.includes(`done-hpa.${kind}`));
      assert.ok(one, `there is a ${kind} to replay`);
      await assert.rejects(
        Worker.runReplayHistory({ workflowBundle: incompatible }, one.history, ownIdsOf(one.history).workflowId),
        DeterminismViolationError,
      );
    }
  });
});
