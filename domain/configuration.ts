import { describeOwner } from './git-ops.ts';
import { readMarks } from './marks.ts';
import { findAilments } from './metrics-health.ts';
import type { AutoscalerPolicy, ResolvedAutoscaler } from './policy.ts';
import type { ObservedAutoscaler } from './scaling-facts.ts';
import { changesBetween, describeChanges, type SettingChange } from './settings.ts';
import { refusedByOwner, refusedByPolicy, refusedForConflict } from './refusals.ts';
import { contestedSettings, ownersSpec } from './settings-hold.ts';
import { calmed, configured, type WantedSpec } from './wanted-settings.ts';
import { describeGovernor, findGovernor, type Governor, type WorkloadState } from './workload.ts';
import { formatDuration } from './duration.ts';

/** What starts a change of an autoscaler's configuration: an operator who wants what headroom.yaml says, or a calmer count. */
export interface ConfigurationRequest {
  readonly workload: string;
  /** `policy` is all that `autoscaler.<workload>` says; `calm` a longer scale-in stabilisation, against a count that swings. */
  readonly what: 'policy' | 'calm';
  /** Of `calm`; absent: the policy's `thrashingStabilisation`. */
  readonly stabilisationMs?: number;
  /** From the start of the run; then the old values come back. Absent: it stays. `calm` needs one. */
  readonly forMs?: number;
  /** Why, for people. */
  readonly reason?: string;
  readonly requestedBy: string;
  /** Ends with the plan and touches nothing. */
  readonly planOnly?: boolean;
}

/** What a change would do, as a value. */
export interface ConfigurationPlan {
  readonly procedure: 'configureAutoscaler';
  readonly cluster: string;
  readonly workload: string;
  readonly what: ConfigurationRequest['what'];
  readonly governor: Pick<Governor, 'name' | 'uid'> & { readonly kind: AutoscalerKind };
  readonly changes: readonly SettingChange[];
  /** The same, a line a value. */
  readonly differences: readonly string[];
  /** When the old values come back; null: not by this run. */
  readonly untilMs: number | null;
  /** What its conditions had against it before, by their type: nothing that the change has to answer for. */
  readonly ailing: readonly string[];
  readonly warnings: readonly string[];
}

export type AutoscalerKind = ObservedAutoscaler['kind'] & Exclude<Governor['kind'], 'workload'>;

/** The part of a plan that its hash is about. */
export type ConfigurationIntent = Pick<ConfigurationPlan, 'procedure' | 'workload' | 'changes' | 'untilMs'> & {
  readonly governorUid: string;
};

export type ConfigurationDecision =
  | { readonly kind: 'plan'; readonly plan: ConfigurationPlan }
  | { readonly kind: 'not needed'; readonly reasons: readonly string[] }
  | { readonly kind: 'refuse'; readonly reasons: readonly string[] };

/** The workload and its autoscalers, as they were found. */
export interface ConfigurationFacts {
  readonly state: WorkloadState;
  readonly autoscalers: readonly ObservedAutoscaler[];
}

export function intentOf({ procedure, workload, changes, untilMs, governor }: ConfigurationPlan): ConfigurationIntent {
  return { procedure, workload, changes, untilMs, governorUid: governor.uid };
}

/** All that is against the change, at once; else what it would change, if anything. */
export function planConfiguration({
  request,
  resolved: { policy, autoscaler },
  facts,
  untilMs,
}: {
  readonly request: ConfigurationRequest;
  readonly resolved: ResolvedAutoscaler;
  readonly facts: ConfigurationFacts;
  readonly untilMs: number | null;
}): ConfigurationDecision {
  const { state, autoscalers } = facts;
  const { workload, what } = request;
  const governance = findGovernor(state);
  const words = [...refusedByPolicy(policy), ...requestFaults(request, autoscaler), ...stateFaults(workload, state)];
  const governor = governance.kind === 'governed' ? governance.governor : undefined;
  const observed = autoscalers.find(({ uid }) => uid === governor?.uid);
  if (governor === undefined || governor.kind === 'workload' || observed === undefined)
    return { kind: 'refuse', reasons: words };
  const kind = governor.kind;
  const owners = ownersSpec(governor, observed.spec);
  const wanted = wantedOf(request, { kind, owners, autoscaler });
  const changes = changesBetween(owners, wanted.spec);
  const reasons = [
    ...words,
    ...governorFaults(request, governor),
    ...(what === 'policy' && autoscaler !== undefined ? matchFaults(workload, governor, autoscaler) : []),
    ...wanted.faults.map((fault) => `${describeGovernor(governor)}: ${fault}`),
    ...contestedSettings(governor, changes),
  ];
  if (reasons.length > 0) return { kind: 'refuse', reasons };
  if (changes.length === 0) return { kind: 'not needed', reasons: [reasonFor(request, governor, wanted)] };
  const plan: ConfigurationPlan = {
    procedure: 'configureAutoscaler',
    cluster: policy.cluster,
    workload,
    what,
    governor: { kind, name: governor.name, uid: governor.uid },
    changes,
    differences: describeChanges(changes),
    untilMs,
    ailing: ailmentsOf(governor, autoscalers).map(({ type }) => type),
    warnings: [...wanted.warnings, ...warningsOf(request, { governor, state, changes })],
  };
  return { kind: 'plan', plan };
}

function requestFaults(
  { what, workload, stabilisationMs }: ConfigurationRequest,
  autoscaler: AutoscalerPolicy | undefined,
): readonly string[] {
  if (what === 'policy' && autoscaler === undefined)
    return [`headroom.yaml does not say how ${workload} is to be autoscaled; describe it under autoscaler.${workload}`];
  if (what === 'calm' && stabilisationMs === undefined && autoscaler?.thrashingStabilisationMs === undefined)
    return [
      `headroom.yaml has no autoscaler.${workload}.thrashingStabilisation; give --stabilisation, such as --stabilisation 10m`,
    ];
  return [];
}

function stateFaults(workload: string, state: WorkloadState): readonly string[] {
  return [
    ...refusedForConflict(workload, state),
    ...(state.autoscalers.length === 0 ? [`${workload} has no autoscaler: there is nothing to configure`] : []),
    ...refusedByOwner(workload, state),
  ];
}

function governorFaults({ forMs }: ConfigurationRequest, governor: Governor): readonly string[] {
  const read = readMarks(governor.marks);
  const { gitOps, autoscaler } = governor;
  const name = describeGovernor(governor);
  // until the next upgrade is long enough for a change that goes by itself
  const isFought = gitOps !== undefined && (gitOps.tool !== 'helm' || forMs === undefined);
  return [
    ...(isFought
      ? [`${name} is managed by ${describeOwner(gitOps)}, which would put it back: change it in its manifest`]
      : []),
    ...(autoscaler?.paused === undefined
      ? []
      : [
          `${name} is paused by ${autoscaler.paused}: whether it works with other settings is not to be seen; remove the annotation, or wait until its owner does`,
        ]),
    ...(read.kind === 'unreadable' ? [`${name}: ${read.reason}`] : []),
  ];
}

const KINDS = { hpa: 'horizontalPodAutoscaler', keda: 'scaledObject' } as const;

/** What is described must be what governs. */
function matchFaults(workload: string, governor: Governor, policy: AutoscalerPolicy): readonly string[] {
  const { use } = policy;
  const object = policy[use]?.object ?? '';
  if (KINDS[use] === governor.kind && object === governor.name) return [];
  const described = describeGovernor({ kind: KINDS[use], namespace: governor.namespace, name: object });
  return [
    `${workload} is governed by ${describeGovernor(governor)}, and headroom.yaml describes ${described} (autoscaler.${workload}.use: ${use}): change one of the two`,
  ];
}

function wantedOf(
  { what, stabilisationMs }: ConfigurationRequest,
  {
    kind,
    owners,
    autoscaler,
  }: {
    readonly kind: AutoscalerKind;
    readonly owners: ObservedAutoscaler['spec'];
    readonly autoscaler: AutoscalerPolicy | undefined;
  },
): WantedSpec & { readonly stabilisedMs?: number } {
  if (what === 'calm') return calmed(kind, owners, stabilisationMs ?? autoscaler?.thrashingStabilisationMs ?? 0);
  if (autoscaler === undefined || KINDS[autoscaler.use] !== kind) return { spec: owners, faults: [], warnings: [] };
  return configured(kind, owners, autoscaler);
}

function reasonFor(
  { what }: ConfigurationRequest,
  governor: Governor,
  { stabilisedMs = 0 }: { readonly stabilisedMs?: number },
): string {
  const name = describeGovernor(governor);
  return what === 'policy'
    ? `${name} is as headroom.yaml has it`
    : `scale-in of ${name} is stabilised over ${formatDuration(stabilisedMs)} already; give a longer --stabilisation`;
}

function warningsOf(
  { forMs }: ConfigurationRequest,
  {
    governor,
    state,
    changes,
  }: {
    readonly governor: Governor;
    readonly state: WorkloadState;
    readonly changes: readonly SettingChange[];
  },
): readonly string[] {
  const { gitOps } = governor;
  const maximum = changes.find(({ key }) => key === 'maxReplicas' || key === 'maxReplicaCount')?.set;
  const isHeld = governor.marks.baseline !== undefined;
  const most = typeof maximum === 'number' && !isHeld ? maximum : Infinity;
  return [
    ...(gitOps?.tool === 'helm' && forMs !== undefined
      ? [`${describeGovernor(governor)} is managed by ${describeOwner(gitOps)}: its next upgrade or rollback ends this`]
      : []),
    ...(isHeld
      ? ['it is held: the hold goes on, and what is changed here is what the hold gives back at its end']
      : []),
    ...(state.wantedReplicas > most
      ? [`${state.wantedReplicas} pods run: what is above the new maximum of ${most} goes at once`]
      : []),
  ];
}

/** What needs a person by the conditions of the governor and of the HPA that KEDA made for it. */
export function ailmentsOf(
  { uid, name, kind }: Pick<Governor, 'uid' | 'name' | 'kind'>,
  autoscalers: readonly ObservedAutoscaler[],
): readonly { readonly type: string; readonly says: string }[] {
  const own = autoscalers.filter((one) => one.uid === uid || (kind === 'scaledObject' && one.madeFor === name));
  return own.flatMap(findAilments);
}
