/** What one run asks of a workload for a while. */
export interface Claim {
  /** `<workflowId>/<firstExecutionRunId>` of the owner. */
  readonly id: string;
  /** Never fewer than this many replicas. */
  readonly floor?: number;
  /** No scale-in while the claim lives. */
  readonly freezeScaleIn?: boolean;
  /** Exactly this many replicas. */
  readonly pin?: number;
  /** Where two autoscalers stop each other, it may stand on the HPA among them, as far as the other lets it. Absent: nothing is held there for it. */
  readonly inConflict?: true;
  /** Shown to people who look at the object with kubectl: what for, and who asked. */
  readonly reason: string;
}

/** 'at least 12, no scale-in': what a claim asks for, in words. */
export function describeClaim({ floor, pin, freezeScaleIn }: Omit<Claim, 'id' | 'reason'>): string {
  const words = [
    ...(floor === undefined ? [] : [`at least ${floor}`]),
    ...(pin === undefined ? [] : [`exactly ${pin}`]),
    ...(freezeScaleIn === true ? ['no scale-in'] : []),
  ];
  return words.join(', ');
}
