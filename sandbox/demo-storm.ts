import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Disposition } from '../domain/alerts.ts';

/** One alert that burns, as Alertmanager knows it. */
export interface Firing {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
}

export interface Receiver {
  /** Of `headroom webhook`. */
  readonly url: string;
  readonly token: string;
}

/** What the webhook made of a storm; each notification is of one alert. */
export interface Answers {
  readonly notifications: number;
  readonly started: number;
  readonly joined: number;
  /** Answered, and neither: a rule kept them; and the words of the rule. */
  readonly kept: number;
  readonly keptBy?: string;
  /** Nobody has said that they are taken. */
  readonly unanswered: number;
  readonly tookMs: number;
}

const ALERT = 'TensafeEmergencyLatency';
const TOLD_BY = 2;
/** As Alertmanager does: what is not taken is told again, until a notification is out of date. */
const TELL_WITHIN_MS = 15_000;
const TELL_AGAIN_MS = 500;

/** So many parts of the service are slow at once, each with an alert of its own: in an outage nothing fires alone. */
export function firingAlerts(count: number, nowMs: number): readonly Firing[] {
  return Array.from({ length: count }, (_, n) => {
    const labels = { alertname: ALERT, severity: 'critical', route: `/v1/models/${n + 1}` };
    const fingerprint = createHash('sha256').update(JSON.stringify(labels)).digest('hex').slice(0, 16);
    return { fingerprint, labels, startsAt: new Date(nowMs).toISOString() };
  });
}

/**
 * Tells the webhook of every alert by itself, all at once, each twice: what a pair of Alertmanagers sends that groups by every label.
 * What they would do after 503 is done here too.
 */
export async function tellStorm(
  receiver: Receiver,
  firings: readonly Firing[],
  status: 'firing' | 'resolved',
): Promise<Answers> {
  const startedMs = Date.now();
  const notifications = Array.from({ length: TOLD_BY }, () => firings).flat();
  const answers = await Promise.all(
    notifications.map((firing) => tellUntilTaken(receiver, notificationOf(firing, status), startedMs + TELL_WITHIN_MS)),
  );
  const count = (...kinds: readonly (Disposition['kind'] | undefined)[]) =>
    answers.filter((answer) => kinds.includes(answer?.disposition)).length;
  const keptBy = answers.map((answer) => answer?.by ?? answer?.reason).find((words) => words !== undefined);
  return {
    notifications: notifications.length,
    started: count('started'),
    joined: count('joined'),
    kept: count('suppressed', 'not allowed'),
    ...(keptBy !== undefined && { keptBy }),
    unanswered: count(undefined),
    tookMs: Date.now() - startedMs,
  };
}

async function tellUntilTaken(receiver: Receiver, notification: object, untilMs: number): Promise<Told | undefined> {
  for (;;) {
    const answer = await tell(receiver, notification).catch(() => undefined);
    if (answer !== undefined || Date.now() + TELL_AGAIN_MS > untilMs) return answer;
    await sleep(TELL_AGAIN_MS);
  }
}

/** What became of one alert, as the webhook's answer has it. */
interface Told {
  readonly disposition: Disposition['kind'];
  readonly by?: string;
  readonly reason?: string;
}

/** Undefined: it is not taken. */
async function tell({ url, token }: Receiver, notification: object): Promise<Told | undefined> {
  const reply = await fetch(`${url}/alerts/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(notification),
    signal: AbortSignal.timeout(5_000),
  });
  const body = await reply.text();
  if (reply.status !== 200) return undefined;
  const { alerts }: { readonly alerts: readonly Told[] } = JSON.parse(body);
  return alerts[0];
}

/** Alertmanager's webhook payload, version 4 (R75). */
function notificationOf({ fingerprint, labels, startsAt }: Firing, status: 'firing' | 'resolved'): object {
  const annotations = { summary: `p95 latency of ${labels['route']} is an emergency` };
  const endsAt = status === 'resolved' ? new Date().toISOString() : '0001-01-01T00:00:00Z';
  return {
    version: '4',
    groupKey: `{}:{route="${labels['route']}"}`,
    truncatedAlerts: 0,
    status,
    receiver: 'headroom',
    groupLabels: labels,
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: '',
    alerts: [{ status, labels, annotations, startsAt, endsAt, generatorURL: '', fingerprint }],
  };
}
