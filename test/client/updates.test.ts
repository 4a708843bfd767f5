import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client } from '@temporalio/client';
import { CommandFailed, EXIT } from '../../client/exit.ts';
import { hear, sendUpdate } from '../../client/updates.ts';
import { amendFloorUpdate } from '../../workflows/messages.ts';

const RUN = 'pre-scale.web.sale';
/** As on the wire: an update that a workflow has accepted, and one that has been answered. */
const STAGE = { admitted: 1, accepted: 2, completed: 3 } as const;

interface Reply {
  readonly stage: number;
  readonly outcome?: unknown;
}

/** Temporal's client over a service that answers an update like this, and the poll for its outcome, or lets the deadline pass. */
function aClient({ update, poll }: { readonly update?: Reply; readonly poll?: Reply }): Client {
  const reply = async (given: Reply | undefined) => {
    if (given !== undefined) return { updateRef: { workflowExecution: { runId: 'r1' } }, ...given };
    throw Object.assign(new Error('4 DEADLINE_EXCEEDED: Deadline exceeded after 10s'), {
      code: 4,
      details: 'Deadline exceeded after 10s',
      metadata: {},
    });
  };
  const workflowService = {
    updateWorkflowExecution: () => reply(update),
    pollWorkflowExecutionUpdate: () => reply(poll),
  };
  const withDeadline = <T>(_: number, act: () => Promise<T>) => act();
  return new Client({ connection: { workflowService, withDeadline, plugins: [] } as never });
}

const amend = (client: Client) =>
  hear(client, RUN, () => sendUpdate(client, RUN, { update: amendFloorUpdate, request: { as: 'alice', floor: 8 } }));
const answered = {
  success: {
    payloads: [
      {
        metadata: { encoding: Buffer.from('json/plain') },
        data: Buffer.from(JSON.stringify({ now: 'at least 8 replicas are asked for' })),
      },
    ],
  },
};
const refusedBecause = (message: string) => ({
  failure: { message, applicationFailureInfo: { type: 'invalidRequest', nonRetryable: true } },
});

describe('saying something to a run', () => {
  it('prints what the run answers', async () => {
    const { text, value } = await amend(aClient({ update: { stage: STAGE.completed, outcome: answered } }));
    assert.equal(text, `${RUN}: at least 8 replicas are asked for`);
    assert.deepEqual(value, { id: RUN, now: 'at least 8 replicas are asked for' });
  });

  it('waits for the answer of one that takes longer than to be accepted', async () => {
    const poll = { stage: STAGE.completed, outcome: answered };
    const { text } = await amend(aClient({ update: { stage: STAGE.accepted }, poll }));
    assert.equal(text, `${RUN}: at least 8 replicas are asked for`);
  });

  it('is no failure once the run has accepted it: the ledger answers later', async () => {
    const { text, value } = await amend(aClient({ update: { stage: STAGE.accepted } }));
    assert.match(text, /accepted, not carried out yet: the ledger has not answered.*need not be said again/);
    assert.equal(value.carriedOut, false);
  });

  it('is refused in the run’s own words, at once or after it was accepted', async () => {
    const outcome = refusedBecause('floor 13 is not accepted; 3 (the baseline) to 12 (the limit) are');
    const refusal = (error: unknown) =>
      error instanceof CommandFailed && error.code === EXIT.refused && /floor 13 is not accepted/.test(error.message);
    await assert.rejects(amend(aClient({ update: { stage: STAGE.completed, outcome } })), refusal);
    const poll = { stage: STAGE.completed, outcome };
    await assert.rejects(amend(aClient({ update: { stage: STAGE.accepted }, poll })), refusal);
  });

  it('fails while nobody has accepted it', async () => {
    await assert.rejects(
      amend(aClient({})),
      (error) => error instanceof CommandFailed && error.code === EXIT.failed && /no worker runs/.test(error.message),
    );
  });
});
