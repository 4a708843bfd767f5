import type { KubeClient } from './kube.ts';

interface AggregatedApi {
  readonly group: string;
  readonly version: string;
  readonly service: { readonly name: string; readonly namespace: string };
  /** Where the program listens, on loopback. */
  readonly port: number;
}

/** An ExternalName leads the aggregator to loopback: there is no service network here. */
export async function registerApi(kube: KubeClient, { group, version, service, port }: AggregatedApi): Promise<void> {
  await kube.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: service,
    spec: { type: 'ExternalName', externalName: '127.0.0.1' },
  });
  await kube.apply({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.${group}` },
    spec: {
      group,
      version,
      service: { ...service, port },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  });
}
