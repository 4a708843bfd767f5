/**
 * Which Temporal task queue runs what: capacity changes never wait behind procedures, and neither waits behind
 * long watches, so that neither a flood of timers nor hundreds of guards delay an emergency.
 */
export const QUEUES = { urgent: 'headroom-urgent', procedures: 'headroom', watch: 'headroom-watch' } as const;

/** Of the tasks that wait in one queue an emergency's go first, and its ledger's. Temporal does so since 1.31; before, it goes by their order. */
export const FIRST = { priorityKey: 1 } as const;

/** Workflow id of the one writer of a workload. */
export function ledgerId(workload: string): string {
  return `capacity.${workload}`;
}

/** However many alerts say so: one emergency a workload. */
export function emergencyId(workload: string): string {
  return `emergency-scale-up.${workload}`;
}

export function stepId(workload: string): string {
  return `step-scale.${workload}`;
}

/** One hold of an autoscaler for each workload. */
export function capacityHoldId(workload: string): string {
  return `hold-capacity.${workload}`;
}

/** One change of an autoscaler's configuration for each workload, whether for good or for a time. */
export function configurationId(workload: string): string {
  return `configure-autoscaler.${workload}`;
}

/** One run a node, or a first node and its companions: dots of the name become dashes. */
export function drainId(nodes: readonly string[]): string {
  const [first = '', ...others] = nodes;
  return `drain-gpu-node.${first.replaceAll('.', '-')}${others.length === 0 ? '' : `-and-${others.length}-more`}`;
}

/** One addition of a node group at a time: they would wait for one another's turn anyway. */
export function additionId(group: string): string {
  return `add-gpu-nodes.${group}`;
}

/** Workflow id of the queue in which drains and additions of a node group take turns. */
export function nodeGroupTurnsId(group: string): string {
  return `gpu-nodes.${group}`;
}

/** The subject is the id: Temporal itself refuses a second run of the same event. */
export function preScaleId(workload: string, event: string): string {
  return `pre-scale.${workload}.${event}`;
}
