import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Disposition } from '../../domain/alerts.ts';
import { eventually } from './eventually.ts';
import { HEADROOM, type Lane } from './lane.ts';

/** The sender's clock may be wrong by any amount. */
const AHEAD = '2099-01-01T00:00:00Z';
const TOKEN = 'a-token-of-this-lane-alone';

export interface ToldAlert {
  readonly name: string;
  readonly status?: 'firing' | 'resolved';
  readonly fingerprint: string;
  readonly startsAt?: string;
  readonly labels?: Readonly<Record<string, string>>;
}
interface Answered {
  readonly status: number;
  readonly alerts: readonly { readonly name: string; readonly disposition: Disposition['kind'] }[];
  readonly body: string;
  readonly tookMs: number;
}

/** `headroom webhook` as a process of its own, in the surroundings of the lane. */
export async function startWebhook(lane: Lane, extra: Readonly<Record<string, string>> = {}) {
  const bearerFile = join(lane.directory, 'webhook.token');
  writeFileSync(bearerFile, `${TOKEN}\n`, { mode: 0o600 });
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', HEADROOM, 'webhook'], {
    env: {
      ...lane.surroundings,
      HEADROOM_WEBHOOK_LISTEN: '127.0.0.1:0',
      HEADROOM_WEBHOOK_BEARER_FILE: bearerFile,
      ...extra,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // whoever is told to stop leaves nobody behind
  const endIt = () => child.kill('SIGKILL');
  process.once('exit', endIt);
  child.once('exit', () => process.off('exit', endIt));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const url = await eventually('the webhook is ready', async () => {
    if (child.exitCode !== null) throw new Error(`the webhook ended: ${said}`);
    return /"url":"(http:[^"]+)"/.exec(said)?.[1];
  });

  async function tell(alerts: readonly ToldAlert[], { token = TOKEN } = {}): Promise<Answered> {
    const startedMs = performance.now();
    const answer = await fetch(`${url}/alerts/alertmanager`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(notification(alerts)),
    });
    const body = await answer.text();
    const tookMs = performance.now() - startedMs;
    const read = answer.status === 401 ? [] : (JSON.parse(body) as Pick<Answered, 'alerts'>).alerts;
    return { status: answer.status, alerts: read ?? [], body, tookMs };
  }

  return {
    url,
    bearerFile,
    pid: child.pid ?? 0,
    tell,
    log: () => said,
    async stop(): Promise<void> {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** A notification as Alertmanager sends it, version 4 (R75). */
export function notification(alerts: readonly ToldAlert[]): object {
  const all = alerts.map(({ name, status = 'firing', fingerprint, startsAt = AHEAD, labels = {} }) => ({
    status,
    labels: { ...labels, alertname: name },
    annotations: {},
    startsAt,
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: '',
    fingerprint,
  }));
  return {
    version: '4',
    groupKey: '{}:{}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'headroom',
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: '',
    alerts: all,
  };
}
