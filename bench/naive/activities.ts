import { Context } from '@temporalio/activity';
import { AutoscalingV2Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { createKubernetesClient } from '../../adapters/kubernetes/client.ts';

export interface RaiseFloor {
  readonly namespace: string;
  readonly name: string;
  readonly floor: number;
  /** `pooled`: headroom's own client, which keeps its connections. `library`: Kubernetes' client for Node as it comes, a new connection for each request. */
  readonly client: 'pooled' | 'library';
}
export type NaiveActivities = ReturnType<typeof createNaiveActivities>;

/** Both leave the id of their workflow in the audit log: as the caller, or as the field manager. */
export function createNaiveActivities(kubeconfigPath: string) {
  const pooled = createKubernetesClient({ kubeconfigPath });
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const library = config.makeApiClient(AutoscalingV2Api);

  async function raisePooled({ namespace, name, floor }: RaiseFloor, workflowId: string): Promise<void> {
    const call = { signal: Context.current().cancellationSignal, caller: workflowId };
    const address = { kind: 'HorizontalPodAutoscaler', namespace, name } as const;
    const found = await pooled.find(address, call);
    if (found?.spec?.minReplicas === floor) return;
    await pooled.patch(address, [{ op: 'replace', path: '/spec/minReplicas', value: floor }], call);
  }
  async function raiseByLibrary({ namespace, name, floor }: RaiseFloor, workflowId: string): Promise<void> {
    const { spec } = await library.readNamespacedHorizontalPodAutoscaler({ namespace, name });
    if (spec?.minReplicas === floor) return;
    await library.patchNamespacedHorizontalPodAutoscaler(
      { namespace, name, body: { spec: { minReplicas: floor } }, fieldManager: workflowId },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
  }
  async function raiseFloor(request: RaiseFloor): Promise<void> {
    const workflowId = Context.current().info.workflowExecution?.workflowId ?? '';
    await (request.client === 'pooled' ? raisePooled : raiseByLibrary)(request, workflowId);
  }
  return { raiseFloor };
}
