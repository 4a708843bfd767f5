import { defaultDataConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { ledgerSteps, runFacts } from '../../client/facts.ts';
import { decodeHistory, type Happening } from '../../client/history.ts';
import { writesOf } from '../../domain/ledger-writes.ts';
import { readHistories } from './histories.ts';

/** A recorded ending, such as `steered`: one run of it, and the ledger that knows its claim. */
export async function recordedEnding(ending: string) {
  const found = async (workflow: string): Promise<readonly (readonly Happening[])[]> =>
    Promise.all(
      readHistories()
        .filter(({ name }) => name.startsWith(`${ending}.${workflow}.`))
        .map(({ history }) => decodeHistory(historyFromJSON(history), defaultDataConverter)),
    );
  const ledgers = await found('capacity');
  for (const run of await found('pre-scale')) {
    const firstRunId = run[0]?.kind === 'started' ? run[0].firstRunId : '';
    const ledger = ledgers.find((one) => JSON.stringify(one).includes(`/${firstRunId}"`));
    if (ledger === undefined) continue;
    const id = 'pre-scale.tensafe-server.sale';
    return { run: runFacts({ id, runId: firstRunId }, run), ledger: writesOf([ledgerSteps(ledger)]) };
  }
  throw new Error(`no history of a run that ended ${ending}, with its ledger, in test/histories`);
}
