import type { DrainPolicy } from './drain-policy.ts';
import type { Step } from './step-scale.ts';
import type { WorkloadRef } from './workload.ts';

/**
 * The policy: what headroom.yaml says, as the rest of the code reads it. adapters/policy-file.ts makes it from the file
 * and lets nothing through that breaks a rule; so a `Policy` is always whole, its references hold, and its durations are
 * milliseconds. docs/configuration.md describes each value as it is written in the file.
 */
export interface Policy {
  readonly cluster: {
    readonly name: string;
    /** Where it differs from `name`, and where the AWS SDK does not find the region by itself. */
    readonly eks?: { readonly name?: string; readonly region?: string };
  };
  readonly prometheus: { readonly url: string };
  /** By workload name, the word used on the command line and in workflow ids. */
  readonly workloads: Readonly<Record<string, WorkloadPolicy>>;
  readonly preScale: PreScalePolicy;
  readonly windDown: WindDownPolicy;
  readonly ledger: LedgerPolicy;
  readonly approval: ApprovalPolicy;
  readonly nodeGroups: Readonly<Record<string, NodeGroupPolicy>>;
  readonly addGpuNodes: AdditionPolicy;
  /** By instance type with dashes for dots (`p4d-24xlarge`): keys have no dots, so that paths stay readable. */
  readonly gpuInstanceTypes: Readonly<Record<string, GpuInstanceType>>;
  readonly gpu: GpuPolicy;
  readonly drain: DrainPolicy;
  readonly prices: Prices;
  readonly profiles: Readonly<Record<string, ResourceProfile>>;
  readonly triggers: Readonly<Record<string, TriggerPolicy>>;
  readonly stepScale: StepScalePolicy;
  readonly emergencyScaleUp: EmergencyScaleUpPolicy;
  readonly autoscaler: Readonly<Record<string, AutoscalerPolicy>>;
  readonly sizing: Readonly<Record<string, SizingGuideline>>;
  readonly capacityPlanning: CapacityPlanningPolicy;
  readonly decisionMatrix?: DecisionMatrix;
  /** The allow-list: an alert that is not here starts nothing. By alert name. */
  readonly alertRules: Readonly<Record<string, AlertRule>>;
  readonly closedWindows: Readonly<Record<string, ClosedWindow>>;
  readonly notifications: Readonly<Record<string, NotificationChannel>>;
}

export interface Limits {
  readonly min: number;
  readonly max: number;
}

export type WorkloadKind = 'Deployment' | 'StatefulSet';

export interface WorkloadPolicy {
  readonly name: string;
  readonly namespace: string;
  readonly kind: WorkloadKind;
  /** `metadata.name` in the cluster; the workload's name where the file does not say otherwise. */
  readonly object: string;
  /** No claim takes the count outside of these. */
  readonly limits: Limits;
  /** Its pods run jobs that a scale-in would kill: never lowered without an idle check. */
  readonly jobs: boolean;
  /** Why headroom must not scale it (databases: a replica count neither reshards nor adds a follower). */
  readonly refuse?: string;
  /** What is allowed on a StatefulSet that is refused otherwise (R31); absent = nothing. */
  readonly stateful?: { readonly allowDatabase: boolean; readonly allowVolumeDeletion: boolean };
  /** The container whose resources a resize changes, by name; absent = the only one. */
  readonly container?: string;
  /** All of them must be low for *quiet*. Empty only where `refuse` is set. */
  readonly load: readonly LoadMetric[];
  /** PromQL that is 1 at each step while the series behind the load queries are complete: a sum over half of the targets looks like low load. */
  readonly dataHealthy?: string;
  /** In `prices.currency`; for the plan's estimate. */
  readonly pricePerPodHour?: number;
  readonly dashboards: readonly Dashboard[];
}

export interface Dashboard {
  readonly title: string;
  readonly url: string;
}

export interface LoadMetric {
  /** `cpu`, `p95-latency`: its key in the file. */
  readonly name: string;
  /** PromQL with one series as its answer, in `unit`. An empty answer or NaN is no data, and no data is never quiet. */
  readonly query: string;
  /** For people: `%`, `ms`, `requests`. */
  readonly unit: string;
  readonly scaleUpAbove: number;
  readonly scaleDownBelow: number;
  /** A share of the load that halves when the pods double: judged as it would be at the baseline count (value × pods ÷ baseline). */
  readonly perPod: boolean;
}

export interface PreScalePolicy {
  /** Capacity is asked for this long before the event starts. */
  readonly leadMs: number;
  /** What is not available after this long is diagnosed, and the run is `short`. */
  readonly availableWithinMs: number;
  readonly quiet: QuietPolicy;
}

export interface QuietPolicy {
  /** All load metrics stay low for this long. */
  readonly windowMs: number;
  /** A person is asked when it is not quiet this long after the event's end. */
  readonly askAfterMs: number;
  /** How often it is judged. */
  readonly everyMs: number;
  /** Sample spacing of the range query; never above the window. */
  readonly stepMs: number;
}

/** The applied floor goes down at most `percent` of the floor at release (rounded down, at least 1) per `everyMs`. */
export interface WindDownPolicy {
  readonly percent: number;
  readonly everyMs: number;
}

export interface LedgerPolicy {
  /** How often it is checked that each owner of a claim still runs. */
  readonly ownerCheckEveryMs: number;
  /** How often a held governor is looked at: who changed it, who replaced it, does it act. */
  readonly guardEveryMs: number;
  /** What happens when a person lowers a floor that is held: it stays so and the runs are told, or it is raised again. */
  readonly whenPersonLowers: 'leave' | 'reapply';
  /** History length at which a ledger goes on as a new run; Temporal ends a run at 51,200 events. */
  readonly continueAsNewAfterEvents: number;
  /** Updates of one run after which it goes on as a new one; Temporal refuses the 2,001st. */
  readonly continueAsNewAfterUpdates: number;
}

export type ApprovalRule = 'never' | 'always';

export interface ApprovalPolicy {
  readonly preScale: ApprovalRule;
  readonly emergencyScaleUp: ApprovalRule;
  readonly drainGpuNode: ApprovalRule;
  readonly addGpuNodes: ApprovalRule;
  readonly resizeWorkload: ApprovalRule;
  /** An approval that was asked for and not given after this long is a refusal. */
  readonly expiresAfterMs: number;
}

export interface AdditionPolicy {
  readonly maxPerRun: number;
  /** What does not compute by then is taken back. */
  readonly usableWithinMs: number;
  /** Pace of the look at instances, launches and nodes. */
  readonly everyMs: number;
  /** When AWS says that it has none: ask a person, take the order back at once, or wait for the deadline. */
  readonly whenUnmet: 'ask' | 'takeBack' | 'wait';
  /** How long a person is asked before it is taken back. */
  readonly askForMs: number;
  /** Beside Cluster Autoscaler: how long the raised minimum keeps empty nodes. */
  readonly holdMinimumForMs: number;
}

export interface NodeGroupPolicy {
  readonly limits: Limits;
  /** Keys of `gpuInstanceTypes`. */
  readonly instanceTypes: readonly string[];
  /** ISO 8601; of a group that runs on a Capacity Block (R65). */
  readonly capacityBlockEnds?: string;
}

export interface GpuInstanceType {
  /** As AWS spells it: `p4d.24xlarge`. */
  readonly instanceType: string;
  readonly gpus: number;
  /** `A100 40GB` */
  readonly gpu: string;
  /** Of the node, in GB as the runbook's table has it. */
  readonly memoryGb: number;
  readonly vcpus: number;
  readonly useCase: string;
}

export interface GpuPolicy {
  /** PromQL with a series for each node, its name in label `Hostname`, in percent. */
  readonly utilisation: string;
}

export interface Prices {
  readonly currency: string;
  /** On-demand price of a node for an hour, by key of `gpuInstanceTypes`. */
  readonly perNodeHour: Readonly<Record<string, number>>;
}

/** Kubernetes quantities, as they are written into the pod template. */
export interface ResourceProfile {
  readonly cpuRequest: string;
  readonly cpuLimit: string;
  readonly memoryRequest: string;
  readonly memoryLimit: string;
  readonly useCase: string;
}

export interface TriggerPolicy {
  readonly workload: string;
  /** A load metric of that workload. */
  readonly metric: string;
  readonly when: 'above' | 'below';
  readonly threshold: number;
  readonly forMs: number;
  /** Positive adds, negative takes back what earlier steps added. */
  readonly pods: number;
  readonly cooldownMs: number;
}

export interface StepScalePolicy {
  /** No trigger's cooldown counts as shorter than this. */
  readonly minCooldownMs: number;
  /** What was added goes after this long, whatever the load is; `extend` makes it longer. */
  readonly maxHoldMs: number;
}

export interface EmergencyScaleUpPolicy {
  readonly factor: number;
  /** `freeze` stops scale-in and leaves scale-out alive; `pause` stops the autoscaler. */
  readonly mode: 'freeze' | 'pause';
  /** What happens where nothing shows that pods are what is missing. */
  readonly withoutEvidence: 'goOn' | 'ask';
  /** How long a person is asked, and what happens when nobody answers. */
  readonly askForMs: number;
  readonly unanswered: 'goOn' | 'stop';
  /** Pods may not help against a rollout that is younger than this. */
  readonly rolloutYoungerThanMs: number;
  /** How often one run may multiply: again only while the load still saturates what is available. */
  readonly maxDoublings: number;
  /** Whether a workload at 0 replicas is brought up; a factor makes nothing of nothing. */
  readonly fromZero: boolean;
  /** The freeze ends after this long, whatever the load is; `extend` makes it longer. */
  readonly maxHoldMs: number;
  /** How often a person is reminded of a hold that has not seen quiet. */
  readonly remindEveryMs: number;
  /** An alert must have fired this long before it is acted on. */
  readonly holdDownMs: number;
  /** For this long after a run the same firing starts nothing. */
  readonly cooldownMs: number;
  /** Runs that alerts may start on one workload. */
  readonly budget: { readonly perHour: number; readonly perDay: number };
}

export interface AutoscalerPolicy {
  /** Which of the two governs: both on one workload is a conflict, in which neither scales on metrics. */
  readonly use: 'hpa' | 'keda';
  readonly hpa?: HpaPolicy;
  readonly keda?: KedaPolicy;
  /** Scale-down stabilisation that is set when the count swings. */
  readonly thrashingStabilisationMs?: number;
}

export interface HpaPolicy {
  readonly object: string;
  readonly limits: Limits;
  /** Percent of the pods' requests. */
  readonly cpuUtilisation?: number;
  readonly memoryUtilisation?: number;
  readonly scaleDown: ScalingBehaviour;
  readonly scaleUp: ScalingBehaviour;
}

export interface ScalingBehaviour {
  readonly stabilisationMs: number;
  readonly select: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly {
    readonly type: 'Pods' | 'Percent';
    readonly value: number;
    readonly periodMs: number;
  }[];
}

export interface KedaPolicy {
  readonly object: string;
  readonly limits: Limits;
  readonly pollingMs: number;
  /** Acts only on the way to 0 or to the idle count: none with a minimum of 3. */
  readonly cooldownMs: number;
  readonly triggers: Readonly<Record<string, KedaTrigger>>;
  /** Of the HPA that KEDA makes; absent: as its manifest has it. */
  readonly scaleDown?: ScalingBehaviour;
  readonly scaleUp?: ScalingBehaviour;
}

export interface KedaTrigger {
  readonly query: string;
  readonly threshold: number;
  /** `AverageValue` wants metric ÷ threshold pods whatever runs now; right for a queue, wrong for a latency. */
  readonly metricType: 'AverageValue' | 'Value';
}

export interface SizingGuideline {
  /** Requests per second from … up to but without …; absent where the workload is not measured in requests. */
  readonly rps?: { readonly from: number; readonly to: number };
  readonly pods: Limits;
  /** Cores. */
  readonly cpuPerPod: number;
  readonly memoryPerPod: string;
  readonly gpusPerPod: Limits;
}

export interface CapacityPlanningPolicy {
  readonly growthPercents: readonly number[];
  readonly bufferPercent: number;
  readonly queries: Readonly<Record<string, { readonly query: string; readonly unit: string }>>;
}

export const MATRIX_ACTIONS = [
  'considerScalingDown',
  'none',
  'investigate',
  'preScale',
  'scaleUp',
  'emergencyScaleUp',
] as const;
export type MatrixAction = (typeof MATRIX_ACTIONS)[number];

/** From … (included) up to … (not included); an absent end is open. */
export interface Span {
  readonly from?: number;
  readonly to?: number;
}

export interface MatrixRow {
  readonly load: Span;
  readonly latency: Span;
  readonly action: MatrixAction;
  /** The runbook's row, or one that fills a gap which its rows leave. */
  readonly source: 'runbook' | 'added';
}

/** The first row that matches holds; every load and latency has one. */
export interface DecisionMatrix {
  readonly workload: string;
  /** Load metrics of that workload. */
  readonly loadMetric: string;
  readonly latencyMetric: string;
  readonly rows: readonly MatrixRow[];
}

export type AlertRule = (
  | { readonly procedure: 'emergencyScaleUp'; readonly workload: string }
  | { readonly procedure: 'stepScale'; readonly trigger: string }
) & {
  /** Label → the exact value that the alert must have there; all of them. Absent = the name is enough. */
  readonly match?: Readonly<Record<string, string>>;
};

export interface ClosedWindow {
  readonly startsAt: string;
  readonly endsAt: string;
  readonly reason: string;
  /** Absent = every workload. */
  readonly workloads?: readonly string[];
}

export interface NotificationChannel {
  readonly kind: 'slack' | 'webhook';
  /** Name of the environment variable that holds the address: it is a secret and not for this file. */
  readonly urlFromEnv: string;
}

/** What an emergency scale-up needs besides. */
export interface ResolvedEmergency {
  readonly policy: ResolvedPolicy;
  readonly emergency: EmergencyScaleUpPolicy;
  /** Of this workload; absent where none is configured for it. */
  readonly matrix?: DecisionMatrix;
}

/** What a run of steps needs besides. */
export interface ResolvedSteps {
  readonly policy: ResolvedPolicy;
  /** Of this workload, by the name of the alert that fires them. */
  readonly steps: Readonly<Record<string, Step>>;
  readonly minCooldownMs: number;
  readonly maxHoldMs: number;
}

/** What a change of an autoscaler's configuration needs besides; nothing where none is described for the workload. */
export interface ResolvedAutoscaler {
  readonly policy: ResolvedPolicy;
  readonly autoscaler?: AutoscalerPolicy;
}

/** What one run needs, resolved in its first activity so that the history holds what was used. */
export interface ResolvedPolicy {
  /** Name of the cluster, for people. */
  readonly cluster: string;
  readonly workload: WorkloadPolicy;
  readonly preScale: PreScalePolicy;
  readonly windDown: WindDownPolicy;
  readonly ledger: LedgerPolicy;
  readonly approval: ApprovalPolicy;
  readonly pricePerPodHour?: number;
  readonly currency: string;
}

/** Where the workload of a run lives. */
export function refOf({ workload: { name, namespace, kind, object } }: Pick<ResolvedPolicy, 'workload'>): WorkloadRef {
  return { name, namespace, kind, object };
}

/** Every configured workload, in the order of its name. */
export function allRefs({ workloads }: Pick<Policy, 'workloads'>): readonly WorkloadRef[] {
  return Object.values(workloads)
    .map((workload) => refOf({ workload }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export interface UnknownWorkload {
  readonly unknown: string;
  /** Sorted, for the refusal's message. */
  readonly known: readonly string[];
}

/** The cluster as AWS knows it; without a region, the AWS SDK looks for one. */
export function eksClusterOf({ cluster: { name, eks } }: Pick<Policy, 'cluster'>): {
  readonly cluster: string;
  readonly region?: string;
} {
  return { cluster: eks?.name ?? name, ...(eks?.region !== undefined && { region: eks.region }) };
}

/** The part of the policy that a run on this workload uses, or the workloads that there are. */
export function resolvePolicy(policy: Policy, workloadName: string): ResolvedPolicy | UnknownWorkload {
  const workload = Object.hasOwn(policy.workloads, workloadName) ? policy.workloads[workloadName] : undefined;
  if (workload === undefined) return { unknown: workloadName, known: Object.keys(policy.workloads).toSorted() };
  return {
    cluster: policy.cluster.name,
    workload,
    preScale: policy.preScale,
    windDown: policy.windDown,
    ledger: policy.ledger,
    approval: policy.approval,
    ...(workload.pricePerPodHour !== undefined && { pricePerPodHour: workload.pricePerPodHour }),
    currency: policy.prices.currency,
  };
}

/** The same for an emergency scale-up. */
export function resolveEmergency(policy: Policy, workloadName: string): ResolvedEmergency | UnknownWorkload {
  const resolved = resolvePolicy(policy, workloadName);
  if ('known' in resolved) return resolved;
  const { emergencyScaleUp: emergency, decisionMatrix: matrix } = policy;
  return { policy: resolved, emergency, ...(matrix?.workload === workloadName && { matrix }) };
}

/** The same for the configuration of its autoscaler. */
export function resolveAutoscaler(policy: Policy, workloadName: string): ResolvedAutoscaler | UnknownWorkload {
  const resolved = resolvePolicy(policy, workloadName);
  if ('known' in resolved) return resolved;
  const autoscaler = Object.hasOwn(policy.autoscaler, workloadName) ? policy.autoscaler[workloadName] : undefined;
  return { policy: resolved, ...(autoscaler !== undefined && { autoscaler }) };
}

/** The same for steps: a trigger without an alert in the allow-list is fired by nothing. */
export function resolveSteps(policy: Policy, workloadName: string): ResolvedSteps | UnknownWorkload {
  const resolved = resolvePolicy(policy, workloadName);
  if ('known' in resolved) return resolved;
  const { minCooldownMs, maxHoldMs } = policy.stepScale;
  const steps = Object.entries(policy.alertRules).flatMap(([alert, rule]) => {
    const trigger = rule.procedure === 'stepScale' ? policy.triggers[rule.trigger] : undefined;
    if (rule.procedure !== 'stepScale' || trigger?.workload !== workloadName) return [];
    const { pods, cooldownMs } = trigger;
    return [[alert, { trigger: rule.trigger, pods, cooldownMs: Math.max(cooldownMs, minCooldownMs) }] as const];
  });
  return { policy: resolved, steps: Object.fromEntries(steps), minCooldownMs, maxHoldMs };
}

/** The loads and latencies for which no row speaks, and the rows (by index) that an earlier one always precedes. */
export interface MatrixFaults {
  readonly gaps: readonly { readonly load: Span; readonly latency: Span }[];
  readonly unreachable: readonly number[];
}

/**
 * Judges every combination: between two neighbouring ends of any row nothing changes, so one point of each cell decides it.
 * Both quantities start at 0.
 */
export function judgeMatrix(rows: readonly Pick<MatrixRow, 'load' | 'latency'>[]): MatrixFaults {
  const loads = cells(rows.map((row) => row.load));
  const latencies = cells(rows.map((row) => row.latency));
  const all = loads.flatMap((load) => latencies.map((latency) => ({ load, latency })));
  const rowOf = all.map((cell) =>
    rows.findIndex((row) => within(cell.load, row.load) && within(cell.latency, row.latency)),
  );
  const reached = new Set(rowOf);
  return {
    gaps: all.filter((_, i) => rowOf[i] === -1),
    unreachable: rows.flatMap((_, i) => (reached.has(i) ? [] : [i])),
  };
}

/** What the matrix says of this load and latency. */
export function readMatrix(matrix: DecisionMatrix, load: number, latency: number): MatrixAction | undefined {
  return matrix.rows.find((row) => contains(row.load, load) && contains(row.latency, latency))?.action;
}

function cells(spans: readonly Span[]): Span[] {
  const ends = new Set(spans.flatMap(({ from, to }) => [from ?? 0, to ?? 0]).filter((end) => end > 0));
  const sorted = [0, ...[...ends].toSorted((a, b) => a - b)];
  return sorted.map((from, i) => {
    const to = sorted[i + 1];
    return { from, ...(to !== undefined && { to }) };
  });
}

function within(cell: Span, span: Span): boolean {
  return (cell.from ?? 0) >= (span.from ?? 0) && (cell.to ?? Infinity) <= (span.to ?? Infinity);
}

function contains(span: Span, value: number): boolean {
  return value >= (span.from ?? 0) && value < (span.to ?? Infinity);
}
