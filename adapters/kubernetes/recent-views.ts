import type { WorkloadRef } from '../../domain/workload.ts';
import type { KubernetesClient, Session } from './client.ts';
import type { View } from './governors.ts';
import type { Kind, RawObject } from './kinds.ts';

/** A little more than the pace at which a hold that ends is looked at: its steps need no reads of their own. */
const RECENT_MS = 3_000;

/** What was seen of workloads a moment ago, with our own writes since: enough to try a guarded write on. */
export function createRecentViews(client: Pick<KubernetesClient, 'session'>, recentForMs = RECENT_MS) {
  const views = new Map<string, { readonly view: View; readonly session: Session; readonly untilMs: number }>();

  function forgetOld(): void {
    const isOld = ({ session, untilMs }: { readonly session: Session; readonly untilMs: number }) =>
      session !== client.session() || untilMs <= performance.now();
    for (const [key, one] of views) if (isOld(one)) views.delete(key);
  }

  return {
    recent(ref: WorkloadRef): View | undefined {
      forgetOld();
      return views.get(keyOf(ref))?.view;
    },
    /** Reads, and keeps what it read for as long as it is recent. */
    async through(ref: WorkloadRef, read: () => Promise<View>): Promise<View> {
      const [session, untilMs] = [client.session(), performance.now() + recentForMs];
      const view = await read();
      forgetOld();
      views.set(keyOf(ref), { view, session, untilMs });
      return view;
    },
    /** As the API server answered our own write. */
    noteWritten(written: RawObject<Kind>): void {
      const now = <T extends RawObject<Kind>>(one: T): T =>
        // of the same uid, so of the same kind
        one.metadata?.uid === written.metadata?.uid ? (written as T) : one;
      for (const [key, { view, ...kept }] of views) {
        const { workload, autoscalers, scaledObjects } = view;
        const after = {
          ...view,
          workload: now(workload),
          autoscalers: autoscalers.map(now),
          scaledObjects: scaledObjects.map(now),
        };
        views.set(key, { ...kept, view: after });
      }
    },
  };
}

function keyOf({ kind, namespace, object }: WorkloadRef): string {
  return `${kind}/${namespace}/${object}`;
}
