import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal } from '../../activities/failure.ts';
import type { Call } from '../../activities/ports.ts';
import type { KubernetesClient, Selectors } from './client.ts';
import type { Address, Kind, RawObject } from './kinds.ts';

export interface Watched<K extends Kind, T> {
  readonly address: Address & { readonly kind: K };
  readonly selectors: Selectors;
  /** What is wanted of an object; called once for each state of it. */
  readonly read: (object: RawObject<K>) => T;
  /** Called with the whole list, at first and after each change. */
  readonly see: (all: readonly T[]) => void;
}

/** Then the list is read anew: what a watch has missed, or one that hangs without a word, costs no more than this. */
const ANEW_AFTER_MS = 60_000;
const PAUSE_MS = { first: 250, longest: 5_000 };

/** Shows a list as it changes, until the call is cancelled; an outage is waited out (R12: a watch with polling behind it). */
export async function watchList<K extends Kind, T>(
  client: KubernetesClient,
  watched: Watched<K, T>,
  call: Call,
): Promise<never> {
  let pauseMs = PAUSE_MS.first;
  for (;;) {
    const startedMs = Date.now();
    try {
      await follow(client, watched, call);
    } catch (error) {
      call.signal.throwIfAborted();
      if (isFinal(error)) throw error;
    }
    // a watch that ends again and again at once must not become a loop without a breath
    const lasted = Date.now() - startedMs > PAUSE_MS.longest;
    pauseMs = lasted ? PAUSE_MS.first : Math.min(pauseMs * 2, PAUSE_MS.longest);
    if (!lasted) await sleep(pauseMs, undefined, { signal: call.signal });
  }
}

/** One list, and its changes until the server ends the watch or has forgotten where it began (410). */
async function follow<K extends Kind, T>(
  client: KubernetesClient,
  { address, selectors, read, see }: Watched<K, T>,
  { signal, caller }: Call,
): Promise<void> {
  const { items, resourceVersion } = await client.snapshot(address, selectors, { signal, caller });
  const objects = new Map(items.map((object) => [uidOf(object), read(object)]));
  see([...objects.values()]);
  const query = { ...selectors, watch: 'true', resourceVersion, timeoutSeconds: String(ANEW_AFTER_MS / 1_000) };
  const limited = AbortSignal.any([signal, AbortSignal.timeout(ANEW_AFTER_MS + 5_000)]);
  for await (const line of client.stream(address, query, { signal: limited, caller })) {
    const { type, object }: WatchEvent<K> = JSON.parse(line);
    if (type === 'ERROR') return;
    if (type === 'DELETED') objects.delete(uidOf(object));
    else objects.set(uidOf(object), read(object));
    see([...objects.values()]);
  }
}

interface WatchEvent<K extends Kind> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'ERROR';
  readonly object: RawObject<K>;
}

function uidOf({ metadata }: { readonly metadata?: { readonly uid?: string } | undefined }): string {
  return metadata?.uid ?? '';
}
