import type { Lane } from '../../test/harness/lane.ts';
import { servers } from '../../test/harness/servers.ts';
import { openAuditTail } from '../audit-tail.ts';
import { startNaiveWorker } from './process.ts';
import type { RaiseFloor } from './activities.ts';
import { NAIVE_QUEUE } from './queue.ts';

const NAIVE_HPA = 'naive-hpa';
const [LOW, HIGH] = [3, 4];

/** What one would write first, with a worker and a workload of its own. */
export async function openNaive(lane: Lane) {
  const worker = await startNaiveWorker(lane);
  await createTarget(lane);
  return {
    arm: <C extends RaiseFloor['client']>(client: C) => armOf(lane, client),
    close: () => worker.kill(),
  };
}

function armOf<C extends RaiseFloor['client']>(lane: Lane, client: C) {
  const audit = openAuditTail(servers().auditLog);
  const { namespace, temporal, admin } = lane;
  return {
    name: client,
    async sample(workflowId: string): Promise<number> {
      const startedMs = Date.now();
      const run = await temporal.workflow.start('naiveScale', {
        workflowId,
        taskQueue: NAIVE_QUEUE,
        args: [{ namespace, name: NAIVE_HPA, floor: HIGH, client } satisfies RaiseFloor],
      });
      const tookMs = (await audit.untilPatched(workflowId)) - startedMs;
      await run.result();
      await admin.patch('HorizontalPodAutoscaler', NAIVE_HPA, { spec: { minReplicas: LOW } });
      return tookMs;
    },
  };
}

/** A workload of its own, of the same size and shape: two HPAs on one would be a conflict. */
async function createTarget({ admin }: Lane): Promise<void> {
  const [labels, name] = [{ app: 'naive' }, 'naive'];
  const containers = [{ name: 'server', image: 'naive:1', resources: { requests: { cpu: '100m', memory: '64Mi' } } }];
  await admin.create('Deployment', {
    metadata: { name },
    spec: {
      replicas: LOW,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  });
  const { spec } = await admin.get('HorizontalPodAutoscaler', 'tensafe-hpa');
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name };
  await admin.create('HorizontalPodAutoscaler', { metadata: { name: NAIVE_HPA }, spec: { ...spec, scaleTargetRef } });
}
