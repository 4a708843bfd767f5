import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEvictionPort } from '../../../adapters/kubernetes/evictions.ts';
import { createNodePort } from '../../../adapters/kubernetes/nodes.ts';
import type { Call, NodeView } from '../../../activities/ports.ts';
import type { CordonMark } from '../../../domain/gpu-node.ts';
import { eventually } from '../../harness/eventually.ts';
import { startStandIn, writeKubeconfig, type Reply, type StandInRequest } from '../stand-in.ts';

const call: Call = { signal: new AbortController().signal, caller: 'drain-gpu-node.gpu-1/run-1' };
const node = { name: 'gpu-1', uid: 'uid-1', instanceId: 'i-0abc' };
const mark: CordonMark = { owner: 'drain-gpu-node.gpu-1/run-1', requestedBy: 'ann', atMs: 1, untilMs: null };
const pod = { namespace: 'shop', name: 'web-1', uid: 'pod-1' };
const ok = (body: unknown): Reply => ({ status: 200, body });

async function open(t: TestContext, reply: (request: StandInRequest, count: number) => Reply) {
  const standIn = await startStandIn(reply);
  const kubeconfig = writeKubeconfig(standIn.url);
  t.after(async () => {
    await standIn.close();
    kubeconfig.remove();
  });
  const options = { kubeconfigPath: kubeconfig.path };
  return { standIn, nodes: createNodePort(options), evictions: createEvictionPort(options) };
}

const aNode = (metadata: object = {}, spec: object = {}) => ({
  metadata: { name: 'gpu-1', uid: 'uid-1', ...metadata },
  spec: { providerID: 'aws:///us-east-1a/i-0abc', ...spec },
});

describe('an API server that has just started', () => {
  const forbidden = (verb: string, resource: string): Reply => ({
    status: 403,
    body: { reason: 'Forbidden', message: `User "worker" cannot ${verb} resource "${resource}" in API group ""` },
  });

  it('is not believed at once that a right is missing: it may not have read its roles', async (t) => {
    const replies: readonly Reply[] = ['reset', forbidden('get', 'nodes'), ok(aNode())];
    const { standIn, nodes } = await open(t, (_, count) => replies[count - 1] ?? ok(aNode()));
    assert.equal((await nodes.readNode('gpu-1', call))?.uid, 'uid-1');
    assert.equal(standIn.requests.length, 3);
  });

  it('is asked for a write once more too, which it has not begun', async (t) => {
    const replies: readonly Reply[] = ['reset', ok(aNode()), forbidden('patch', 'nodes')];
    const { standIn, nodes } = await open(t, (_, count) => replies[count - 1] ?? ok(aNode()));
    assert.equal(await nodes.cordon(node, mark, call), 'cordoned');
    assert.deepEqual(
      standIn.requests.map(({ method }) => method),
      ['GET', 'GET', 'PATCH', 'PATCH'],
    );
  });

  it('is believed when it says so for seconds, and one that was not lost at once', async (t) => {
    let lost = true;
    const { standIn, nodes } = await open(t, (_, count) => {
      return lost && count === 1 ? 'reset' : forbidden('get', 'nodes');
    });
    const denied = { type: 'permissionDenied', message: /^worker may not get nodes/ };
    await assert.rejects(nodes.readNode('gpu-1', call), denied);
    assert.equal(standIn.requests.length, 5);
    lost = false;
    const other = await open(t, () => forbidden('get', 'nodes'));
    await assert.rejects(other.nodes.readNode('gpu-1', call), denied);
    assert.equal(other.standIn.requests.length, 1);
  });

  for (const how of ['reset', 'resetInBody'] as const)
    it(`is known to be new also when a watch on it breaks (${how})`, async (t) => {
      let [broken, refused] = [false, false];
      const { evictions } = await open(t, ({ path, query }) => {
        const isOfNodes = path.endsWith('/nodes');
        if (query.has('watch') && isOfNodes && !broken) {
          broken = true;
          return how;
        }
        if (query.has('watch')) return 'hang';
        if (isOfNodes && broken && !refused) {
          refused = true;
          return forbidden('list', 'nodes');
        }
        return ok({ metadata: { resourceVersion: '1' }, items: isOfNodes ? [aNode()] : [] });
      });
      const ending = new AbortController();
      const watching = evictions.watchNode('gpu-1', () => undefined, { ...call, signal: ending.signal });
      const refusedAndOn = eventually('it is refused', async () => refused, { everyMs: 20 }).then(() => sleep(1_500));
      await Promise.race([watching, refusedAndOn]);
      ending.abort();
      await assert.rejects(watching, { name: 'AbortError' });
    });
});

describe('the patch of a cordon', () => {
  it('tests uid and old value, and writes flag, annotation and label together, also where there are no maps yet', async (t) => {
    const { standIn, nodes } = await open(t, () => ok(aNode()));
    assert.equal(await nodes.cordon(node, mark, call), 'cordoned');
    const patch = standIn.requests.find(({ method }) => method === 'PATCH');
    assert.equal(patch?.headers['content-type'], 'application/json-patch+json');
    assert.deepEqual(JSON.parse(patch?.body ?? ''), [
      { op: 'test', path: '/metadata/uid', value: 'uid-1' },
      { op: 'test', path: '/spec/unschedulable', value: null },
      { op: 'test', path: '/metadata/annotations', value: null },
      { op: 'test', path: '/metadata/labels', value: null },
      { op: 'add', path: '/spec/unschedulable', value: true },
      { op: 'add', path: '/metadata/annotations', value: { 'headroom.dev/cordon': JSON.stringify(mark) } },
      { op: 'add', path: '/metadata/labels', value: { 'headroom.dev/cordoned': 'true' } },
    ]);
  });

  it('leaves the keys of others alone, on the way there and back', async (t) => {
    const others = { annotations: { a: '1' }, labels: { b: '2' } };
    const { standIn, nodes } = await open(t, () => ok(aNode(others, { unschedulable: false })));
    await nodes.cordon(node, mark, call);
    assert.deepEqual(JSON.parse(standIn.requests.at(-1)?.body ?? '').slice(1), [
      { op: 'test', path: '/spec/unschedulable', value: false },
      { op: 'test', path: '/metadata/annotations/headroom.dev~1cordon', value: null },
      { op: 'test', path: '/metadata/labels/headroom.dev~1cordoned', value: null },
      { op: 'replace', path: '/spec/unschedulable', value: true },
      { op: 'add', path: '/metadata/annotations/headroom.dev~1cordon', value: JSON.stringify(mark) },
      { op: 'add', path: '/metadata/labels/headroom.dev~1cordoned', value: 'true' },
    ]);

    const ours = {
      annotations: { a: '1', 'headroom.dev/cordon': JSON.stringify(mark) },
      labels: { 'headroom.dev/cordoned': 'true' },
    };
    const back = await open(t, () => ok(aNode(ours, { unschedulable: true })));
    assert.equal(await back.nodes.uncordon(node, mark.owner, call), 'uncordoned');
    assert.deepEqual(JSON.parse(back.standIn.requests.at(-1)?.body ?? '').slice(4), [
      { op: 'remove', path: '/spec/unschedulable' },
      { op: 'remove', path: '/metadata/annotations/headroom.dev~1cordon' },
      { op: 'remove', path: '/metadata/labels/headroom.dev~1cordoned' },
    ]);
  });

  it('is not sent for another node, another instance, or a cordon of somebody else', async (t) => {
    const others = JSON.stringify({ ...mark, owner: 'drain-gpu-node.gpu-1/run-0' });
    const rows = [
      [{ ...aNode(), metadata: { name: 'gpu-1', uid: 'uid-2' } }, 'replaced', 'gone'],
      [aNode({}, { providerID: 'aws:///us-east-1a/i-0def' }), 'replaced', 'gone'],
      [aNode({}, { unschedulable: true }), 'cordoned already', 'not ours'],
      [
        aNode({ annotations: { 'headroom.dev/cordon': others } }, { unschedulable: true }),
        'cordoned already',
        'not ours',
      ],
    ] as const;
    for (const [found, cordon, uncordon] of rows) {
      const { standIn, nodes } = await open(t, () => ok(found));
      assert.equal(await nodes.cordon(node, mark, call), cordon);
      assert.equal(await nodes.uncordon(node, mark.owner, call), uncordon);
      assert.ok(standIn.requests.every(({ method }) => method === 'GET'));
    }
  });

  it('looks again when it was raced, and fails as a conflict when that does not end', async (t) => {
    const raced: Reply = {
      status: 422,
      body: { reason: 'Invalid', message: 'the server rejected our request', details: {} },
    };
    let patches = 0;
    const { nodes } = await open(t, ({ method }) => {
      if (method !== 'PATCH') return ok(aNode());
      patches += 1;
      return patches === 1 ? raced : ok(aNode());
    });
    assert.equal(await nodes.cordon(node, mark, call), 'cordoned');
    const endless = await open(t, ({ method }) => (method === 'PATCH' ? raced : ok(aNode())));
    await assert.rejects(endless.nodes.cordon(node, mark, call), { type: 'stateConflict', nonRetryable: false });
  });

  it('shows a mark that is not as headroom writes it as none, and leaves such a cordon', async (t) => {
    const strange = {
      annotations: { 'headroom.dev/cordon': '{"owner":1' },
      labels: { 'headroom.dev/cordoned': 'true' },
    };
    const { nodes } = await open(t, ({ path }) => {
      const found = aNode(strange, { unschedulable: true });
      return ok(path.endsWith('/nodes') ? { items: [found] } : found);
    });
    assert.deepEqual(
      (await nodes.listCordoned(call)).map(({ mark }) => mark),
      [null],
    );
    assert.equal(await nodes.uncordon(node, mark.owner, call), 'not ours');
    assert.equal(await nodes.cordon(node, mark, call), 'cordoned already');
  });
});

describe('who made a node unschedulable', () => {
  const wrote = (manager: string, time: string, field: string) => ({
    manager,
    time,
    fieldsV1: { 'f:spec': { [`f:${field}`]: {} } },
  });
  const managedFields = [
    wrote('kubectl-cordon', '2026-11-20T08:00:00Z', 'unschedulable'),
    wrote('kubelet', '2026-11-29T08:00:00Z', 'providerID'),
  ];
  const rows = [
    [
      'is the last writer of that field alone',
      aNode({ managedFields }, { unschedulable: true }),
      { manager: 'kubectl-cordon', atMs: Date.UTC(2026, 10, 20, 8) },
    ],
    ['is told by nobody where nothing tells it', aNode({}, { unschedulable: true }), undefined],
    ['is nobody where it is schedulable', aNode({ managedFields }, { unschedulable: false }), undefined],
  ] as const;
  for (const [name, found, by] of rows)
    it(name, async (t) => {
      const { nodes } = await open(t, () => ok(found));
      assert.deepEqual((await nodes.readNode('gpu-1', call))?.cordonedBy, by);
    });
});

describe('an eviction', () => {
  it('bears the pod’s uid and the name of the run, and no grace period', async (t) => {
    const { standIn, evictions } = await open(t, () => ({ status: 201, body: { kind: 'Status', status: 'Success' } }));
    assert.deepEqual(await evictions.evict(pod, call), { kind: 'accepted' });
    const [request] = standIn.requests;
    assert.equal(`${request?.method} ${request?.path}`, 'POST /api/v1/namespaces/shop/pods/web-1/eviction');
    assert.match(request?.headers['user-agent'] ?? '', /^headroom\/\S+ drain-gpu-node\.gpu-1\/run-1$/);
    assert.deepEqual(JSON.parse(request?.body ?? ''), {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace: 'shop', name: 'web-1' },
      deleteOptions: { preconditions: { uid: 'pod-1' } },
    });
  });

  it('is sent once: a 500, a 429 in plain text and a lost connection are answers', async (t) => {
    const replies: readonly (readonly [Reply, object])[] = [
      [
        { status: 500, body: 'oops' },
        { kind: 'later', why: 'the API server answers 500: oops', retryAfterMs: null },
      ],
      [
        { status: 429, body: 'Too many requests', headers: { 'retry-after': '3' } },
        { kind: 'later', why: 'the API server answers 429: Too many requests', retryAfterMs: 3_000 },
      ],
    ];
    for (const [reply, answer] of replies) {
      const { standIn, evictions } = await open(t, () => reply);
      assert.deepEqual(await evictions.evict(pod, call), answer);
      assert.equal(standIn.requests.length, 1);
    }
    const { standIn, evictions } = await open(t, () => 'reset');
    assert.equal((await evictions.evict(pod, call)).kind, 'later');
    assert.equal(standIn.requests.length, 1);
  });

  it('that RBAC forbids fails, and names the right; one that a webhook forbids is refused', async (t) => {
    const forbidden = (message: string): Reply => ({ status: 403, body: { reason: 'Forbidden', message } });
    const missing = await open(t, () =>
      forbidden('pods "web-1" is forbidden: User "worker" cannot create resource "pods/eviction" in API group ""'),
    );
    await assert.rejects(missing.evictions.evict(pod, call), {
      type: 'permissionDenied',
      message: 'worker may not create pods/eviction shop/web-1; grant it as deploy/kubernetes/rbac.yaml does',
    });
    const { evictions } = await open(t, () => forbidden('admission webhook "x" denied the request: not on Fridays'));
    assert.equal((await evictions.evict(pod, call)).kind, 'refused');
  });

  it('that is given up fails as cancelled, not as a busy server', async (t) => {
    const { evictions } = await open(t, () => 'hang');
    const given = AbortSignal.timeout(50);
    await assert.rejects(evictions.evict(pod, { ...call, signal: given }), { name: 'TimeoutError' });
  });
});

describe('the watch of a node', () => {
  const list = (items: readonly object[], resourceVersion = '5') => ok({ metadata: { resourceVersion }, items });
  const watched = { metadata: { ...pod, resourceVersion: '7' }, spec: {}, status: { phase: 'Running' } };
  const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

  async function follow(t: TestContext, reply: (request: StandInRequest, count: number) => Reply) {
    const { standIn, evictions } = await open(t, reply);
    const views: NodeView[] = [];
    const ending = new AbortController();
    const watching = evictions.watchNode('gpu-1', (view) => void views.push(view), { ...call, signal: ending.signal });
    const ended = watching.catch((error: unknown) => error);
    t.after(async () => {
      ending.abort();
      await ended;
    });
    return { standIn, views, ended };
  }
  const isWatch = ({ query }: StandInRequest) => query.get('watch') === 'true';

  it('goes on from the version of the list, and sees what is added and deleted', async (t) => {
    const { standIn, views } = await follow(t, (request) => {
      if (request.path.endsWith('/nodes')) return isWatch(request) ? 'hang' : list([aNode()]);
      if (!request.path.endsWith('/pods')) return isWatch(request) ? 'hang' : list([]);
      if (!isWatch(request)) return list([{ ...watched, metadata: { ...watched.metadata, uid: 'pod-0' } }]);
      return {
        status: 200,
        afterMs: 50,
        body: event('ADDED', watched) + event('DELETED', { metadata: { uid: 'pod-0' } }),
      };
    });
    await eventually(
      'both pods came and one went',
      async () =>
        views
          .at(-1)
          ?.pods.map(({ uid }) => uid)
          .join() === 'pod-1',
    );
    assert.ok(views.some(({ pods }) => pods.length === 2));
    const request = standIn.requests.find((one) => one.path.endsWith('/pods') && isWatch(one));
    assert.equal(request?.query.get('resourceVersion'), '5');
    assert.equal(request?.query.get('fieldSelector'), 'spec.nodeName=gpu-1');
  });

  it('lists anew when the server has forgotten where it began, or the connection breaks', async (t) => {
    let lists = 0;
    const { views } = await follow(t, (request) => {
      if (!request.path.endsWith('/pods')) return isWatch(request) ? 'hang' : list([aNode()]);
      if (isWatch(request)) {
        if (lists === 1) return { status: 200, body: event('ERROR', { code: 410, reason: 'Expired' }) };
        return lists === 2 ? 'reset' : 'hang';
      }
      lists += 1;
      return list(Array.from({ length: lists }, (_, index) => ({ metadata: { uid: `pod-${index}` } })));
    });
    await eventually('the third list', async () => views.at(-1)?.pods.length === 3);
    assert.ok(
      views.every(({ pods }) => pods.every(({ uid }) => uid !== '')),
      'what the server says of itself is no pod',
    );
  });

  it('fails where RBAC forbids it', async (t) => {
    const { ended } = await follow(t, (request) =>
      request.path.endsWith('/poddisruptionbudgets')
        ? { status: 403, body: { message: 'User "worker" cannot list resource "poddisruptionbudgets"' } }
        : list([]),
    );
    assert.match(String(await ended), /worker may not list poddisruptionbudgets\.policy/);
  });
});
