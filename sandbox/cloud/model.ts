import type { GroupSizes } from '../../domain/node-group.ts';

/** What the stand-in for EKS and Auto Scaling is made of. Times are milliseconds of whatever clock its user has. */

export interface Timings {
  /** Until an update of a node group ends, whatever its instances do meanwhile. */
  readonly updateMs: number;
  /** Until the Auto Scaling group has the sizes of an update, which is InProgress at least so long. */
  readonly applyMs: number;
  /** From Pending to InService. */
  readonly launchMs: number;
  /** From InService to a Node that is Ready. */
  readonly joinMs: number;
  /** From the Node to its GPUs: the device plugin registers late (R64). */
  readonly gpuMs: number;
  /** How long `Terminating:Wait` lasts. */
  readonly terminateMs: number;
  /** Between two attempts to launch what is missing (R63). */
  readonly retryMs: number;
  /** From a termination to the look whether the zones are still in balance (R58). */
  readonly rebalanceMs: number;
}

export const TIMINGS: Timings = {
  updateMs: 2_000,
  applyMs: 500,
  launchMs: 4_000,
  joinMs: 3_000,
  gpuMs: 3_000,
  terminateMs: 4_000,
  retryMs: 10_000,
  rebalanceMs: 5_000,
};

/** What becomes of the instances of a group that launch from now on. */
export const NODE_FATES = ['whole', 'never join', 'without GPUs'] as const;
export type NodeFate = (typeof NODE_FATES)[number];

export interface Group {
  readonly name: string;
  /** Of the Auto Scaling group: `eks-<node group>-<id>`. */
  readonly autoScalingGroup: string;
  readonly capacityType: string;
  readonly instanceTypes: readonly string[];
  readonly zones: readonly string[];
  readonly subnet: string;
  /** What EKS was told, and what the Auto Scaling group has (R59). */
  stored: GroupSizes;
  live: GroupSizes;
  readonly suspended: Set<string>;
  refreshing: boolean;
  timings: Timings;
  fate: NodeFate;
  /** How many more instances the cloud has; null: enough. */
  capacity: number | null;
  /** Why the last launch failed; EKS then calls the group DEGRADED. */
  launchFailure: string | null;
  launchAtMs: number;
  rebalanceAtMs: number | null;
  /** Instead of what would follow from the rest: DELETING, CREATE_FAILED, … */
  forcedStatus: string | null;
  /** The next update ends as Failed with this error, and changes nothing. */
  nextUpdateError: UpdateError | null;
}

export interface UpdateError {
  readonly errorCode: string;
  readonly errorMessage: string;
}

export interface Instance {
  readonly id: string;
  readonly group: string;
  readonly type: string;
  readonly zone: string;
  readonly address: string;
  readonly launchedAtMs: number;
  readonly fate: NodeFate;
  lifecycle: 'Pending' | 'InService' | 'Terminating:Wait';
  /** When the lifecycle goes on; null: never by itself. */
  nextAtMs: number | null;
  node: 'none' | 'joined' | 'whole';
  nodeAtMs: number | null;
  protectedFromScaleIn: boolean;
  /** Scale-in takes every other one first: whoever lowers a size to be rid of this instance loses another. */
  spared: boolean;
  activity: Activity | null;
}

export interface Activity {
  readonly id: string;
  readonly autoScalingGroup: string;
  readonly description: string;
  readonly cause: string;
  readonly startedAtMs: number;
  status: 'InProgress' | 'Successful' | 'Failed';
  message: string;
  endedAtMs: number | null;
}

/** What an instance means to the cluster. */
export interface NodeEvent {
  readonly kind: 'joined' | 'gpus registered' | 'left';
  readonly instance: Instance;
}

/** AWS says no: the code as it stands on the wire. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
