import { counted } from './counted.ts';

/** In the order of R40: the earliest source explains the most, so reasons are given in this order. */
export const TROUBLE_KINDS = [
  'notCreated',
  'blocked',
  'unschedulable',
  'nodesRefused',
  'nodesComing',
  'gated',
  'image',
  'config',
  'crash',
  'failed',
  'starting',
  'notReady',
  'terminating',
] as const;
export type TroubleKind = (typeof TROUBLE_KINDS)[number];

/** Pods that are missing or not available for one and the same reason. */
export interface PodTrouble {
  readonly kind: TroubleKind;
  /** Kubernetes' own word: 'FailedCreate', 'Unschedulable', 'ImagePullBackOff'. */
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  /** Names of up to five of the pods. */
  readonly examples: readonly string[];
}

const WORDS: { readonly [kind in TroubleKind]: string } = {
  notCreated: 'refused on creation',
  blocked: 'not created yet',
  unschedulable: 'without a node',
  nodesRefused: 'for which no node will come',
  nodesComing: 'for which a node is coming',
  gated: 'held by scheduling gates',
  image: 'without their image',
  config: 'that cannot start',
  crash: 'that crash',
  failed: 'that failed',
  starting: 'still starting',
  notReady: 'running, not ready',
  terminating: 'still terminating, holding room and quota',
};

/** To sort by: the earliest source first. */
export function bySource(a: Pick<PodTrouble, 'kind'>, b: Pick<PodTrouble, 'kind'>): number {
  return TROUBLE_KINDS.indexOf(a.kind) - TROUBLE_KINDS.indexOf(b.kind);
}

/** '3 pods without a node: Unschedulable: 0/5 nodes are available: 5 Insufficient cpu (web-1, web-2, web-3)' */
export function describeTrouble({ kind, reason, message, count, examples }: PodTrouble): string {
  const who = kind === 'notCreated' ? 'pods' : counted(count, 'pod');
  const names = count > examples.length ? [...examples, '…'] : examples;
  return (
    [`${who} ${WORDS[kind]}`, reason, message].filter((text) => text !== '').join(': ') +
    (examples.length === 0 ? '' : ` (${names.join(', ')})`)
  );
}

/** 'Error creating: pods "web-1" is forbidden: exceeded quota: q, …' → 'exceeded quota: q, …': equal for all pods. */
export function plainRefusal(message: string): string {
  return message
    .replace(/^Error creating: /, '')
    .replace(/^create Pod \S+ in StatefulSet \S+ failed error: /, '')
    .replace(/^pods? "[^"]*" is forbidden: /, '');
}

/** Quota messages differ in what was used at the time; the quota's name and what was asked are the same. */
export function subjectOfRefusal(plain: string): string {
  return plain.replace(/, used: .*$/s, '');
}
