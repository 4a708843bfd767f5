import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { oneLine, type ToldAlert } from '../../domain/alerts.ts';
import { isDeeperThan } from './json-depth.ts';
import type { WebhookLimits } from './limits.ts';

/** Who speaks: the two payloads differ in their version and in extras that are not read. */
export type Sender = 'alertmanager' | 'grafana';

export interface Batch {
  readonly alerts: readonly ToldAlert[];
  /** How many the sender left out; what they were is not known (R78). */
  readonly truncatedAlerts: number;
}

/** One thing that is wrong with a payload. */
export interface PayloadFault {
  /** `alerts.0.startsAt`; empty for the payload as a whole. */
  readonly path: string;
  readonly found: string;
  readonly accepted: string;
}

export type PayloadReading =
  | { readonly kind: 'batch'; readonly batch: Batch }
  /** `more` counts the faults beyond those that are named. */
  | { readonly kind: 'faults'; readonly faults: readonly PayloadFault[]; readonly more: number };

const NAMED_FAULTS = 20;

const TIME = 'a time with its offset, such as 2026-11-27T09:00:00Z';

/** Label → text. Read in place and never copied, so that no key, not even `__proto__`, has a meaning. */
const Texts = z.unknown().transform((value, context): Readonly<Record<string, string>> => {
  if (!isMap(value)) {
    context.addIssue({ code: 'custom', message: 'a map of texts' });
    return z.NEVER;
  }
  const wrong = Object.keys(value).filter((key) => typeof value[key] !== 'string');
  for (const key of wrong.slice(0, NAMED_FAULTS)) context.addIssue({ code: 'custom', message: 'a text', path: [key] });
  return value as Readonly<Record<string, string>>;
});

const Moment = z.iso.datetime({ offset: true, error: TIME }).transform((written, context) => {
  const ms = Date.parse(written);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({ code: 'custom', message: TIME });
  return z.NEVER;
});

/** As both send it (R75, R81); what else they say is not looked at. */
const Alert = z.object({
  status: z.enum(['firing', 'resolved'], { error: 'firing or resolved' }),
  labels: Texts,
  annotations: Texts.nullish(),
  startsAt: Moment,
  fingerprint: z.string({ error: 'hexadecimal digits' }).regex(/^[0-9a-f]{1,64}$/, 'at most 64 hexadecimal digits'),
});

const SENDERS: Readonly<Record<Sender, z.ZodType<z.output<ReturnType<typeof payloadOf>>>>> = {
  alertmanager: payloadOf(z.literal('4', { error: '"4", the only version of this payload' })),
  grafana: payloadOf(z.string({ error: 'a text' }).optional()),
};

function payloadOf(version: z.ZodType) {
  return z.object(
    {
      version,
      alerts: z.array(Alert, { error: 'a list of alerts' }),
      truncatedAlerts: z.int({ error: 'a whole number' }).min(0, 'a whole number, 0 or more').nullish(),
    },
    { error: 'a map with version and alerts' },
  );
}

/** The alerts of a body, or what is wrong with it. Everything that a body could blow up is judged before it is parsed. */
export function readPayload(
  bytes: Buffer,
  sender: Sender,
  { depth, alerts: most }: Pick<WebhookLimits, 'depth' | 'alerts'>,
): PayloadReading {
  if (!isUtf8(bytes)) return fault('', 'bytes that are not UTF-8', 'JSON in UTF-8');
  if (isDeeperThan(bytes, depth)) return fault('', 'deeper nesting', `at most ${depth} levels`);
  let payload: unknown;
  try {
    payload = JSON.parse(bytes.toString('utf8'));
  } catch {
    return fault('', 'something that is not JSON', 'JSON in UTF-8');
  }
  const alerts = isMap(payload) ? payload['alerts'] : undefined;
  // before each is judged: a megabyte holds half a million faults
  if (Array.isArray(alerts) && alerts.length > most)
    return fault('alerts', `${alerts.length} alerts`, `at most ${most}; max_alerts of the sender limits them`);
  const read = SENDERS[sender].safeParse(payload);
  if (read.success) return { kind: 'batch', batch: batchOf(read.data) };
  const faults = read.error.issues.slice(0, NAMED_FAULTS).map(({ path, message }) => ({
    path: oneLine(path.map(String).join('.'), 100),
    found: found(path.reduce<unknown>(below, payload)),
    accepted: message,
  }));
  return { kind: 'faults', faults, more: read.error.issues.length - faults.length };
}

function batchOf({ alerts, truncatedAlerts }: z.output<ReturnType<typeof payloadOf>>): Batch {
  return {
    alerts: alerts.map(({ status, labels, annotations, startsAt, fingerprint }) => {
      const summary = annotations != null && Object.hasOwn(annotations, 'summary') ? annotations['summary'] : undefined;
      return { fingerprint, status, labels, startsAtMs: startsAt, ...(summary !== undefined && { summary }) };
    }),
    truncatedAlerts: truncatedAlerts ?? 0,
  };
}

function fault(path: string, what: string, accepted: string): PayloadReading {
  return { kind: 'faults', faults: [{ path, found: what, accepted }], more: 0 };
}

function below(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<PropertyKey, unknown>>)[key]
    : undefined;
}

function found(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a map';
  return JSON.stringify(typeof value === 'string' ? oneLine(value, 60) : value);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
