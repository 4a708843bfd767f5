import type { ClusterCapacity } from '../domain/cluster-capacity.ts';
import type { PodFacts } from '../domain/pod-facts.ts';
import type { QuotaFacts } from '../domain/quota.ts';
import type { PodTrouble } from '../domain/troubles.ts';
import type { Series } from '../domain/quiet.ts';
import type { Claim } from '../domain/claim.ts';
import type { CloudAccess } from '../domain/cloud-access.ts';
import type { JobNow } from '../domain/drain-checkpoint.ts';
import type { JobRef } from '../domain/drain-pod.ts';
import type { DrainSurvey } from '../domain/drain-survey.ts';
import type { EvictionAnswer } from '../domain/eviction-answer.ts';
import type { Budget, NodePod, PodOwner, PodRef } from '../domain/eviction.ts';
import type { CordonMark, NodeIdentity, NodeState } from '../domain/gpu-node.ts';
import type { GpuFacts } from '../domain/gpu-status.ts';
import type { NodeAutoscaler } from '../domain/node-autoscaler.ts';
import type { NodeClaimState } from '../domain/node-claim.ts';
import type {
  GroupSizes,
  GroupUpdate,
  InstanceState,
  NodeGroupState,
  NodeOrder,
  ScalingActivity,
} from '../domain/node-group.ts';
import type { Policy } from '../domain/policy.ts';
import type { Turn, TurnAnswer } from '../domain/turns.ts';
import type { MetricsApi, ObservedAutoscaler } from '../domain/scaling-facts.ts';
import type { ExistingRun } from '../domain/schedule.ts';
import type { GovernorChange, WorkloadRef, WorkloadState } from '../domain/workload.ts';

/** Who calls and how to stop it: every request carries both. */
export interface Call {
  readonly signal: AbortSignal;
  /** `<workflowId>/<runId>`: becomes the User-Agent, so that the audit log names the run (I11). */
  readonly caller: string;
}

/**
 * Reads and steers one workload. Failures are typed (domain/failures.ts): targetNotFound,
 * permissionDenied (names verb and resource), apiThrottled (with Retry-After), apiUnavailable.
 */
export interface ReadOptions {
  /**
   * As this process saw it up to three seconds ago, with its own writes since; else with the autoscalers as the API server
   * remembers them, in a few milliseconds where a consistent list waits up to 100 ms after any write elsewhere in the cluster
   * (R11). A change of it is 'raced' after any edit of the object since. Only for what ends in such a write: what is
   * concluded without one may rest on a state that is no more.
   */
  readonly remembered?: boolean;
}

export interface WorkloadPort {
  /** The workload and every autoscaler that targets it, now; only that there is no KEDA may have been found up to a minute ago. */
  readWorkload(ref: WorkloadRef, call: Call, options?: ReadOptions): Promise<WorkloadState>;
  /**
   * One guarded PATCH (compare-and-set). 'raced' when a guard failed: somebody changed the object
   * since it was read; nothing was written.
   */
  changeGovernor(change: GovernorChange, call: Call): Promise<'written' | 'raced'>;
  /** Which of these workloads bear a hold (label `headroom.dev/held=true`, on themselves or on what governs them), by name. */
  findHeld(refs: readonly WorkloadRef[], call: Call): Promise<readonly string[]>;
  /** Every autoscaler of the namespace with what it says of itself, also those that KEDA made. */
  readAutoscalers(namespace: string, call: Call): Promise<readonly ObservedAutoscaler[]>;
  /** Who serves metrics in the cluster; a group that nobody registered is not among them (R84). */
  readMetricsApis(call: Call): Promise<readonly MetricsApi[]>;
  /** Why pods of the workload are missing or not available: conditions, pod states, events; grouped, with examples (R40). */
  readTroubles(ref: WorkloadRef, call: Call): Promise<readonly PodTrouble[]>;
  /** What one more pod asks for, the quotas on its way, and the room on the nodes (R42, R43); for the same caller up to half a minute old. */
  readCapacity(
    ref: WorkloadRef,
    call: Call,
  ): Promise<{ readonly pod: PodFacts; readonly quotas: readonly QuotaFacts[]; readonly cluster: ClusterCapacity }>;
}

/** Prometheus. Fails with metricsUnavailable on errors, warnings (partial answers) and timeouts. */
export interface MetricsPort {
  /** All series of a range query, each with its samples; absent and NaN samples are absent. */
  range(
    query: string,
    window: { readonly startMs: number; readonly endMs: number; readonly stepMs: number },
    call: Call,
  ): Promise<readonly Series[]>;
}

/** The way from an activity to the capacity ledger of a workload (update-with-start). */
export interface LedgerPort {
  /** Adds or replaces the claim. Idempotent by `sequence`: one number for each change, the same on a retry. */
  claim(
    request: { readonly workload: string; readonly claim: Claim; readonly sequence: number },
    call: Call,
  ): Promise<void>;
  /** Lets the claim go; a claim that is not there is released already. */
  release(
    request: { readonly workload: string; readonly claimId: string; readonly sequence: number; readonly now: boolean },
    call: Call,
  ): Promise<void>;
  /** Starts the workload's ledger where none runs; one that runs takes no notice. */
  wake(workload: string, call: Call): Promise<void>;
}

/** Runs of ours, seen from an activity. */
export interface RunPort {
  /** Whether the run that made the claim (`<workflowId>/<firstExecutionRunId>`) is still open, in whichever of its continuations. */
  isRunning(claimId: string, call: Call): Promise<boolean>;
  /** The newest run of this workflow id, open or closed; null where there is none. */
  find(workflowId: string, call: Call): Promise<ExistingRun | null>;
  /** How many runs of this workflow id asked for capacity, of those that were started since; by Temporal's list, which lags a little. */
  countSince(workflowId: string, sinceMs: number, call: Call): Promise<number>;
}

/** Reads and cordons nodes. Failures are typed as those of WorkloadPort; every write is guarded by the node's uid (R46). */
export interface NodePort {
  /** Null: no such node. */
  readNode(name: string, call: Call): Promise<NodeState | null>;
  listNodes(call: Call): Promise<readonly NodeState[]>;
  /** Whether Cluster Autoscaler says that it is at work (R59). */
  readNodeAutoscaler(call: Call): Promise<NodeAutoscaler>;
  /** Nodes that bear our mark (label `headroom.dev/cordoned=true`), with what the mark says; null where it cannot be read. */
  listCordoned(call: Call): Promise<readonly { readonly node: NodeState; readonly mark: CordonMark | null }[]>;
  /**
   * One guarded PATCH: `spec.unschedulable` and our mark together (R50). 'ours': it bears the mark of this owner already;
   * 'cordoned already': by somebody else, left as it is; 'replaced': the name is another node's by now.
   */
  cordon(
    node: NodeIdentity,
    mark: CordonMark,
    call: Call,
  ): Promise<'cordoned' | 'ours' | 'cordoned already' | 'replaced'>;
  /** Back to schedulable and the mark away, only where the mark is this owner's; a node that is gone or another's is left. */
  uncordon(node: NodeIdentity, owner: string, call: Call): Promise<'uncordoned' | 'not ours' | 'gone'>;
}

/** Karpenter's NodeClaims. Failures are typed as those of WorkloadPort. */
export interface NodeClaimPort {
  /** Null: the API server knows no such kind, karpenter.sh/v1. */
  listNodeClaims(call: Call): Promise<readonly NodeClaimState[] | null>;
  /** Null: there is none of that name. */
  readNodeClaim(name: string, call: Call): Promise<NodeClaimState | null>;
  /** Whether RBAC lets us delete them; deletes nothing. */
  mayDeleteNodeClaims(call: Call): Promise<boolean>;
  /**
   * One DELETE with uid and version as preconditions. 'raced': it is not as it was read any more, or another one; nothing was
   * deleted. 'gone': there is none. Safe to repeat; whether one whose answer was lost came through, the next read tells.
   */
  deleteNodeClaim(
    claim: Pick<NodeClaimState, 'name' | 'uid' | 'version'>,
    call: Call,
  ): Promise<'asked' | 'raced' | 'gone'>;
}

/** A node, its pods and the budgets of their namespaces at one moment. */
export interface NodeView {
  /** Of the node that bears the name now; null: none does. */
  readonly uid: string | null;
  readonly schedulable: boolean;
  readonly pods: readonly NodePod[];
  readonly budgets: readonly Budget[];
}

/** Evicts pods of a node. Failures are typed as those of WorkloadPort. */
export interface EvictionPort {
  /**
   * One `policy/v1` Eviction with the pod's uid as precondition and no grace period of ours (R51). Safe to repeat. Fails only
   * with permissionDenied, where RBAC forbids it; all else that the API server may say, or not say, is an answer.
   */
  evict(pod: PodRef, call: Call): Promise<EvictionAnswer>;
  /** Every pod that is bound to the node, as of now. */
  readPodsOn(nodeName: string, call: Call): Promise<readonly NodePod[]>;
  /**
   * Whether as many pods of this controller are ready as it wants, those that are going left out. Also where it is gone, or of a
   * kind that does not replace its pods.
   */
  isComplete(owner: PodOwner & { readonly namespace: string }, call: Call): Promise<boolean>;
  /** Shows the node at once and at each change, until the call is cancelled. Outages are waited out; fails only with what waiting does not mend. */
  watchNode(nodeName: string, see: (view: NodeView) => void, call: Call): Promise<never>;
}

/** What a drain is judged by, and the checkpoint handshake. Failures are typed as those of WorkloadPort. */
export interface DrainFactsPort {
  /** Everything of a survey that the cluster knows. */
  readDrain(nodes: readonly string[], call: Call): Promise<Pick<DrainSurvey, 'nodes' | 'pods' | 'budgets' | 'jobs'>>;
  /** Of its pods what a status of the nodes shows, without judging the whole cluster. */
  readPods(nodes: readonly string[], call: Call): Promise<GpuFacts['pods']>;
  /** Each of these jobs with its pods that are not over: none where the job is gone. */
  readJobs(jobs: readonly JobRef[], call: Call): Promise<readonly JobNow[]>;
  /**
   * Asks pods for a checkpoint in the name of a run, or takes back what that run asked; a guarded PATCH for each. Safe to
   * repeat: what bears this run's mark is not asked again, another's is not taken back. Answers how many of them are there.
   */
  setCheckpoints(
    pods: readonly PodRef[],
    change: { readonly owner: string; readonly ask: boolean },
    call: Call,
  ): Promise<{ readonly pods: number }>;
}

/**
 * EKS managed node groups and their Auto Scaling groups. Failures are typed (domain/failures.ts): targetNotFound,
 * permissionDenied (names the IAM action), apiThrottled, apiUnavailable, stateConflict (an update or a scaling activity is under
 * way, or the group is not ACTIVE: later), invalidRequest (sizes that AWS refuses).
 */
export interface CloudPort {
  readNodeGroup(name: string, call: Call): Promise<NodeGroupState>;
  /** Those of these instances that Auto Scaling still knows, with their group. */
  readInstances(
    ids: readonly string[],
    call: Call,
  ): Promise<readonly (InstanceState & { readonly autoScalingGroup: string })[]>;
  /**
   * TerminateInstanceInAutoScalingGroup with decrement, sent exactly once for each call (R55, R57). Not safe to repeat blindly:
   * read the instance before. 'unknown': Auto Scaling knows no such instance; 'at minimum': the group may not be smaller (R56).
   */
  terminateInstance(id: string, call: Call): Promise<'asked' | 'unknown' | 'at minimum'>;
  /** UpdateNodegroupConfig; the same token is the same update (R61). Answers with the update's id. */
  resizeNodeGroup(
    change: { readonly group: string; readonly sizes: Partial<GroupSizes>; readonly token: string },
    call: Call,
  ): Promise<string>;
  readUpdate(group: string, updateId: string, call: Call): Promise<GroupUpdate>;
  /** Newest first, those that began at or after `sinceMs` (R63). */
  readActivities(autoScalingGroup: string, sinceMs: number, call: Call): Promise<readonly ScalingActivity[]>;
  /** What AWS answers to each thing that runs ask of it, for these node groups; changes nothing. */
  checkAccess(groups: readonly string[], call: Call): Promise<CloudAccess>;
  /** SetDesiredCapacity: only to take back an order that cannot be met (R63). */
  setDesired(autoScalingGroup: string, desired: number, call: Call): Promise<void>;
}

/** The queue of a node group: one run at a time resizes it or takes nodes out of it. */
export interface TurnsPort {
  /** Takes a place, or keeps it; answers who is before it. */
  take(group: string, turn: Turn, call: Call): Promise<TurnAnswer>;
  /** What the owner of the turn is about to order. Fails with stateConflict where the turn is not its own. */
  noteOrder(order: NodeOrder, call: Call): Promise<void>;
  /** A place that is gone is left already. */
  leave(group: string, owner: string, call: Call): Promise<void>;
}

/** The loaded headroom.yaml. */
export interface PolicyPort {
  policy(): Policy;
}

export interface Ports {
  readonly workloads: WorkloadPort;
  readonly metrics: MetricsPort;
  readonly ledger: LedgerPort;
  readonly runs: RunPort;
  readonly turns: TurnsPort;
  readonly nodes: NodePort;
  readonly nodeClaims: NodeClaimPort;
  readonly evictions: EvictionPort;
  readonly drains: DrainFactsPort;
  readonly cloud: CloudPort;
  readonly policy: PolicyPort;
}
