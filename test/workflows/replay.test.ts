import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { readHistories } from '../harness/histories.ts';

const logger = new DefaultLogger('ERROR');
const bundle = (path: string) =>
  bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL(path, import.meta.url)), logger });

describe('replaying recorded runs', () => {
  const histories = readHistories();
  let workflowBundle: Awaited<ReturnType<typeof bundle>>;
  before(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
    workflowBundle = await bundle('../../workflows/index.ts');
  });

  it('has a history of each way a run can end', () => {
    const names = histories.map(({ name }) => name).join('\n');
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
    ])
      assert.ok(names.includes(outcome), `${outcome} is missing: record it (see CONTRIBUTING)`);
  });

  for (const { name, history } of histories) {
    it(`goes the same way as ${name}`, async () => {
      await Worker.runReplayHistory({ workflowBundle }, history);
    });
  }

  it('notices an edit that runs under way cannot follow', async () => {
    const incompatible = await bundle('./incompatible/index.ts');
    for (const kind of ['pre-scale', 'capacity']) {
      const one = histories.find(({ name }) => name.includes(`done-hpa.${kind}`));
      assert.ok(one, `there is a ${kind} to replay`);
      await assert.rejects(
        Worker.runReplayHistory({ workflowBundle: incompatible }, one.history),
        DeterminismViolationError,
      );
    }
  });
});
