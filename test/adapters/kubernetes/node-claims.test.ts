import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Call } from '../../../activities/ports.ts';
import { createNodeClaimPort } from '../../../adapters/kubernetes/node-claims.ts';
import { startStandIn, writeKubeconfig, type Reply, type StandInRequest } from '../stand-in.ts';

const call: Call = { signal: new AbortController().signal, caller: 'drain-gpu-node.gpu-1/run-1' };
const ref = { name: 'gpu-a', uid: 'uid-1', version: '7' };
const PATH = '/apis/karpenter.sh/v1/nodeclaims';
const ok = (body: unknown): Reply => ({ status: 200, body });
const said = (status: number, message: string): Reply => ({ status, body: { kind: 'Status', message } });

async function open(t: TestContext, reply: (request: StandInRequest, count: number) => Reply) {
  const standIn = await startStandIn(reply);
  const kubeconfig = writeKubeconfig(standIn.url);
  t.after(async () => {
    await standIn.close();
    kubeconfig.remove();
  });
  return { requests: standIn.requests, port: createNodeClaimPort({ kubeconfigPath: kubeconfig.path }) };
}

describe('the list of NodeClaims', () => {
  it('is read to its end, as Karpenter writes them', async (t) => {
    const claim = {
      metadata: { name: 'gpu-a', uid: 'uid-1', resourceVersion: '7', finalizers: ['karpenter.sh/termination'] },
      spec: { terminationGracePeriod: '24h' },
      status: {
        providerID: 'aws:///us-east-1a/i-01',
        nodeName: 'n1',
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-11-27T04:00:00Z' }],
      },
    };
    const young = { metadata: { name: 'gpu-b', uid: 'uid-2', resourceVersion: '9' }, status: { providerID: '' } };
    const { port, requests } = await open(t, ({ query }) =>
      query.get('continue') === null
        ? ok({ metadata: { continue: 'more' }, items: [claim] })
        : ok({ metadata: { resourceVersion: '9' }, items: [young] }),
    );
    const blank = { deleting: false, guarded: false, terminationGracePeriod: null, conditions: [] };
    assert.deepEqual(await port.listNodeClaims(call), [
      {
        ...ref,
        providerId: 'aws:///us-east-1a/i-01',
        nodeName: 'n1',
        deleting: false,
        guarded: true,
        terminationGracePeriod: '24h',
        conditions: [{ type: 'Ready', status: 'True', reason: '', message: '' }],
      },
      { name: 'gpu-b', uid: 'uid-2', version: '9', providerId: null, nodeName: null, ...blank },
    ]);
    assert.equal(requests[0]?.path, PATH);
  });

  it('is none where Karpenter is not installed, which is not the same as an empty one', async (t) => {
    const without = await open(t, () => ({ status: 404, body: '404 page not found' }));
    assert.equal(await without.port.listNodeClaims(call), null);
    assert.equal(await without.port.listNodeClaims(call), null, 'also as remembered');
    assert.equal(await without.port.readNodeClaim('gpu-a', call), null);
    const { port } = await open(t, () => ok({ items: [] }));
    assert.deepEqual(await port.listNodeClaims(call), []);
  });
});

describe('the deletion of a NodeClaim', () => {
  it('is of exactly what was read, and bears the name of the run', async (t) => {
    const { port, requests } = await open(t, () => ok({ metadata: { name: 'gpu-a' } }));
    assert.equal(await port.deleteNodeClaim(ref, call), 'asked');
    const [request] = requests;
    assert.equal(`${request?.method} ${request?.path}`, `DELETE ${PATH}/gpu-a`);
    assert.match(request?.headers['user-agent'] ?? '', /^headroom\/\S+ drain-gpu-node\.gpu-1\/run-1$/);
    assert.deepEqual(JSON.parse(request?.body ?? ''), {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: 'uid-1', resourceVersion: '7' },
    });
  });

  it('is raced or too late, which is an answer', async (t) => {
    const raced = await open(t, () => said(409, 'the ResourceVersion in the precondition (7) does not match'));
    assert.equal(await raced.port.deleteNodeClaim(ref, call), 'raced');
    const late = await open(t, () => said(404, 'nodeclaims.karpenter.sh "gpu-a" not found'));
    assert.equal(await late.port.deleteNodeClaim(ref, call), 'gone');
  });

  it('is sent once: a 500, a 429 and a lost connection fail as what may pass', async (t) => {
    const rows: readonly (readonly [Reply, string])[] = [
      [said(500, 'etcd is away'), 'apiUnavailable'],
      [{ status: 429, body: 'Too many requests', headers: { 'retry-after': '3' } }, 'apiThrottled'],
      ['reset', 'apiUnavailable'],
    ];
    for (const [reply, type] of rows) {
      const { port, requests } = await open(t, () => reply);
      await assert.rejects(port.deleteNodeClaim(ref, call), { type, nonRetryable: false });
      assert.equal(requests.length, 1);
    }
  });

  it('that RBAC forbids names the manifest that grants it', async (t) => {
    const { port } = await open(t, () =>
      said(403, 'nodeclaims.karpenter.sh "gpu-a" is forbidden: User "worker" cannot delete resource "nodeclaims"'),
    );
    await assert.rejects(port.deleteNodeClaim(ref, call), {
      type: 'permissionDenied',
      message: 'worker may not delete nodeclaims.karpenter.sh gpu-a; grant it as deploy/karpenter/rbac.yaml does',
    });
  });
});

describe('the right to delete NodeClaims', () => {
  it('is asked for without deleting anything', async (t) => {
    for (const allowed of [true, false]) {
      const { port, requests } = await open(t, () => ({ status: 201, body: { status: { allowed } } }));
      assert.equal(await port.mayDeleteNodeClaims(call), allowed);
      const [request, ...more] = requests;
      assert.deepEqual(more, []);
      assert.equal(
        `${request?.method} ${request?.path}`,
        'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      );
      assert.deepEqual((JSON.parse(request?.body ?? '') as { readonly spec: unknown }).spec, {
        resourceAttributes: { group: 'karpenter.sh', resource: 'nodeclaims', verb: 'delete' },
      });
    }
  });

  it('is not taken for missing where the API server does not answer', async (t) => {
    const { port } = await open(t, () => said(500, 'oops'));
    await assert.rejects(port.mayDeleteNodeClaims(call), { type: 'apiUnavailable', nonRetryable: false });
  });
});
