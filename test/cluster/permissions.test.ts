import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AuthorizationV1Api, KubeConfig } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { createWorkloadPort } from '../../adapters/kubernetes/workloads.ts';
import type { Call } from '../../activities/ports.ts';
import { openRealCluster, required } from './real-cluster.ts';

interface Role {
  readonly kind: string;
  readonly rules?: readonly Rule[];
}
interface Rule {
  readonly resourceNames?: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
const call: Call = { signal: new AbortController().signal, caller: 'permissions/test' };

/** 'patch deployments.apps', one for each thing that is allowed. */
const triples = (rules: readonly Partial<Rule>[]) =>
  rules
    .flatMap(({ apiGroups = [], resources = [], verbs = [] }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`)),
      ),
    )
    .toSorted();

describe('the rights of the worker, on a real API server', () => {
  let cluster: Awaited<ReturnType<typeof openRealCluster>>;
  const directory = mkdtempSync(join(tmpdir(), 'headroom-test-'));
  before(async () => {
    cluster = await openRealCluster();
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await cluster.close();
  });

  it('are those of deploy/kubernetes/rbac.yaml and no more', async () => {
    const documents: readonly Role[] = parseAllDocuments(
      readFileSync(new URL('../../deploy/kubernetes/rbac.yaml', import.meta.url), 'utf8'),
    ).map((one) => one.toJS());
    const granted = (of: string) => documents.flatMap(({ kind, rules = [] }) => (kind === of ? rules : []));
    const worker = new KubeConfig();
    worker.loadFromFile(required('HEADROOM_TEST_WORKER_KUBECONFIG'));
    const rulesIn = async (namespace: string) => {
      const review = await worker
        .makeApiClient(AuthorizationV1Api)
        .createSelfSubjectRulesReview({ body: { spec: { namespace } } });
      return review.status?.resourceRules ?? [];
    };
    // what everybody who is authenticated may ask: about oneself
    const own = triples(await rulesIn(cluster.namespace)).filter((one) => !/^create self\w+\.auth/.test(one));
    assert.deepEqual([...new Set(own)], triples(granted('ClusterRole')));
    assert.ok(
      own.every(
        (one) => /^(get|list|watch|patch|create pods\/eviction\.)/.test(one) && !/\*|secrets|configmaps/.test(one),
      ),
    );
    const system = (await rulesIn('kube-system')).filter(({ resources = [] }) => resources.includes('configmaps'));
    assert.deepEqual(
      system.map(({ verbs, resourceNames }) => ({ verbs, resourceNames })),
      granted('Role').map(({ verbs, resourceNames }) => ({ verbs, resourceNames })),
      'one ConfigMap of kube-system, by its name',
    );
  });

  it('missing, they are named with the verb, the resource and the account', async () => {
    const { core, namespace } = cluster;
    const ref = await cluster.addWorkload({ name: 'forbidden', replicas: 1 });
    await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'nobody' } } });
    const { status } = await core.createNamespacedServiceAccountToken({
      name: 'nobody',
      namespace,
      body: { spec: { audiences: [] } },
    });
    const config = new KubeConfig();
    config.loadFromFile(required('HEADROOM_TEST_WORKER_KUBECONFIG'));
    const [server] = config.getClusters();
    assert.ok(server);
    config.loadFromClusterAndUser(server, { name: 'nobody', token: status?.token ?? '' });
    const kubeconfigPath = join(directory, 'nobody');
    writeFileSync(kubeconfigPath, config.exportConfig());
    const port = createWorkloadPort({ kubeconfigPath, ownNamespace: namespace });
    const account = `system:serviceaccount:${namespace}:nobody`;
    const refused = (act: string) => ({
      type: 'permissionDenied',
      nonRetryable: true,
      message: new RegExp(`^${account} may not ${act}; grant it as deploy/kubernetes/rbac.yaml does$`),
    });
    await assert.rejects(port.readTroubles(ref, call), refused(`get deployments.apps ${namespace}/forbidden`));
    const { self } = await cluster.port.readWorkload(ref, call);
    await assert.rejects(
      port.changeGovernor({ ...self, fields: [{ field: 'floor', from: 1, to: 2 }], marks: [] }, call),
      refused(`patch deployments.apps ${namespace}/forbidden`),
    );
  });

  it('write under the field manager headroom', async () => {
    const ref = await cluster.addWorkload({ name: 'managed', replicas: 1 });
    const { self } = await cluster.port.readWorkload(ref, call);
    assert.equal(
      await cluster.port.changeGovernor({ ...self, fields: [{ field: 'floor', from: 1, to: 2 }], marks: [] }, call),
      'written',
    );
    const { metadata } = await cluster.read({ kind: 'workload', namespace: ref.namespace, name: 'managed' });
    assert.ok(metadata.managedFields?.some(({ manager }) => manager === 'headroom'));
  });
});
