import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  PolicyV1Api,
  setHeaderOptions,
  type V1PodTemplateSpec,
} from '@kubernetes/client-node';
import type { Call } from '../../activities/ports.ts';
import { createDrainFactsPort } from '../../adapters/kubernetes/drain-facts.ts';
import { describeBlocker, planDrain } from '../../domain/drain.ts';
import { checkpointContract } from '../contracts/checkpoints.ts';
import { aDrainPolicy } from '../domain/drain-builders.ts';
import { eventually } from '../harness/eventually.ts';
import { required } from './real-cluster.ts';

const call: Call = { signal: new AbortController().signal, caller: 'drain-facts/test' };
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const AMOUNTS = { cpu: '64', memory: '256Gi', pods: '110', 'nvidia.com/gpu': '8' };

/** Two GPU nodes of our own; on the first all pods of web, and one pod of a job that has another on the second. */
describe('what a drain is judged by, on a real API server', () => {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(required('HEADROOM_TEST_ADMIN_KUBECONFIG'));
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const port = createDrainFactsPort({ kubeconfigPath: required('HEADROOM_TEST_WORKER_KUBECONFIG') });
  const namespace = `d-${randomBytes(4).toString('hex')}`;
  const [first, second] = [`${namespace}-1`, `${namespace}-2`];

  const template = (app: string, spec: object = {}, annotations: Record<string, string> = {}): V1PodTemplateSpec => ({
    metadata: { labels: { app }, annotations },
    spec: {
      terminationGracePeriodSeconds: 0,
      tolerations: [{ key: 'group', value: namespace }],
      nodeSelector: { group: namespace },
      containers: [
        { name: 'main', image: 'registry.k8s.io/pause:3.10', resources: { limits: { 'nvidia.com/gpu': '1' } } },
      ],
      ...spec,
    },
  });
  const selector = (app: string) => ({ matchLabels: { app } });

  before(async () => {
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    for (const [i, name] of [first, second].entries())
      await core.createNode({
        body: {
          metadata: { name, labels: { type: 'kwok', group: namespace, 'kubernetes.io/hostname': name } },
          spec: {
            providerID: `aws:///us-east-1a/i-0${namespace.slice(2)}${i}`,
            taints: [{ key: 'group', value: namespace, effect: 'NoSchedule' }],
          },
          status: { capacity: AMOUNTS, allocatable: AMOUNTS },
        },
      });
    const apps = kubeConfig.makeApiClient(AppsV1Api);
    const pinned = { nodeSelector: { 'kubernetes.io/hostname': first } };
    const web = { replicas: 2, selector: selector('web'), template: template('web', pinned) };
    await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: 'web' }, spec: web } });
    const dcgm = {
      selector: selector('dcgm'),
      template: template('dcgm', { volumes: [{ name: 'tmp', emptyDir: {} }] }),
    };
    await apps.createNamespacedDaemonSet({ namespace, body: { metadata: { name: 'dcgm' }, spec: dcgm } });
    await kubeConfig.makeApiClient(PolicyV1Api).createNamespacedPodDisruptionBudget({
      namespace,
      body: { metadata: { name: 'web-pdb' }, spec: { minAvailable: 2, selector: selector('web') } },
    });
    const apart = { labelSelector: selector('train'), topologyKey: 'kubernetes.io/hostname' };
    const spread = {
      restartPolicy: 'Never',
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [apart] } },
    };
    await kubeConfig.makeApiClient(BatchV1Api).createNamespacedJob({
      namespace,
      body: {
        metadata: { name: 'train' },
        spec: { parallelism: 2, template: template('train', spread, { 'headroom.dev/sandbox-job': 'running' }) },
      },
    });
    await eventually(
      'all of it runs, and the budget has counted',
      async () => {
        const { pods, budgets } = await port.readDrain([first, second], call);
        const isUp = pods.length === 6 && pods.every(({ phase, ready }) => phase === 'Running' && ready);
        return isUp && budgets.some(({ stale, currentHealthy }) => !stale && currentHealthy === 2);
      },
      { everyMs: 200, withinMs: 60_000 },
    );
  });
  after(async () => {
    await core.deleteNamespace({ name: namespace });
    for (const name of [first, second]) await core.deleteNode({ name });
  });

  const train = async () => {
    const { jobs } = await port.readDrain([first], call);
    const [{ kind, name, uid } = assert.fail('no job')] = jobs;
    return { kind, namespace, name, uid };
  };

  it('is read with the worker’s rights, and judged pod by pod', async () => {
    const facts = await port.readDrain([first], call);
    const decision = planDrain({
      request: { nodes: [first], requestedBy: 'alice' },
      policy: aDrainPolicy({ protectYoungGpuJobsMs: 0 }),
      survey: { ...facts, groups: [], atMs: Date.now() },
      nowMs: Date.now(),
    });
    assert.ok(decision.kind === 'plan', JSON.stringify(decision));
    const { plan } = decision;
    assert.deepEqual(
      plan.leave.map(({ why }) => why),
      ['its DaemonSet would put it back'],
    );
    const [job] = plan.wait;
    assert.deepEqual(
      [job?.kind, job?.name, job?.pods, job?.nodes],
      ['Job', 'train', { here: 1, elsewhere: 1 }, [first, second]],
    );
    const told = plan.blockers.map(describeBlocker);
    assert.equal(told.length, 4, told.join('\n'));
    assert.equal(
      told.filter((one) => /web-pdb never allows an eviction: minAvailable 2 with 2 pods/.test(one)).length,
      2,
    );
    assert.equal(told.filter((one) => /needs 1 GPUs, and no other node has a place/.test(one)).length, 2);
    assert.deepEqual(plan.evict, []);
  });

  checkpointContract(() => ({
    port,
    job: train,
    answer: async (pod) => {
      const body = { metadata: { annotations: { 'headroom.dev/checkpoint': 'done' } } };
      await core.patchNamespacedPod({ name: pod, namespace, body }, merge);
    },
  }));
});
