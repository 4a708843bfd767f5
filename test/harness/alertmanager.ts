import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { provision } from '../../sandbox/provision.ts';
import { eventually } from './eventually.ts';
import type { Lane } from './lane.ts';

/** Of one firing, whoever tells it: an alert without an end fires. */
export interface TestAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt?: string;
}

/**
 * A real Alertmanager that sends to a lane's webhook. It is alone: of a pair that hear each other only one sends, and both do when
 * they do not.
 */
export async function startAlertmanager(
  lane: Lane,
  { name, webhook, bearerFile }: { readonly name: string; readonly webhook: string; readonly bearerFile: string },
) {
  const { alertmanager } = await provision(['alertmanager'], () => {});
  const directory = join(lane.directory, name);
  mkdirSync(directory);
  const config = join(directory, 'alertmanager.yaml');
  writeFileSync(config, stringify(configuration(webhook, bearerFile)));
  const child = spawn(
    alertmanager?.path ?? '',
    [
      `--config.file=${config}`,
      `--storage.path=${join(directory, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--cluster.listen-address=',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const url = await eventually(`${name} listens`, async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${said}`);
    const port = /msg="Listening on" address=127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    return port === undefined ? undefined : `http://127.0.0.1:${port}`;
  });

  async function metric(kind: string): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(`alertmanager_${kind}{`) && line.includes('"webhook"'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
  const refused = () => metric('notification_requests_failed_total');
  return {
    /** As Prometheus tells it, over and over. */
    async tell(...alerts: readonly TestAlert[]): Promise<void> {
      const answer = await fetch(`${url}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(alerts),
      });
      if (!answer.ok) throw new Error(`${name} does not take an alert: ${await answer.text()}`);
    },
    /** Requests that the webhook has answered with 2xx, and those that it has not. */
    taken: async () => (await metric('notification_requests_total')) - (await refused()),
    refused,
    async stop(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Seconds where production has minutes. */
function configuration(webhook: string, bearerFile: string): object {
  const http_config = { authorization: { type: 'Bearer', credentials_file: bearerFile } };
  return {
    route: {
      receiver: 'headroom',
      group_by: ['alertname'],
      group_wait: '0s',
      group_interval: '5s',
      repeat_interval: '10s',
    },
    receivers: [
      {
        name: 'headroom',
        webhook_configs: [{ url: `${webhook}/alerts/alertmanager`, send_resolved: true, http_config }],
      },
    ],
  };
}
