import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, Ports } from '../activities/ports.ts';
import { isFinal, messageOf } from '../activities/failure.ts';
import { allRefs } from '../domain/policy.ts';
import { instanceIdOf, ownerOf, type CordonMark, type NodeState } from '../domain/gpu-node.ts';
import { claimsOfNode } from '../domain/node-claim.ts';

/** So that a hold whose ledger was terminated is under one again within 40 s. */
const EVERY_MS = 30_000;
/** One round; Kubernetes and Temporal have their own, shorter deadlines for each call. */
const ROUND_MS = 25_000;

interface Log {
  warn(message: string, fields?: object): void;
}

/**
 * Nothing is left behind: looks at once and every half minute for objects that bear a hold, and wakes the ledger of each.
 * A ledger that runs takes no notice; one that was terminated begins anew from what stands on the object. Runs in every
 * worker process: a scheduled workflow would flood the list of runs that operators read. So do nodes that a run has cordoned that
 * ended without giving them back: a terminated one.
 */
export function startSweep(
  {
    workloads,
    ledger,
    policy,
    nodes,
    nodeClaims,
    cloud,
    runs,
  }: Pick<Ports, 'workloads' | 'ledger' | 'policy' | 'nodes' | 'nodeClaims' | 'cloud' | 'runs'>,
  { log, namespace }: { readonly log: Log; /** Temporal's. */ readonly namespace: string },
): { stop(): Promise<void> } {
  const ending = new AbortController();
  const caller = `sweep/${hostname()}`;

  async function wakeLedgers(call: Call): Promise<void> {
    const held = await workloads.findHeld(allRefs(policy.policy()), call);
    for (const name of held) await ledger.wake(name, call);
  }

  async function endCordons(call: Call): Promise<void> {
    for (const { node, mark } of await nodes.listCordoned(call)) {
      if (mark === null)
        log.warn('a node bears a mark of ours that cannot be read; it is left cordoned', { node: node.name });
      else
        // one that cannot be given back does not keep the others
        await endCordon(node, mark, call).catch((error: unknown) => {
          log.warn('a node was not given back; it is tried again', { node: node.name, reason: messageOf(error) });
        });
    }
  }

  async function endCordon(
    node: NodeState,
    { owner, namespace: of = namespace }: CordonMark,
    call: Call,
  ): Promise<void> {
    // another headroom beside the same cluster: whether its run goes on is not ours to know
    if (of !== namespace) return;
    if (await runs.isRunning(owner, call)) return;
    const { name, uid, providerId } = node;
    const instanceId = instanceIdOf(providerId) ?? '';
    if (await isGoing(node, call)) return;
    await nodes.uncordon({ name, uid, instanceId }, owner, call);
    log.warn('a node was still cordoned by a run that has ended, and is schedulable again', { node: name, run: owner });
  }

  /**
   * Its run has told it to terminate: pods must not come back to it. Who does not let us look has not said that it stays; but a node
   * that no run can have told to terminate is one like any other then.
   */
  async function isGoing(node: NodeState, call: Call): Promise<boolean> {
    const instanceId = instanceIdOf(node.providerId);
    if (instanceId === null) return false;
    const { kind } = ownerOf(node);
    try {
      if (kind === 'Karpenter') {
        const claims = (await nodeClaims.listNodeClaims(call)) ?? [];
        return claimsOfNode(claims, node).some(({ deleting }) => deleting);
      }
      const [instance] = await cloud.readInstances([instanceId], call);
      return instance?.lifecycle.startsWith('Terminat') === true;
    } catch (error) {
      const isRemovable = kind === 'Karpenter' || kind === 'managed node group';
      if (isFinal(error) && !(isRemovable && error.type === 'permissionDenied')) return false;
      throw error;
    }
  }

  async function sweep(): Promise<void> {
    while (!ending.signal.aborted) {
      const call = { signal: AbortSignal.any([ending.signal, AbortSignal.timeout(ROUND_MS)]), caller };
      for (const [what, act] of [
        ['holds without a ledger', wakeLedgers],
        ['cordons without a run', endCordons],
      ] as const)
        await act(call).catch((error: unknown) => {
          if (!ending.signal.aborted) log.warn(`the sweep for ${what} failed`, { reason: messageOf(error) });
        });
      await sleep(EVERY_MS, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  }

  const done = sweep();
  return {
    async stop() {
      ending.abort();
      await done;
    },
  };
}
