/** One metric of an autoscaler: what is measured, and what it aims at, in the same unit. */
export interface MetricAim {
  readonly current: number;
  readonly target: number;
}

/** Kubernetes leaves the count alone within this share of the aim (--horizontal-pod-autoscaler-tolerance). */
const TOLERANCE = 0.1;

/**
 * The count that an HPA would have by its metrics alone, without minimum and maximum: the largest over all metrics of
 * ceil(pods × current ÷ target), as pkg/controller/podautoscaler/replica_calculator.go has it. Undefined without metrics.
 */
export function recommend(metrics: readonly MetricAim[], pods: number): number | undefined {
  const counts = metrics
    .filter(({ current, target }) => Number.isFinite(current) && current >= 0 && target > 0)
    .map(({ current, target }) => {
      const ratio = current / target;
      return Math.abs(ratio - 1) <= TOLERANCE ? pods : Math.ceil(Number((pods * ratio).toPrecision(12)));
    });
  return counts.length === 0 ? undefined : Math.max(...counts);
}
