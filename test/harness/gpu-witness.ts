import assert from 'node:assert/strict';
import type { RunningCloud } from '../../sandbox/cloud/start.ts';
import type { KubeClient } from '../../sandbox/kube.ts';
import { seenBy } from './audit.ts';
import type { Lane } from './lane.ts';
import { faultsOfCordons } from './witness-of-cordons.ts';
import { faultsOfDeeds } from './witness-of-evictions.ts';
import { faultsOfOrders, faultsOfTerminations } from './witness-of-sizes.ts';

/** A lane whose API server and AWS are the witnesses. */
export interface Witnessed {
  readonly lane: Lane;
  readonly kube: KubeClient;
  readonly cloud: RunningCloud;
  /** How the names of its nodes begin, also of those to come. */
  readonly nodeNames: readonly string[];
}

/** What must hold however the runs of a lane ended: of cordons (I5), of evictions (I6), of the sizes of its groups (I14). */
export async function everyDeedIsSound(gpu: Witnessed): Promise<void> {
  assert.deepEqual(
    [
      ...(await faultsOfCordons(gpu)),
      ...faultsOfDeeds(seenBy(`"namespace":"${gpu.lane.namespace}"`)),
      ...faultsOfOrders(gpu.cloud.calls),
      ...(await faultsOfTerminations(gpu)),
    ],
    [],
  );
}
