import type { KubeClient } from '../kube.ts';
import type { RunningCloud } from './start.ts';

const EVERY_MS = 1_000;
const CORDONED = '/api/v1/nodes?fieldSelector=spec.unschedulable=true&resourceVersion=0';

/**
 * Whoever drains a node and then makes its group smaller leaves the choice to Auto Scaling, which knows nothing of cordons. Here it
 * always chooses another one, where in AWS it is a matter of luck (R55). The answer ends it.
 */
export function spareCordoned(kube: KubeClient, { core }: Pick<RunningCloud, 'core'>): () => void {
  async function look(): Promise<void> {
    const { status, text } = await kube.send('GET', CORDONED);
    if (status !== 200) return;
    const { items }: { readonly items: readonly CordonedNode[] } = JSON.parse(text);
    const ids = new Set(items.map(({ spec }) => spec?.providerID?.split('/').at(-1)));
    for (const instance of core.fleet.instances()) instance.spared = ids.has(instance.id);
  }
  // the API server may be away for a while: the next look counts
  const timer = setInterval(() => void look().catch(() => {}), EVERY_MS).unref();
  return () => clearInterval(timer);
}

interface CordonedNode {
  readonly spec?: { readonly providerID?: string };
}
