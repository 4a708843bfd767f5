import type { Kind } from './kinds.ts';

/** Whoever has just installed KEDA waits that long at most until headroom sees its ScaledObjects. */
const ABSENT_FOR_MS = 60_000;

/** Which kinds that need not be installed are not there, so that nobody asks for them with every look. */
export interface AbsentKinds {
  has(kind: Kind): boolean;
  noteMissing(kind: Kind): void;
  noteFound(kind: Kind): void;
  /** Another API server may answer from now on. */
  forget(): void;
}

/** A kind that was ever found is never taken for absent: that it is missing now may be over with the next answer. */
export function createAbsentKinds(absentForMs = ABSENT_FOR_MS): AbsentKinds {
  const found = new Set<Kind>();
  const untilMs = new Map<Kind, number>();
  return {
    has: (kind) => (untilMs.get(kind) ?? 0) > performance.now(),
    noteMissing(kind) {
      if (!found.has(kind)) untilMs.set(kind, performance.now() + absentForMs);
    },
    noteFound(kind) {
      found.add(kind);
      untilMs.delete(kind);
    },
    forget: () => untilMs.clear(),
  };
}
