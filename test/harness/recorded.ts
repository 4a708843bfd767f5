import { defaultDataConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { ledgerSteps, runFacts } from '../../client/facts.ts';
import { decodeHistory } from '../../client/history.ts';
import { writesOf } from '../../domain/ledger-writes.ts';
import type { NodeProcedure } from '../../domain/procedures.ts';
import { ownIdsOf, readHistories } from './histories.ts';

/** A recorded ending, such as `steered`: one run of it, and the ledger that knows its claim. */
export async function recordedEnding(ending: string, workflow = 'pre-scale') {
  const ledgers = await found(ending, 'capacity');
  for (const { id, happenings } of await found(ending, workflow)) {
    const [started] = happenings;
    const firstRunId = started?.kind === 'started' ? started.firstRunId : '';
    const ledger = ledgers.find((one) => JSON.stringify(one.happenings).includes(`/${firstRunId}"`));
    if (ledger === undefined) continue;
    return {
      run: runFacts({ id, runId: firstRunId }, happenings),
      ledger: writesOf([ledgerSteps(ledger.happenings)]),
    };
  }
  throw new Error(`no history of a ${workflow} that ended ${ending}, with its ledger, in test/histories`);
}

/** What Temporal keeps of a recorded run on nodes, such as `drain-remove`. */
export async function recordedNodeRun(ending: string, procedure: NodeProcedure) {
  const [one] = await found(ending, procedure === 'drainGpuNode' ? 'drain-gpu-node' : 'add-gpu-nodes');
  if (one === undefined) throw new Error(`no history of a ${procedure} that ended ${ending}`);
  return one;
}

function found(ending: string, workflow: string) {
  return Promise.all(
    readHistories(`${ending}.${workflow}.`).map(async ({ history }) => ({
      id: ownIdsOf(history).workflowId,
      happenings: await decodeHistory(historyFromJSON(history), defaultDataConverter),
    })),
  );
}
