import { failure } from '../../activities/failure.ts';
import type { Call, NodePort } from '../../activities/ports.ts';
import { instanceIdOf, type CordonMark, type NodeIdentity, type NodeState } from '../../domain/gpu-node.ts';
import type { Json } from '../../domain/json.ts';
import { asNode } from './capacity.ts';
import { createKubernetesClient, type KubernetesOptions } from './client.ts';
import { lastWriterOf } from './field-managers.ts';
import { guardedPatch, mapEdits } from './guarded-patch.ts';
import type { RawObject } from './kinds.ts';
import { readNodeAutoscaler } from './node-autoscaler.ts';

type Node = RawObject<'Node'>;

const MARK = 'headroom.dev/cordon';
const LABEL = 'headroom.dev/cordoned';
/** Kubelet and node controllers write a node's status all the time, but nothing that is tested here. */
const MAX_RACES = 4;

export function createNodePort(options: KubernetesOptions): NodePort {
  const client = createKubernetesClient(options);
  const find = (name: string, call: Call) => client.find({ kind: 'Node', name }, call);

  /** 'raced': somebody changed what was read; nothing was written. */
  async function write(node: Node, to: { readonly cordoned: boolean; readonly mark?: CordonMark }, call: Call) {
    const { name = '', uid = '', annotations, labels } = node.metadata ?? {};
    const wanted = to.cordoned ? true : undefined;
    const edits = [
      { path: '/spec/unschedulable', from: node.spec?.unschedulable, to: wanted },
      ...mapEdits('annotations', {
        present: annotations !== undefined,
        edits: [{ key: MARK, from: annotations?.[MARK], to: to.mark && JSON.stringify(to.mark) }],
      }),
      ...mapEdits('labels', {
        present: labels !== undefined,
        edits: [{ key: LABEL, from: labels?.[LABEL], to: to.mark && 'true' }],
      }),
    ];
    const written = await client.patch({ kind: 'Node', name }, guardedPatch({ uid }, edits), call);
    return written === undefined ? 'raced' : 'written';
  }

  /** Looks and acts anew while others change the node under our hands. */
  async function decide<T>(name: string, act: (node: Node | undefined) => Promise<T | 'raced'>, call: Call) {
    for (let races = 0; races < MAX_RACES; races += 1) {
      const outcome = await act(await find(name, call));
      if (outcome !== 'raced') return outcome;
    }
    throw failure('stateConflict', `node ${name} is being changed by somebody else; it is tried again`);
  }

  return {
    async readNode(name, call) {
      const node = await find(name, call);
      return node === undefined ? null : asNodeState(node);
    },
    async listNodes(call) {
      return (await client.list({ kind: 'Node' }, {}, call)).map(asNodeState);
    },
    readNodeAutoscaler: (call) => readNodeAutoscaler(client, call),
    async listCordoned(call) {
      const nodes = await client.list({ kind: 'Node' }, { labelSelector: `${LABEL}=true` }, call);
      return nodes.map((node) => ({ node: asNodeState(node), mark: readMark(node) }));
    },
    cordon: (node, mark, call) =>
      decide(
        node.name,
        async (found) => {
          if (found === undefined || !isSame(found, node)) return 'replaced';
          const cordoned = found.spec?.unschedulable === true;
          const standing = readMark(found);
          if (cordoned && standing?.owner !== mark.owner) return 'cordoned already';
          if (cordoned && standing?.untilMs === mark.untilMs) return 'ours';
          const written = await write(found, { cordoned: true, mark }, call);
          if (written === 'raced') return written;
          return cordoned ? 'ours' : 'cordoned';
        },
        call,
      ),
    uncordon: (node, owner, call) =>
      decide(
        node.name,
        async (found) => {
          if (found === undefined || !isSame(found, node)) return 'gone';
          if (readMark(found)?.owner !== owner) return 'not ours';
          const written = await write(found, { cordoned: false }, call);
          return written === 'raced' ? written : 'uncordoned';
        },
        call,
      ),
  };
}

function isSame({ metadata, spec }: Node, { uid, instanceId }: NodeIdentity): boolean {
  return metadata?.uid === uid && instanceIdOf(spec?.providerID ?? null) === instanceId;
}

export function asNodeState(node: Node): NodeState {
  const cordonedBy =
    node.spec?.unschedulable === true ? lastWriterOf(node.metadata, ['spec', 'unschedulable']) : undefined;
  return {
    ...asNode(node),
    uid: node.metadata?.uid ?? '',
    providerId: node.spec?.providerID ?? null,
    annotations: node.metadata?.annotations ?? {},
    createdAtMs: Date.parse(node.metadata?.creationTimestamp ?? ''),
    ...(cordonedBy !== undefined && { cordonedBy }),
  };
}

/** Null: there is none, or it is not as we write it. */
function readMark({ metadata }: Node): CordonMark | null {
  try {
    const mark: Json = JSON.parse(metadata?.annotations?.[MARK] ?? 'null');
    return isMark(mark) ? mark : null;
  } catch {
    return null;
  }
}

function isMark(mark: unknown): mark is CordonMark {
  if (typeof mark !== 'object' || mark === null) return false;
  const { owner, requestedBy, atMs, untilMs } = mark as Partial<Record<keyof CordonMark, unknown>>;
  return (
    typeof owner === 'string' &&
    typeof requestedBy === 'string' &&
    typeof atMs === 'number' &&
    (untilMs === null || typeof untilMs === 'number')
  );
}
