import type { NodeClaimPort } from '../../activities/ports.ts';
import type { NodeClaimState } from '../../domain/node-claim.ts';
import { createKubernetesClient, type KubernetesOptions } from './client.ts';
import type { RawObject } from './kinds.ts';

/** By it Karpenter hears of a deletion, and keeps the object until the instance has ended (R48). */
const FINALIZER = 'karpenter.sh/termination';

export function createNodeClaimPort(options: KubernetesOptions): NodeClaimPort {
  const client = createKubernetesClient(options);
  return {
    async listNodeClaims(call) {
      const { items, isServed } = await client.snapshot({ kind: 'NodeClaim' }, {}, call);
      return isServed ? items.map(asNodeClaim) : null;
    },
    async readNodeClaim(name, call) {
      const found = await client.find({ kind: 'NodeClaim', name }, call);
      return found === undefined ? null : asNodeClaim(found);
    },
    mayDeleteNodeClaims: (call) => client.may('delete', { kind: 'NodeClaim' }, call),
    deleteNodeClaim: ({ name, uid, version }, call) =>
      client.remove({ kind: 'NodeClaim', name }, { uid, resourceVersion: version }, call),
  };
}

function asNodeClaim({ metadata, spec, status }: RawObject<'NodeClaim'>): NodeClaimState {
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    version: metadata?.resourceVersion ?? '',
    providerId: status?.providerID || null,
    nodeName: status?.nodeName || null,
    deleting: metadata?.deletionTimestamp !== undefined,
    guarded: metadata?.finalizers?.includes(FINALIZER) === true,
    terminationGracePeriod: spec?.terminationGracePeriod ?? null,
    conditions: (status?.conditions ?? []).map(({ type = '', status = '', reason = '', message = '' }) => {
      return { type, status, reason, message };
    }),
  };
}
