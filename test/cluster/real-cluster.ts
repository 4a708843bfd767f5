import { randomBytes } from 'node:crypto';
import {
  ApiException,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  NodeV1Api,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { createWorkloadPort } from '../../adapters/kubernetes/workloads.ts';
import type { WorkloadPort } from '../../activities/ports.ts';
import type { Json } from '../../domain/json.ts';
import type { Governor, GovernorField, StatefulFacts, WorkloadRef } from '../../domain/workload.ts';
import { eventually } from '../harness/eventually.ts';

type GovernorId = Pick<Governor, 'kind' | 'namespace' | 'name'> & { readonly workloadKind?: WorkloadRef['kind'] };
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}
interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly managedFields?: readonly { readonly manager?: string }[];
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, Json>>;
  readonly status?: { readonly hpaName?: string };
}

/** The servers under test; a missing one is a failure and never a silent skip. */
export function required(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === '')
    throw new Error(`${variable} is not set: start a sandbox (headroom sandbox up) and export its environment`);
  return value;
}

const PLURALS: { readonly [kind: string]: string } = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  HorizontalPodAutoscaler: 'horizontalpodautoscalers',
  ScaledObject: 'scaledobjects',
};
const FIELD_KEYS = {
  workload: { floor: 'replicas', ceiling: 'none', freeze: 'none' },
  horizontalPodAutoscaler: { floor: 'minReplicas', ceiling: 'maxReplicas', freeze: 'behavior' },
  scaledObject: { floor: 'minReplicaCount', ceiling: 'maxReplicaCount', freeze: 'none' },
} as const;

/** A namespace of one test file: fixtures are made as the admin, the port is the worker's with the worker's rights. */
export async function openRealCluster() {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(required('HEADROOM_TEST_ADMIN_KUBECONFIG'));
  const kubeconfigPath = required('HEADROOM_TEST_WORKER_KUBECONFIG');
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const objects = kubeConfig.makeApiClient(CustomObjectsApi);
  const runtimes = kubeConfig.makeApiClient(NodeV1Api);
  const namespace = `t-${randomBytes(4).toString('hex')}`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  const port: WorkloadPort = createWorkloadPort({ kubeconfigPath, ownNamespace: namespace });
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

  const address = (apiVersion: string, kind: string) => {
    const [group = '', version = ''] = apiVersion.split('/');
    return { group, version, namespace, plural: PLURALS[kind] ?? '' };
  };
  async function create(manifest: Manifest): Promise<Stored> {
    const stored: Stored = await objects.createNamespacedCustomObject({
      ...address(manifest.apiVersion, manifest.kind),
      body: manifest,
    });
    return stored;
  }
  const located = ({ kind, name, workloadKind = 'Deployment' }: GovernorId) => {
    if (kind === 'workload') return { ...address('apps/v1', workloadKind), name };
    if (kind === 'scaledObject') return { ...address('keda.sh/v1alpha1', 'ScaledObject'), name };
    return { ...address('autoscaling/v2', 'HorizontalPodAutoscaler'), name };
  };
  async function read(id: GovernorId): Promise<Stored> {
    const stored: Stored = await objects.getNamespacedCustomObject(located(id));
    return stored;
  }
  const patch = async (id: GovernorId, body: object, fieldManager = 'somebody') => {
    await objects.patchNamespacedCustomObject({ ...located(id), body, fieldManager }, merge);
  };

  async function addWorkload(given: {
    readonly name: string;
    readonly kind?: WorkloadRef['kind'];
    readonly replicas: number;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly podSpec?: object;
    readonly stateful?: Partial<Omit<StatefulFacts, 'labels'>>;
  }): Promise<WorkloadRef> {
    const { name, kind = 'Deployment', replicas, annotations, labels, stateful = {} } = given;
    const { podSpec = aPodSpec(undefined, stateful.images) } = given;
    const template = { metadata: { labels: { app: name } }, spec: podSpec };
    const metadata = {
      name,
      ...(annotations !== undefined && { annotations }),
      ...(labels !== undefined && { labels }),
    };
    const spec = {
      replicas,
      selector: { matchLabels: { app: name } },
      template,
      ...(kind === 'StatefulSet' && { serviceName: name, ...asSetSpec(stateful) }),
    };
    await create({ apiVersion: 'apps/v1', kind, metadata, spec });
    const ref: WorkloadRef = { name, namespace, kind, object: name };
    // its controller writes an annotation at its first look: from then on only the test changes the object
    if (kind === 'Deployment') {
      await until(
        `the first revision of ${name}`,
        async () =>
          (await read({ kind: 'workload', namespace, name })).metadata.annotations?.[
            'deployment.kubernetes.io/revision'
          ] !== undefined,
      );
    }
    return ref;
  }

  async function addAutoscaler(given: {
    readonly kind: 'horizontalPodAutoscaler' | 'scaledObject';
    readonly name: string;
    readonly target: WorkloadRef;
    readonly floor?: number;
    readonly ceiling: number;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownedBy?: string;
    readonly idleReplicas?: number;
    /** Merged over the spec. */
    readonly spec?: object;
  }): Promise<void> {
    const { kind, name, target, floor, ceiling, annotations, labels, ownedBy } = given;
    if (ownedBy !== undefined) {
      // KEDA has made it with its ScaledObject
      await patch({ kind, namespace, name }, { metadata: { annotations, labels } });
      return;
    }
    const keys = FIELD_KEYS[kind];
    const fields = { ...(floor !== undefined && { [keys.floor]: floor }), [keys.ceiling]: ceiling };
    const metadata = {
      name,
      ...(annotations !== undefined && { annotations }),
      ...(labels !== undefined && { labels }),
    };
    if (kind === 'horizontalPodAutoscaler') {
      const scaleTargetRef = { apiVersion: 'apps/v1', kind: target.kind, name: target.object };
      const metrics = [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ];
      await create({
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata,
        spec: { scaleTargetRef, metrics, ...fields },
      });
      return;
    }
    // no kind where KEDA's default says it: most manifests leave it out
    const scaleTargetRef = { name: target.object, ...(target.kind !== 'Deployment' && { kind: target.kind }) };
    const triggers = [
      { type: 'cron', metadata: { timezone: 'UTC', start: '0 0 1 1 *', end: '1 0 1 1 *', desiredReplicas: '1' } },
    ];
    await create({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata,
      spec: {
        scaleTargetRef,
        triggers,
        ...fields,
        ...(given.idleReplicas !== undefined && { idleReplicaCount: given.idleReplicas }),
        ...given.spec,
      },
    });
    // KEDA labels the object, makes its HPA, and writes down its name: from then on only the test changes the object
    await until(`KEDA's HPA for ${name}`, async () => {
      const { metadata: found, status } = await read({ kind, namespace, name });
      return found.labels?.['scaledobject.keda.sh/name'] === name && status?.hpaName !== undefined;
    });
  }

  return {
    port,
    namespace,
    core,
    runtimes,
    addWorkload,
    addAutoscaler,
    read,
    patch,
    async remove(id: GovernorId) {
      await objects.deleteNamespacedCustomObject(located(id));
      // KEDA's finalizer keeps a ScaledObject a moment longer
      await eventually(`${id.name} is gone`, () =>
        read(id).then(
          () => false,
          (error: unknown) => error instanceof ApiException && error.code === 404,
        ),
      );
    },
    async setField(id: GovernorId, field: GovernorField, value: Json | undefined, manager?: string) {
      const body =
        field === 'freeze' && id.kind === 'scaledObject'
          ? { metadata: { annotations: { 'autoscaling.keda.sh/paused-scale-in': value ?? null } } }
          : { spec: { [FIELD_KEYS[id.kind][field]]: value ?? null } };
      await patch(id, body, manager);
    },
    /** Server-side apply of just these fields; answers with the status and what the server said. */
    async apply(
      id: GovernorId,
      spec: object,
      { manager, force }: { readonly manager: string; readonly force: boolean },
    ) {
      const { apiVersion, kind, metadata } = await read(id);
      const body = { apiVersion, kind, metadata: { name: metadata.name }, spec };
      try {
        await objects.patchNamespacedCustomObject(
          { ...located(id), body, fieldManager: manager, force },
          setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
        );
        return { status: 200, said: '' };
      } catch (error) {
        if (!(error instanceof ApiException)) throw error;
        return { status: error.code, said: String(error.body) };
      }
    },
    async annotate(id: GovernorId, key: string, value: string | undefined) {
      await patch(id, { metadata: { annotations: { [key]: value ?? null } } });
    },
    async ignoreEverything(ignored: boolean) {
      await core.patchNamespace(
        { name: namespace, body: { metadata: { annotations: { 'headroom.dev/ignore': ignored ? 'true' : null } } } },
        merge,
      );
    },
    async snapshot(id: GovernorId): Promise<Json> {
      const { metadata, spec } = await read(id);
      return { uid: metadata.uid, spec, annotations: metadata.annotations ?? null, labels: metadata.labels ?? null };
    },
    async close() {
      await core.deleteNamespace({ name: namespace });
    },
  };
}

/** Only what is given: the rest is the API server's to fill in. */
function asSetSpec({ ordered, whenScaled, claims, firstOrdinal }: Partial<StatefulFacts>): object {
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  return {
    ...(ordered !== undefined && { podManagementPolicy: ordered ? 'OrderedReady' : 'Parallel' }),
    ...(whenScaled !== undefined && { persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted: 'Retain' } }),
    ...(claims !== undefined && { volumeClaimTemplates: claims.map((name) => ({ metadata: { name }, spec: claim })) }),
    ...(firstOrdinal !== undefined && { ordinals: { start: firstOrdinal } }),
  };
}

/** A small pod for nodes that have no kubelet. */
export function aPodSpec(
  requests: Readonly<Record<string, string>> = { cpu: '10m', memory: '16Mi' },
  images: readonly string[] = ['registry.k8s.io/pause:3.10'],
): object {
  const containers = images.map((image, place) => ({
    name: place === 0 ? 'main' : `main-${place}`,
    image,
    resources: { requests },
  }));
  return { terminationGracePeriodSeconds: 0, containers };
}

/** Looks every 50 ms, for at most `withinMs`. */
export async function until(what: string, isSo: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${withinMs / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
