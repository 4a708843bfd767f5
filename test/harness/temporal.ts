import { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTE_NUMBERS } from '../../worker/search-attributes.ts';

/** A Temporal namespace of its own for each lane: runs and ledgers of two lanes never meet. */
export async function openTemporal(address: string, namespace: string): Promise<Client> {
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: SEARCH_ATTRIBUTE_NUMBERS });
  return new Client({ connection, namespace });
}
