import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Auth, HeadVerdict } from './auth.ts';
import type { WebhookLimits } from './limits.ts';
import type { WebhookMetrics } from './metrics.ts';
import type { Sender } from './payload.ts';

/** Told on the head alone, before a byte of the body is read. */
export type Admission =
  | {
      readonly kind: 'turned away';
      readonly status: 401 | 404 | 405 | 413 | 415;
      /** JSON. */
      readonly text: string;
      readonly headers: Readonly<Record<string, string>>;
      /** Absent where nobody's path was asked for. */
      readonly sender?: Sender;
    }
  | { readonly kind: 'let in'; readonly trust?: Exclude<HeadVerdict, { readonly kind: 'refused' }> };

export interface Door {
  judge(incoming: IncomingMessage): Admission;
  /**
   * Answers a request that is turned away, and says whether it did. A body of which nobody knows the end is left to who can
   * hang up in the middle of it.
   */
  turnAway(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
}

interface Route {
  readonly methods: readonly string[];
  readonly sender?: Sender;
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/alerts/alertmanager', { methods: ['POST'], sender: 'alertmanager' }],
  ['/alerts/grafana', { methods: ['POST', 'PUT'], sender: 'grafana' }],
  ['/healthz', { methods: ['GET', 'HEAD'] }],
  ['/readyz', { methods: ['GET', 'HEAD'] }],
  ['/metrics', { methods: ['GET', 'HEAD'] }],
]);
/** By whom a batch may be told, each at a path of its own. */
export const SENDERS: readonly Sender[] = ['alertmanager', 'grafana'];
const PATHS = [...ROUTES.keys()].join(', ');
/** So much is read to its end and dropped, so that the connection stays. */
const SHORT_BYTES = 65_536;
const LET_IN: Admission = { kind: 'let in' };

export const UNAUTHORIZED = 'unauthorized';
export function tooLarge({ bodyBytes }: Pick<WebhookLimits, 'bodyBytes'>): string {
  return `accepted are at most ${bodyBytes} bytes`;
}

/** The one place that decides on the head of a request; in front of everything, so that a stranger costs next to nothing. */
export function createDoor({
  auth,
  limits,
  metrics,
  nowMs,
}: {
  readonly auth: Auth;
  readonly limits: Pick<WebhookLimits, 'bodyBytes'>;
  readonly metrics: Pick<WebhookMetrics, 'answered'>;
  readonly nowMs: () => number;
}): Door {
  const unauthorized = turned(401, UNAUTHORIZED);
  const unknown = turned(404, `not found; there are ${PATHS}`);
  const overLong = turned(413, tooLarge(limits));
  const notJson = turned(415, 'accepted is content-type application/json in UTF-8, without a content-encoding');

  function judge(incoming: IncomingMessage): Admission {
    const { headers, socket } = incoming;
    const [path = ''] = (incoming.url ?? '').split('?', 1);
    const route = ROUTES.get(path);
    if (route === undefined) return unknown;
    const { methods, sender } = route;
    if (!methods.includes(incoming.method ?? '')) return wrongMethod(route);
    if (sender === undefined) return LET_IN;
    const isCertified = (socket as Partial<TLSSocket>).authorized === true;
    const trust = auth.judge({ headers, isCertified, nowMs: nowMs() });
    if (trust.kind === 'refused') return { ...unauthorized, sender };
    if (!isJson(headers)) return { ...notJson, sender };
    if (Number(headers['content-length'] ?? 0) > limits.bodyBytes) return { ...overLong, sender };
    return { kind: 'let in', trust };
  }

  return {
    judge,
    turnAway(incoming, outgoing) {
      const admission = judge(incoming);
      if (admission.kind === 'let in' || !isShort(incoming.headers)) return false;
      const { status, text, headers, sender } = admission;
      if (sender !== undefined) metrics.answered(sender, status);
      outgoing.writeHead(status, headers).end(text);
      return true;
    },
  };
}

function turned<S extends number>(status: S, error: string, more: Readonly<Record<string, string>> = {}) {
  const text = JSON.stringify({ error });
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)), ...more };
  return { kind: 'turned away', status, text, headers } as const;
}

function wrongMethod({ methods, sender }: Route): Admission {
  const answer = turned(405, `accepted is ${methods.join(' or ')}`, { allow: methods.join(', ') });
  return { ...answer, ...(sender !== undefined && { sender }) };
}

function isShort(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= SHORT_BYTES;
}

function isJson(headers: IncomingMessage['headers']): boolean {
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((word) => word.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset);
  return type === 'application/json' && isUtf8 && (headers['content-encoding'] ?? 'identity') === 'identity';
}
