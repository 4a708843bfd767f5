import type { Routes } from '../control.ts';
import { openKubeClient } from '../kube.ts';
import { exampleInstances } from '../nodes.ts';
import { pathIn, type Run } from '../run.ts';
import type { Seed } from '../seed.ts';
import { createClusterNodes } from './cluster-nodes.ts';
import { spareCordoned } from './cordons.ts';
import type { GroupSpec } from './group.ts';
import { startCloud } from './start.ts';
import { addCloudRoutes } from './steering.ts';

/** As headroom.yaml of the example has it; a test compares. */
export const EXAMPLE_CLUSTER = 'tensafe-prod';

/** The GPU groups keep their zones as they are, or would: AZRebalance is on where it can be seen what it does (R58). */
const GROUPS = [
  { name: 'general', sizes: { min: 1, max: 6 }, subnet: '10.0.0.', suspended: [] },
  { name: 'gpu-workers', sizes: { min: 1, max: 10 }, subnet: '10.0.1.', suspended: ['AZRebalance'] },
  { name: 'gpu-inference', sizes: { min: 2, max: 20 }, subnet: '10.0.3.', suspended: [] },
];

/** The node groups of the example's nodes; without these nodes, the same groups at 0. */
export function exampleGroups(seeded: boolean): readonly GroupSpec[] {
  const all = exampleInstances();
  return GROUPS.map(({ name, sizes: { min, max }, subnet, suspended }) => {
    const members = all.filter(({ nodegroup }) => nodegroup === name);
    const instances = (seeded ? members : []).map(({ instanceId, instanceType, zone, address }) => ({
      id: instanceId,
      type: instanceType,
      zone,
      address,
    }));
    return {
      name,
      instanceTypes: [...new Set(members.map(({ instanceType }) => instanceType))],
      sizes: { min: seeded ? min : 0, max, desired: instances.length },
      zones: [...new Set(members.map(({ zone }) => zone))],
      subnet,
      suspended,
      instances,
    };
  });
}

/** What `--with cloud` is: the stand-in beside the cluster, whose Nodes follow it. */
export async function startExampleCloud(run: Run, routes: Routes): Promise<Seed> {
  const kube = openKubeClient(pathIn(run, 'kubeconfig'));
  const cloud = await startCloud({
    cluster: EXAMPLE_CLUSTER,
    groups: exampleGroups(run.seed),
    port: run.ports.cloud,
    onNode: createClusterNodes(kube),
  });
  addCloudRoutes(routes, cloud);
  const stopSparing = spareCordoned(kube, cloud);
  return {
    async stop() {
      stopSparing();
      await cloud.stop();
      kube.close();
    },
  };
}
