import { createLedgerPort } from '../../adapters/temporal.ts';
import type { LedgerView } from '../../workflows/messages.ts';
import { ledgerQuery } from '../../workflows/messages.ts';
import type { Lane } from './lane.ts';

const WORKLOAD = 'tensafe-server';
export const LEDGER = `capacity.${WORKLOAD}`;

/** A run that does nothing but live, so that a test claims for it by hand; the answer is the id of its claim. */
export async function anOwner({ temporal }: Lane, name: string): Promise<string> {
  const handle = await temporal.workflow.start('nobody', { workflowId: name, taskQueue: 'nobody' });
  return `${name}/${handle.firstExecutionRunId}`;
}

/** Words to the lane's ledger, as the activities of a run send them. */
export function toLedger({ temporal }: Lane) {
  const port = createLedgerPort(temporal);
  const call = () => ({ signal: AbortSignal.timeout(60_000), caller: 'test' });
  return {
    claim: (id: string, sequence: number, floor: number) =>
      port.claim({ workload: WORKLOAD, claim: { id, floor, reason: 'a test' }, sequence }, call()),
    release: (claimId: string, sequence: number) =>
      port.release({ workload: WORKLOAD, claimId, sequence, now: true }, call()),
  };
}

export function askLedger({ temporal }: Lane): Promise<LedgerView> {
  return temporal.workflow.getHandle(LEDGER).query(ledgerQuery);
}

/** Which run of the ledger is the newest, and how it is. */
export async function describeLedger({ temporal }: Lane) {
  const { runId, status } = await temporal.workflow.getHandle(LEDGER).describe();
  return { runId, state: status.name };
}
