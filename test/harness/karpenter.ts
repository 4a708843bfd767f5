import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition } from '../../domain/scaling-facts.ts';
import { readObjects, type KubeClient, type KubeReply } from '../../sandbox/kube.ts';
import { gpusOf, nodeNameOf, nodeOf } from '../../sandbox/nodes.ts';
import { eventually } from './eventually.ts';

const CLAIMS = '/apis/karpenter.sh/v1/nodeclaims';
const MERGE = 'application/merge-patch+json';
const FINALIZER = 'karpenter.sh/termination';
const INSTANCE_TYPE = 'p5.48xlarge';
const ZONE = 'us-east-1a';

/** As much of Karpenter's own definition as its objects take to be kept whole. */
const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'nodeclaims.karpenter.sh' },
  spec: {
    group: 'karpenter.sh',
    scope: 'Cluster',
    names: { kind: 'NodeClaim', listKind: 'NodeClaimList', plural: 'nodeclaims', singular: 'nodeclaim' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

/** The API server knows NodeClaims when this answers. */
export async function installNodeClaims(kube: KubeClient): Promise<void> {
  await kube.apply(DEFINITION);
  await eventually('NodeClaims are served', async () => (await kube.send('GET', CLAIMS)).status === 200);
}

/** What `kubectl apply -f deploy/karpenter/` does. */
export async function grantDeletion(kube: KubeClient): Promise<void> {
  const manifest = readFileSync(new URL('../../deploy/karpenter/rbac.yaml', import.meta.url), 'utf8');
  for (const object of readObjects(manifest)) await kube.apply(object);
}

export interface StoredClaim {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
}

export async function claimOf(kube: KubeClient, name: string): Promise<StoredClaim | undefined> {
  const { status, text } = await kube.send('GET', `${CLAIMS}/${name}`);
  return status === 200 ? (JSON.parse(text) as StoredClaim) : undefined;
}

export async function addClaim(
  kube: KubeClient,
  name: string,
  {
    guarded = true,
    terminationGracePeriod,
    ...status
  }: {
    readonly guarded?: boolean;
    readonly terminationGracePeriod?: string | undefined;
    readonly providerID: string;
    readonly nodeName: string;
    readonly conditions: readonly Condition[];
  },
): Promise<void> {
  const metadata = { name, ...(guarded && { finalizers: [FINALIZER] }) };
  const spec = { ...(terminationGracePeriod !== undefined && { terminationGracePeriod }) };
  const body = { apiVersion: 'karpenter.sh/v1', kind: 'NodeClaim', metadata, spec };
  must(await kube.send('POST', CLAIMS, body), 201);
  must(await kube.send('PATCH', `${CLAIMS}/${name}/status`, { status }, MERGE), 200);
}

/** Karpenter writes there whenever pods come to its node, or go. */
export async function touchClaim(kube: KubeClient, name: string): Promise<void> {
  const status = { lastPodEventTime: new Date().toISOString(), touches: randomBytes(4).toString('hex') };
  await kube.send('PATCH', `${CLAIMS}/${name}/status`, { status }, MERGE);
}

export async function releaseClaim(kube: KubeClient, name: string): Promise<void> {
  await kube.send('PATCH', `${CLAIMS}/${name}`, { metadata: { finalizers: null } }, MERGE);
}

export async function removeClaim(kube: KubeClient, name: string): Promise<void> {
  await releaseClaim(kube, name);
  await kube.send('DELETE', `${CLAIMS}/${name}`);
}

export interface ClaimedNode {
  readonly node: string;
  readonly instanceId: string;
  readonly claim: string;
}

/** A GPU node as Karpenter makes them, played by kwok, with what it was made for; it is ready when this answers. */
export async function addClaimedNode(kube: KubeClient, pool: string): Promise<ClaimedNode> {
  const instanceId = `i-0${randomBytes(8).toString('hex')}`;
  const address = `10.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
  const instance = { nodegroup: '', instanceType: INSTANCE_TYPE, instanceId, zone: ZONE, address };
  const made = nodeOf(instance, gpusOf(instance));
  const { 'eks.amazonaws.com/nodegroup': _, ...labels } = made.metadata['labels'] as Readonly<Record<string, string>>;
  const node = nodeNameOf({ address });
  const metadata = {
    ...made.metadata,
    labels: { ...labels, 'karpenter.sh/nodepool': pool },
    finalizers: [FINALIZER],
  };
  must(await kube.send('POST', '/api/v1/nodes', { ...made, metadata }), 201);
  const claim = `${pool}-${randomBytes(3).toString('hex')}`;
  await addClaim(kube, claim, {
    providerID: `aws:///${ZONE}/${instanceId}`,
    nodeName: node,
    conditions: ['Launched', 'Registered', 'Initialized', 'Ready'].map((type) => {
      return { type, status: 'True', reason: type, message: '' };
    }),
  });
  await eventually(`${node} is ready`, async () => {
    const { text } = await kube.send('GET', `/api/v1/nodes/${node}`);
    const { status } = JSON.parse(text) as { readonly status?: { readonly conditions?: readonly Condition[] } };
    return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
  });
  return { node, instanceId, claim };
}

/**
 * What Karpenter does for one node: it writes down that pods come and go, and when the NodeClaim is deleted it taints the node, lets
 * it go, and then the NodeClaim.
 */
export async function playKarpenter(
  kube: KubeClient,
  { node, claim }: ClaimedNode,
  {
    over,
    ends = true,
    writes = true,
  }: { readonly over: AbortSignal; readonly ends?: boolean; readonly writes?: boolean },
): Promise<void> {
  while (!over.aborted) {
    const found = await claimOf(kube, claim);
    if (found === undefined) return;
    const isGoing = found.metadata.deletionTimestamp !== undefined;
    if (isGoing && ends) return endNode(kube, { node, claim });
    if (!isGoing && writes) await touchClaim(kube, claim);
    await sleep(50, undefined, { signal: over }).catch(() => undefined);
  }
}

async function endNode(kube: KubeClient, { node, claim }: Pick<ClaimedNode, 'node' | 'claim'>): Promise<void> {
  const taint = { op: 'add', path: '/spec/taints/-', value: { key: 'karpenter.sh/disrupted', effect: 'NoSchedule' } };
  await kube.send('PATCH', `/api/v1/nodes/${node}`, [taint], 'application/json-patch+json');
  const conditions = [{ type: 'Drained', status: 'True', reason: 'Drained', message: '' }];
  await kube.send('PATCH', `${CLAIMS}/${claim}/status`, { status: { conditions } }, MERGE);
  await removeNode(kube, node);
  await releaseClaim(kube, claim);
}

export async function removeNode(kube: KubeClient, node: string): Promise<void> {
  await kube.send('PATCH', `/api/v1/nodes/${node}`, { metadata: { finalizers: null } }, MERGE);
  await kube.send('DELETE', `/api/v1/nodes/${node}`);
}

function must({ status, text }: KubeReply, expected: number): void {
  if (status !== expected) throw new Error(`${status} ${text}`);
}
