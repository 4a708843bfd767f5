import type { Call, EvictionPort, NodePort } from '../../activities/ports.ts';
import type { PodRef } from '../../domain/eviction.ts';
import type { NodeIdentity } from '../../domain/gpu-node.ts';

export interface NodeWorld {
  readonly nodes: NodePort;
  readonly evictions: EvictionPort;
  addNode(name: string): Promise<NodeIdentity>;
  removeNode(name: string): Promise<void>;
  /** `kubectl cordon` and `uncordon`. */
  setSchedulable(name: string, schedulable: boolean): Promise<void>;
  /** It runs and is ready when this answers. */
  addPod(node: string, app: string, given?: { readonly finalizers?: readonly string[] }): Promise<PodRef>;
  release(pod: PodRef): Promise<void>;
  /** Counted when this answers. */
  addBudget(name: string, app: string, minAvailable: number): Promise<void>;
  removeBudget(name: string): Promise<void>;
  /** The budget allows so many. */
  open(name: string, minAvailable: number): Promise<void>;
  close(): Promise<void>;
}

export const call: Call = { signal: new AbortController().signal, caller: 'drain-gpu-node.gpu-1/run-1' };
