import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient, KubeReply } from '../kube.ts';
import { gpusOf, nodeNameOf, nodeOf, type NodeInstance } from '../nodes.ts';
import type { Instance, NodeEvent } from './model.ts';

const NODES = '/api/v1/nodes';
const MANAGER = '?fieldManager=headroom-sandbox';
const ATTEMPTS = 20;
const PAUSE_MS = 500;

/** Plays the kubelet's registration, the device plugin, and the cloud controller that removes the Node of an instance that is gone. */
export function createClusterNodes(kube: KubeClient): (event: NodeEvent) => Promise<void> {
  async function join(instance: NodeInstance): Promise<KubeReply> {
    const reply = await kube.send('POST', NODES + MANAGER, nodeOf(instance, {}));
    // the name of one that went without a word: a kubelet would take it over, and this is another machine
    if (reply.status === 409) await remove(instance, () => true);
    return reply;
  }

  function register(instance: NodeInstance): Promise<KubeReply> {
    const gpus = gpusOf(instance);
    const body = { status: { capacity: gpus, allocatable: gpus } };
    return kube.send(
      'PATCH',
      `${NODES}/${nodeNameOf(instance)}/status${MANAGER}`,
      body,
      'application/merge-patch+json',
    );
  }

  async function remove(instance: NodeInstance, isIt: (providerId: string) => boolean): Promise<KubeReply> {
    const path = `${NODES}/${nodeNameOf(instance)}`;
    const found = await kube.send('GET', path);
    if (found.status !== 200) return found;
    const node: FoundNode = JSON.parse(found.text);
    if (!isIt(node.spec?.providerID ?? '')) return found;
    return kube.send('DELETE', path, { preconditions: { uid: node.metadata.uid } });
  }

  const acts = {
    joined: join,
    'gpus registered': register,
    left: (instance: NodeInstance) => remove(instance, (providerId) => providerId.endsWith(`/${instance.instanceId}`)),
  };

  return async ({ kind, instance }) => {
    let said = '';
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      try {
        const { status, text } = await acts[kind](asNodeInstance(instance));
        // somebody deleted the Node: there is nothing to register at, or to remove
        if (status < 300 || (status === 404 && kind !== 'joined')) return;
        said = `${status} ${text.slice(0, 300)}`;
      } catch (error) {
        said = String(error);
      }
      await sleep(PAUSE_MS);
    }
    throw new Error(`the Node of ${instance.id} (${kind}) could not follow: ${said}`);
  };
}

interface FoundNode {
  readonly metadata: { readonly uid: string };
  readonly spec?: { readonly providerID?: string };
}

function asNodeInstance({ id, group, type, zone, address }: Instance): NodeInstance {
  return { nodegroup: group, instanceType: type, instanceId: id, zone, address };
}
