import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import type { Policy } from '../../domain/policy.ts';
import type { HeadVerdict } from './auth.ts';
import { readBody } from './body.ts';
import type { Coalescer } from './coalesce.ts';
import { asAnswer, deliver, shortName, type Delivered } from './deliver.ts';
import { SENDERS, tooLarge, UNAUTHORIZED, type Door } from './door.ts';
import type { AlertIntake } from './intake.ts';
import type { WebhookLimits } from './limits.ts';
import type { WebhookLog } from './log.ts';
import type { WebhookMetrics } from './metrics.ts';
import { readPayload, type Batch, type Sender } from './payload.ts';

export interface WebhookParts {
  /** Asked for each batch, so that it may change while the server runs. */
  readonly policy: () => Policy;
  readonly door: Door;
  readonly intake: AlertIntake;
  readonly coalescer: Coalescer;
  readonly metrics: WebhookMetrics;
  readonly limits: WebhookLimits;
  readonly log: WebhookLog;
  readonly nowMs: () => number;
  readonly isStopping: () => boolean;
}

interface Env {
  Bindings: HttpBindings;
  Variables: { trust: Exclude<HeadVerdict, { readonly kind: 'refused' }> | undefined };
}
type Request = Context<Env>;

/** The audit line of a batch names this many alerts that are not allowed. */
const NAMED_ALERTS = 20;

/** The webhook as a function of requests: who is let in, what is in it, where it goes, and one answer for each alert. */
export function createApp(parts: WebhookParts): Hono<Env> {
  const { door, metrics, log } = parts;
  const isReady = askingOnce(parts);
  const app = new Hono<Env>();
  app.use(async (request, next) => {
    const admission = door.judge(request.env.incoming);
    if (admission.kind === 'let in') {
      request.set('trust', admission.trust);
      return next();
    }
    const { status, text, headers, sender } = admission;
    if (sender !== undefined) metrics.answered(sender, status);
    return request.body(text, status, headers);
  });
  for (const sender of SENDERS) app.all(`/alerts/${sender}`, (request) => take(request, sender, parts));
  app.get('/healthz', (request) => request.json({ status: 'alive' }));
  app.get('/readyz', (request) => tellReady(request, isReady));
  app.get('/metrics', (request) => tellMetrics(request, metrics));
  app.onError((error, request) => {
    log.warn('a request failed', { path: request.req.path, reason: error.message });
    // whatever it was, the alerts are not known to be taken: 503 makes the sender try again
    return request.json({ error: 'the webhook failed; send it again' }, 503);
  });
  return app;
}

async function take(request: Request, sender: Sender, parts: WebhookParts): Promise<Response> {
  const { incoming } = request.env;
  const trust = request.get('trust');
  const answer = answering(request, sender, parts.metrics);
  if (trust === undefined) return answer(401, { error: UNAUTHORIZED });
  const startedMs = performance.now();
  const read = await readBody(incoming, parts.limits.bodyBytes);
  if (read.kind === 'too large') return answer(413, { error: tooLarge(parts.limits) });
  if (read.kind === 'broken off') return answer(400, { error: 'the body is not whole' });
  const trusted = trust.kind === 'signed' ? trust.judgeBody(read.bytes) : trust;
  if (trusted.kind !== 'trusted') return answer(401, { error: UNAUTHORIZED });
  const payload = readPayload(read.bytes, sender, parts.limits);
  if (payload.kind === 'faults') {
    const { faults, more } = payload;
    return answer(400, { error: 'the payload is not accepted', faults, ...(more > 0 && { more }) });
  }
  const delivered = await deliverInTime(payload.batch, parts);
  parts.metrics.acknowledged(
    sender,
    performance.now() - startedMs,
    delivered.map(({ outcome }) => outcome),
  );
  audit(sender, delivered, parts.log);
  const alerts = delivered.map(asAnswer);
  const { truncatedAlerts } = payload.batch;
  if (delivered.every(({ outcome }) => outcome.kind !== 'not taken')) return answer(200, { alerts, truncatedAlerts });
  trusted.unhear?.();
  const error = 'not every alert was taken; send the whole batch again, those that were taken count once';
  return answer(503, { error, alerts, truncatedAlerts });
}

function answering(request: Request, sender: Sender, metrics: WebhookMetrics) {
  return (status: 200 | 400 | 401 | 413 | 503, body: object): Response => {
    metrics.answered(sender, status);
    return request.json(body, status);
  };
}

async function deliverInTime(
  { alerts }: Batch,
  { policy, coalescer, limits, nowMs }: WebhookParts,
): Promise<readonly Delivered[]> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), limits.offerMs);
  try {
    return await deliver(alerts, { policy: policy(), coalescer, nowMs: nowMs(), signal: late.signal });
  } finally {
    clearTimeout(timer);
  }
}

async function tellReady(request: Request, isReady: () => Promise<boolean>): Promise<Response> {
  return (await isReady())
    ? request.json({ status: 'ready' })
    : request.json({ status: 'not ready', reason: 'Temporal does not answer, or the process stops' }, 503);
}

/** Anybody may ask, so Temporal is asked once at a time, for all who ask meanwhile. */
function askingOnce({ intake, limits, isStopping }: WebhookParts): () => Promise<boolean> {
  let asked: Promise<boolean> | undefined;
  return async () => {
    if (isStopping()) return false;
    asked ??= answersInTime(intake, limits.readyMs).finally(() => (asked = undefined));
    return asked;
  };
}

async function tellMetrics(request: Request, metrics: WebhookMetrics): Promise<Response> {
  return request.body(await metrics.text(), 200, { 'content-type': metrics.contentType });
}

async function answersInTime(intake: AlertIntake, ms: number): Promise<boolean> {
  const signal = AbortSignal.timeout(ms);
  const late = new Promise<boolean>((resolve) =>
    signal.addEventListener('abort', () => resolve(false), { once: true }),
  );
  return Promise.race([intake.ready(signal).catch(() => false), late]);
}

/** Who was turned away, by name, and how many of the rest became what. Names are cut: they are anybody's text. */
function audit(sender: Sender, delivered: readonly Delivered[], log: WebhookLog): void {
  const counts: Record<string, number> = {};
  const refused = new Map<string, number>();
  for (const { alert, outcome } of delivered) {
    counts[outcome.kind] = (counts[outcome.kind] ?? 0) + 1;
    if (outcome.kind !== 'not allowed') continue;
    const line = `${shortName(alert)}: ${outcome.reason}`;
    refused.set(line, (refused.get(line) ?? 0) + 1);
  }
  const notAllowed = [...refused].slice(0, NAMED_ALERTS).map(([line, times]) => `${line} (${times})`);
  log.info('alerts told', { sender, ...counts, ...(notAllowed.length > 0 && { notAllowed }) });
}
