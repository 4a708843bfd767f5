import { defaultDataConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { ledgerSteps, runFacts } from '../../client/facts.ts';
import { decodeHistory, type Happening } from '../../client/history.ts';
import { writesOf } from '../../domain/ledger-writes.ts';
import { readHistories } from './histories.ts';

/** A recorded ending, such as `steered`: its first run and the ledger of its workload. */
export async function recordedEnding(ending: string) {
  const happeningsOf = async (workflow: string): Promise<readonly Happening[]> => {
    const found = readHistories().find(({ name }) => name.startsWith(`${ending}.${workflow}.`));
    if (found === undefined) throw new Error(`no history of ${ending}.${workflow} in test/histories`);
    return decodeHistory(historyFromJSON(found.history), defaultDataConverter);
  };
  const about = { id: 'pre-scale.tensafe-server.sale', runId: '' };
  return {
    run: runFacts(about, await happeningsOf('pre-scale')),
    ledger: async () => writesOf([ledgerSteps(await happeningsOf('capacity'))]),
  };
}
