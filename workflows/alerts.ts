import { condition, setHandler, workflowInfo } from '@temporalio/workflow';
import type { AlertNotice, AlertsView, Disposition } from '../domain/alerts.ts';
import { ApplicationFailure } from '@temporalio/common';
import { alertsUpdate, type AlertsAnswer, type AlertsOffer } from './messages.ts';
import type { Run } from './run.ts';
import type { RunResult } from '../domain/procedures.ts';

/** Firings that one run remembers; a storm of more than these on one workload is one emergency all the same. */
const REMEMBERED = 1_000;

export type Alerts = ReturnType<typeof openAlerts>;

/** How the run stands towards alerts. */
type Stance =
  /** Not decided yet: who tells waits for the answer. */
  | { readonly kind: 'deciding' }
  | { readonly kind: 'open' }
  | { readonly kind: 'suppressed'; readonly by: string }
  /** What was answered is not answered again; anything new needs a new run. */
  | { readonly kind: 'cooling'; readonly by: string }
  | { readonly kind: 'over' };

/**
 * What a run hears of alerts, whoever tells it and how often: one firing counts once (R77). Call before the first await.
 */
export function openAlerts(run: Run) {
  const { workflowId } = workflowInfo();
  const firings = new Map<string, AlertNotice>();
  let stance: Stance = { kind: 'deciding' };
  let offers = 0;
  let timesAllResolved = 0;
  let changes = 0;
  let callsBack: string | undefined;
  let isNewWanted = false;

  const firing = () => [...firings.values()].filter(({ status }) => status === 'firing');
  const view = (): AlertsView => ({
    firing: [...new Set(firing().map(({ name }) => name))],
    heard: firings.size,
    resolved: firings.size - firing().length,
  });

  const note = (notices: readonly AlertNotice[]) => {
    const before = firing().length;
    const news = notices.filter(({ key, status }) => firings.get(key)?.status !== status);
    for (const notice of news) {
      // a firing that is over and heard of late does not burn again
      if (notice.status === 'firing' && firings.get(notice.key)?.status === 'resolved') continue;
      if (firings.has(notice.key) || firings.size < REMEMBERED) firings.set(notice.key, notice);
    }
    if (before > 0 && firing().length === 0) timesAllResolved += 1;
    if (news.length > 0) changes += 1;
    run.update({ alerts: view() });
    const joined = news.filter(({ status }) => status === 'firing');
    if (joined.length > 0 && stance.kind === 'open') run.say(`alerts joined: ${namesOf(joined)}`);
    if (before > 0 && firing().length === 0) run.say('all its alerts are resolved; the load itself is looked at');
    const burning = notices.filter(({ status }) => status === 'firing');
    if (burning.length > 0 && run.status().phase === 'winding down') callsBack = `${namesOf(burning)} fires`;
  };

  const judge = (notice: AlertNotice, isFirst: boolean): Disposition => {
    if (stance.kind === 'suppressed' || stance.kind === 'cooling')
      return { kind: 'suppressed', by: stance.by, run: workflowId };
    return { kind: isFirst && notice.status === 'firing' ? 'started' : 'joined', run: workflowId };
  };

  setHandler(
    alertsUpdate,
    async ({ notices }: AlertsOffer): Promise<AlertsAnswer> => {
      offers += 1;
      const isFirst = offers === 1 && stance.kind === 'deciding' && run.status().trigger !== undefined;
      const unknown = notices.filter(({ key, status }) => status === 'firing' && !firings.has(key));
      if (stance.kind === 'cooling' && unknown.length > 0) {
        isNewWanted = true;
        return { kind: 'over' };
      }
      if (stance.kind === 'over') return { kind: 'over' };
      note(notices);
      await condition(() => stance.kind !== 'deciding');
      return { kind: 'taken', dispositions: notices.map((notice) => judge(notice, isFirst)) };
    },
    {
      description: 'Alerts of the allow-list, told by the webhook',
      validator({ notices }: AlertsOffer) {
        if (!Array.isArray(notices) || notices.some((one) => typeof one?.key !== 'string'))
          throw ApplicationFailure.nonRetryable(
            'alerts are told as {"notices":[{"key":"fingerprint@startsAt","name":"…","status":"firing","startsAtMs":0}]}',
            'invalidRequest',
          );
      },
    },
  );

  return {
    /** Whether anything still burns; an operator's run without alerts burns until the load says otherwise. */
    anyFiring: () => firing().length > 0,
    heardAny: () => firings.size > 0,
    firingNames: () => view().firing,
    /** Goes up with whatever is news: who waits looks again. */
    changes: () => changes,
    /** The earliest of what fires. */
    firingSinceMs: () => Math.min(...firing().map(({ startsAtMs }) => startsAtMs)),
    timesAllResolved: () => timesAllResolved,
    callsBack: () => callsBack,
    takeCall() {
      callsBack = undefined;
    },
    open() {
      stance = { kind: 'open' };
    },
    suppress(by: string) {
      stance = { kind: 'suppressed', by };
    },
    cool(by: string) {
      stance = { kind: 'cooling', by };
    },
    isNewWanted: () => isNewWanted,
    close() {
      if (stance.kind === 'open' || stance.kind === 'cooling') stance = { kind: 'over' };
      else if (stance.kind === 'deciding') stance = { kind: 'suppressed', by: 'the run ended before it could act' };
    },
  };
}

/** How a run ends that may not begin; whoever told it of alerts hears why. */
export function refused(alerts: Alerts, reasons: readonly string[]): RunResult {
  alerts.suppress(reasons.join('; '));
  return { outcome: 'refused', reasons };
}

/** 'A ×12, B': each name once, with its count. */
function namesOf(notices: readonly AlertNotice[]): string {
  const counts = new Map<string, number>();
  for (const { name } of notices) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`)).join(', ');
}
