import type { EvictionRound } from '../domain/eviction.ts';
import { createBell } from './bell.ts';
import type { createEvictionBook } from './eviction-book.ts';
import type { Call, EvictionPort, NodeView } from './ports.ts';

interface Desk {
  readonly evictions: EvictionPort;
  readonly nodeName: string;
  readonly book: ReturnType<typeof createEvictionBook>;
  readonly call: Call;
}

/** Where news of a node come in and evictions go out; whatever happens is written into the book. */
export function openEvictionDesk({ evictions, nodeName, book, call }: Desk) {
  const [bell, ending, sent] = [createBell(), new AbortController(), new Set<Promise<void>>()];
  let view: NodeView | undefined;
  let broken: { readonly error: unknown } | undefined;
  const breakDown = (error: unknown): void => {
    broken ??= { error };
    bell.ring();
  };
  const see = (seen: NodeView): void => {
    view = seen;
    book.see(seen);
    bell.ring();
  };
  const watching = evictions
    .watchNode(nodeName, see, { ...call, signal: AbortSignal.any([call.signal, ending.signal]) })
    .catch(breakDown);
  call.signal.addEventListener('abort', bell.ring, { once: true });

  return {
    /** Undefined until the node has been seen. Throws what has ended the watch, or what no eviction can get past. */
    view(): NodeView | undefined {
      call.signal.throwIfAborted();
      if (broken !== undefined) throw broken.error;
      return view;
    },
    send(asked: EvictionRound['now'][number]): void {
      book.ask(asked);
      const sending = evictions
        .evict(asked.pod, call)
        .then((answer) => book.note(asked, answer, Date.now()))
        .catch(breakDown)
        .finally(() => {
          sent.delete(sending);
          bell.ring();
        });
      sent.add(sending);
    },
    /** No eviction waits for its answer. */
    isQuiet: () => sent.size === 0,
    /** Until something has changed, but no longer than this. */
    changed: (withinMs: number): Promise<void> => bell.heard(withinMs),
    async close(): Promise<void> {
      ending.abort();
      call.signal.removeEventListener('abort', bell.ring);
      await Promise.allSettled([watching, ...sent]);
    },
  };
}
