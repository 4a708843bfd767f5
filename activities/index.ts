import { createAutoscalerActivities } from './autoscalers.ts';
import { createCloudAccessActivities } from './cloud-access.ts';
import { createClaimActivities } from './claims.ts';
import { createEmergencyActivities } from './emergencies.ts';
import { createConfigurationActivities } from './configuration.ts';
import { createDrainActivities } from './drains.ts';
import { createEvictionActivities } from './evictions.ts';
import { createEvidenceActivities } from './evidence.ts';
import { createGuardActivities } from './guard.ts';
import { createLedgerActivities } from './ledger.ts';
import { createNodeClaimActivities } from './node-claims.ts';
import { createNodeGroupActivities } from './node-groups.ts';
import { createNodeActivities } from './nodes.ts';
import { createPolicyActivities } from './policy.ts';
import type { Ports } from './ports.ts';
import { createQuietActivities } from './quiet.ts';
import { createRunActivities } from './runs.ts';
import { createTurnActivities } from './turns.ts';
import { createWorkloadActivities } from './workloads.ts';
import { createGpuActivities } from './gpus.ts';

export type Activities = ReturnType<typeof createActivities>;

/** Every activity by its name; the worker registers them on all queues, workflows/stubs.ts says which queue runs which. */
export function createActivities(ports: Ports) {
  const [policies, workloads] = [createPolicyActivities(ports), createWorkloadActivities(ports)];
  return {
    ...policies,
    ...workloads,
    ...createRunActivities(ports),
    ...createEmergencyActivities({ runs: ports.runs, ...policies, ...workloads }),
    ...createLedgerActivities(ports),
    ...createGuardActivities(ports),
    ...createClaimActivities(ports),
    ...createQuietActivities(ports),
    ...createEvictionActivities(ports),
    ...createDrainActivities(ports),
    ...createEvidenceActivities(ports),
    ...createAutoscalerActivities(ports),
    ...createConfigurationActivities(ports),
    ...createTurnActivities(ports),
    ...createNodeGroupActivities(ports),
    ...createNodeActivities(ports),
    ...createNodeClaimActivities(ports),
    ...createGpuActivities(ports),
    ...createCloudAccessActivities(ports),
  };
}
