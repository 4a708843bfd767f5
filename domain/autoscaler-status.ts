import { describeClaim, type Claim } from './claim.ts';
import { describeTaken } from './claim-state.ts';
import { formatDuration } from './duration.ts';
import { freezeFault, isFrozen } from './freeze.ts';
import { findDrift, ownersValues } from './drift.ts';
import type { HoldStanding } from './hold-standing.ts';
import { readClaims } from './marks.ts';
import { judgeConditions, judgeMetricsApis, type Finding } from './metrics-health.ts';
import { findPauses } from './pauses.ts';
import { judgeReadiness } from './readiness.ts';
import type { ObservedAutoscaler, ScalingFacts } from './scaling-facts.ts';
import { judgeTemporarySettings, type TemporarySettings } from './temporary-settings.ts';
import { describeGovernor, findGovernor, type Governor } from './workload.ts';

/** What is known besides what the cluster says. */
export interface ScalingKnown {
  readonly facts: ScalingFacts;
  /** What the ledger last found; null where there is none, or it does not answer. */
  readonly ledger: { readonly standing: HoldStanding | null; readonly trouble: string | null } | null;
  /** By claim id: when its run lets go at the latest, where it says so. */
  readonly ends: { readonly [claimId: string]: number };
  /** Of the run that has changed its configuration for a time, and has not ended by itself; absent where there is none. */
  readonly settings?: TemporarySettings;
  readonly nowMs: number;
}

export interface AutoscalerStatus {
  /** Nothing needs a person. */
  readonly isWell: boolean;
  readonly findings: readonly Finding[];
}

/** How a workload is autoscaled, who holds it, and what keeps autoscaling in its namespace from its work. */
export function judgeAutoscaling(known: ScalingKnown): AutoscalerStatus {
  const findings = [
    ...governorFindings(known),
    ...metricsFindings(known),
    ...holdFindings(known),
    ...(known.settings === undefined ? [] : judgeTemporarySettings(known.settings, known.facts)),
    ...pauseFindings(known),
  ];
  return { isWell: findings.every(({ needsPerson }) => !needsPerson), findings };
}

function told(what: string, says: string): Finding {
  return { what, says, needsPerson: false };
}
function alarm(what: string, says: string, help?: string): Finding {
  return { what, says, needsPerson: true, ...(help !== undefined && { help }) };
}

function governorFindings({ facts: { state } }: ScalingKnown): readonly Finding[] {
  const governance = findGovernor(state);
  const count = told('count', `${state.wantedReplicas} wanted, ${state.availableReplicas} available`);
  if (governance.kind === 'conflict') {
    const each = governance.governors.map((one) => `${describeGovernor(one)} (${boundsOf(one)})`).join(' and ');
    const says = `${governance.governors.length} autoscalers target ${state.ref.name}: ${each}; Kubernetes lets neither scale on metrics`;
    return [alarm('conflict', says, 'delete or retarget one'), count];
  }
  const { governor } = governance;
  const by = governor.kind === 'workload' ? 'none: the count is whatever somebody sets' : describeGovernor(governor);
  return [
    told('autoscaler', `${by} (uid ${governor.uid})`),
    told('bounds', boundsOf(governor)),
    count,
    ...(governor.ignored ? [told('ignored', 'headroom.dev/ignore=true: headroom leaves it alone')] : []),
    ...readinessFindings(governor, state.wantedReplicas),
  ];
}

/** As they are, and what the owner has where a hold has changed them. */
function boundsOf(governor: Governor): string {
  const { floor = null, ceiling = null } = governor.fields;
  const owner = ownersValues(governor);
  const live = { floor: typeof floor === 'number' ? floor : owner.floor, ceiling: asCount(ceiling) ?? owner.ceiling };
  const isHeld = live.floor !== owner.floor || live.ceiling !== owner.ceiling;
  const frozen = isFrozen(governor) ? ', scale-in is off' : '';
  return `${bounds(live)}${isHeld ? `; the owner’s are ${bounds(owner)}` : ''}${frozen}`;
}
function bounds({ floor, ceiling }: { readonly floor: number; readonly ceiling: number | null }): string {
  return ceiling === null ? `${floor}` : `${floor} to ${ceiling}`;
}
function asCount(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function readinessFindings(governor: Governor, liveReplicas: number): readonly Finding[] {
  const tooOld = freezeFault(governor);
  return [...readinessOf(governor, liveReplicas), ...(tooOld === undefined ? [] : [told('freeze', tooOld)])];
}

function readinessOf(governor: Governor, liveReplicas: number): readonly Finding[] {
  const readiness = judgeReadiness(governor, liveReplicas);
  switch (readiness.kind) {
    case 'effective':
      return [];
    case 'paused':
    case 'off':
      // who paused it is told with the pause itself
      return [told('readiness', `it obeys no floor: ${readiness.reason}`)];
    case 'silent':
      return [alarm('readiness', `KEDA does not follow: ${readiness.reason}`, 'look at KEDA’s operator')];
    case 'idleable':
      return [
        told(
          'readiness',
          `KEDA takes it to ${readiness.idleReplicas} while no trigger is active, whatever its floor says`,
        ),
      ];
  }
}

function metricsFindings({ facts: { state, autoscalers, metricsApis }, nowMs }: ScalingKnown): readonly Finding[] {
  const uids = state.autoscalers.map(({ uid }) => uid);
  const own = autoscalers.filter(({ uid }) => uids.includes(uid));
  // what acts for a ScaledObject says more of its metrics than KEDA does
  const acting = autoscalers.filter(({ madeFor }) =>
    own.some(({ kind, name }) => kind === 'scaledObject' && name === madeFor),
  );
  const all = [...own, ...acting];
  const lastMs = Math.max(...all.map(({ lastScaledAtMs = 0 }) => lastScaledAtMs), 0);
  const needed = [...new Set(all.flatMap(({ metricsFrom }) => metricsFrom))];
  const named = (one: ObservedAutoscaler, finding: Finding): Finding =>
    all.length === 1 ? finding : { ...finding, says: `${one.name}: ${finding.says}` };
  return [
    ...all.flatMap((one) => judgeConditions(one).map((finding) => named(one, finding))),
    ...judgeMetricsApis(metricsApis, needed),
    ...(lastMs === 0 ? [] : [told('scaled', `last ${ago(lastMs, nowMs)}`)]),
  ];
}

function holdFindings({ facts: { state, owners }, ledger, ends, nowMs }: ScalingKnown): readonly Finding[] {
  const governors = [state.self, ...state.autoscalers];
  const claims = governors.flatMap((governor) => {
    const found = readClaims(governor.marks);
    if (found === 'unreadable')
      return [alarm('hold', `headroom.dev/claims of ${describeGovernor(governor)} cannot be read`, 'mend it')];
    return (found ?? []).map((claim) =>
      told('hold', describeHold(claim, { isLive: owners[claim.id], endMs: ends[claim.id], nowMs })),
    );
  });
  const isHeld = governors.some(({ marks }) => marks.baseline !== undefined);
  const drift = governors.flatMap((governor) =>
    findDrift(governor).map(({ field, ours, found, by = 'somebody else' }) =>
      told(
        'drift',
        field === 'freeze'
          ? `scale-in is not as headroom set it: ${by} changed it`
          : `${field} is ${JSON.stringify(found)}, not our ${JSON.stringify(ours)}: ${by} set it`,
      ),
    ),
  );
  const { contested, unprotected } = ledger?.standing ?? {};
  return [
    ...(claims.length === 0 ? [told('hold', isHeld ? 'let go; it goes back step by step' : 'nobody')] : claims),
    ...drift,
    ...(contested === undefined || !isHeld ? [] : [alarm('contested', describeTaken(contested))]),
    ...(unprotected === undefined || !isHeld ? [] : [alarm('not held', unprotected.reason)]),
    ...(typeof ledger?.trouble === 'string' ? [alarm('ledger', ledger.trouble)] : []),
  ];
}

function describeHold(
  claim: Claim,
  {
    isLive,
    endMs,
    nowMs,
  }: { readonly isLive: boolean | undefined; readonly endMs: number | undefined; readonly nowMs: number },
): string {
  const run = claim.id.split('/')[0] ?? '';
  const end =
    endMs === undefined ? '' : `, until ${iso(endMs)}${endMs > nowMs ? ` (${inHours(endMs - nowMs)} from now)` : ''}`;
  const life = isLive === false ? '; its run is gone, so the ledger lets it go' : end;
  return `${describeClaim(claim)}, by ${run}: ${claim.reason}${life}`;
}

/** Those of this workload first. */
function pauseFindings({ facts: { state, autoscalers }, nowMs }: ScalingKnown): readonly Finding[] {
  const uids = new Set(state.autoscalers.map(({ uid }) => uid));
  const own = autoscalers.filter(({ uid }) => uids.has(uid));
  const others = autoscalers.filter(({ uid }) => !uids.has(uid));
  return [...own, ...others].flatMap((one) =>
    findPauses(one).map((pause) => alarm('paused', describePause(one, pause, nowMs), pause.help)),
  );
}

/** 'ScaledObject shop/web of Deployment web: autoscaling.keda.sh/paused=true, by kubectl-annotate, since at least …' */
export function describePause(
  one: ObservedAutoscaler,
  { what, by }: ReturnType<typeof findPauses>[number],
  nowMs: number,
): string {
  const whose =
    by === undefined ? 'by nobody that can be told' : `by ${by.manager}, since at least ${ago(by.atMs, nowMs)}`;
  return `${describeGovernor(one)} of ${one.target.kind} ${one.target.name}: ${what}, ${whose}`;
}

function ago(atMs: number, nowMs: number): string {
  return `${iso(atMs)} (${inHours(Math.max(0, nowMs - atMs))} ago)`;
}
/** Seconds are of interest within an hour only. */
function inHours(ms: number): string {
  const grain = ms < 3_600_000 ? 1_000 : 60_000;
  return formatDuration(Math.floor(ms / grain) * grain);
}
function iso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
