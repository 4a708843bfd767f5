import type { WorkloadPort } from '../../activities/ports.ts';
import { readAutoscalers, readMetricsApis } from './autoscalers.ts';
import { createKubernetesClient, type KubernetesOptions } from './client.ts';
import { oncePerRun } from './capacity-of-run.ts';
import { readCapacity } from './capacity.ts';
import { findHeld } from './held.ts';
import { changeGovernor } from './governor-patch.ts';
import { readView, stateOf } from './governors.ts';
import { createRecentViews } from './recent-views.ts';
import { readTroubles } from './troubles.ts';

export interface WorkloadPortOptions extends KubernetesOptions {
  /** headroom's own namespace: `headroom.dev/ignore=true` on it stops headroom for the whole cluster. */
  readonly ownNamespace?: string;
  /** How long a run is given the capacity that it has seen. */
  readonly capacityForMs?: number;
  /** How long a workload that was read is remembered. */
  readonly recentForMs?: number;
}

/** Everything of the port goes through one pooled client. */
export function createWorkloadPort({
  ownNamespace = 'headroom',
  capacityForMs,
  recentForMs,
  ...options
}: WorkloadPortOptions): WorkloadPort {
  const client = createKubernetesClient(options);
  const views = createRecentViews(client, recentForMs);
  return {
    async readWorkload(ref, call, { remembered = false } = {}) {
      const known = remembered ? views.recent(ref) : undefined;
      const read = () => readView(client, { ref, ownNamespace, remembered }, call);
      return stateOf(known ?? (await views.through(ref, read)), ref, { versioned: remembered });
    },
    async changeGovernor(change, call) {
      const written = await changeGovernor(client, change, call);
      if (written === undefined) return 'raced';
      views.noteWritten(written);
      return 'written';
    },
    readAutoscalers: (namespace, call) => readAutoscalers(client, namespace, call),
    readMetricsApis: (call) => readMetricsApis(client, call),
    readTroubles: (ref, call) => readTroubles(client, ref, call),
    findHeld: (refs, call) => findHeld(client, refs, call),
    readCapacity: oncePerRun((ref, call) => readCapacity(client, ref, call), capacityForMs),
  };
}
