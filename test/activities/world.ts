import { policyOf } from '../../activities/policy.ts';
import { createActivities } from '../../activities/index.ts';
import type { Ports } from '../../activities/ports.ts';
import { readPolicy } from '../../adapters/policy-file.ts';
import type { Policy } from '../../domain/policy.ts';
import { NO_CLOUD } from '../fakes/no-cloud.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { FakeDrains } from '../fakes/drains.ts';
import { FakeMetrics } from '../fakes/metrics.ts';
import { FakeNodes } from '../fakes/nodes.ts';
import { anActivity } from '../harness/activity.ts';

export const REF = { name: 'web', namespace: 'shop', kind: 'Deployment', object: 'web' } as const;
export const HPA = { kind: 'horizontalPodAutoscaler', namespace: 'shop', name: 'web-hpa' } as const;

const TEXT = `
cluster: { name: shop-prod }
prometheus: { url: http://prometheus:9090 }
workloads:
  web:
    namespace: shop
    kind: Deployment
    limits: { min: 2, max: 12 }
    load:
      queue: { query: sum(queue), unit: requests, scaleUpAbove: 50, scaleDownBelow: 10, perPod: false }
preScale: { quiet: { window: 3m, every: 30s, step: 30s } }
ledger: { ownerCheckEvery: 5s, guardEvery: 5s }
`;

/** A cluster with one workload of three pods under an HPA of 3 to 10, and the activities over it. */
export function aWorld({
  attempt = 1,
  autoscaler = true,
  jobs = false,
}: { readonly attempt?: number; readonly autoscaler?: boolean; readonly jobs?: boolean } = {}) {
  const cluster = new FakeCluster();
  const metrics = new FakeMetrics();
  cluster.addWorkload({ ...REF, replicas: 3 });
  if (autoscaler) cluster.addAutoscaler({ kind: HPA.kind, name: HPA.name, target: REF, floor: 3, ceiling: 10 });
  const told: unknown[] = [];
  const gone = new Set<string>();
  const ports: Ports = {
    workloads: cluster,
    metrics,
    ledger: {
      claim: async (request) => void told.push(request),
      release: async (request) => void told.push(request),
      wake: async (workload) => void told.push({ woken: workload }),
    },
    ...NO_CLOUD,
    runs: { isRunning: async (id) => !gone.has(id), find: async () => null, countSince: async () => 0 },
    policy: { policy: () => (jobs ? JOBS : policy) },
    nodes: new FakeNodes(),
    evictions: new FakeNodes(),
    drains: new FakeDrains(),
  };
  const run = anActivity({ attempt });
  return { cluster, metrics, told, gone, run, activities: createActivities(ports) };
}

const reading = readPolicy([{ name: 'headroom.yaml', text: TEXT }]);
if (reading.kind === 'faults') throw new Error(JSON.stringify(reading.faults));
const policy: Policy = reading.policy;
const JOBS: Policy = withJobs(policy);
export const POLICY = policyOf({ policy: { policy: () => policy } }, 'web');

function withJobs(base: Policy): Policy {
  const { web } = base.workloads;
  if (web === undefined) throw new Error('the policy has no web');
  return { ...base, workloads: { web: { ...web, jobs: true } } };
}
