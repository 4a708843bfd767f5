import type { WorkloadPort } from '../../activities/ports.ts';

/**
 * A run plans when it is asked for and again when its lead begins; where the event is near, that is the same moment. Then
 * the pods of the whole cluster, a long list, need not be read twice: capacity is an estimate that warns and stops nothing.
 */
const GOOD_FOR_MS = 30_000;
/** What is kept grows with the cluster's nodes. */
const KEPT_RUNS = 8;

type ReadCapacity = WorkloadPort['readCapacity'];

/** Only for the same run: a person who has made room and plans again is not told what was there before. */
export function oncePerRun(read: ReadCapacity, goodForMs = GOOD_FOR_MS): ReadCapacity {
  const kept = new Map<string, { readonly capacity: Awaited<ReturnType<ReadCapacity>>; readonly untilMs: number }>();
  return async (ref, call) => {
    const key = JSON.stringify([call.caller, ref]);
    const known = kept.get(key);
    if (known !== undefined && performance.now() < known.untilMs) return known.capacity;
    const untilMs = performance.now() + goodForMs;
    const capacity = await read(ref, call);
    kept.delete(key);
    kept.set(key, { capacity, untilMs });
    const [oldest] = kept.keys();
    if (kept.size > KEPT_RUNS && oldest !== undefined) kept.delete(oldest);
    return capacity;
  };
}
