import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { readStatus } from '../../../adapters/kubernetes/node-autoscaler.ts';
import { createWorkloadPort } from '../../../adapters/kubernetes/workloads.ts';
import type { Call } from '../../../activities/ports.ts';
import type { WorkloadRef } from '../../../domain/workload.ts';
import { startStandIn, writeKubeconfig, type Reply } from '../stand-in.ts';

const YAML = `
time: 2026-11-27 09:00:19.546750398 +0000 UTC
autoscalerStatus: Running
clusterWide:
  health: { status: Healthy }
  scaleUp: { status: InProgress }
nodeGroups:
  - name: web-asg
    health: { status: Healthy, cloudProviderTarget: 4, minSize: 1, maxSize: 10 }
    scaleUp: { status: NoActivity }
  - name: gpu-asg
    health: { status: Healthy, cloudProviderTarget: 2, minSize: 0, maxSize: 2 }
    scaleUp:
      status: Backoff
      backoffInfo: { errorCode: InsufficientInstanceCapacity, errorMessage: no p5 }
  - name: odd-asg
    scaleUp: { status: Backoff }
`;
const PAGE = `Cluster-autoscaler status at 2026-11-27 09:00:30.462764772 +0000 UTC:
Cluster-wide:
  Health:      Healthy (ready=5 unready=0 notStarted=0 longNotStarted=0 registered=5 longUnregistered=0)
               LastProbeTime:      2026-11-27 09:00:30.27867919 +0000 UTC m=+499650.735961122
  ScaleUp:     NoActivity (ready=5 registered=5)

NodeGroups:
  Name:        web-asg
  Health:      Healthy (ready=4 unready=0 registered=4 longUnregistered=0 cloudProviderTarget=4 (minSize=1, maxSize=10))
               LastProbeTime:      2026-11-27 09:00:30.27867919 +0000 UTC m=+499650.735961122
  ScaleUp:     NoActivity (ready=4 cloudProviderTarget=4)

  Name:        gpu-asg
  Health:      Healthy (ready=2 unready=0 registered=2 longUnregistered=0 cloudProviderTarget=2 (minSize=0, maxSize=2))
  ScaleUp:     Backoff (ready=2 cloudProviderTarget=2)
`;

describe('reading the status of Cluster Autoscaler', () => {
  it('reads the groups and the time of its YAML', () => {
    assert.deepEqual(readStatus(YAML), {
      kind: 'present',
      atMs: Date.UTC(2026, 10, 27, 9, 0, 19),
      groups: [
        { name: 'web-asg', size: 4, maximum: 10 },
        { name: 'gpu-asg', size: 2, maximum: 2, backoff: 'InsufficientInstanceCapacity: no p5' },
        { name: 'odd-asg', backoff: 'Backoff' },
      ],
    });
  });
  it('reads the same of the page that versions before 1.30 write', () => {
    assert.deepEqual(readStatus(PAGE), {
      kind: 'present',
      atMs: Date.UTC(2026, 10, 27, 9, 0, 30),
      groups: [
        { name: 'web-asg', size: 4, maximum: 10 },
        { name: 'gpu-asg', size: 2, maximum: 2, backoff: 'Backoff' },
      ],
    });
  });
  for (const text of ['', 'Initializing', '{ broken', 'a: [', 'autoscalerStatus: Running\nnodeGroups: 7', '- a list']) {
    it(`takes ${JSON.stringify(text)} only for a sign that somebody writes there`, () => {
      assert.deepEqual(readStatus(text), { kind: 'present', groups: [] });
    });
  }
});

describe('looking for Cluster Autoscaler', () => {
  const call: Call = { signal: new AbortController().signal, caller: 'node-autoscaler/test' };
  const ref: WorkloadRef = { name: 'web', namespace: 'shop', kind: 'StatefulSet', object: 'web' };
  const STATUS = '/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status';

  /** One pod, which has had no node for five minutes, or is just starting. */
  async function troubles(t: TestContext, status: Reply, isScheduled = false) {
    const scheduled = {
      type: 'PodScheduled',
      status: isScheduled ? 'True' : 'False',
      reason: 'Unschedulable',
      lastTransitionTime: new Date(Date.now() - 300_000).toISOString(),
    };
    const pod = {
      metadata: { name: 'web-0', uid: 'pod', ownerReferences: [{ controller: true, uid: 'set' }] },
      status: { phase: 'Pending', conditions: [scheduled] },
    };
    const replies: Readonly<Record<string, Reply>> = {
      '/apis/apps/v1/namespaces/shop/statefulsets/web': {
        status: 200,
        body: { metadata: { uid: 'set' }, spec: { replicas: 1 } },
      },
      '/api/v1/namespaces/shop/pods': { status: 200, body: { items: [pod] } },
      '/api/v1/namespaces/shop/events': { status: 200, body: { items: [] } },
      [STATUS]: status,
    };
    const standIn = await startStandIn(({ path }) => replies[path] ?? { status: 500 });
    const kubeconfig = writeKubeconfig(standIn.url);
    t.after(async () => {
      await standIn.close();
      kubeconfig.remove();
    });
    const found = await createWorkloadPort({ kubeconfigPath: kubeconfig.path }).readTroubles(ref, call);
    return {
      found: found.map(({ message }) => message).join(),
      asked: standIn.requests.some(({ path }) => path === STATUS),
    };
  }

  it('says that it is not there', async (t) => {
    assert.match((await troubles(t, { status: 404 })).found, /cluster-autoscaler-status does not exist; add nodes/);
  });
  it('goes by events alone where its status may not be read', async (t) => {
    assert.match((await troubles(t, { status: 403 })).found, /cluster-autoscaler-status was not read\); add nodes/);
  });
  it('says which groups back off', async (t) => {
    const status = YAML.replace(/time: .*/, `time: ${new Date().toISOString()}`);
    assert.match((await troubles(t, { status: 200, body: { data: { status } } })).found, /gpu-asg backs off \(Insuff/);
  });
  it('is not done where no pod lacks a node', async (t) => {
    assert.equal((await troubles(t, { status: 500 }, true)).asked, false);
  });
});
