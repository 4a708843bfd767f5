import { ActivityFailure } from '@temporalio/common';
import { allHandlersFinished, CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import {
  intentOf,
  planConfiguration,
  type ConfigurationPlan,
  type ConfigurationRequest,
} from '../domain/configuration.ts';
import { readConfigurationRequest } from '../domain/configuration-request.ts';
import { VERIFIED_WITHIN_MS } from '../domain/configuration-verdict.ts';
import { refOf } from '../domain/policy.ts';
import type { RunResult } from '../domain/procedures.ts';
import type { WorkloadRef } from '../domain/workload.ts';
import { announce } from './announce.ts';
import { conclude } from './conclude.ts';
import { openRun, type Run } from './run.ts';
import { openEnd, type End } from './steer-end.ts';
import { givingBack, reading, reckoning, setting, watching } from './stubs.ts';
import { reasonOf } from './tell-owners.ts';
import { unless } from './unless.ts';

/**
 * Sets what governs a workload as headroom.yaml describes it, or calms its scale-in: in one write, looked at until it is
 * seen to work, and taken back exactly where it does not, at its end, and when the run is cancelled.
 */
export async function configureAutoscaler(input: ConfigurationRequest): Promise<RunResult> {
  const { request, faults } = readConfigurationRequest(input);
  const { workload, what, forMs = 0, requestedBy } = request;
  const { reason = what === 'calm' ? 'a calmer autoscaler' : 'autoscaler configuration' } = request;
  // from the start of the run, so that a worker that comes late does not move the end
  const startMs = workflowInfo().startTime.getTime();
  const event = { name: reason, startMs, endMs: startMs + forMs };
  const run = openRun({ procedure: 'configureAutoscaler', subject: workload, event, requestedBy });
  const end = openEnd(run);
  return conclude(run, () =>
    faults.length > 0 ? Promise.resolve({ outcome: 'refused', reasons: faults }) : follow({ run, end }, request),
  );
}

interface Parts {
  readonly run: Run;
  readonly end: End;
}

async function follow({ run, end }: Parts, request: ConfigurationRequest): Promise<RunResult> {
  announce(run);
  const planned = await planNow(run, request);
  if (planned.kind === 'refuse') return { outcome: 'refused', reasons: planned.reasons };
  if (planned.kind === 'not needed') return { outcome: 'not needed', reasons: planned.reasons };
  const { plan, hash, ref } = planned;
  if (request.planOnly === true) return { outcome: 'planned', plan, planHash: hash };
  return carryOut({ run, end }, { plan, ref });
}

async function planNow(run: Run, request: ConfigurationRequest) {
  const { workload, forMs } = request;
  const summary = `policy of ${workload}`;
  const resolved = await reckoning.resolveAutoscalerPolicy.executeWithOptions({ summary }, [workload]);
  if ('known' in resolved)
    return {
      kind: 'refuse',
      reasons: [`workload ${workload} is not in headroom.yaml; known are ${resolved.known.join(', ')}`],
    } as const;
  const ref = refOf(resolved.policy);
  const survey = await reading.surveyAutoscaler.executeWithOptions({ summary: `${workload} as it stands` }, [ref]);
  if (survey.kind === 'missing') return { kind: 'refuse', reasons: [survey.reason] } as const;
  const untilMs = forMs === undefined ? null : run.status().event.endMs;
  const decision = planConfiguration({ request, resolved, facts: survey.facts, untilMs });
  if (decision.kind !== 'plan') return decision;
  const { plan } = decision;
  const hash = await reckoning.hashIntent.executeWithOptions({ summary: 'fingerprint of the plan' }, [intentOf(plan)]);
  run.update({ configuration: plan, planHash: hash });
  return { kind: 'plan', plan, hash, ref } as const;
}

interface Change {
  readonly plan: ConfigurationPlan;
  readonly ref: WorkloadRef;
}

/** From the write to its end: the one place that undoes, where it did not work, at its date, and for a run that is cancelled. */
async function carryOut({ run, end }: Parts, { plan, ref }: Change): Promise<RunResult> {
  let stays = false;
  let left: readonly string[] = [];
  const done = (outcome: 'configured' | 'undone', reasons: readonly string[]): RunResult => ({
    outcome,
    reasons,
    changes: plan.differences,
    restored: !stays && left.length === 0,
    drift: left,
    timeline: run.status().timeline,
  });
  let reasons: readonly string[] | undefined;
  try {
    run.enter('configuring', { what: 'write the settings, and see that they work', atMs: null });
    const written = await setting.writeSettings.executeWithOptions(
      { summary: `${plan.changes.map(({ key }) => key).join(', ')} of ${plan.governor.name}` },
      [{ ref, plan }],
    );
    // an attempt before the one that was refused may have written, and its answer been lost: so this gives back too
    if (written.kind === 'refused') return { outcome: 'refused', reasons: written.reasons };
    run.say(`the new settings are written to ${plan.governor.name}`);
    reasons = await verify({ run, end }, { plan, ref });
    stays = reasons === undefined && plan.untilMs === null;
    if (reasons === undefined && !stays) await holdToTheEnd(run, end);
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) run.say('cancelled');
    if (CancellationScope.current().consideredCancelled || !(error instanceof ActivityFailure)) throw error;
    reasons = [reasonOf(error)];
  } finally {
    if (!stays) left = await CancellationScope.nonCancellable(() => giveBack(run, { plan, ref }));
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    run.enter('done', { what: 'nothing', atMs: null });
  }
  return reasons === undefined ? done('configured', []) : done('undone', reasons);
}

/** Why the settings do not work; undefined when they do, or when somebody has ended them meanwhile. */
async function verify({ run, end }: Parts, change: Change): Promise<readonly string[] | undefined> {
  const writtenAtMs = Date.now();
  const deadlineMs = writtenAtMs + VERIFIED_WITHIN_MS;
  const summary = `whether ${change.plan.governor.name} works with its new settings`;
  const verdict = await unless(end.isEnded, () =>
    watching.awaitSettings.executeWithOptions({ summary }, [{ ...change, writtenAtMs, deadlineMs }]),
  );
  if (verdict?.kind === 'not verified') {
    run.say(`it does not work: ${verdict.reasons.join('; ')}`);
    return verdict.reasons;
  }
  if (verdict !== undefined) run.say('verified: the settings stand, and the autoscaler works with them');
  return undefined;
}

async function holdToTheEnd(run: Run, end: End): Promise<void> {
  while (!end.isOver()) {
    const { endMs } = run.status().event;
    run.enter('holding', { what: 'the old settings come back', atMs: endMs });
    const moved = () => end.isOver() || run.status().event.endMs !== endMs;
    await condition(moved, Math.max(1, endMs - Date.now()), { summary: 'until the old settings come back' });
  }
}

async function giveBack(run: Run, change: Change): Promise<readonly string[]> {
  run.enter('winding down', { what: 'give the old settings back', atMs: null });
  const summary = `the old settings of ${change.plan.governor.name} come back`;
  const { left } = await givingBack.restoreSettings.executeWithOptions({ summary }, [change]);
  run.say(
    left.length === 0 ? 'the old settings are back' : `back, but for what somebody else has set: ${left.join('; ')}`,
  );
  return left;
}
