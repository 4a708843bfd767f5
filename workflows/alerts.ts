import { condition, setHandler, workflowInfo } from '@temporalio/workflow';
import { NO_NEWS, type AlertNotice, type AlertsView, type Disposition } from '../domain/alerts.ts';
import { ApplicationFailure } from '@temporalio/common';
import { alertsUpdate, type AlertsAnswer, type AlertsOffer } from './messages.ts';
import type { Run } from './run.ts';
import type { RunResult } from '../domain/procedures.ts';

/** Firings that one run remembers; those that are over make room first. */
const REMEMBERED = 1_000;

export type Alerts = ReturnType<typeof openAlerts>;

/** How the run stands towards alerts. */
type Stance =
  /** Not decided yet: who tells waits for the answer. */
  | { readonly kind: 'deciding' }
  | { readonly kind: 'open' }
  /** It lets go whatever fires: anything new waits for the next run. */
  | { readonly kind: 'leaving' }
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

  const isNews = ({ key, status }: AlertNotice) => firings.get(key)?.status !== status && !isLate({ key, status });
  /** A firing that is over and heard of late does not burn again. */
  const isLate = ({ key, status }: Pick<AlertNotice, 'key' | 'status'>) =>
    status === 'firing' && firings.get(key)?.status === 'resolved';
  const isUnknown = ({ key, status }: AlertNotice) => status === 'firing' && !firings.has(key);
  const remember = (notice: AlertNotice) => {
    if (!firings.has(notice.key) && firings.size >= REMEMBERED) {
      const [oldest] = [...firings.values()].filter(({ status }) => status === 'resolved');
      firings.delete(oldest?.key ?? firings.keys().next().value ?? '');
    }
    firings.set(notice.key, notice);
  };

  const firing = () => [...firings.values()].filter(({ status }) => status === 'firing');
  const view = (): AlertsView => ({
    firing: [...new Set(firing().map(({ name }) => name))],
    heard: firings.size,
    resolved: firings.size - firing().length,
  });

  const note = (notices: readonly AlertNotice[]) => {
    const before = firing().length;
    const news = notices.filter(isNews);
    const burning = notices.filter((one) => one.status === 'firing' && !isLate(one));
    for (const notice of news) remember(notice);
    if (before > 0 && firing().length === 0) timesAllResolved += 1;
    if (news.length > 0) changes += 1;
    run.update({ alerts: view() });
    const joined = news.filter(({ status }) => status === 'firing');
    if (joined.length > 0 && stance.kind === 'open') run.say(`alerts joined: ${namesOf(joined)}`);
    if (before > 0 && firing().length === 0) run.say('all its alerts are resolved; the load itself is looked at');
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
      if (stance.kind === 'cooling' && notices.some(isUnknown)) {
        isNewWanted = true;
        return { kind: 'over' };
      }
      if (stance.kind === 'over') return { kind: 'over' };
      note(notices);
      // a cancelled run waits for nothing any more
      if (stance.kind === 'deciding') await condition(() => stance.kind !== 'deciding');
      return { kind: 'taken', dispositions: notices.map((notice) => judge(notice, isFirst)) };
    },
    {
      description: 'Alerts of the allow-list, told by the webhook',
      validator({ notices }: AlertsOffer) {
        if (!Array.isArray(notices) || !notices.every(isNotice))
          throw ApplicationFailure.nonRetryable(
            'alerts are told as {"notices":[{"key":"fingerprint@startsAt","name":"…","status":"firing","startsAtMs":0}]}',
            'invalidRequest',
          );
        if (stance.kind === 'leaving' && notices.some(isUnknown))
          throw ApplicationFailure.nonRetryable(
            'the run lets go whatever fires; told again, it gets a run of its own',
            'leaving',
          );
        if (stance.kind === 'open' && run.status().phase !== 'winding down' && !notices.some(isNews))
          throw ApplicationFailure.nonRetryable('nothing of it is news', NO_NEWS);
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
      if (stance.kind === 'deciding') stance = { kind: 'open' };
    },
    leave() {
      if (stance.kind === 'open') stance = { kind: 'leaving' };
    },
    suppress(by: string) {
      stance = { kind: 'suppressed', by };
    },
    cool(by: string) {
      stance = { kind: 'cooling', by };
    },
    isNewWanted: () => isNewWanted,
    close() {
      if (stance.kind !== 'deciding' && stance.kind !== 'suppressed') stance = { kind: 'over' };
      else if (stance.kind === 'deciding') stance = { kind: 'suppressed', by: 'the run ended before it could act' };
    },
  };
}

/** How a run ends that may not begin; whoever told it of alerts hears why. */
export function refused(alerts: Alerts, reasons: readonly string[]): RunResult {
  alerts.suppress(reasons.join('; '));
  return { outcome: 'refused', reasons };
}

function isNotice(one: Partial<AlertNotice> | null): boolean {
  return (
    typeof one?.key === 'string' &&
    typeof one.name === 'string' &&
    (one.status === 'firing' || one.status === 'resolved') &&
    Number.isSafeInteger(one.startsAtMs)
  );
}

/** 'A ×12, B': each name once, with its count. */
function namesOf(notices: readonly AlertNotice[]): string {
  const counts = new Map<string, number>();
  for (const { name } of notices) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`)).join(', ');
}
