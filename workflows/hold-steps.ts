import { CancellationScope, condition } from '@temporalio/workflow';
import type { ResolvedSteps } from '../domain/policy.ts';
import { decideStep, stepsFiring } from '../domain/step-scale.ts';
import { findGovernor, type WorkloadState } from '../domain/workload.ts';
import type { Alerts } from './alerts.ts';
import { isSeenToStand, makeSure } from './availability.ts';
import { openClaimKeeper } from './claim-keeper.ts';
import { watching } from './stubs.ts';
import { surveyNow } from './survey-now.ts';
import { unless } from './unless.ts';
import { windDown, type Holding, type Home } from './wind-down.ts';

interface Steps {
  readonly alerts: Alerts;
  readonly resolved: ResolvedSteps;
  /** The triggers of the step that the plan is about. */
  readonly first: readonly string[];
  /** The count before the first step. */
  readonly base: number;
}

/**
 * Holds what was added, adds while alerts fire, and takes back while the load is low. Over when nothing of it is left, when
 * all load is quiet, or after the longest hold; an alert that asks for more during the wind-down ends that.
 */
export function holdSteps(steps: Steps) {
  return async (holding: Holding): Promise<Home> => {
    const { run, steering } = holding;
    const { alerts, base } = steps;
    const progress: Progress = { stepping: steps.first, steppedAtMs: {} };
    for (;;) {
      await holdAdded(holding, steps, progress);
      const isFinal = steering.isOver();
      if (isFinal) alerts.leave();
      const calledBack = () => (asksForMore(steps) ? 'an alert asks for more' : undefined);
      const home = await windDown(holding, { watchesLoad: false, ...(!isFinal && { calledBack }) });
      if (home !== undefined) return home;
      run.update({ target: base, claim: null });
    }
  };
}

/** What a run of steps remembers through its wind-downs. */
interface Progress {
  /** The triggers of the step that was claimed last and not looked for yet. */
  stepping: readonly string[];
  steppedAtMs: Readonly<Record<string, number>>;
}

function asksForMore({ alerts, resolved }: Steps): boolean {
  return stepsFiring(resolved.steps, alerts.firingNames()).some(({ pods }) => pods > 0);
}

async function holdAdded(holding: Holding, steps: Steps, progress: Progress): Promise<void> {
  const { run, steering, policy } = holding;
  const { alerts, resolved, base } = steps;
  const { max: limit } = policy.workload.limits;
  const keeper = openClaimKeeper(run);
  let isFull = false;
  try {
    await stepAlong();
  } finally {
    await keeper.stop();
  }

  async function stepAlong(): Promise<void> {
    while (!steering.isOver()) {
      const floor = run.status().target ?? base;
      if (progress.stepping.length > 0) {
        await makeSure(holding, floor);
        progress.steppedAtMs = { ...progress.steppedAtMs, ...timesOf(progress.stepping) };
        progress.stepping = [];
        if (!isSeenToStand(run)) keeper.start();
      }
      await untilResumed(holding);
      const firing = stepsFiring(resolved.steps, alerts.firingNames());
      const facts = { firing, steppedAtMs: progress.steppedAtMs, floor, base, limit };
      const isDue = decideStep({ ...facts, replicas: floor, nowMs: Date.now() }).kind !== 'wait';
      const survey = isDue ? await surveyNow(policy) : undefined;
      const replicas = survey?.kind === 'found' ? survey.state.wantedReplicas : floor;
      const decision = decideStep({ ...facts, replicas, nowMs: Date.now() });
      if (decision.kind === 'wait') {
        // called back by an alert that was over before its step: nothing is held. One that cools down is waited for
        if (floor <= base && !asksForMore(steps)) return;
        if (await isQuietBefore(holding, steps, decision.untilMs)) return;
        continue;
      }
      const names = decision.triggers.join(', ');
      if (decision.kind === 'full') {
        if (!isFull) run.say(`${names}: the limit of ${limit} is reached`);
        isFull = true;
        progress.steppedAtMs = { ...progress.steppedAtMs, ...timesOf(decision.triggers) };
        continue;
      }
      isFull = false;
      progress.stepping = decision.triggers;
      await keeper.stop();
      if (decision.floor <= base) {
        run.say(`${names}: all that was added is taken back`);
        return;
      }
      run.say(`${names}: from ${floor} to ${decision.floor}${doingOf(survey)}`);
      await run.claim(decision.floor);
    }
  }
}

function timesOf(triggers: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(triggers.map((trigger) => [trigger, Date.now()]));
}

async function untilResumed({ run, steering }: Holding): Promise<void> {
  if (!steering.isSuspended()) return;
  run.update({ next: { what: 'the next step, when somebody resumes the run', atMs: null } });
  await condition(() => !steering.isSuspended() || steering.isOver());
}

/** Until the next cooldown is over, or anything is news; true when the load is quiet before that. */
async function isQuietBefore(
  { run, steering, policy, baselinePods }: Holding,
  steps: Steps,
  untilMs: number | null,
): Promise<boolean> {
  const { status } = run;
  const { alerts } = steps;
  const before = { changes: alerts.changes(), target: status().target, endMs: status().event.endMs };
  let isDue = false;
  const clock = new CancellationScope();
  if (untilMs !== null)
    clock
      .run(() => condition(() => false, Math.max(1, untilMs - Date.now()), { summary: 'until the cooldown is over' }))
      .then(() => (isDue = true))
      .catch(() => undefined);
  const what = untilMs === null ? 'let go when the load is low' : 'the next step, if its alert still fires';
  run.enter('holding', { what, atMs: untilMs ?? status().event.endMs });
  const changed = () =>
    isDue ||
    steering.isOver() ||
    alerts.changes() !== before.changes ||
    status().target !== before.target ||
    status().event.endMs !== before.endMs;
  const sinceMs = status().event.startMs;
  // what asks for more is not quiet, whatever its metrics say
  if (asksForMore(steps)) {
    await condition(changed);
    clock.cancel();
    return false;
  }
  const report = await unless(changed, () =>
    watching.awaitQuiet.executeWithOptions({ summary: 'until the load is low' }, [{ policy, sinceMs, baselinePods }]),
  );
  clock.cancel();
  return report?.kind === 'quiet' && !steering.isSuspended();
}

/** What an autoscaler would do by itself: steps hold a floor, and no more. */
function doingOf(
  survey: { readonly kind: 'found'; readonly state: WorkloadState } | { readonly kind: 'missing' } | undefined,
): string {
  if (survey?.kind !== 'found') return '';
  const governance = findGovernor(survey.state);
  const recommended = governance.kind === 'governed' ? governance.governor.autoscaler?.recommended : undefined;
  return recommended === undefined ? '' : `; the autoscaler asks for ${recommended} by its own metrics`;
}
