import { planCapacity } from '../domain/capacity-plan.ts';
import { planIntent } from '../domain/plan-intent.ts';
import { readEmergencyRequest } from '../domain/emergency-request.ts';
import type { EmergencyRequest } from '../domain/emergency.ts';
import type { ResolvedSteps } from '../domain/policy.ts';
import type { RunResult } from '../domain/procedures.ts';
import { decideStep, stepsFiring } from '../domain/step-scale.ts';
import { announce } from './announce.ts';
import { openAlerts, refused, type Alerts } from './alerts.ts';
import { conclude } from './conclude.ts';
import { coolDown } from './cool-down.ts';
import { startEventClock } from './event-clock.ts';
import { holdSteps } from './hold-steps.ts';
import { holdThrough } from './hold-through.ts';
import type { Planned } from './make-plan.ts';
import { openRun, type Run } from './run.ts';
import { openSteering, type Steering } from './steering.ts';
import { reckoning } from './stubs.ts';
import { surveyNow } from './survey-now.ts';

/** Who asks for steps, and of which workload; what fires is told by alerts. */
export type StepRequest = Pick<EmergencyRequest, 'workload' | 'requestedBy' | 'trigger'>;

/**
 * The runbook's trigger table: while an alert fires, pods are added, each trigger again after its cooldown; low load takes back
 * what was added, one step at a time. One run for each workload, whose claim grows and shrinks.
 */
export async function stepScale(input: StepRequest): Promise<RunResult> {
  const { request, faults } = readEmergencyRequest(input);
  const { workload, requestedBy, trigger } = request;
  const event = { name: trigger ?? 'steps', startMs: Date.now(), endMs: Date.now() };
  const opening = { procedure: 'stepScale', subject: workload, event, requestedBy } as const;
  const run = openRun({ ...opening, ...(trigger !== undefined && { trigger }) });
  const steering = openSteering(run);
  const alerts = openAlerts(run);
  return conclude(run, async () => {
    try {
      if (faults.length > 0) return refused(alerts, faults);
      return await follow({ run, steering, alerts }, workload);
    } finally {
      alerts.close();
    }
  });
}

interface Parts {
  readonly run: Run;
  readonly steering: Steering;
  readonly alerts: Alerts;
}

async function follow(parts: Parts, workload: string): Promise<RunResult> {
  const { run, steering, alerts } = parts;
  announce(run);
  const resolved = await reckoning.resolveStepPolicy.executeWithOptions({ summary: `steps of ${workload}` }, [
    workload,
  ]);
  if ('known' in resolved)
    return refused(alerts, [`workload ${workload} is not in headroom.yaml; known are ${resolved.known.join(', ')}`]);
  const startMs = Date.now();
  run.update({ event: { ...run.status().event, startMs, endMs: startMs + resolved.maxHoldMs } });
  const firing = stepsFiring(resolved.steps, alerts.firingNames());
  const first = decideStep({
    firing,
    steppedAtMs: {},
    floor: 0,
    base: 0,
    replicas: 0,
    limit: Number.MAX_SAFE_INTEGER,
    nowMs: 0,
  });
  if (first.kind !== 'step') {
    const reason = 'nothing was added by steps, so there is nothing to take back';
    alerts.suppress(reason);
    return { outcome: 'not needed', reasons: [reason] };
  }
  const planned = await planStep(parts, resolved, first.floor);
  if (planned.kind === 'refuse') return refused(alerts, planned.reasons);
  alerts.open();
  startEventClock(run);
  const holdUntilHome = holdSteps({ alerts, resolved, first: first.triggers, base: planned.base });
  const result = await holdThrough({ run, steering, planned, holdUntilHome });
  await coolDown(parts, resolved.minCooldownMs);
  return result;
}

async function planStep({ run }: Parts, resolved: ResolvedSteps, pods: number) {
  const { policy } = resolved;
  const survey = await surveyNow(policy);
  const { event, subject: workload } = run.status();
  const target = { kind: 'added', pods } as const;
  const request = { workload, event, target };
  const decision = planCapacity({
    procedure: 'stepScale',
    request,
    leadMs: 0,
    policy,
    survey,
    faults: [],
    warnings: [],
  });
  if (decision.kind === 'refuse') return decision;
  if (survey.kind === 'missing') return { kind: 'refuse', reasons: [survey.reason] } as const;
  const { plan } = decision;
  const intent = planIntent(request, plan);
  const hash = await reckoning.hashIntent.executeWithOptions({ summary: 'fingerprint of the plan' }, [intent]);
  run.update({ plan, planHash: hash });
  const planned: Planned = { kind: 'plan', plan, intent, hash, policy, state: survey.state };
  return { ...planned, base: plan.target.base ?? plan.target.replicas };
}
