import type { Policy } from './policy.ts';

/** One firing as it was told; labels and annotations are data, nothing is ever built from them. */
export interface AlertNotice {
  /** `<fingerprint>@<startsAt ISO>`: one firing, however often and by whomever it is told (R77). */
  readonly key: string;
  /** `alertname` */
  readonly name: string;
  readonly status: 'firing' | 'resolved';
  readonly startsAtMs: number;
  /** For people: the summary annotation, one line, at most 200 characters, control characters gone. */
  readonly summary?: string;
}

/** Where an alert goes, out of the allow-list; `rule` is its key there. */
export interface AlertRoute {
  readonly procedure: 'emergencyScaleUp' | 'stepScale';
  readonly workload: string;
  readonly rule: string;
  /** Whether it starts a run, or only reaches one that is under way: low load takes back what steps have added. */
  readonly starts: boolean;
}

/** What became of one alert. */
export type Disposition =
  | { readonly kind: 'started' | 'joined'; readonly run: string }
  /** `by` is the rule's words, such as `cooldown of 15m until …`. */
  | { readonly kind: 'suppressed'; readonly by: string; readonly run?: string }
  | NotAllowed;

/**
 * The type of the failure with which a run turns down what it has heard already: it knows it, and its history, which has room for
 * 2,000 updates, does not grow.
 */
export const NO_NEWS = 'noNews';

/** What a run has heard of alerts. */
export interface AlertsView {
  /** Names of those that fire, each once. */
  readonly firing: readonly string[];
  /** Firings heard of in all, and how many of them are over. */
  readonly heard: number;
  readonly resolved: number;
}

export interface NotAllowed {
  readonly kind: 'not allowed';
  readonly reason: string;
}

/** What an alert says of itself, before anything is known of it. */
export interface ToldAlert {
  readonly fingerprint: string;
  readonly status: AlertNotice['status'];
  readonly labels: Readonly<Record<string, string>>;
  readonly summary?: string;
  readonly startsAtMs: number;
}

/** Grafana's words for "my data source does not answer": an outage of the monitoring must start nothing (R81). */
export const MONITORING_ALERTS: readonly string[] = ['DatasourceNoData', 'DatasourceError'];

/** An alert that began before this is no news: it is the sender's repetition, or somebody's recording. */
const NEWS_MS = 24 * 60 * 60 * 1_000;
const SUMMARY_CHARACTERS = 200;

export function alertName({ labels }: Pick<ToldAlert, 'labels'>): string {
  return (Object.hasOwn(labels, 'alertname') ? labels['alertname'] : undefined) ?? '';
}

/** Looks the alert up in the allow-list (R79): what it starts and for whom stands there, and its labels can only match or not. */
export function routeAlert(
  { alertRules, triggers }: Pick<Policy, 'alertRules' | 'triggers'>,
  { labels }: Pick<ToldAlert, 'labels'>,
): AlertRoute | NotAllowed {
  const rule = alertName({ labels });
  if (MONITORING_ALERTS.includes(rule))
    return notAllowed(`${rule} tells of the monitoring and not of the load; it starts nothing`);
  const found = Object.hasOwn(alertRules, rule) ? alertRules[rule] : undefined;
  if (found === undefined) return notAllowed('not in the allow-list; alertRules of headroom.yaml says what is');
  const unmet = Object.entries(found.match ?? {}).flatMap(([label, value]) =>
    Object.hasOwn(labels, label) && labels[label] === value ? [] : [label],
  );
  if (unmet.length > 0) return notAllowed(`alertRules.${rule}.match asks for another ${unmet.join(', ')}`);
  if (found.procedure === 'emergencyScaleUp')
    return { procedure: found.procedure, workload: found.workload, rule, starts: true };
  const trigger = triggers[found.trigger];
  if (trigger === undefined) return notAllowed(`alertRules.${rule}.trigger is not in triggers`);
  return { procedure: found.procedure, workload: trigger.workload, rule, starts: trigger.pods > 0 };
}

/** What needs no run to be answered: a firing that is no news. That it is over is news to the run that it started. */
export function judgeAge(
  { startsAtMs, status }: Pick<ToldAlert, 'startsAtMs' | 'status'>,
  nowMs: number,
): Disposition | undefined {
  return status === 'firing' && nowMs - startsAtMs > NEWS_MS ? { kind: 'suppressed', by: 'older than 24h' } : undefined;
}

/** The notice as it is handed on: without labels, so that nothing behind it can be built from one. */
export function noticeOf(alert: ToldAlert): AlertNotice {
  const { fingerprint, status, startsAtMs } = alert;
  const summary = oneLine(alert.summary ?? '', SUMMARY_CHARACTERS);
  return {
    key: `${fingerprint}@${new Date(startsAtMs).toISOString()}`,
    name: alertName(alert),
    status,
    startsAtMs,
    ...(summary !== '' && { summary }),
  };
}

/** Somebody else's text for people and logs: on one line, without control characters and marks that change direction, cut. */
export function oneLine(text: string, characters: number): string {
  // a hundred kilobytes need not be cleaned to be cut
  const clean = text
    .slice(0, characters * 8)
    .toWellFormed()
    .replaceAll(/[\p{C}\p{Z}\s]+/gu, ' ')
    .trim();
  const cut = Array.from(clean);
  return cut.length > characters ? `${cut.slice(0, characters - 1).join('')}…` : clean;
}

function notAllowed(reason: string): NotAllowed {
  return { kind: 'not allowed', reason };
}
