import { Context } from '@temporalio/activity';
import { createKubernetesClient } from '../../adapters/kubernetes/client.ts';

export interface RaiseFloor {
  readonly namespace: string;
  readonly name: string;
  readonly floor: number;
}
export type NaiveActivities = ReturnType<typeof createNaiveActivities>;

/** Over headroom's own pooled client: what differs is the way through Temporal, and not who reuses his connections. */
export function createNaiveActivities(kubeconfigPath: string) {
  const client = createKubernetesClient({ kubeconfigPath });
  async function raiseFloor({ namespace, name, floor }: RaiseFloor): Promise<void> {
    const { info, cancellationSignal } = Context.current();
    const call = { signal: cancellationSignal, caller: info.workflowExecution?.workflowId ?? '' };
    const address = { kind: 'HorizontalPodAutoscaler', namespace, name } as const;
    const found = await client.find(address, call);
    if (found?.spec?.minReplicas === floor) return;
    await client.patch(address, [{ op: 'replace', path: '/spec/minReplicas', value: floor }], call);
  }
  return { raiseFloor };
}
