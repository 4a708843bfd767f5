import type { WorkloadPort } from '../../activities/ports.ts';
import { createKubernetesClient, type KubernetesOptions } from './client.ts';
import { oncePerRun } from './capacity-of-run.ts';
import { readCapacity } from './capacity.ts';
import { findHeld } from './held.ts';
import { changeGovernor } from './governor-patch.ts';
import { readWorkload } from './governors.ts';
import { readTroubles } from './troubles.ts';

export interface WorkloadPortOptions extends KubernetesOptions {
  /** headroom's own namespace: `headroom.dev/ignore=true` on it stops headroom for the whole cluster. */
  readonly ownNamespace?: string;
  /** How long a run is given the capacity that it has seen. */
  readonly capacityForMs?: number;
}

/** Everything of the port goes through one pooled client. */
export function createWorkloadPort({
  ownNamespace = 'headroom',
  capacityForMs,
  ...options
}: WorkloadPortOptions): WorkloadPort {
  const client = createKubernetesClient(options);
  return {
    readWorkload: (ref, call, options) => readWorkload(client, { ref, ownNamespace, ...options }, call),
    changeGovernor: (change, call) => changeGovernor(client, change, call),
    readTroubles: (ref, call) => readTroubles(client, ref, call),
    findHeld: (refs, call) => findHeld(client, refs, call),
    readCapacity: oncePerRun((ref, call) => readCapacity(client, ref, call), capacityForMs),
  };
}
