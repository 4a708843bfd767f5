import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Lane } from '../test/harness/lane.ts';

/** What the API server is asked for at a time while the scene is set. */
const AT_ONCE = 20;

interface Shop {
  readonly name: string;
  /** Where nobody needs pods, Kubernetes starts none: the machine is small, and pods start elsewhere than the servers. */
  readonly hasPods: boolean;
}
/** What processes of the lane are to be told so that they know the shops. */
type Surroundings = Readonly<Record<string, string>>;

export function shopsNamed(prefix: string, count: number, { hasPods }: Pick<Shop, 'hasPods'>): readonly Shop[] {
  return Array.from({ length: count }, (_, index) => ({ name: `${prefix}-${index}`, hasPods }));
}

/** Small Deployments that nothing scales, and a policy over the lane's: each is a workload, and an alert of its name its emergency. */
export async function openShops(lane: Lane, shops: readonly Shop[]): Promise<Surroundings> {
  for (let at = 0; at < shops.length; at += AT_ONCE)
    await Promise.all(shops.slice(at, at + AT_ONCE).map((shop) => lane.admin.create('Deployment', deployment(shop))));
  const load = { queue: { query: 'vector(0)', unit: 'requests', scaleUpAbove: 50, scaleDownBelow: 10, perPod: false } };
  const workload = { namespace: lane.namespace, kind: 'Deployment', limits: { min: 1, max: 5 }, load };
  const eachOf = <T>(of: (name: string) => T) => Object.fromEntries(shops.map(({ name }) => [name, of(name)]));
  const overlay = join(lane.directory, 'shops.yaml');
  const policy = {
    workloads: eachOf(() => workload),
    alertRules: eachOf((name) => ({ procedure: 'emergencyScaleUp', workload: name })),
    // the runbook's pace and not a test's
    ledger: { ownerCheckEvery: '15s', guardEvery: '5s' },
  };
  writeFileSync(overlay, stringify(policy, { aliasDuplicateObjects: false }));
  return { ...lane.surroundings, HEADROOM_CONFIG: `${lane.surroundings['HEADROOM_CONFIG']}:${overlay}` };
}

function deployment({ name, hasPods }: Shop): object {
  const labels = { app: name };
  const containers = [{ name: 'server', image: 'shop:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } }];
  return {
    metadata: { name },
    spec: {
      replicas: 1,
      // of a Deployment that never rolled out there is nothing to scale
      paused: !hasPods,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}
