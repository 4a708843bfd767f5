/** Sizes of a node group. EKS stores what it was told; the Auto Scaling group has what is so (R59). */
export interface GroupSizes {
  readonly min: number;
  readonly max: number;
  readonly desired: number;
}

/** One order of nodes, as it was given. */
export interface NodeOrder {
  readonly group: string;
  readonly autoScalingGroup: string;
  readonly before: GroupSizes;
  readonly raised: GroupSizes;
  /** `<workflowId>/<firstExecutionRunId>`: the beginning of every token (R61). */
  readonly owner: string;
  /** False: AWS was not seen to take it. */
  readonly placed?: boolean;
  /** The minimum that was raised for it, where that is known. */
  readonly held?: number;
}

/** One instance as Auto Scaling sees it. */
export interface InstanceState {
  readonly id: string;
  readonly type: string;
  readonly zone: string;
  /** `Pending`, `InService`, `Terminating:Wait`, …; an instance that Auto Scaling no longer knows is absent. */
  readonly lifecycle: string;
  readonly healthy: boolean;
  readonly protectedFromScaleIn: boolean;
}

/** One EKS managed node group with its Auto Scaling group, now. */
export interface NodeGroupState {
  /** As EKS names it, and the key in `nodeGroups` of headroom.yaml. */
  readonly name: string;
  /** Of the Auto Scaling group. */
  readonly autoScalingGroup: string;
  /** EKS: CREATING, ACTIVE, UPDATING, DEGRADED, DELETING, CREATE_FAILED, DELETE_FAILED. */
  readonly status: string;
  /** ON_DEMAND, SPOT or CAPACITY_BLOCK (R65). */
  readonly capacityType: string;
  /** As AWS spells them: p4d.24xlarge. */
  readonly instanceTypes: readonly string[];
  readonly stored: GroupSizes;
  readonly live: GroupSizes;
  readonly instances: readonly InstanceState[];
  readonly zones: readonly string[];
  /** AZRebalance among them means that a decrement does not make AWS move another instance (R58). */
  readonly suspendedProcesses: readonly string[];
  /** An instance refresh under way replaces instances by itself (R67). */
  readonly refreshing: boolean;
  readonly issues: readonly GroupIssue[];
}

/** EKS `health.issues`: AsgInstanceLaunchFailures, InstanceLimitExceeded, … */
export interface GroupIssue {
  readonly code: string;
  readonly message: string;
  readonly resourceIds: readonly string[];
}

/** A launch or a termination as Auto Scaling tells of it (R63). */
export interface ScalingActivity {
  readonly id: string;
  /** Successful, Failed, InProgress, Cancelled, WaitingForSpotInstanceRequestId, … */
  readonly status: string;
  readonly message: string;
  readonly description: string;
  readonly cause: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
}

/** How an update of a node group goes (R62); Successful says nothing of instances. */
export interface GroupUpdate {
  readonly id: string;
  readonly status: 'InProgress' | 'Successful' | 'Failed' | 'Cancelled';
  readonly errors: readonly GroupIssue[];
}
