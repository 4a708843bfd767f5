/** One thing that bounds how many pods fit. */
export interface Bound {
  readonly fits: number;
  readonly reason: string;
  /** Waiting, and more of the same nodes, cannot help. */
  readonly impossible: boolean;
}

/** Whole pods of `each` in `free`: none in what is overdrawn, and any number of those that take nothing. */
export function countWhole(free: bigint, each: bigint): number {
  if (free < 0n) return 0;
  return each === 0n ? Infinity : Number(free / each);
}
