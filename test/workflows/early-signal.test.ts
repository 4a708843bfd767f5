import { describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import type { ClaimState } from '../../domain/procedures.ts';
import { claimStateSignal } from '../../workflows/messages.ts';
import { ownIdsOf } from '../harness/histories.ts';
import { aRefusal } from './crafted-refusal.ts';
import { replayable } from './crafted.ts';

const STATES: readonly Pick<ClaimState, 'state' | 'reason'>[] = [
  { state: 'refused', reason: 'its autoscaler is gone' },
  { state: 'clamped', reason: '12 is all that the limit allows' },
  { state: 'applied', reason: '' },
];

/** A reset run, and one whose first task was lost, find them in their first task, where a handler is called the moment it stands. */
describe('what the ledger says of a claim before the run of it has begun', () => {
  for (const procedure of ['preScale', 'emergencyScaleUp', 'stepScale', 'holdCapacity'])
    it(`is heard by ${procedure}, which goes its way`, async () => {
      const history = aRefusal({
        procedure,
        args: [{}],
        signals: ({ workflowId, runId }) =>
          STATES.map((said) => ({
            name: claimStateSignal.name,
            arg: { claimId: `${workflowId}/${runId}`, generation: 1, floor: 6, ...said },
          })),
      });
      await Worker.runReplayHistory(await replayable(), history, ownIdsOf(history).workflowId);
    });
});
