import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPolicy } from '../../../adapters/policy-file.ts';
import { openAuth, type AuthSettings } from '../../../client/webhook/auth.ts';
import type { AlertIntake } from '../../../client/webhook/intake.ts';
import type { WebhookLimits } from '../../../client/webhook/limits.ts';
import { createWebhook, type ListenAt } from '../../../client/webhook/webhook.ts';
import type { AlertNotice, AlertRoute, Disposition } from '../../../domain/alerts.ts';
import type { Policy } from '../../../domain/policy.ts';

export const NOW_MS = Date.UTC(2026, 10, 27, 9, 5);
const TOKEN = 'a-token-of-the-tests';
export const BEARER = { authorization: `Bearer ${TOKEN}` };

export interface Offer {
  readonly route: AlertRoute;
  readonly notices: readonly AlertNotice[];
}

export interface LogLine {
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Takes what it is offered, as Temporal would: a key that it has seen joins. What goes wrong is said beforehand. */
export class FakeIntake implements AlertIntake {
  readonly offers: Offer[] = [];
  isReady = true;
  /** Of a route's rule: what an offer does before it is taken. */
  weather: (route: AlertRoute, signal: AbortSignal) => Promise<void> = async () => {};
  readonly #seen = new Set<string>();

  async offer(
    route: AlertRoute,
    notices: readonly AlertNotice[],
    signal: AbortSignal,
  ): Promise<readonly Disposition[]> {
    this.offers.push({ route, notices });
    await this.weather(route, signal);
    const run = `${route.procedure}.${route.workload}`;
    return notices.map(({ key }) => {
      const kind = this.#seen.has(key) ? 'joined' : 'started';
      this.#seen.add(key);
      return { kind, run };
    });
  }

  async ready(): Promise<boolean> {
    if (!this.isReady) throw new Error('14 UNAVAILABLE');
    return true;
  }
}

const workload = (namespace: string) => `
    namespace: ${namespace}
    kind: Deployment
    limits: { min: 2, max: 20 }
    load: { cpu: { query: avg(cpu), unit: '%', scaleUpAbove: 70, scaleDownBelow: 30, perPod: true } }`;

const POLICY = policyOf(`
cluster: { name: c }
prometheus: { url: http://prometheus:9090 }
workloads:
  web: ${workload('shop')}
  api: ${workload('shop')}
triggers:
  high-cpu: { workload: web, metric: cpu, above: 70, for: 1m, pods: 2, cooldown: 3m }
alertRules:
  Latency: { procedure: emergencyScaleUp, workload: web }
  Errors: { procedure: emergencyScaleUp, workload: web }
  ApiLatency: { procedure: emergencyScaleUp, workload: api }
  HighCpu: { procedure: stepScale, trigger: high-cpu }
`);

function policyOf(text: string): Policy {
  const reading = readPolicy([{ name: 'headroom.yaml', text }]);
  if (reading.kind === 'policy') return reading.policy;
  throw new Error(JSON.stringify(reading.faults));
}

/** A directory of files that goes away with the test. */
export function someFiles(): { write(name: string, text: string): string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'headroom-webhook-'));
  return {
    write(name, text) {
      const path = join(directory, name);
      writeFileSync(path, text);
      return path;
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A test that failed halfway leaves its server open, and that would keep the process for ever. */
const open = new Set<() => Promise<void>>();
after(async () => {
  await Promise.all([...open].map((close) => close()));
});

/** A server on a port of its own, with a bearer token unless other ways in are given. */
export async function aWebhook({
  intake = new FakeIntake(),
  auth,
  limits = {},
  tls,
}: {
  readonly intake?: AlertIntake;
  readonly auth?: Omit<AuthSettings, 'clientCertificates'> & Partial<AuthSettings>;
  readonly limits?: Partial<WebhookLimits>;
  readonly tls?: ListenAt['tls'];
} = {}) {
  const files = someFiles();
  const lines: LogLine[] = [];
  const note = (message: string, details: Readonly<Record<string, unknown>> = {}) =>
    void lines.push({ message, details });
  const log = { info: note, warn: note };
  const faults: string[] = [];
  const settings = { clientCertificates: false, ...(auth ?? { bearerFile: files.write('bearer', TOKEN) }) };
  const webhook = createWebhook({
    policy: () => POLICY,
    auth: openAuth(settings, log, faults),
    intake,
    log,
    nowMs: () => NOW_MS,
    limits,
  });
  if (faults.length > 0) throw new Error(faults.join('\n'));
  const listening = await webhook.listen({ host: '127.0.0.1', port: 0, ...(tls && { tls }) });
  const close = async () => {
    open.delete(close);
    await listening.close();
    files.remove();
  };
  open.add(close);
  return {
    url: listening.url,
    lines,
    close,
    async post(
      path: string,
      body: string | Uint8Array<ArrayBuffer> | object,
      headers: Record<string, string> = BEARER,
    ) {
      const isRaw = typeof body === 'string' || body instanceof Uint8Array;
      const response = await fetch(listening.url + path, {
        method: 'POST',
        body: isRaw ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      });
      const text = await response.text();
      return { status: response.status, text, answer: JSON.parse(text) as Answer };
    },
  };
}

export interface Answer {
  readonly error?: string;
  readonly faults?: readonly { readonly path: string; readonly found: string; readonly accepted: string }[];
  readonly alerts?: readonly (Readonly<Record<string, string>> & { readonly disposition: string })[];
  readonly truncatedAlerts?: number;
}

interface AlertFields {
  readonly name?: string;
  readonly fingerprint?: string;
  readonly status?: string;
  readonly labels?: Record<string, string>;
  readonly startsAt?: string;
}

export function anAlert({
  name = 'Latency',
  fingerprint = 'c0ffee',
  status = 'firing',
  labels,
  startsAt,
}: AlertFields = {}) {
  return {
    status,
    labels: { alertname: name, ...labels },
    annotations: { summary: 'p95 over 200 ms' },
    startsAt: startsAt ?? '2026-11-27T09:00:00.123456789Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus/graph',
    fingerprint,
  };
}

/** As Alertmanager 0.34 sends it. */
export function aBatch(...alerts: readonly object[]) {
  return {
    version: '4',
    groupKey: '{}:{alertname="Latency"}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'headroom',
    groupLabels: { alertname: 'Latency' },
    commonLabels: {},
    commonAnnotations: {},
    externalURL: 'http://alertmanager',
    notification_reason: 'new alerts',
    alerts,
  };
}

export function signatureOf(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}
