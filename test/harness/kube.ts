import {
  ApiException,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';

const KINDS = {
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments' },
  ScaledObject: { group: 'keda.sh', version: 'v1alpha1', plural: 'scaledobjects' },
  HorizontalPodAutoscaler: { group: 'autoscaling', version: 'v2', plural: 'horizontalpodautoscalers' },
} as const;
export type Kind = keyof typeof KINDS;

export interface Stored {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** Fixtures are made and looked at as the administrator; headroom itself never is one. */
export function adminOf(kubeconfig: string, namespace: string) {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const objects = config.makeApiClient(CustomObjectsApi);
  const at = (kind: Kind) => ({ ...KINDS[kind], namespace });
  return {
    core,
    create: (kind: Kind, manifest: object): Promise<Stored> =>
      objects.createNamespacedCustomObject({
        ...at(kind),
        body: { apiVersion: `${KINDS[kind].group}/${KINDS[kind].version}`, kind, ...manifest },
      }),
    get: (kind: Kind, name: string): Promise<Stored> => objects.getNamespacedCustomObject({ ...at(kind), name }),
    /** `by` is the field manager: whose hand the object shows. */
    patch: (kind: Kind, name: string, body: object, by = 'kubectl-edit'): Promise<Stored> =>
      objects.patchNamespacedCustomObject(
        { ...at(kind), name, body, fieldManager: by },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
      ),
    remove: async (kind: Kind, name: string): Promise<void> => {
      await objects.deleteNamespacedCustomObject({ ...at(kind), name }).catch((error: unknown) => {
        if (!(error instanceof ApiException && error.code === 404)) throw error;
      });
    },
  };
}
export type Admin = ReturnType<typeof adminOf>;
