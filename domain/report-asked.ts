import { describeTarget, type EventWindow } from './capacity-plan.ts';
import { formatDuration } from './duration.ts';
import { lastOf, type RunFacts } from './run-facts.ts';

/** What was asked for, in the words that all procedures share. */
interface Asked {
  readonly what: string;
  /** Of an emergency, of steps and of a hold from the start of the run; of the first two to the latest end that policy allows. */
  readonly event: EventWindow;
  /** Which of the two ways to hold; null where the procedure has but one. */
  readonly mode: 'freeze' | 'pause' | null;
  /** What started the run for whoever asked, such as 'alert HighLatency'; null: they did. */
  readonly trigger: string | null;
  readonly note: string | null;
}

/** What a request leaves to policy is taken from the policy that the run had. */
export function readAsked({ asked, startedAtMs, steps }: RunFacts): Asked {
  const policy = lastOf(steps, 'policy');
  const lasting = (name: string, forMs = 0): EventWindow => ({
    name,
    startMs: startedAtMs,
    endMs: startedAtMs + forMs,
  });
  switch (asked.procedure) {
    case 'preScale': {
      const { target, event, note = null, trigger = null } = asked.request;
      return { what: describeTarget(target), event, mode: null, trigger, note };
    }
    case 'emergencyScaleUp': {
      const { reason, trigger = null } = asked.request;
      const { factor, mode = null } = { ...policy?.emergency, ...asked.request };
      const what = factor === undefined ? 'more at once' : `${describeTarget({ kind: 'factor', factor })} at once`;
      return { what, event: lasting(reason ?? trigger ?? 'emergency', policy?.maxHoldMs), mode, trigger, note: null };
    }
    case 'stepScale': {
      const { trigger = null } = asked.request;
      const event = lasting(trigger ?? 'steps', policy?.maxHoldMs);
      return { what: 'steps by the trigger table', event, mode: null, trigger, note: null };
    }
    case 'holdCapacity': {
      const { mode, forMs, reason } = asked.request;
      const what = `${mode === 'freeze' ? 'no scale-in' : 'exactly the count of now'} for ${formatDuration(forMs)}`;
      return { what, event: lasting(reason ?? `autoscaler ${mode}`, forMs), mode, trigger: null, note: null };
    }
  }
}
