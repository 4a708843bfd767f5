import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it, type TestContext } from 'node:test';
import { createWorkloadPort, type WorkloadPortOptions } from '../../../adapters/kubernetes/workloads.ts';
import type { Call } from '../../../activities/ports.ts';
import type { GovernorChange, WorkloadRef } from '../../../domain/workload.ts';
import { startStandIn, writeKubeconfig, type Reply, type Spoken, type StandInRequest } from '../stand-in.ts';

const call: Call = { signal: new AbortController().signal, caller: 'pre-scale.web.sale/run-1' };
const ref: WorkloadRef = { name: 'web', namespace: 'shop', kind: 'Deployment', object: 'web' };
const change: GovernorChange = {
  kind: 'workload',
  workloadKind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  uid: 'uid-1',
  hasAnnotations: true,
  hasLabels: true,
  fields: [{ field: 'floor', from: 3, to: 6 }],
  marks: [{ mark: 'generation', from: undefined, to: '1' }],
};
const RAW: Readonly<Record<string, unknown>> = {
  '/apis/apps/v1/namespaces/shop/deployments/web': {
    metadata: { name: 'web', uid: 'uid-1', generation: 4, annotations: { 'headroom.dev/generation': '7' } },
    spec: {
      replicas: 3,
      selector: {
        matchLabels: { app: 'web' },
        matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
      },
      newField: 1,
    },
    status: {
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      observedGeneration: 4,
      terminatingReplicas: 1,
    },
  },
  '/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers': { items: [] },
  '/api/v1/namespaces/headroom': { metadata: { name: 'headroom' } },
};

/** As the API server answers where nothing is: KEDA is not installed here. */
function healthy({ path }: StandInRequest): Spoken {
  const body = RAW[path];
  return body === undefined ? { status: 404, body: '404 page not found' } : { status: 200, body };
}

function refusal(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, ...body } };
}

/** This once, at each path; healthy afterwards. */
function onlyFirst(reply: Reply) {
  const seen = new Set<string>();
  return (request: StandInRequest) => {
    if (seen.has(request.path)) return healthy(request);
    seen.add(request.path);
    return reply;
  };
}

const page = (names: readonly string[], next?: string): Reply => ({
  status: 200,
  body: {
    metadata: next === undefined ? {} : { continue: next },
    items: names.map((name) => ({
      metadata: { name, uid: name },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 2,
      },
    })),
  },
});
const hpas = (reply: (token: string | null) => Reply) => (request: StandInRequest) =>
  request.path.endsWith('/horizontalpodautoscalers') ? reply(request.query.get('continue')) : healthy(request);

async function open(
  t: TestContext,
  reply: (request: StandInRequest, count: number) => Reply,
  options: Partial<WorkloadPortOptions> = {},
) {
  const standIn = await startStandIn(reply);
  const kubeconfig = writeKubeconfig(standIn.url);
  t.after(async () => {
    await standIn.close();
    kubeconfig.remove();
  });
  return { standIn, port: createWorkloadPort({ kubeconfigPath: kubeconfig.path, ...options }) };
}

describe('what the API server refuses', () => {
  const writes: readonly { readonly name: string; readonly reply: Reply; readonly fails: object }[] = [
    {
      name: 'a missing permission is permissionDenied and names the account, the verb and the resource',
      reply: refusal(403, {
        reason: 'Forbidden',
        message:
          'deployments.apps "web" is forbidden: User "system:serviceaccount:headroom:headroom-worker" cannot patch resource "deployments" in API group "apps" in the namespace "shop"',
      }),
      fails: {
        type: 'permissionDenied',
        nonRetryable: true,
        message: /^system:serviceaccount:headroom:headroom-worker may not patch deployments\.apps shop\/web; grant it/,
      },
    },
    {
      name: "KEDA's webhook is a stateConflict, not a missing permission",
      reply: refusal(403, {
        reason: 'Forbidden',
        message: `admission webhook "vscaledobject.kb.io" denied the request: the workload 'web' of type 'apps/v1.Deployment' is already managed by the hpa 'web-hpa'`,
      }),
      fails: { type: 'stateConflict', nonRetryable: false, message: /already managed by the hpa 'web-hpa'/ },
    },
    {
      name: 'any other webhook is permissionDenied with its own words',
      reply: refusal(403, { message: 'admission webhook "policy.example.com" denied the request: not on Fridays' }),
      fails: { type: 'permissionDenied', message: /may not patch deployments\.apps shop\/web: .*not on Fridays/ },
    },
    {
      name: 'a value that the server rejects is invalidRequest, quoted',
      reply: refusal(422, {
        reason: 'Invalid',
        message: 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1',
        details: { name: 'web', causes: [{ field: 'spec.replicas', message: 'Invalid value: -1' }] },
      }),
      fails: { type: 'invalidRequest', nonRetryable: true, message: /spec\.replicas: Invalid value: -1/ },
    },
    {
      name: 'an unreadable patch is invalidRequest',
      reply: refusal(400, { reason: 'BadRequest', message: 'cannot unmarshal' }),
      fails: { type: 'invalidRequest', message: /answers 400, cannot unmarshal/ },
    },
    {
      name: 'throttling is apiThrottled and keeps Retry-After',
      reply: refusal(429, { reason: 'TooManyRequests', message: 'slow down' }, { 'retry-after': '7' }),
      fails: { type: 'apiThrottled', nonRetryable: false, nextRetryDelay: 7_000 },
    },
    {
      name: 'an internal error is apiUnavailable',
      reply: refusal(500, { reason: 'InternalError', message: 'etcdserver: leader changed' }),
      fails: { type: 'apiUnavailable', nonRetryable: false, message: /answers 500, etcdserver: leader changed/ },
    },
    {
      name: 'unavailability is apiUnavailable and keeps Retry-After',
      reply: { status: 503, body: 'upstream down', headers: { 'retry-after': '30' } },
      fails: { type: 'apiUnavailable', nextRetryDelay: 30_000, message: /answers 503, upstream down/ },
    },
    {
      name: 'credentials that are not accepted are permissionDenied',
      reply: { status: 401, body: refusal(401, { message: 'Unauthorized' }) },
      fails: { type: 'permissionDenied', message: /renew the token/ },
    },
    {
      name: 'a body of pages is cut short',
      reply: { status: 500, body: `<html>${'x'.repeat(10_000)}` },
      fails: ({ message }: Error) => message.length < 500,
    },
  ];
  for (const { name, reply, fails } of writes) {
    it(name, async (t) => {
      const { port } = await open(t, () => reply);
      await assert.rejects(port.changeGovernor(change, call), fails);
    });
  }

  for (const [name, reply] of [
    [
      'a failed test of the patch',
      refusal(422, {
        reason: 'Invalid',
        message: 'the server rejected our request due to an error in our request',
        details: {},
      }),
    ],
    ['a 409', refusal(409, { reason: 'Conflict', message: 'the object has been modified' })],
    ['an object that is gone', refusal(404, { reason: 'NotFound', message: 'deployments.apps "web" not found' })],
  ] as const) {
    it(`answers 'raced' to ${name}, and asks only once`, async (t) => {
      const { port, standIn } = await open(t, () => reply);
      assert.equal(await port.changeGovernor(change, call), 'raced');
      assert.equal(standIn.requests.length, 1);
    });
  }
});

describe('a connection that fails', { concurrency: true }, () => {
  it('is apiUnavailable naming host and port when it is refused', async (t) => {
    const { port, standIn } = await open(t, healthy);
    await standIn.close();
    const refused = {
      type: 'apiUnavailable',
      nonRetryable: false,
      message: new RegExp(`${standIn.host}: ECONNREFUSED`),
    };
    await assert.rejects(port.readWorkload(ref, call), refused);
    await assert.rejects(port.changeGovernor(change, call), refused);
  });

  for (const reply of ['hang', 'hangInBody'] as const) {
    it(`is apiUnavailable at the deadline when it does not answer (${reply})`, async (t) => {
      const { port, standIn } = await open(t, () => reply, { readDeadlineMs: 500, writeDeadlineMs: 1_000 });
      const hung = (seconds: string) => ({
        type: 'apiUnavailable',
        message: new RegExp(`${standIn.host}: no answer within ${seconds} s`),
      });
      const startedMs = performance.now();
      await assert.rejects(port.readWorkload(ref, call), hung('0.5'));
      await assert.rejects(port.changeGovernor(change, call), hung('1'));
      assert.ok(performance.now() - startedMs < 5_000, 'both within their deadlines');
      assert.equal(standIn.requests.filter(({ method }) => method === 'PATCH').length, 1);
    });
  }

  it('ends with the reason of the signal when the caller gives up meanwhile', async (t) => {
    const { port } = await open(t, () => 'hang');
    const controller = new AbortController();
    const reading = port.readWorkload(ref, { ...call, signal: controller.signal });
    const reason = new Error('the workflow was cancelled');
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(reading, reason);
  });

  it('is apiUnavailable when something else answers there', async (t) => {
    const { port } = await open(t, () => ({ status: 200, body: '<html>hello</html>' }));
    await assert.rejects(port.readWorkload(ref, call), { type: 'apiUnavailable', message: /not JSON/ });
  });
});

describe('repeating a call', { concurrency: true }, () => {
  for (const [name, reply] of [
    ['a 500', refusal(500, {})],
    ['a 503', refusal(503, {})],
    ['a reset connection', 'reset'],
    ['a 401', refusal(401, {})],
  ] as const) {
    it(`repeats a read once after ${name}`, async (t) => {
      const { port } = await open(t, onlyFirst(reply));
      assert.equal((await port.readWorkload(ref, call)).uid, 'uid-1');
    });
  }

  it('repeats a read once and no more', async (t) => {
    const { port, standIn } = await open(t, () => refusal(503, { message: 'still down' }));
    await assert.rejects(port.readWorkload(ref, call), { type: 'apiUnavailable', message: /still down/ });
    await sleep(500);
    const counts = Object.groupBy(standIn.requests, ({ path }) => path);
    assert.ok(Object.values(counts).every((of) => of?.length === 2));
  });

  it('does not repeat a read that is asked to wait longer, nor a throttled one', async (t) => {
    for (const reply of [refusal(503, {}, { 'retry-after': '20' }), refusal(429, {}, { 'retry-after': '1' })]) {
      const { port, standIn } = await open(t, () => reply);
      await assert.rejects(port.readWorkload(ref, call));
      await sleep(400);
      assert.equal(standIn.requests.length, new Set(standIn.requests.map(({ path }) => path)).size);
    }
  });

  it('never repeats a write that may have been carried out', async (t) => {
    for (const reply of [refusal(500, {}), refusal(503, {}), 'reset'] as const) {
      const { port, standIn } = await open(t, () => reply);
      await assert.rejects(port.changeGovernor(change, call), { type: 'apiUnavailable' });
      assert.equal(standIn.requests.length, 1);
    }
  });
});

describe('what is sent', { concurrency: true }, () => {
  it('carries the run in the User-Agent, the field manager and strict validation', async (t) => {
    const { port, standIn } = await open(t, () => ({ status: 200, body: {} }));
    assert.equal(await port.changeGovernor(change, { ...call, caller: 'wörk/run' }), 'written');
    const [sent] = standIn.requests;
    assert.match(sent?.headers['user-agent'] ?? '', /^headroom\/\d+\.\d+\.\d+ w_rk\/run$/);
    assert.equal(sent?.headers['content-type'], 'application/json-patch+json');
    assert.equal(sent?.headers.authorization, 'Bearer stand-in');
    assert.deepEqual(Object.fromEntries(sent?.query ?? []), { fieldManager: 'headroom', fieldValidation: 'Strict' });
  });

  it('guards the uid and everything that was read before it changes anything', async (t) => {
    const { port, standIn } = await open(t, () => ({ status: 200, body: {} }));
    await port.changeGovernor(
      {
        ...change,
        hasLabels: false,
        marks: [
          ...change.marks,
          { mark: 'windDown', from: 'x', to: undefined },
          { mark: 'held', from: undefined, to: 'true' },
        ],
      },
      call,
    );
    assert.deepEqual(JSON.parse(standIn.requests[0]?.body ?? ''), [
      { op: 'test', path: '/metadata/uid', value: 'uid-1' },
      { op: 'test', path: '/spec/replicas', value: 3 },
      { op: 'test', path: '/metadata/annotations/headroom.dev~1generation', value: null },
      { op: 'test', path: '/metadata/annotations/headroom.dev~1wind-down', value: 'x' },
      { op: 'test', path: '/metadata/labels', value: null },
      { op: 'replace', path: '/spec/replicas', value: 6 },
      { op: 'add', path: '/metadata/annotations/headroom.dev~1generation', value: '1' },
      { op: 'remove', path: '/metadata/annotations/headroom.dev~1wind-down' },
      { op: 'add', path: '/metadata/labels', value: { 'headroom.dev/held': 'true' } },
    ]);
  });

  it('reads fresh state: lists are paged and never taken from a cache', async (t) => {
    const { port, standIn } = await open(t, healthy);
    await port.readWorkload(ref, call);
    assert.ok(standIn.requests.every(({ query }) => !query.has('resourceVersion')));
    const list = standIn.requests.find(({ path }) => path.endsWith('/horizontalpodautoscalers'));
    assert.equal(list?.query.get('limit'), '500');
  });

  it('opens few connections for many calls, and a new one when the client certificate is renewed', async (t) => {
    const standIn = await startStandIn(healthy);
    const kubeconfig = writeKubeconfig(standIn.url, { 'client-certificate': 'client.crt', 'client-key': 'client.key' });
    t.after(async () => {
      await standIn.close();
      kubeconfig.remove();
    });
    const renew = (text: string) => {
      for (const file of ['client.crt', 'client.key']) writeFileSync(join(kubeconfig.directory, file), text);
    };
    renew('first');
    const port = createWorkloadPort({ kubeconfigPath: kubeconfig.path });
    for (let calls = 0; calls < 50; calls += 1) await port.readWorkload(ref, call);
    const before = standIn.connections();
    // four go at a time, and each may find the last one's connection not yet free
    assert.ok(before <= 10, `${before} connections for 200 requests`);
    renew('second');
    await port.changeGovernor(change, call);
    assert.ok(standIn.connections() > before);
  });

  it('keeps its connections through a pause of the guard', async (t) => {
    const { port, standIn } = await open(t, healthy);
    await port.changeGovernor(change, call);
    await sleep(6_000);
    await port.changeGovernor(change, call);
    assert.equal(standIn.connections(), 1);
  });

  it('asks at most 64 things at once', async (t) => {
    const { port, standIn } = await open(t, (request) => ({ ...healthy(request), afterMs: 150 }));
    await Promise.all(Array.from({ length: 100 }, () => port.readWorkload(ref, call)));
    assert.ok(standIn.mostOpen() > 32 && standIn.mostOpen() <= 64, `${standIn.mostOpen()} at once`);
  });
});

describe('what is read', () => {
  it('keeps the counts, the selector and the marks of the raw object', async (t) => {
    const { port } = await open(t, healthy);
    const state = await port.readWorkload(ref, call);
    assert.deepEqual(
      { ...state, self: { ...state.self } },
      {
        ref,
        uid: 'uid-1',
        clusterUid: '',
        generation: 4,
        observedGeneration: 4,
        paused: false,
        wantedReplicas: 3,
        replicas: 3,
        updatedReplicas: 3,
        readyReplicas: 2,
        availableReplicas: 1,
        terminatingReplicas: 1,
        conditions: [],
        selector: 'app=web,tier in (a,b)',
        autoscalers: [],
        self: {
          kind: 'workload',
          workloadKind: 'Deployment',
          namespace: 'shop',
          name: 'web',
          uid: 'uid-1',
          hasAnnotations: true,
          hasLabels: false,
          fields: { floor: 3 },
          marks: { generation: '7' },
          ignored: false,
        },
      },
    );
  });

  it('reads who wrote each field last, and whose manifest it is, from what the server keeps of its writers', async (t) => {
    const spec = (...keys: readonly string[]) => ({
      'f:spec': Object.fromEntries(keys.map((key) => [`f:${key}`, {}])),
    });
    const managedFields = [
      { manager: 'k9s', operation: 'Update', time: '2026-11-27T09:00:02Z', fieldsV1: spec('minReplicas') },
      {
        manager: 'helm',
        operation: 'Apply',
        time: '2026-11-27T09:00:01Z',
        fieldsV1: spec('minReplicas', 'maxReplicas'),
      },
      { manager: 'kube-controller-manager', subresource: 'status', fieldsV1: { 'f:status': { 'f:minReplicas': {} } } },
      { manager: 'old', operation: 'Update', fieldsV1: spec('behavior') },
      { manager: 'nobody' },
    ];
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const hpa = { metadata: { name: 'a', uid: 'a', managedFields }, spec: { scaleTargetRef, maxReplicas: 2 } };
    const { port } = await open(
      t,
      hpas(() => ({ status: 200, body: { items: [hpa] } })),
    );
    const [governor] = (await port.readWorkload(ref, call)).autoscalers;
    assert.deepEqual(governor?.writers, [
      { field: 'freeze', manager: 'old', atMs: 0 },
      { field: 'floor', manager: 'helm', atMs: Date.UTC(2026, 10, 27, 9, 0, 1) },
      { field: 'ceiling', manager: 'helm', atMs: Date.UTC(2026, 10, 27, 9, 0, 1) },
      { field: 'floor', manager: 'k9s', atMs: Date.UTC(2026, 10, 27, 9, 0, 2) },
    ]);
    assert.deepEqual(governor.gitOps, { tool: 'helm', name: '', evidence: 'field manager helm' });
  });

  it('follows the pages of a list to the end', async (t) => {
    const { port } = await open(
      t,
      hpas((token) => (token === null ? page(['a'], 'p2') : page(['b']))),
    );
    assert.deepEqual(
      (await port.readWorkload(ref, call)).autoscalers.map(({ name }) => name),
      ['a', 'b'],
    );
  });

  it('begins again when a page has expired', async (t) => {
    let expired = false;
    const reply = (token: string | null): Reply => {
      if (token === null) return page(expired ? ['a2'] : ['a1'], 'p2');
      if (expired) return page(['b']);
      expired = true;
      return refusal(410, { reason: 'Expired', message: 'the provided continue parameter is too old' });
    };
    const { port } = await open(t, hpas(reply));
    assert.deepEqual(
      (await port.readWorkload(ref, call)).autoscalers.map(({ name }) => name),
      ['a2', 'b'],
    );
  });

  it("takes the HPA that a ScaledObject names in its status for KEDA's own", async (t) => {
    const scaledObject = {
      metadata: { name: 'so', uid: 'so' },
      spec: { scaleTargetRef: { name: 'web' } },
      status: { hpaName: 'a' },
    };
    const { port } = await open(t, (request) =>
      request.path.endsWith('/scaledobjects')
        ? { status: 200, body: { items: [scaledObject] } }
        : hpas(() => page(['a']))(request),
    );
    assert.deepEqual(
      (await port.readWorkload(ref, call)).autoscalers.map(({ kind, name }) => [kind, name]),
      [['scaledObject', 'so']],
    );
  });

  it("reads KEDA's version off its HPA, and none where the ScaledObject has that label itself", async (t) => {
    const version = async (labels: object) => {
      const scaledObject = {
        metadata: { name: 'so', uid: 'so', labels },
        spec: { scaleTargetRef: { name: 'web' } },
        status: { hpaName: 'a' },
      };
      const hpa = { metadata: { name: 'a', uid: 'a', labels: { [VERSION]: '2.17.2', ...labels } }, spec: {} };
      const { port } = await open(t, (request) => {
        if (request.path.endsWith('/scaledobjects')) return { status: 200, body: { items: [scaledObject] } };
        return hpas(() => ({ status: 200, body: { items: [hpa] } }))(request);
      });
      return (await port.readWorkload(ref, call)).autoscalers[0]?.autoscaler?.version;
    };
    const VERSION = 'app.kubernetes.io/version';
    assert.equal(await version({ team: 'a' }), '2.17.2');
    assert.equal(await version({ [VERSION]: '1.4.0' }), undefined);
  });

  it('fails rather than assume that nothing scales the workload when HPAs are not found at all', async (t) => {
    const { port } = await open(
      t,
      hpas(() => ({ status: 404, body: '404 page not found' })),
    );
    await assert.rejects(port.readWorkload(ref, call), {
      type: 'targetNotFound',
      message: /^horizontalpodautoscalers\.autoscaling shop is not there/,
    });
  });

  it('fails rather than assume that nothing scales the workload when a list is refused', async (t) => {
    const { port } = await open(
      t,
      hpas(() =>
        refusal(403, {
          message:
            'User "x" cannot list resource "horizontalpodautoscalers" in API group "autoscaling" in the namespace "shop"',
        }),
      ),
    );
    await assert.rejects(port.readWorkload(ref, call), {
      type: 'permissionDenied',
      message: /^x may not list horizontalpodautoscalers\.autoscaling shop;/,
    });
  });
});

describe('the kubeconfig', () => {
  it('is named when it cannot be read, before anything is asked', () => {
    assert.throws(() => createWorkloadPort({ kubeconfigPath: '/no/such/kubeconfig' }), {
      type: 'invalidRequest',
      message: /\/no\/such\/kubeconfig cannot be read/,
    });
  });

  it('names its contexts when the wanted one is not among them', (t) => {
    const kubeconfig = writeKubeconfig('http://127.0.0.1:1');
    t.after(kubeconfig.remove);
    assert.throws(() => createWorkloadPort({ kubeconfigPath: kubeconfig.path, context: 'prod' }), {
      type: 'invalidRequest',
      message: /'prod'; its contexts are: stand-in/,
    });
  });

  it('must lead to https: without any kubeconfig the client would ask http://localhost:8080', (t) => {
    const kubeconfig = writeKubeconfig('http://127.0.0.1:1', {}, false);
    t.after(kubeconfig.remove);
    assert.throws(() => createWorkloadPort({ kubeconfigPath: kubeconfig.path }), {
      type: 'invalidRequest',
      message: /http:\/\/127\.0\.0\.1:1 is not an https address/,
    });
  });
});
