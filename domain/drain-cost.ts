import type { DrainJob } from './drain-pod.ts';
import { pricePerNodeHour, type ResolvedDrain } from './drain-policy.ts';

const HOUR_MS = 3_600_000;

/** What is lost when work is interrupted that has left no checkpoint. */
export interface InterruptionCost {
  /** Nodes × hours since the start, to a hundredth. */
  readonly nodeHours: number;
  /** The same in `prices.currency`; null where a price is missing. */
  readonly money: number | null;
}

/** A gang works together or not at all, so all its nodes count. */
export function costOf(
  { nodes, startedAtMs }: Pick<DrainJob, 'nodes' | 'startedAtMs'>,
  policy: Pick<ResolvedDrain, 'gpuInstanceTypes' | 'prices'>,
  nowMs: number,
): InterruptionCost {
  const hours = Math.max(0, nowMs - startedAtMs) / HOUR_MS;
  return sumCosts(
    nodes.map(({ instanceType }) => {
      const price = pricePerNodeHour(policy, instanceType);
      return { nodeHours: hours, money: price === null ? null : price * hours };
    }),
  );
}

/** One price that is missing makes the sum unknown. */
export function sumCosts(costs: readonly InterruptionCost[]): InterruptionCost {
  const nodeHours = costs.reduce((sum, cost) => sum + cost.nodeHours, 0);
  const money = costs.reduce<number | null>(
    (sum, cost) => (sum === null || cost.money === null ? null : sum + cost.money),
    0,
  );
  return { nodeHours: toHundredths(nodeHours), money: money === null ? null : toHundredths(money) };
}

function toHundredths(amount: number): number {
  return Math.round(amount * 100) / 100;
}
