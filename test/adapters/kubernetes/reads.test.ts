import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createWorkloadPort, type WorkloadPortOptions } from '../../../adapters/kubernetes/workloads.ts';
import type { Call } from '../../../activities/ports.ts';
import type { WorkloadRef } from '../../../domain/workload.ts';
import { eventually } from '../../harness/eventually.ts';
import { startStandIn, writeKubeconfig, type Reply, type StandInRequest } from '../stand-in.ts';

const call: Call = { signal: new AbortController().signal, caller: 'pre-scale.web.sale/run-1' };
const ref: WorkloadRef = { name: 'web', namespace: 'shop', kind: 'Deployment', object: 'web' };
const WORKLOAD = 'deployments/web';
const [AUTOSCALERS, SCALED_OBJECTS] = ['horizontalpodautoscalers', 'scaledobjects'];
const [OWN, SYSTEM] = ['namespaces/headroom', 'namespaces/kube-system'];

/** An API server that answers by the end of the path, as the test says; lists are empty, and KEDA is not installed. */
async function open(t: TestContext, options: Partial<WorkloadPortOptions> = {}) {
  const [always, once] = [new Map<string, Reply>(), new Map<string, Reply>()];
  const say = (end: string, body: unknown) => void always.set(end, { status: 200, body });
  const standIn = await startStandIn(({ path }: StandInRequest) => {
    const end = endOf(path);
    const first = once.get(end);
    once.delete(end);
    return first ?? always.get(end) ?? { status: 200, body: { items: [] } };
  });
  say(WORKLOAD, { metadata: { name: 'web', uid: 'uid-1' }, spec: { replicas: 3 } });
  say(OWN, { metadata: { name: 'headroom' } });
  say(SYSTEM, { metadata: { uid: 'cluster-1' } });
  always.set(SCALED_OBJECTS, { status: 404, body: '404 page not found' });
  const kubeconfig = writeKubeconfig(standIn.url);
  t.after(async () => {
    await standIn.close();
    kubeconfig.remove();
  });
  const port = createWorkloadPort({ kubeconfigPath: kubeconfig.path, ...options });
  /** What this asks for, sorted. */
  const asked = async (act: () => Promise<unknown>) => {
    const before = standIn.requests.length;
    await act();
    return standIn.requests
      .slice(before)
      .map(({ path }) => endOf(path))
      .toSorted();
  };
  return { port, asked, say, always, once, requests: standIn.requests };
}

/** The kind, and the name of what is read by its name. */
function endOf(path: string): string {
  const isOne = /\/(headroom|kube-system|web)$/.test(path);
  const parts = path.split('/').slice(isOne ? -2 : -1);
  return parts.join('/');
}

describe('what a look costs', () => {
  it('is three reads, once the cluster and the absence of KEDA are known', async (t) => {
    const { port, asked } = await open(t);
    const look = () => port.readWorkload(ref, call);
    assert.deepEqual(await asked(look), [WORKLOAD, AUTOSCALERS, OWN, SYSTEM, SCALED_OBJECTS].toSorted());
    assert.deepEqual(await asked(look), [WORKLOAD, AUTOSCALERS, OWN].toSorted());
  });

  it('is four where KEDA is installed', async (t) => {
    const { port, asked, say } = await open(t);
    say(SCALED_OBJECTS, { items: [] });
    await port.readWorkload(ref, call);
    const again = await asked(() => port.readWorkload(ref, call));
    assert.deepEqual(again, [WORKLOAD, AUTOSCALERS, OWN, SCALED_OBJECTS].toSorted());
  });
});

describe('what is remembered of a workload', () => {
  const recall = { remembered: true };
  const fromItsMemory = (requests: readonly StandInRequest[]) =>
    requests.filter(({ query }) => query.get('resourceVersion') === '0').map(({ path }) => endOf(path));

  it('costs no read while it is recent, and one that nobody has seen is read out of the API server’s memory', async (t) => {
    const { port, asked, requests } = await open(t);
    await port.readWorkload({ ...ref, name: 'other', namespace: 'other' }, call);
    assert.deepEqual(fromItsMemory(requests), []);
    await port.readWorkload(ref, call, recall);
    assert.deepEqual(fromItsMemory(requests), [AUTOSCALERS], 'the workload itself is read');
    assert.deepEqual(await asked(() => port.readWorkload(ref, call, recall)), []);
  });

  it('is what a plain look sees, and never an answer to a plain look', async (t) => {
    const { port, asked, say } = await open(t);
    await port.readWorkload(ref, call);
    say(WORKLOAD, { metadata: { name: 'web', uid: 'uid-1' }, spec: { replicas: 5 } });
    const remembered = async () => (await port.readWorkload(ref, call, recall)).wantedReplicas;
    assert.equal(await remembered(), 3);
    assert.deepEqual(await asked(() => port.readWorkload(ref, call)), [WORKLOAD, AUTOSCALERS, OWN].toSorted());
    assert.equal(await remembered(), 5);
  });

  it('is forgotten when it is old', async (t) => {
    const { port, say } = await open(t, { recentForMs: 50 });
    await port.readWorkload(ref, call);
    say(WORKLOAD, { metadata: { name: 'web', uid: 'uid-1' }, spec: { replicas: 5 } });
    await eventually('it is read again', async () => (await port.readWorkload(ref, call, recall)).wantedReplicas === 5);
  });

  it('is forgotten with the connection', async (t) => {
    const { port, say, always } = await open(t);
    await port.readWorkload(ref, call);
    always.set('nodes', { status: 401 });
    await assert.rejects(port.readCapacity(ref, call));
    say(WORKLOAD, { metadata: { name: 'web', uid: 'uid-1' }, spec: { replicas: 5 } });
    assert.equal((await port.readWorkload(ref, call, recall)).wantedReplicas, 5);
  });

  it('has our own write, and is guarded by the version of what stands', async (t) => {
    const { port, say, requests } = await open(t);
    const stored = (replicas: number, resourceVersion: string) => ({
      metadata: { name: 'web', uid: 'uid-1', resourceVersion },
      spec: { replicas },
    });
    say(WORKLOAD, stored(3, '7'));
    const { self } = await port.readWorkload(ref, call);
    assert.equal(self.version, undefined);
    say(WORKLOAD, stored(4, '8'));
    const recalled = (await port.readWorkload(ref, call, recall)).self;
    await port.changeGovernor({ ...recalled, fields: [{ field: 'floor', from: 3, to: 4 }], marks: [] }, call);
    assert.match(requests.at(-1)?.body ?? '', /"path":"\/metadata\/resourceVersion","value":"7"/);
    const after = (await port.readWorkload(ref, call, recall)).self;
    assert.deepEqual([after.fields.floor, after.version], [4, '8']);
  });
});

describe('what the room for more pods costs', () => {
  const SIX = [WORKLOAD, 'replicasets', 'pods', 'nodes', 'resourcequotas', 'limitranges'].toSorted();
  const ofRun = (run: string): Call => ({ ...call, caller: `pre-scale.web.sale/${run}` });

  it('is six reads for a run that plans twice in a moment, and six for the next run', async (t) => {
    const { port, asked } = await open(t);
    assert.deepEqual(await asked(() => port.readCapacity(ref, ofRun('run-1'))), SIX);
    assert.deepEqual(await asked(() => port.readCapacity(ref, ofRun('run-1'))), []);
    assert.deepEqual(
      await asked(() => port.readCapacity({ ...ref, kind: 'StatefulSet' }, ofRun('run-1'))).then((all) => all.length),
      5,
    );
    assert.deepEqual(await asked(() => port.readCapacity(ref, ofRun('run-2'))), SIX);
  });

  it('is six again once they are old, and what could not be read is not remembered', async (t) => {
    const { port, say, always } = await open(t, { capacityForMs: 100 });
    always.set('nodes', { status: 403 });
    await assert.rejects(port.readCapacity(ref, call));
    say('nodes', { items: [] });
    assert.deepEqual((await port.readCapacity(ref, call)).cluster.nodes, []);
    say('nodes', { items: [{ metadata: { name: 'new' } }] });
    await eventually(
      'the new node is seen',
      async () => (await port.readCapacity(ref, call)).cluster.nodes.length === 1,
    );
  });

  it('is six again for a run after eight others', async (t) => {
    const { port, asked } = await open(t);
    for (let run = 0; run <= 8; run += 1) await port.readCapacity(ref, ofRun(`run-${run}`));
    assert.deepEqual(await asked(() => port.readCapacity(ref, ofRun('run-1'))), []);
    assert.deepEqual(await asked(() => port.readCapacity(ref, ofRun('run-0'))), SIX);
  });
});

describe('what is remembered of a cluster', { concurrency: true }, () => {
  const scaledObject = { metadata: { name: 'so', uid: 'so' }, spec: { scaleTargetRef: { name: 'web' } } };

  it('does not outlast a connection that failed, or a token that was refused', async (t) => {
    for (const [name, failing] of [
      ['a reset', 'reset'],
      ['no answer', 'hang'],
      ['a 401', { status: 401 }],
    ] satisfies readonly (readonly [string, Reply])[]) {
      const { port, say, always } = await open(t, { readDeadlineMs: 2_000 });
      const look = () => port.readWorkload(ref, call);
      assert.equal((await look()).clusterUid, 'cluster-1');
      always.set(OWN, failing);
      await assert.rejects(look());
      say(OWN, { metadata: { name: 'headroom' } });
      say(SYSTEM, { metadata: { uid: 'cluster-2' } });
      say(SCALED_OBJECTS, { items: [scaledObject] });
      const { clusterUid, autoscalers } = await look();
      assert.deepEqual([clusterUid, autoscalers.map(({ kind }) => kind)], ['cluster-2', ['scaledObject']], name);
    }
  });

  it('is not told by a look in which the connection failed and was made anew', async (t) => {
    const { port, say, once } = await open(t);
    await port.readWorkload(ref, call);
    say(SYSTEM, { metadata: { uid: 'cluster-2' } });
    once.set(OWN, 'reset');
    assert.equal((await port.readWorkload(ref, call)).clusterUid, 'cluster-2');
  });

  it('is not doubted because a caller gives up', async (t) => {
    const { port, asked, say, always } = await open(t);
    await port.readWorkload(ref, call);
    always.set(OWN, 'hang');
    await assert.rejects(port.readWorkload(ref, { ...call, signal: AbortSignal.timeout(50) }));
    say(OWN, { metadata: { name: 'headroom' } });
    const again = await asked(() => port.readWorkload(ref, call));
    assert.deepEqual(again, [WORKLOAD, AUTOSCALERS, OWN].toSorted());
  });

  it('is no absence of KEDA where an HPA of its making stands', async (t) => {
    const { port, say } = await open(t);
    await port.readWorkload(ref, call);
    const made = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'so', uid: 'so', controller: true };
    say(AUTOSCALERS, { items: [{ metadata: { name: 'keda-hpa-so', ownerReferences: [made] }, spec: {} }] });
    say(SCALED_OBJECTS, { items: [scaledObject] });
    const { autoscalers } = await port.readWorkload(ref, call);
    assert.deepEqual(
      autoscalers.map(({ kind, name }) => [kind, name]),
      [['scaledObject', 'so']],
    );
  });

  it('is no absence of kube-system, nor is KEDA taken for absent for longer than the time that it is told', async (t) => {
    const { port, asked, say, always } = await open(t, { absentForMs: 100 });
    always.set(SYSTEM, { status: 404 });
    assert.equal((await port.readWorkload(ref, call)).clusterUid, '');
    say(SYSTEM, { metadata: { uid: 'cluster-1' } });
    assert.equal((await port.readWorkload(ref, call)).clusterUid, 'cluster-1');
    say(SCALED_OBJECTS, { items: [scaledObject] });
    await eventually('KEDA is seen', async () => (await port.readWorkload(ref, call)).autoscalers.length === 1);
    always.set(SCALED_OBJECTS, { status: 404 });
    await port.readWorkload(ref, call);
    assert.ok((await asked(() => port.readWorkload(ref, call))).includes(SCALED_OBJECTS), 'one that was there before');
  });
});
