import { readFileSync } from 'node:fs';
import type { AuditEvent, Lane } from './lane.ts';
import { servers } from './servers.ts';

/** What the API server saw, as far as it took it; in the order of its answers. */
export interface Seen extends AuditEvent {
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly objectRef: AuditEvent['objectRef'] & { readonly namespace?: string; readonly subresource?: string };
}

/** All lines that have one of these words, whoever asked. */
export function seenBy(...words: readonly string[]): readonly Seen[] {
  return (
    readFileSync(servers().auditLog, 'utf8')
      .split('\n')
      // a line that is being written has no end yet
      .filter((line) => line.endsWith('}') && words.some((word) => line.includes(word)))
      .map((line) => JSON.parse(line) as Seen)
  );
}

export const isDone = ({ stage, responseStatus }: Seen): boolean =>
  stage === 'ResponseComplete' && responseStatus.code < 300;

/** `<workflowId>/<runId>`, or `sweep/<host>`; undefined: not headroom. */
export function runOf({ userAgent }: Pick<Seen, 'userAgent'>): string | undefined {
  return /^headroom\/\S+ (\S+)/.exec(userAgent)?.[1];
}

/** By it writes of one object have an order, whatever the order of their answers. */
export const revisionOf = ({ responseObject }: Seen): number =>
  Number((responseObject as { readonly metadata: { readonly resourceVersion: string } }).metadata.resourceVersion);

/** Of pods, by this run. */
export function evictionsOf({ lane }: { readonly lane: Lane }, run: string): readonly Seen[] {
  const own = seenBy(lane.namespace).filter((seen) => isBy(run, seen) && isDone(seen));
  return own.filter(({ verb, objectRef }) => verb === 'create' && objectRef.subresource === 'eviction');
}

/** When the API server had taken this run's cordon of the node. */
export function cordonedAtMs(node: string, run: string): number {
  const cordon = seenBy(node).find(
    (seen) =>
      isBy(run, seen) &&
      isDone(seen) &&
      seen.objectRef.resource === 'nodes' &&
      (seen.responseObject as CordonedNode | undefined)?.spec?.unschedulable === true,
  );
  if (cordon === undefined) throw new Error(`${run} has not cordoned ${node}`);
  return Date.parse(cordon.stageTimestamp);
}

interface CordonedNode {
  readonly spec?: { readonly unschedulable?: boolean };
}

function isBy(run: string, seen: Seen): boolean {
  return runOf(seen)?.startsWith(`${run}/`) === true;
}
