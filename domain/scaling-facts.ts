import type { Spec } from './settings.ts';
import type { Governor, WorkloadState } from './workload.ts';

/** As Kubernetes has them in a status. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** What stops an autoscaler, in whole or in part, as it stands there; whoever meant it. */
export interface Stop {
  /** The annotation's key, or the path in the spec: 'autoscaling.keda.sh/paused', 'spec.behavior.scaleDown.selectPolicy'. */
  readonly key: string;
  readonly value: string;
  /** Who wrote it last, and when at the latest; absent where managedFields do not tell. */
  readonly by?: { readonly manager: string; readonly atMs: number };
}

/** An autoscaler of any workload in the namespace, with what it says of itself. */
export interface ObservedAutoscaler extends Pick<
  Governor,
  'kind' | 'namespace' | 'name' | 'uid' | 'fields' | 'marks' | 'writers'
> {
  readonly target: { readonly kind: string; readonly name: string };
  /** As it stands there. */
  readonly spec: Spec;
  readonly conditions: readonly Condition[];
  /** When it changed the count last. */
  readonly lastScaledAtMs?: number;
  /** The API groups that its metrics come from (R84). */
  readonly metricsFrom: readonly string[];
  readonly stops: readonly Stop[];
  /** The ScaledObject for which KEDA made this HPA. */
  readonly madeFor?: string;
}

/** An APIService behind which somebody serves metrics (R84). */
export interface MetricsApi {
  /** 'external.metrics.k8s.io' */
  readonly group: string;
  readonly available: boolean;
  /** Why not, in the API server's words. */
  readonly reason: string;
}

/** What a status of the autoscaling of one workload rests on. */
export interface ScalingFacts {
  readonly state: WorkloadState;
  /** Those of the workload, and of the rest of its namespace those that something stops. */
  readonly autoscalers: readonly ObservedAutoscaler[];
  readonly metricsApis:
    | { readonly kind: 'read'; readonly apis: readonly MetricsApi[] }
    | { readonly kind: 'unread'; readonly reason: string };
  /** By claim id: whether its run still lives. */
  readonly owners: { readonly [claimId: string]: boolean };
}
