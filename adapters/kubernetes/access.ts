import { AuthorizationV1Api, VersionApi } from '@kubernetes/client-node';
import { loadKubeConfig, type KubeConfigOptions } from './kube-config.ts';

interface Access {
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  readonly clusterWide?: true;
  /** One object, and not all of its kind. */
  readonly only?: { readonly namespace: string; readonly name: string };
}

/** What the worker does with the cluster; deploy/kubernetes/rbac.yaml grants just this, and a test compares the two. */
export const NEEDED_ACCESS: readonly Access[] = [
  { group: 'apps', resource: 'deployments', verbs: ['get', 'list', 'patch'] },
  { group: 'apps', resource: 'statefulsets', verbs: ['get', 'list', 'patch'] },
  { group: 'apps', resource: 'replicasets', verbs: ['list'] },
  { group: 'autoscaling', resource: 'horizontalpodautoscalers', verbs: ['get', 'list', 'patch'] },
  { group: 'keda.sh', resource: 'scaledobjects', verbs: ['get', 'list', 'patch'] },
  { group: '', resource: 'pods', verbs: ['list'] },
  { group: '', resource: 'events', verbs: ['list'] },
  { group: '', resource: 'resourcequotas', verbs: ['list'] },
  { group: '', resource: 'limitranges', verbs: ['list'] },
  { group: '', resource: 'nodes', verbs: ['get', 'list', 'watch', 'patch'], clusterWide: true },
  { group: '', resource: 'pods', verbs: ['list', 'watch', 'patch'], clusterWide: true },
  { group: 'apps', resource: 'daemonsets', verbs: ['list'], clusterWide: true },
  { group: 'apps', resource: 'replicasets', verbs: ['list'], clusterWide: true },
  { group: 'apps', resource: 'statefulsets', verbs: ['list'], clusterWide: true },
  { group: 'batch', resource: 'jobs', verbs: ['list'], clusterWide: true },
  { group: '', resource: 'pods/eviction', verbs: ['create'], clusterWide: true },
  { group: 'policy', resource: 'poddisruptionbudgets', verbs: ['list', 'watch'], clusterWide: true },
  { group: 'karpenter.sh', resource: 'nodeclaims', verbs: ['get', 'list'], clusterWide: true },
  { group: '', resource: 'namespaces', verbs: ['get'], clusterWide: true },
  { group: 'apiregistration.k8s.io', resource: 'apiservices', verbs: ['list'], clusterWide: true },
  {
    group: '',
    resource: 'configmaps',
    verbs: ['get'],
    only: { namespace: 'kube-system', name: 'cluster-autoscaler-status' },
  },
];

/** And where it may remove nodes of Karpenter's: what deploy/karpenter/rbac.yaml grants. */
export const KARPENTER_ACCESS: readonly Access[] = [
  { group: 'karpenter.sh', resource: 'nodeclaims', verbs: ['delete'], clusterWide: true },
];

export interface AccessVerdict {
  readonly verb: string;
  readonly resource: string;
  /** Absent: in the whole cluster. */
  readonly namespace?: string;
  readonly allowed: boolean;
  readonly reason: string;
}

/** Asks the API server for each right, for the identity of the kubeconfig; changes nothing. */
export async function checkAccess({
  namespaces,
  removesNodeClaims,
  ...options
}: KubeConfigOptions & { readonly namespaces: readonly string[]; readonly removesNodeClaims: boolean }): Promise<{
  readonly version: string;
  readonly verdicts: readonly AccessVerdict[];
}> {
  const kubeConfig = loadKubeConfig(options);
  const { gitVersion } = await kubeConfig.makeApiClient(VersionApi).getCode();
  const reviews = kubeConfig.makeApiClient(AuthorizationV1Api);
  const needed = [...NEEDED_ACCESS, ...(removesNodeClaims ? KARPENTER_ACCESS : [])];
  const asked = needed.flatMap(({ group, resource, verbs, clusterWide, only }) =>
    verbs.flatMap((verb) => {
      const places: readonly (string | undefined)[] = only === undefined ? namespaces : [only.namespace];
      return (clusterWide === true ? [undefined] : places).map((namespace) => ({
        group,
        resource,
        verb,
        namespace,
        name: only?.name,
      }));
    }),
  );
  const verdicts = await Promise.all(
    asked.map(async ({ group, resource, verb, namespace, name }) => {
      const { status } = await reviews.createSelfSubjectAccessReview({
        body: {
          spec: {
            resourceAttributes: {
              group,
              resource: resource.split('/')[0] ?? resource,
              ...(resource.includes('/') && { subresource: resource.split('/')[1] ?? '' }),
              verb,
              ...(namespace !== undefined && { namespace }),
              ...(name !== undefined && { name }),
            },
          },
        },
      });
      const asked = group === '' ? resource : `${resource}.${group}`;
      return {
        verb,
        resource: name === undefined ? asked : `${asked}/${name}`,
        ...(namespace !== undefined && { namespace }),
        allowed: status?.allowed === true,
        reason: status?.reason || 'not allowed',
      };
    }),
  );
  return { version: gitVersion, verdicts };
}
