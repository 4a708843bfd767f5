import type { ConfigurationFacts, ConfigurationPlan } from '../domain/configuration.ts';
import { settingsFaults, SETTLES_MS } from '../domain/configuration-verdict.ts';
import { sameJson } from '../domain/json.ts';
import { putBack, type Spec } from '../domain/settings.ts';
import { contestedSettings, missingSettings, ownersSpec, settingsChange } from '../domain/settings-hold.ts';
import { describeGovernor, type Governor, type WorkloadRef } from '../domain/workload.ts';
import { currentCall } from './call.ts';
import { failure, isFinal, lasting, messageOf } from './failure.ts';
import type { Ports } from './ports.ts';

/** A change that is to be made, looked at or taken back. */
export interface SettingsRequest {
  readonly ref: WorkloadRef;
  readonly plan: ConfigurationPlan;
}
export type ConfigurationSurvey =
  | { readonly kind: 'found'; readonly facts: ConfigurationFacts }
  | { readonly kind: 'missing'; readonly reason: string };

export type Written = { readonly kind: 'written' } | { readonly kind: 'refused'; readonly reasons: readonly string[] };

/** Somebody else's write in between, and a look whether new settings are seen to work. */
const RACED_PAUSE_MS = 200;
const LOOK_MS = 1_000;
const UNDO_PAUSE_MS = 5_000;

export function createConfigurationActivities({ workloads }: Pick<Ports, 'workloads'>) {
  /** The workload and its autoscalers with their specs; what is missing or not permitted is a reason to refuse. */
  async function surveyAutoscaler(ref: WorkloadRef): Promise<ConfigurationSurvey> {
    try {
      return { kind: 'found', facts: await read(ref) };
    } catch (error) {
      if (isFinal(error)) return { kind: 'missing', reason: error.message };
      throw error;
    }
  }

  /** What the API server itself refuses is a refusal too. */
  async function writeSettings(request: SettingsRequest): Promise<Written> {
    try {
      return await writeOnce(request);
    } catch (error) {
      if (isFinal(error)) return { kind: 'refused', reasons: [messageOf(error)] };
      throw error;
    }
  }

  /**
   * One guarded write of all changes. Safe to repeat: what stands there already is not written again, and what is neither
   * as it was nor as it is to be is nobody's to overwrite.
   */
  async function writeOnce({ ref, plan }: SettingsRequest): Promise<Written> {
    const found = find(plan, await read(ref));
    if (found === undefined) return { kind: 'refused', reasons: [gone(plan)] };
    const { governor, spec, owners } = found;
    const missing = missingSettings(owners, plan.changes);
    const moved = missing.filter(({ key, was }) => !sameJson(owners[key], was));
    const reasons = [
      ...moved.map(({ key }) => `${key} of ${plan.governor.name} was changed since the plan was made`),
      ...(governor.ignored ? ['headroom.dev/ignore=true is set by now'] : []),
      ...contestedSettings(governor, missing),
    ];
    if (reasons.length > 0) return { kind: 'refused', reasons };
    if (missing.length > 0) await change(governor, spec, missing);
    return { kind: 'written' };
  }

  /** Waits until the settings are seen to work, an attempt a look; at the deadline answers with what speaks against them. */
  async function awaitSettings({
    ref,
    plan,
    writtenAtMs,
    deadlineMs,
  }: SettingsRequest & { readonly writtenAtMs: number; readonly deadlineMs: number }): Promise<
    { readonly kind: 'verified' } | { readonly kind: 'not verified'; readonly reasons: readonly string[] }
  > {
    const isLate = Date.now() >= deadlineMs;
    try {
      const faults = settingsFaults(plan, await read(ref));
      const isSettled = Date.now() >= writtenAtMs + SETTLES_MS;
      if (faults.length === 0 && isSettled) return { kind: 'verified' };
      if (isLate) return { kind: 'not verified', reasons: faults };
      const reason =
        faults.length === 0 ? 'the settings stand; what the autoscaler makes of them is awaited' : faults.join('; ');
      throw failure('notReady', reason, { retryAfterMs: LOOK_MS });
    } catch (error) {
      if (isLate && !currentCall().signal.aborted) return { kind: 'not verified', reasons: [messageOf(error)] };
      throw lasting(error, LOOK_MS);
    }
  }

  /**
   * One guarded write that gives every value back which still is as it was set. Safe to repeat: what is back already is so,
   * and what was never written is as it was. Answers what somebody else has set meanwhile, which stays.
   */
  async function restoreSettings({ ref, plan }: SettingsRequest): Promise<{ readonly left: readonly string[] }> {
    try {
      const found = find(plan, await read(ref));
      if (found === undefined) return { left: [gone(plan)] };
      const { governor, spec, owners } = found;
      const { changes, left } = putBack(owners, plan.changes);
      if (changes.length > 0 && governor.ignored)
        throw failure('notReady', 'headroom.dev/ignore=true is set; remove the annotation to let headroom give back');
      const contested = contestedSettings(governor, changes);
      const free = changes.filter((one) => contestedSettings(governor, [one]).length === 0);
      if (free.length > 0) await change(governor, spec, free);
      return { left: [...left, ...contested] };
    } catch (error) {
      if (isFinal(error) && error.type === 'targetNotFound') return { left: [messageOf(error)] };
      throw lasting(error, UNDO_PAUSE_MS);
    }
  }

  async function read(ref: WorkloadRef): Promise<ConfigurationFacts> {
    const call = currentCall();
    const [state, autoscalers] = await Promise.all([
      workloads.readWorkload(ref, call),
      workloads.readAutoscalers(ref.namespace, call),
    ]);
    const own = state.autoscalers.map(({ uid }) => uid);
    const names = state.autoscalers.filter(({ kind }) => kind === 'scaledObject').map(({ name }) => name);
    return {
      state,
      autoscalers: autoscalers.filter(
        ({ uid, madeFor }) => own.includes(uid) || (madeFor !== undefined && names.includes(madeFor)),
      ),
    };
  }

  async function change(governor: Governor, spec: Spec, changes: Parameters<typeof settingsChange>[2]): Promise<void> {
    const written = await workloads.changeGovernor(settingsChange(governor, spec, changes), currentCall());
    if (written === 'raced')
      throw failure('stateConflict', `${describeGovernor(governor)} was changed just now; it is read again`, {
        retryAfterMs: RACED_PAUSE_MS,
      });
  }

  return { surveyAutoscaler, writeSettings, awaitSettings, restoreSettings };
}

function find({ governor: { uid } }: ConfigurationPlan, { state, autoscalers }: ConfigurationFacts) {
  const governor = state.autoscalers.find((one) => one.uid === uid);
  const observed = autoscalers.find((one) => one.uid === uid);
  if (governor === undefined || observed === undefined) return undefined;
  return { governor, spec: observed.spec, owners: ownersSpec(governor, observed.spec) };
}

function gone({ governor: { name } }: ConfigurationPlan): string {
  return `${name} is gone, or was replaced by another of its name`;
}
