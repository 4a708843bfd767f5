import { Client, Connection } from '@temporalio/client';

/** As worker setup registers them: 2 Keyword, 3 Int, 5 Bool, 6 Datetime. */
const SEARCH_ATTRIBUTES = {
  HeadroomWorkload: 2,
  HeadroomProcedure: 2,
  HeadroomPhase: 2,
  HeadroomTrigger: 2,
  HeadroomNeedsApproval: 5,
  HeadroomFloor: 3,
  HeadroomEventAt: 6,
};

/** A Temporal namespace of its own for each lane: runs and ledgers of two lanes never meet. */
export async function openTemporal(address: string, namespace: string): Promise<Client> {
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: SEARCH_ATTRIBUTES });
  return new Client({ connection, namespace });
}
