import { WorkflowNotFoundError } from '@temporalio/client';
import { isDone, revisionOf, runOf, seenBy, type Seen } from './audit.ts';
import type { Witnessed } from './gpu-witness.ts';
import type { Lane } from './lane.ts';

interface CordonedNode {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly unschedulable?: boolean; readonly providerID?: string };
}

const isCordoned = ({ spec }: CordonedNode): boolean => spec.unschedulable === true;

/** Of the mark that a node bears; undefined: it bears none. */
function ownerOf({ metadata }: CordonedNode): string | undefined {
  const mark = metadata.annotations?.['headroom.dev/cordon'];
  return mark === undefined ? undefined : (JSON.parse(mark) as { readonly owner: string }).owner;
}

/** When this run ended; null: it has not. */
type EndOf = (owner: string) => Promise<number | null>;

/** Each names a run that lives, or is undone, or its node goes; and a person's is never touched. */
export async function faultsOfCordons({ kube, cloud, nodeNames, lane }: Witnessed): Promise<readonly string[]> {
  const endOf = endOfRuns(lane);
  const faults = [...(await faultsOfWrites(seenBy(...nodeNames), endOf))];
  const path = `/api/v1/nodes?labelSelector=${encodeURIComponent('headroom.dev/cordoned=true')}`;
  const { items } = JSON.parse((await kube.send('GET', path)).text) as { readonly items: readonly CordonedNode[] };
  for (const node of items.filter(({ metadata }) => nodeNames.some((name) => metadata.name.startsWith(name)))) {
    const instance = node.spec.providerID?.split('/').at(-1);
    const stays = cloud.core.fleet
      .instances()
      .some(({ id, lifecycle }) => id === instance && lifecycle !== 'Terminating:Wait');
    const owner = ownerOf(node) ?? '';
    if (stays && (await endOf(owner)) !== null) faults.push(`${node.metadata.name} is left cordoned by ${owner}`);
  }
  return faults;
}

/** Node by node, each write beside what stood there before it. */
export async function faultsOfWrites(seen: readonly Seen[], endOf: EndOf): Promise<readonly string[]> {
  const writes = seen.filter(
    (one) =>
      isDone(one) &&
      one.objectRef.resource === 'nodes' &&
      one.objectRef.subresource === undefined &&
      // a deletion is answered with a Status
      (one.responseObject as CordonedNode | undefined)?.spec !== undefined,
  );
  const lives = Map.groupBy(writes, ({ responseObject }) => (responseObject as CordonedNode).metadata.uid);
  const faults: string[] = [];
  for (const life of lives.values()) {
    let before: CordonedNode | undefined;
    for (const one of life.toSorted((a, b) => revisionOf(a) - revisionOf(b))) {
      const after = one.responseObject as CordonedNode;
      faults.push(...(await faultsOfWrite(one, { before, after, endOf })));
      before = after;
    }
  }
  return faults;
}

async function faultsOfWrite(
  seen: Seen,
  {
    before,
    after,
    endOf,
  }: { readonly before: CordonedNode | undefined; readonly after: CordonedNode; readonly endOf: EndOf },
): Promise<readonly string[]> {
  const run = runOf(seen);
  if (run === undefined) return [];
  const { name } = after.metadata;
  const [was, is] = [before !== undefined && isCordoned(before), isCordoned(after)];
  const [ownerBefore, owner] = [before && ownerOf(before), ownerOf(after)];
  if (was && ownerBefore === undefined)
    return is && owner === undefined ? [] : [`${run} has touched the cordon of a person on ${name}`];
  if (is && owner === undefined) return [`${run} has cordoned ${name} without a mark`];
  if (is && after.metadata.labels?.['headroom.dev/cordoned'] !== 'true')
    return [`${run} has cordoned ${name} without the label`];
  if (is && owner !== run) return [`${run} has cordoned ${name} in the name of ${owner}`];
  if (is || !was || ownerBefore === run) return [];
  if (!run.startsWith('sweep/')) return [`${run} has undone the cordon of ${ownerBefore} on ${name}`];
  const ended = await endOf(ownerBefore ?? '');
  return ended !== null && ended <= Date.parse(seen.stageTimestamp)
    ? []
    : [`${run} has undone the cordon of ${ownerBefore} on ${name}, which runs`];
}

/** A run that nobody knows has ended long ago. */
function endOfRuns({ temporal }: Lane): EndOf {
  return async (owner) => {
    const [workflowId = '', runId = ''] = owner.split('/');
    try {
      return (await temporal.workflow.getHandle(workflowId, runId).describe()).closeTime?.getTime() ?? null;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 0;
      throw error;
    }
  };
}
