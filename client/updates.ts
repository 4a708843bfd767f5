import {
  type Client,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common';
import type { Answer, By } from '../workflows/messages.ts';
import { failed, refused } from './exit.ts';
import { unknownRun } from './runs.ts';

/** Without a worker nobody validates or answers an update. */
const ANSWER_MS = 10_000;

/** An answer, or that it is still to come: what a run has accepted it keeps, whatever becomes of who said it. */
export type Heard = Answer & { readonly carriedOut?: false };

/** Says one thing to a run. Accepted and not answered within the caller's deadline is no failure: nothing has to be said again. */
export async function sendUpdate<Request extends By>(
  client: Client,
  id: string,
  { update, request }: { readonly update: UpdateDefinition<Answer, [Request]>; readonly request: Request },
): Promise<Heard> {
  const handle = client.workflow.getHandle(id);
  const accepted = await handle.startUpdate(update, { args: [request], waitForStage: 'ACCEPTED' });
  try {
    return await accepted.result();
  } catch (error) {
    if (!(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)) throw error;
    return {
      carriedOut: false,
      now: `accepted, not carried out yet: the ledger has not answered, or no worker runs any more; the run asks until it is done, so it need not be said again; headroom show ${id} tells`,
    };
  }
}

/** The answer to what is said to one run, for people and for scripts; what comes back as a fault is said in a person's words. */
export async function hear(client: Client, id: string, act: (client: Client) => Promise<Heard>) {
  try {
    const heard = await client.connection.withDeadline(Date.now() + ANSWER_MS, () => act(client));
    return { value: { id, ...heard }, text: `${id}: ${heard.now}` };
  } catch (error) {
    throw await faultOf(client, id, error);
  }
}

async function faultOf(client: Client, id: string, error: unknown): Promise<unknown> {
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure)
    return refused([error.cause.message], { id });
  if (error instanceof WorkflowNotFoundError) {
    const ended = await client.workflow
      .getHandle(id)
      .describe()
      .catch(() => undefined);
    return ended === undefined
      ? unknownRun(client, id)
      : refused([`${id} has ended (${ended.status.name.toLowerCase()}); nothing can be said to it any more`], { id });
  }
  if (error instanceof Error && /deadline/i.test(error.message))
    return failed(
      `no answer for ${id} yet: no worker runs (headroom worker starts one), or it is busy; what was said may still be carried out, headroom show ${id} tells`,
    );
  return error;
}
