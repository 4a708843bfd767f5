import type { ApprovalView } from './approval.ts';
import type { AlertsView } from './alerts.ts';
import type { AdditionPlan } from './addition.ts';
import type { CapacityPlan, EventWindow, Procedure } from './capacity-plan.ts';
import type { ConfigurationPlan } from './configuration.ts';
import type { DrainPlan } from './drain.ts';
import type { Evidence } from './evidence.ts';
import type { NodeIdentity } from './gpu-node.ts';

/** Where a run is. `Phase` is also the search attribute HeadroomPhase. */
export type RunPhase =
  | 'planning'
  /** Another run has the node group. */
  | 'waiting for its turn'
  | 'waiting for approval'
  | 'sleeping'
  | 'scaling'
  /** New settings of an autoscaler are written, and looked at until they are seen to work. */
  | 'configuring'
  /** Nodes are ordered, and looked at until they can compute. */
  | 'adding'
  /** What an order left open is taken back. */
  | 'taking back'
  /** A node is cordoned, and what works on it goes on to its end or to a checkpoint. */
  | 'waiting for jobs'
  | 'draining'
  /** An instance is told to terminate, and seen to go. */
  | 'removing'
  /** What we cordoned is made schedulable again. */
  | 'giving back'
  | 'holding'
  | 'waiting for quiet'
  | 'winding down'
  /** Over, and still open for a while: an emergency hears the alerts that it has answered, and does not answer them twice. */
  | 'cooling down'
  | 'done';

/** The procedures on GPU nodes; also the names of their workflows. */
export type NodeProcedure = 'addGpuNodes' | 'drainGpuNode';

/** What the ledger last said of our claim. */
export interface ClaimState {
  readonly claimId: string;
  readonly state: 'applied' | 'clamped' | 'contested' | 'refused';
  readonly generation: number;
  readonly floor: number | null;
  readonly reason: string;
}

/** The answer of query `status`: the same for the CLI, the UI and the report. */
export interface RunStatus {
  readonly procedure: Procedure | ConfigurationPlan['procedure'] | NodeProcedure;
  /** What it is about: a workload of headroom.yaml, or a node group. */
  readonly subject: string;
  readonly event: EventWindow;
  readonly requestedBy: string;
  /** What started the run for them; absent: they did. */
  readonly trigger?: string;
  readonly phase: RunPhase;
  readonly sinceMs: number;
  readonly plan: CapacityPlan | null;
  readonly planHash: string | null;
  /** Null: no count is asked for, or none yet. */
  readonly target: number | null;
  /** How the capacity is held: by a floor; with scale-in off besides, or alone where no count is asked for; or exactly so many. */
  readonly holdsBy: 'floor' | 'freeze' | 'pin';
  readonly claim: ClaimState | null;
  readonly approval: ApprovalView | null;
  /** Who stopped the next step, and when; null: nobody. */
  readonly suspended: { readonly by: string; readonly atMs: number } | null;
  /** What a person is asked while the run waits; it goes on by itself when its reasons have gone. */
  readonly question: { readonly what: string; readonly reasons: readonly string[]; readonly atMs: number } | null;
  /** Times in which the capacity was asked for and not held, in words. */
  readonly lapses: readonly string[];
  /** Of an emergency: what was heard of its alerts, and whether pods were what was missing. */
  readonly alerts?: AlertsView;
  readonly evidence?: Evidence;
  /** Of a change of an autoscaler's configuration: what it changes, and until when. */
  readonly configuration?: ConfigurationPlan;
  /** Of a run on GPU nodes. */
  readonly addition?: AdditionPlan & { readonly nodes: readonly AddedNode[] };
  readonly drain?: { readonly plan: DrainPlan; readonly nodes: readonly DrainedNodeState[] };
  /** What happens next by itself, and when, where that is known. */
  readonly next: { readonly what: string; readonly atMs: number | null };
  readonly available: {
    readonly kind: 'available' | 'short';
    readonly replicas: number;
    readonly reasons: readonly string[];
  } | null;
  readonly timeline: readonly { readonly atMs: number; readonly what: string }[];
}

/** One write of the ledger to a governor. */
export interface LedgerWrite {
  readonly atMs: number;
  readonly floor: number;
  /** null where nothing but the count itself governs. */
  readonly ceiling: number | null;
  readonly generation: number;
  readonly why: string;
}

export interface WorkloadCounts {
  readonly floor: number;
  readonly ceiling: number | null;
  readonly replicas: number;
  readonly available: number;
}

/** How a run ended. Outcomes that policy foresees are values; a failed run is something else. */
export type RunResult =
  | {
      readonly outcome: 'planned';
      readonly plan: CapacityPlan | ConfigurationPlan | AdditionPlan | DrainPlan;
      readonly planHash: string;
    }
  | { readonly outcome: 'refused'; readonly reasons: readonly string[] }
  | { readonly outcome: 'not needed'; readonly reasons: readonly string[] }
  /** Policy asks for an approval, and it was refused or did not come in time. */
  | { readonly outcome: 'unapproved'; readonly reasons: readonly string[] }
  /** The event went by without its capacity: nobody could ask for it in time. */
  | { readonly outcome: 'missed'; readonly reasons: readonly string[] }
  | {
      /** done: all that was asked for was there and stayed; short: less came, or it was not held all the time; `reasons` say why. */
      readonly outcome: 'done' | 'short';
      readonly reasons: readonly string[];
      /** Null where no count was asked for, only that nothing is scaled in. */
      readonly target: number | null;
      readonly before: WorkloadCounts;
      readonly after: WorkloadCounts;
      /** True when the owner's values are back and no mark of ours is left by this run. */
      readonly restored: boolean;
      /** What is not as it was, because somebody else changed it meanwhile: left as found. */
      readonly drift: readonly string[];
      readonly otherClaims: number;
      readonly timeline: RunStatus['timeline'];
    }
  | {
      /** configured: it works, or did until its end; undone: it was not seen to work, `reasons` say why, and was taken back. */
      readonly outcome: 'configured' | 'undone';
      readonly reasons: readonly string[];
      /** A line a value: 'maxReplicas: 20 -> 50'. */
      readonly changes: readonly string[];
      /** True when every old value is back. */
      readonly restored: boolean;
      /** What somebody else has set meanwhile, and stays. */
      readonly drift: readonly string[];
      readonly timeline: RunStatus['timeline'];
    }
  | {
      /** added: all that was asked for came and can compute; else `reasons` say why not, and what is missing is not on order any more. */
      readonly outcome: 'added' | 'partly added' | 'not added';
      readonly reasons: readonly string[];
      readonly asked: number;
      readonly nodes: readonly AddedNode[];
      /** What was given for a time has gone again. */
      readonly returned: boolean;
      readonly timeline: RunStatus['timeline'];
    }
  | {
      /**
       * removed, drained: all of it; else `reasons` say why not, and what was cordoned by us and does not go is schedulable again. They
       * say of a group, too, that it is left otherwise than it should be.
       */
      readonly outcome: 'drained' | 'removed' | 'partly removed' | 'not drained';
      readonly reasons: readonly string[];
      readonly nodes: readonly DrainedNodeState[];
      /** Instances of the group that went meanwhile although nobody asked for it (R58). */
      readonly lost: readonly string[];
      readonly timeline: RunStatus['timeline'];
    };

/** What has become of a node that was to be drained. */
export interface DrainedNodeState extends NodeIdentity {
  readonly state:
    | 'as it was'
    | 'cordoned'
    | 'cordoned by somebody else'
    | 'emptied'
    /** Told to terminate, and not seen gone. */
    | 'going'
    | 'removed'
    | 'given back'
    /** Ended by somebody else, or dead. */
    | 'gone';
  /** Pods that the drain has evicted there. */
  readonly evicted: number;
}

/** A node that an addition brought. */
export interface AddedNode {
  readonly name: string;
  readonly uid: string;
  readonly instanceId: string;
  readonly type: string;
  readonly group: string;
}
