import { isDone, revisionOf, runOf, type Seen } from './audit.ts';

interface EvictionRequest {
  readonly deleteOptions?: { readonly preconditions?: { readonly uid?: string }; readonly gracePeriodSeconds?: number };
}
interface BudgetNow {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly status?: {
    readonly currentHealthy?: number;
    readonly desiredHealthy?: number;
    readonly expectedPods?: number;
  };
}

/** Pods go by evictions alone, each of one pod and none other, and no budget is worse off than it allows. */
export function faultsOfDeeds(all: readonly Seen[]): readonly string[] {
  const own = all.filter((seen) => runOf(seen) !== undefined && seen.objectRef.resource === 'pods');
  const evictions = own.filter(({ verb, objectRef }) => verb === 'create' && objectRef.subresource === 'eviction');
  const deletions = own.filter(({ verb }) => verb === 'delete' || verb === 'deletecollection');
  const broad = evictions.filter(({ requestObject }) => {
    const { deleteOptions } = requestObject as EvictionRequest;
    return deleteOptions?.preconditions?.uid === undefined || deleteOptions.gracePeriodSeconds !== undefined;
  });
  const times = evictions.filter(isDone).map(({ requestReceivedTimestamp }) => requestReceivedTimestamp);
  return [
    ...deletions.map((seen) => `${runOf(seen)} has deleted ${seen.requestURI}`),
    ...broad.map((seen) => `${runOf(seen)} has evicted whatever is called ${seen.objectRef.name}`),
    ...faultsOfBudgets(all, times),
  ];
}

/**
 * None falls under what it wants by as many pods as were evicted so far, or fewer. Where more are missing they went by themselves: a
 * controller that has lost its API server may see none at all for a moment.
 */
function faultsOfBudgets(all: readonly Seen[], evictedAt: readonly string[]): readonly string[] {
  const written = all.filter((seen) => isDone(seen) && seen.objectRef.resource === 'poddisruptionbudgets');
  const faults: string[] = [];
  for (const life of Map.groupBy(written, ({ objectRef }) => objectRef.name).values()) {
    let before: BudgetNow['status'];
    for (const seen of life.toSorted((one, other) => revisionOf(one) - revisionOf(other))) {
      const { metadata, status } = seen.responseObject as BudgetNow;
      const isSame = before?.desiredHealthy === status?.desiredHealthy;
      const evicted = evictedAt.filter((at) => at < seen.stageTimestamp).length;
      const fell = (before?.currentHealthy ?? 0) - (status?.currentHealthy ?? 0);
      if (isSame && isKept(before) && !isKept(status) && fell <= evicted)
        faults.push(`budget ${metadata.name} has ${status?.currentHealthy} of ${status?.desiredHealthy}`);
      before = status;
    }
  }
  return faults;
}

const isKept = (status: BudgetNow['status']): boolean =>
  (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? Infinity);
