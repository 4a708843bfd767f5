/** Which signatures were heard while their time stamp still counts. */
export interface ReplayMemory {
  /** False for one that was heard before. */
  note(signature: string, untilMs: number, nowMs: number): boolean;
  forget(signature: string): void;
}

/**
 * Remembers at most that many. Only who holds the secret can fill it, and a replay that got past it would still start nothing:
 * an alert counts once by its key. So the oldest goes when it is full, rather than alerts being turned away.
 */
export function createReplayMemory(most = 10_000): ReplayMemory {
  const heard = new Map<string, number>();
  return {
    note(signature, untilMs, nowMs) {
      for (const [old, until] of heard) {
        if (until >= nowMs && heard.size < most) break;
        heard.delete(old);
      }
      if (heard.has(signature)) return false;
      heard.set(signature, untilMs);
      return true;
    },
    forget: (signature) => void heard.delete(signature),
  };
}
