import {
  alertName,
  judgeAge,
  noticeOf,
  oneLine,
  routeAlert,
  type AlertNotice,
  type AlertRoute,
  type ToldAlert,
} from '../../domain/alerts.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Coalescer, Outcome } from './coalesce.ts';

/** What became of one alert of a batch, in the batch's order. */
export interface Delivered {
  readonly alert: ToldAlert;
  readonly outcome: Outcome;
}

interface Group {
  readonly route: AlertRoute;
  readonly notices: AlertNotice[];
  /** Their places in the batch. */
  readonly places: number[];
}

/** Routes each alert by the policy and offers all groups at the same time. Every alert has an outcome afterwards (I8). */
export async function deliver(
  alerts: readonly ToldAlert[],
  {
    policy,
    coalescer,
    nowMs,
    signal,
  }: {
    readonly policy: Policy;
    readonly coalescer: Coalescer;
    readonly nowMs: number;
    readonly signal: AbortSignal;
  },
): Promise<readonly Delivered[]> {
  const groups = new Map<string, Group>();
  const outcomes: (Outcome | undefined)[] = alerts.map((alert, place) => {
    const route = routeAlert(policy, alert);
    const settled = 'kind' in route ? route : judgeAge(alert, nowMs);
    if (settled !== undefined || 'kind' in route) return settled;
    const id = JSON.stringify(route);
    const group = groups.get(id) ?? { route, notices: [], places: [] };
    group.notices.push(noticeOf(alert));
    group.places.push(place);
    groups.set(id, group);
    return undefined;
  });
  const offers = [...groups.values()].map(async ({ route, notices, places }) => {
    const answers = await coalescer.offer(route, notices, signal);
    places.forEach((place, i) => (outcomes[place] = answers[i]));
  });
  await Promise.all(offers);
  return alerts.map((alert, i) => ({ alert, outcome: outcomes[i] ?? UNACCOUNTED }));
}

const UNACCOUNTED: Outcome = { kind: 'not taken', reason: 'nothing was said of it' };

/** One alert as the answer names it. */
export function asAnswer({ alert, outcome }: Delivered): Readonly<Record<string, unknown>> {
  const { kind, ...details } = outcome;
  const { fingerprint, status } = alert;
  return { fingerprint, name: shortName(alert), status, disposition: kind, ...details };
}

/** An alert's name is somebody else's text until the allow-list has it. */
export function shortName(alert: ToldAlert): string {
  return oneLine(alertName(alert), 100);
}
