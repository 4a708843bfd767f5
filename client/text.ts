import type { AdditionPlan } from '../domain/addition.ts';
import type { ApprovalView } from '../domain/approval.ts';
import { describeClaim } from '../domain/claim.ts';
import { describeTaken } from '../domain/claim-state.ts';
import { formatDuration } from '../domain/duration.ts';
import type { CapacityPlan } from '../domain/capacity-plan.ts';
import type { ConfigurationPlan } from '../domain/configuration.ts';
import type { RunResult, RunStatus } from '../domain/procedures.ts';
import type { LedgerView } from '../workflows/messages.ts';
import { configurationPlanText, configurationResultLines } from './configuration-text.ts';
import { additionPlanText, additionResultLines, nodeLines } from './nodes-text.ts';
import type { RunView } from './runs.ts';
import { time } from './time.ts';
import { drainLines, drainPlanText, drainResultLines } from './drain-text.ts';
import type { DrainPlan } from '../domain/drain.ts';

export function planText(plan: CapacityPlan | ConfigurationPlan | AdditionPlan | DrainPlan, hash: string): string {
  if (plan.procedure === 'addGpuNodes') return additionPlanText(plan, hash);
  if (plan.procedure === 'drainGpuNode') return drainPlanText(plan, hash);
  if (plan.procedure === 'configureAutoscaler') return configurationPlanText(plan, hash);
  if (plan.hold !== undefined) return holdPlanText(plan, plan.hold, hash);
  const { target, event, emergency } = plan;
  const again = emergency === undefined ? '; computed again when the lead begins' : '';
  return [
    ...(emergency === undefined
      ? [
          `pre-scale of ${plan.workload} on ${plan.cluster} for ${event.name}`,
          `  event     ${time(event.startMs)} to ${time(event.endMs)}`,
          `  ask at    ${time(plan.scaleAtMs)} (${formatDuration(plan.leadMs)} before)`,
        ]
      : emergencyLines(plan, emergency)),
    `  replicas  ${target.replicas}${target.base === null ? '' : ` (of ${target.base} now${heldBaseText(target)}${again})`}${target.clampedFrom === null ? '' : `, clamped from ${target.clampedFrom}`}, never above ${plan.ceilingReplicas}; to be available within ${formatDuration(plan.availableWithinMs)}`,
    `  floor     ${target.floor.from} -> ${target.floor.to} on the ${plan.governor.kind} ${plan.governor.name}`,
    ...(target.ceiling === null ? [] : [`  maximum   ${target.ceiling.from} -> ${target.ceiling.to}`]),
    ...(plan.conflict === undefined ? [] : [`  CONFLICT  ${plan.conflict.reason}`]),
    `  let go    after ${formatDuration(plan.quiet.windowMs)} of low ${plan.quiet.metrics.join(', ') || 'load'} (after ${formatDuration(plan.quiet.askAfterMs)} without it a person is asked), then ${plan.windDown.percent} % per ${formatDuration(plan.windDown.everyMs)}`,
    ...(plan.approval.rule === 'never'
      ? []
      : [`  approval  by a second person, within ${formatDuration(plan.approval.expiresAfterMs)}`]),
    ...(plan.costPerHour === null
      ? []
      : [
          `  cost      about ${plan.costPerHour} ${plan.currency} an hour, at most ${plan.costCeiling ?? 0} ${plan.currency} in all`,
        ]),
    ...plan.warnings.map((warning) => `  warning   ${warning}`),
    `  plan      ${hash}`,
  ].join('\n');
}

function holdPlanText(
  { workload, cluster, event, target, governor, windDown, warnings }: CapacityPlan,
  { mode }: NonNullable<CapacityPlan['hold']>,
  hash: string,
): string {
  const isFrozen = mode === 'freeze';
  return [
    `hold of ${workload} on ${cluster} for ${event.name}`,
    isFrozen
      ? `  freeze    no scale-in, scale-out alive; floor${target.ceiling === null ? '' : ' and maximum'} stay ${counts(target)} on the ${governor.kind} ${governor.name}`
      : `  pause     exactly ${Math.max(target.replicas, target.floor.to)}: neither in nor out; of ${counts(target)} on the ${governor.kind} ${governor.name}`,
    `  until     ${time(event.endMs)} (${formatDuration(event.endMs - event.startMs)}), then it ends by itself`,
    `  let go    ${isFrozen ? 'at once' : `${windDown.percent} % of the floor per ${formatDuration(windDown.everyMs)}`}, whatever the load is`,
    ...warnings.map((warning) => `  warning   ${warning}`),
    `  plan      ${hash}`,
  ].join('\n');
}

function counts({ floor, ceiling }: CapacityPlan['target']): string {
  return ceiling === null ? `${floor.from}` : `${floor.from} to ${ceiling.from}`;
}

function emergencyLines(
  { workload, cluster, event }: CapacityPlan,
  emergency: NonNullable<CapacityPlan['emergency']>,
): readonly string[] {
  const { factor, mode, withoutEvidence, askForMs, unanswered, rolloutYoungerThanMs, maxDoublings } = emergency;
  const { maxHoldMs, remindEveryMs, holdDownMs, cooldownMs, budget, fromZero } = emergency;
  const asks = `a person is asked for ${formatDuration(askForMs)}, and without an answer it ${unanswered === 'goOn' ? 'goes on' : 'stops'}`;
  return [
    `emergency scale-up of ${workload} on ${cluster} for ${event.name}`,
    `  at once   × ${factor}, ${mode === 'freeze' ? 'no scale-in, scale-out alive' : 'exactly so many: no scale-in, no scale-out'}${maxDoublings > 1 ? `; again while it is saturated, ${maxDoublings} times in all` : ''}`,
    `  evidence  ${withoutEvidence === 'goOn' ? 'is shown, and decides nothing' : `is needed where an alert starts it, else ${asks}`}; a rollout of the last ${formatDuration(rolloutYoungerThanMs)} counts against it`,
    `  at most   ${formatDuration(maxHoldMs)}, then the freeze ends whatever the load is; a reminder every ${formatDuration(remindEveryMs)}`,
    `  alerts    act after ${formatDuration(holdDownMs)}, the same firing not again within ${formatDuration(cooldownMs)}, at most ${budget.perHour} runs an hour and ${budget.perDay} a day`,
    ...(fromZero ? ['  from 0    it is brought to its minimum'] : []),
  ];
}

function heldBaseText({ baseHeld }: CapacityPlan['target']): string {
  if (baseHeld === null) return '';
  const { beforeHold, recommended } = baseHeld;
  return `: ${beforeHold} before others claimed, ${recommended === null ? 'no word from the autoscaler' : `${recommended} by the autoscaler's metrics`}`;
}

export function runText(view: RunView): string {
  const { status } = view;
  return [
    `${view.id}  ${stateWord(view)}`,
    ...(status === null ? ['  (worker not answering: this is what Temporal knows)'] : statusLines(status)),
    ...view.pending.map(
      ({ activity, attempt, lastFailure }) =>
        `  waiting   ${activity}, attempt ${attempt}${lastFailure === null ? '' : `: ${lastFailure}`}`,
    ),
    ...(view.result === null ? [] : resultLines(view.result)),
  ].join('\n');
}

function stateWord({ state, result }: RunView): string {
  return result === null ? state.toLowerCase() : result.outcome;
}

function statusLines(status: RunStatus): readonly string[] {
  const { next, available, approval, suspended, question } = status;
  return [
    `  ${subjectWord(status)} ${status.subject}, asked for by ${status.requestedBy}${status.trigger === undefined ? '' : ` (${status.trigger})`}`,
    eventLine(status),
    ...(status.alerts === undefined ? [] : [alertsLine(status.alerts)]),
    `  phase     ${status.phase} since ${time(status.sinceMs)}`,
    ...(suspended === null ? [] : [`  suspended by ${suspended.by} since ${time(suspended.atMs)}`]),
    ...(approval === null ? [] : [approvalLine(status.requestedBy, approval)]),
    ...(question === null
      ? []
      : [`  QUESTION  ${question.what}`, ...question.reasons.map((one) => `            - ${one}`)]),
    ...(status.phase === 'done' ? [] : [`  next      ${next.what}${next.atMs === null ? '' : `, ${time(next.atMs)}`}`]),
    ...askedLine(status),
    ...nodeLines(status),
    ...drainLines(status),
    ...(available === null
      ? []
      : [
          `  available ${available.replicas}${available.kind === 'short' ? `, short: ${available.reasons.join('; ')}` : ''}`,
        ]),
    ...(status.plan?.conflict === undefined ? [] : [`  CONFLICT  ${status.plan.conflict.reason}`]),
    ...(status.phase === 'done' ? [] : (status.configuration?.differences ?? [])).map((line) => `  change    ${line}`),
    ...((status.plan ?? status.configuration ?? status.addition ?? status.drain?.plan)?.warnings ?? []).map(
      (warning) => `  warning   ${warning}`,
    ),
    ...status.timeline.map(({ atMs, what }) => `  ${clock(atMs)}  ${what}`),
  ];
}

/** A run on nodes has no event: why it was asked for, and the end that is known. */
function eventLine(status: RunStatus): string {
  const { event, addition, drain, phase } = status;
  if (addition === undefined && drain === undefined)
    return `  event     ${event.name}, ${time(event.startMs)}${lastingOf(status)}`;
  return `  for       ${event.name}${phase === 'holding' ? `, until ${time(event.endMs)}` : ''}`;
}

function subjectWord({ addition, drain }: RunStatus): string {
  if (drain !== undefined) return 'nodes    ';
  return addition === undefined ? 'workload ' : 'group    ';
}

/** A change of a configuration may have no end. */
function lastingOf({ procedure, event: { startMs, endMs } }: RunStatus): string {
  if (procedure === 'configureAutoscaler' && endMs <= startMs) return '';
  return ` to ${time(endMs)}${procedure === 'preScale' ? '' : ' at the latest'}`;
}

/** A hold that freezes asks for no count: its claim is what there is to tell. */
function askedLine({ target, claim, plan }: RunStatus): readonly string[] {
  const state = claim === null ? '' : `, ${claim.state}${claim.reason === '' ? '' : ` (${claim.reason})`}`;
  if (target !== null) return [`  asked     ${target} replicas${state}`];
  return plan?.hold === undefined || claim === null ? [] : [`  asked     no scale-in${state}`];
}

function alertsLine({ firing, heard, resolved }: NonNullable<RunStatus['alerts']>): string {
  return `  alerts    ${heard} heard, ${resolved} of them over${firing.length === 0 ? '' : `; firing: ${firing.join(', ')}`}`;
}

function approvalLine(requestedBy: string, { state, planHash, untilMs, by, changes }: ApprovalView): string {
  const plan = planHash.slice(0, 8);
  if (state !== 'asked') return `  approval  ${state}${by === undefined ? '' : ` by ${by}`}, plan ${plan}`;
  const again = changes.length === 0 ? '' : `, again: ${changes.join('; ')}`;
  return `  APPROVAL  of plan ${plan} by somebody else than ${requestedBy}, until ${time(untilMs)}${again}`;
}

function resultLines(result: RunResult): readonly string[] {
  switch (result.outcome) {
    case 'planned':
      return ['  result    planned; nothing was touched'];
    case 'refused':
    case 'unapproved':
    case 'not needed':
    case 'missed':
      return [`  result    ${result.outcome}`, ...result.reasons.map((reason) => `            - ${reason}`)];
    case 'configured':
    case 'undone':
      return configurationResultLines(result);
    case 'added':
    case 'partly added':
    case 'not added':
      return additionResultLines(result);
    case 'drained':
    case 'removed':
    case 'partly removed':
    case 'not drained':
      return drainResultLines(result);
    case 'done':
    case 'short': {
      const { before, after } = result;
      return [
        `  result    ${result.outcome}: ${result.target === null ? 'no scale-in was' : `${result.target} replicas were`} asked for`,
        ...result.reasons.map((reason) => `            - ${reason}`),
        `  before    floor ${before.floor}${maximum(before.ceiling)}, ${before.replicas} replicas`,
        `  after     floor ${after.floor}${maximum(after.ceiling)}, ${after.replicas} replicas${result.restored ? ' (the owner’s values are back)' : `, still held by ${result.otherClaims} other claims`}`,
        ...result.drift.map((drift) => `  drift     ${drift}`),
      ];
    }
  }
}

export function ledgerText(view: LedgerView): string {
  const { standing } = view;
  return [
    `${view.workload}  ${standing === null || !standing.held ? 'nothing is held' : heldText(standing)}`,
    ...(standing?.contested === undefined ? [] : [`  contested   ${describeTaken(standing.contested)}`]),
    ...(standing?.unprotected === undefined ? [] : [`  not held    ${standing.unprotected.reason}`]),
    ...(standing?.conflict === undefined ? [] : [`  conflict    ${standing.conflict}`]),
    ...(standing?.waitingFor === undefined ? [] : [`  waiting for ${standing.waitingFor}`]),
    ...(view.trouble === null ? [] : [`  trouble     ${view.trouble}`]),
    ...(standing?.drift ?? []).map(
      ({ field, ours, found, by }) =>
        `  drift       ${field} is ${JSON.stringify(found)}, not our ${JSON.stringify(ours)}: ${by ?? 'somebody else'} set it`,
    ),
    ...view.claims.map((claim) => `  claim       ${claim.id.split('/')[0]}  ${describeClaim(claim)}  ${claim.reason}`),
  ].join('\n');
}

function heldText({ floor, baselineFloor, ceiling, frozen }: NonNullable<LedgerView['standing']>): string {
  return `floor ${floor} of a baseline of ${baselineFloor}${maximum(ceiling ?? null)}${frozen === true ? ', scale-in frozen' : ''}`;
}

function maximum(ceiling: number | null): string {
  return ceiling === null ? '' : `, maximum ${ceiling}`;
}
function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}
