import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createWorkloadPort } from '../../../adapters/kubernetes/workloads.ts';
import type { Call } from '../../../activities/ports.ts';
import { startStandIn, writeKubeconfig, type Reply } from '../stand-in.ts';

const call: Call = { signal: new AbortController().signal, caller: 'status.autoscaler.web.1/run-1' };

/** An API server that answers these lists by their kind. */
async function open(t: TestContext, replies: { readonly [plural: string]: Reply | readonly object[] }) {
  const standIn = await startStandIn(({ path }) => {
    const reply = replies[path.split('/').at(-1) ?? ''] ?? [];
    return Array.isArray(reply) ? { status: 200, body: { items: reply } } : (reply as Reply);
  });
  const kubeconfig = writeKubeconfig(standIn.url);
  t.after(async () => {
    await standIn.close();
    kubeconfig.remove();
  });
  return createWorkloadPort({ kubeconfigPath: kubeconfig.path });
}

const apiService = (group: string, status: string, reason = '', message = '') => ({
  metadata: { name: `v1beta1.${group}` },
  spec: { group, version: 'v1beta1' },
  status: { conditions: [{ type: 'Available', status, reason, message }] },
});
const owner = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'web-so', uid: 'so-1', controller: true };
const kedasHpa = {
  metadata: { name: 'keda-hpa-web-so', uid: 'hpa-1', ownerReferences: [owner] },
  spec: {
    scaleTargetRef: { kind: 'Deployment', name: 'web' },
    minReplicas: 3,
    maxReplicas: 10,
    metrics: [{ type: 'External' }, { type: 'Resource' }, { type: 'External' }, { type: 'Unheard' }],
  },
  status: { lastScaleTime: '2026-11-27T11:58:30Z' },
};
const scaledObject = (managedFields: readonly object[]) => ({
  metadata: {
    name: 'web-so',
    uid: 'so-1',
    annotations: { 'autoscaling.keda.sh/paused': 'true', 'autoscaling.keda.sh/other': 'x' },
    managedFields,
  },
  spec: { scaleTargetRef: { name: 'web' }, minReplicaCount: 3 },
});
const writes = (manager: string, time: string, fieldsV1: object) => ({ manager, time, fieldsV1 });
const paused = { 'f:metadata': { 'f:annotations': { 'f:autoscaling.keda.sh/paused': {} } } };

describe('listing the autoscalers of a namespace', () => {
  it('has of a ScaledObject what the HPA says that KEDA made: its metrics, and when it scaled last', async (t) => {
    const port = await open(t, { horizontalpodautoscalers: [kedasHpa], scaledobjects: [scaledObject([])] });
    const [hpa, one] = await port.readAutoscalers('shop', call);
    assert.equal(hpa?.madeFor, 'web-so');
    assert.equal(one?.lastScaledAtMs, Date.parse('2026-11-27T11:58:30Z'));
    assert.deepEqual(one.metricsFrom, ['external.metrics.k8s.io', 'metrics.k8s.io']);
    assert.deepEqual(one.target, { kind: 'Deployment', name: 'web' });
  });

  it('names of all who own a pause the one that wrote last, and nobody where none is known', async (t) => {
    const managedFields = [
      writes('kubectl-annotate', '2026-11-27T09:00:00Z', paused),
      writes('argocd', '2026-11-27T08:00:00Z', paused),
      writes('keda', '2026-11-27T11:00:00Z', { 'f:metadata': { 'f:finalizers': {} } }),
    ];
    const stopsOf = async (fields: readonly object[]) => {
      const port = await open(t, { scaledobjects: [scaledObject(fields)] });
      return (await port.readAutoscalers('shop', call))[0]?.stops;
    };
    const stop = { key: 'autoscaling.keda.sh/paused', value: 'true' };
    const by = { manager: 'kubectl-annotate', atMs: Date.parse('2026-11-27T09:00:00Z') };
    assert.deepEqual(await stopsOf(managedFields), [{ ...stop, by }]);
    assert.deepEqual(await stopsOf([]), [stop]);
  });
});

describe('listing who serves metrics', () => {
  it('keeps the groups of metrics, each with why it does not answer', async (t) => {
    const port = await open(t, {
      apiservices: [
        apiService('apps', 'True'),
        apiService('metrics.k8s.io', 'True', 'Passed', 'all checks passed'),
        apiService('external.metrics.k8s.io', 'False', 'MissingEndpoints', 'no endpoints'),
        { spec: { group: 'custom.metrics.k8s.io' } },
      ],
    });
    assert.deepEqual(await port.readMetricsApis(call), [
      { group: 'metrics.k8s.io', available: true, reason: '' },
      { group: 'external.metrics.k8s.io', available: false, reason: 'MissingEndpoints: no endpoints' },
      { group: 'custom.metrics.k8s.io', available: false, reason: 'not heard of yet' },
    ]);
  });

  it('fails as permissionDenied where the right is missing, and names it', async (t) => {
    const message = 'User "bob" cannot list resource "apiservices" in API group "apiregistration.k8s.io"';
    const port = await open(t, { apiservices: { status: 403, body: { message } } });
    await assert.rejects(port.readMetricsApis(call), {
      type: 'permissionDenied',
      message: 'bob may not list apiservices.apiregistration.k8s.io; grant it as deploy/kubernetes/rbac.yaml does',
    });
  });
});
