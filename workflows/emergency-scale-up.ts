import { CancellationScope, condition } from '@temporalio/workflow';
import { formatDuration } from '../domain/duration.ts';
import { budgetFaults, planEmergency, type EmergencyLook, type EmergencyRequest } from '../domain/emergency.ts';
import { readEmergencyRequest } from '../domain/emergency-request.ts';
import type { PlanIntent } from '../domain/approval.ts';
import { planIntent } from '../domain/plan-intent.ts';
import type { Survey } from '../domain/capacity-plan.ts';
import type { ResolvedEmergency } from '../domain/policy.ts';
import type { RunResult } from '../domain/procedures.ts';
import { announce } from './announce.ts';
import { openAlerts, refused, type Alerts } from './alerts.ts';
import { openApproval, outgrowsCapacity, type Approval } from './approval.ts';
import { conclude } from './conclude.ts';
import { coolDown } from './cool-down.ts';
import { startEventClock } from './event-clock.ts';
import { firstOr } from './first-or.ts';
import { holdEmergency } from './hold-emergency.ts';
import { holdThrough } from './hold-through.ts';
import type { Planned } from './make-plan.ts';
import { openRun, type Run } from './run.ts';
import { openSteering, type Steering } from './steering.ts';
import { reading, reckoning, urgently } from './stubs.ts';
import { surveyNow, surveyPatiently } from './survey-now.ts';

/** The webhook and Alertmanager have tried again by then. */
const ALERT_WITHIN_MS = 30_000;

/**
 * Capacity at once, scale-in stopped while it burns, and given back when the load has gone; the freeze ends in any case.
 * One run for each workload: further alerts join it.
 */
export async function emergencyScaleUp(input: EmergencyRequest): Promise<RunResult> {
  const { request, faults } = readEmergencyRequest(input);
  const { workload, requestedBy, trigger } = request;
  const event = { name: request.reason ?? trigger ?? 'emergency', startMs: Date.now(), endMs: Date.now() };
  const opening = { procedure: 'emergencyScaleUp', subject: workload, event, requestedBy } as const;
  const run = openRun({ ...opening, ...(trigger !== undefined && { trigger }) });
  const steering = openSteering(run);
  const approval = openApproval(run, steering, outgrowsCapacity);
  const alerts = openAlerts(run);
  return conclude(run, async () => {
    try {
      if (faults.length > 0) return refused(alerts, faults);
      return await follow({ run, steering, approval, alerts }, request);
    } finally {
      alerts.close();
    }
  });
}

/** After this another look is taken before anything is decided. */
const STALE_AFTER_MS = 1_000;

/** What was seen first, and when. */
interface Look extends EmergencyLook {
  readonly counts: boolean;
  readonly atMs: number;
}

type PlannedEmergency = Omit<Planned, 'hash'> & { readonly hashing: Promise<string> };

interface Parts {
  readonly run: Run;
  readonly steering: Steering;
  readonly approval: Approval;
  readonly alerts: Alerts;
}

async function follow(parts: Parts, request: EmergencyRequest): Promise<RunResult> {
  const { run, steering, alerts } = parts;
  const { workload } = request;
  announce(run);
  const isByAlert = request.trigger !== undefined && request.planOnly !== true;
  const look = await lookFirst(workload, { counts: isByAlert });
  if ('known' in look)
    return refused(alerts, [`workload ${workload} is not in headroom.yaml; known are ${look.known.join(', ')}`]);
  const { resolved } = look;
  const { emergency } = resolved;
  const endMs = () => Math.max(run.status().event.endMs, Date.now() + emergency.maxHoldMs);
  run.update({ event: { ...run.status().event, endMs: endMs() } });
  if (isByAlert && !(await isStillFiring(parts, resolved))) return notNeeded(alerts);
  await untilResumed(parts);
  run.update({ event: { ...run.status().event, startMs: Date.now(), endMs: endMs() } });
  if (request.planOnly !== true) startEventClock(run);
  const planned = await planUntilAgreed(parts, request, look);
  if (planned.kind === 'ended') return planned.result;
  run.update({ holdsBy: planned.plan.emergency?.mode === 'pause' ? 'pin' : 'freeze' });
  if (planned.plan.conflict !== undefined) run.say(planned.plan.conflict.reason);
  const factor = planned.plan.emergency?.factor ?? emergency.factor;
  const holdUntilHome = holdEmergency({ alerts, resolved, factor });
  try {
    return await holdThrough({ run, steering, planned, holdUntilHome });
  } finally {
    // who cancelled it does not want the same alert to start it again either
    await CancellationScope.nonCancellable(() => coolDown(parts, emergency.cooldownMs));
  }
}

/** Whatever waits for a person is followed by another look: the count that is multiplied is the one of now. */
async function planUntilAgreed(
  parts: Parts,
  request: EmergencyRequest,
  look: Look,
): Promise<PlannedEmergency | { readonly kind: 'ended'; readonly result: RunResult }> {
  const { run, approval, alerts } = parts;
  const { resolved } = look;
  let isWaived = false;
  for (;;) {
    const planned = await planNow(parts, request, look);
    if (planned.kind === 'refuse') return { kind: 'ended', result: refused(alerts, planned.reasons) };
    const { plan, intent } = planned;
    if (request.planOnly === true)
      return { kind: 'ended', result: { outcome: 'planned', plan, planHash: await planned.hashing } };
    alerts.open();
    if (isWaived) return planned;
    const asked = await whetherToAsk(run, planned, resolved);
    const question = asked && { ...asked, intent, planHash: await planned.hashing };
    const askedAtMs = Date.now();
    const unapproved = question && (await approval.obtain(question));
    if (unapproved !== undefined) {
      await coolDown(parts, resolved.emergency.cooldownMs);
      return { kind: 'ended', result: unapproved };
    }
    await untilResumed(parts);
    if (Date.now() === askedAtMs) return planned;
    const isApproved = run.status().approval?.state === 'given';
    if (alerts.heardAny() && !alerts.anyFiring() && !isApproved) return { kind: 'ended', result: notNeeded(alerts) };
    isWaived = run.status().approval?.state === 'expired';
  }
}

function notNeeded(alerts: Alerts): RunResult {
  const reason = 'its alerts were over before anything was asked for';
  alerts.suppress(reason);
  return { outcome: 'not needed', reasons: [reason] };
}

/** The step that comes next waits; what is claimed stays. */
async function untilResumed({ run, steering }: Parts): Promise<void> {
  if (!steering.isSuspended()) return;
  run.update({ next: { what: 'ask for the capacity, when somebody resumes the run', atMs: null } });
  await condition(() => !steering.isSuspended() || steering.isOver());
}

/** An alert that goes by itself in the policy's time was none; an operator's word needs no time. */
async function isStillFiring({ run, alerts }: Parts, { emergency }: ResolvedEmergency): Promise<boolean> {
  // the start can come through and the alert be lost; whoever told it tells it again
  if (!alerts.heardAny())
    await condition(alerts.heardAny, ALERT_WITHIN_MS, { summary: 'for the alert that started it' });
  for (;;) {
    if (!alerts.anyFiring()) return false;
    // a sender whose clock is ahead must not make an emergency wait for it
    const dueMs = Math.min(alerts.firingSinceMs(), Date.now()) + emergency.holdDownMs;
    const leftMs = dueMs - Date.now();
    if (leftMs <= 0) return true;
    alerts.open();
    run.enter('sleeping', { what: 'ask for the capacity, unless the alert is over by then', atMs: dueMs });
    const { changes } = alerts;
    const before = changes();
    await condition(() => changes() !== before, leftMs, {
      summary: `whether it fires for ${formatDuration(emergency.holdDownMs)}`,
    });
  }
}

/** All at once, in this workflow task where the cluster answers at once. */
async function lookFirst(
  workload: string,
  { counts }: { readonly counts: boolean },
): Promise<Look | { readonly known: readonly string[] }> {
  const look = await firstOr(
    () =>
      urgently.lookAtEmergency.executeWithOptions({ summary: `policy, count and budget of ${workload}` }, [
        { workload, counts },
      ]),
    async () => {
      const resolved = await reckoning.resolveEmergencyPolicy.executeWithOptions({ summary: `policy of ${workload}` }, [
        workload,
      ]);
      return 'known' in resolved ? resolved : { resolved, survey: null, started: null };
    },
  );
  return 'known' in look ? look : { ...look, counts, atMs: Date.now() };
}

/** Decides once on what stands: a retry must not multiply what it has multiplied (R27). */
async function planNow(
  { run, alerts }: Parts,
  request: EmergencyRequest,
  look: Look,
): Promise<PlannedEmergency | { readonly kind: 'refuse'; readonly reasons: readonly string[] }> {
  const { policy, emergency } = look.resolved;
  const survey = await surveyAfter(look, () => alerts.open());
  if (look.counts && look.started === null)
    run.say('how often alerts did this before could not be counted: it goes on');
  const spent = budgetFaults(request.workload, look.started, emergency.budget);
  const decision = planEmergency({ request, resolved: look.resolved, survey, event: run.status().event });
  const reasons = [...spent, ...(decision.kind === 'refuse' ? decision.reasons : [])];
  if (decision.kind === 'refuse' || survey.kind === 'missing' || spent.length > 0) return { kind: 'refuse', reasons };
  const { plan } = decision;
  const factor = plan.emergency?.factor ?? emergency.factor;
  const intent = planIntent({ target: { kind: 'factor', factor } }, plan);
  run.update({ plan });
  return { kind: 'plan', plan, intent, hashing: fingerprint(run, intent), policy, state: survey.state };
}

/** What the first look saw, while it is new. */
async function surveyAfter({ resolved: { policy }, survey, atMs }: Look, onSlow: () => void): Promise<Survey> {
  if (Date.now() - atMs >= STALE_AFTER_MS) return surveyNow(policy, onSlow);
  if (survey !== null) return survey;
  onSlow();
  return surveyPatiently(policy);
}

/** The claim does not wait for it, only an approval does. */
function fingerprint(run: Run, intent: PlanIntent): Promise<string> {
  const hashing = reckoning.hashIntent.executeWithOptions({ summary: 'fingerprint of the plan' }, [intent]);
  hashing.then((planHash) => run.update({ planHash })).catch(() => undefined);
  return hashing;
}

/**
 * Undefined: nothing is asked. An operator has decided already; where policy asks without evidence, it is read first; else it is
 * read while the pods start (hold-emergency.ts).
 */
async function whetherToAsk(run: Run, { plan }: PlannedEmergency, resolved: ResolvedEmergency) {
  if (plan.approval.rule === 'always') return { rule: plan.approval };
  const isOperators = run.status().trigger === undefined;
  if (resolved.emergency.withoutEvidence === 'goOn' || isOperators) return undefined;
  const evidence = await reading.readEvidence.executeWithOptions({ summary: 'whether pods are what is missing' }, [
    resolved,
  ]);
  run.update({ evidence });
  if (evidence.kind === 'saturated') return undefined;
  const { askForMs, unanswered } = resolved.emergency;
  run.say(`nothing shows that pods are what is missing: ${evidence.reasons.join('; ')}`);
  return { rule: { rule: 'always', expiresAfterMs: askForMs } as const, unanswered };
}
