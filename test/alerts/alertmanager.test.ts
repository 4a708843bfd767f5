import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { SandboxStatus } from '../../sandbox/state.ts';
import { openSandboxes, ready, until } from '../harness/sandboxes.ts';

const { command, close } = openSandboxes();
after(close);

const NAME = 'alerts';
/** Twenty pods, which is all that the HPA may have, serve 2960. */
const FAR_TOO_MUCH = '4000';

interface Alert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly fingerprint: string;
}

interface Message {
  readonly version: string;
  readonly alerts: readonly Alert[];
}

describe('alerts of the example in a sandbox with Alertmanager', () => {
  let status: SandboxStatus;
  const taken: Message[] = [];
  const refused: Message[] = [];
  const tokens = new Set<string>();

  const receiver = createServer((request, reply) => {
    void json(request).then((body) => {
      tokens.add(`${request.url} ${request.headers.authorization}`);
      const isRefused = refused.length < 2;
      (isRefused ? refused : taken).push(body as Message);
      reply.writeHead(isRefused ? 503 : 200).end();
    });
  });
  const load = async (...args: readonly string[]) => {
    const { code, stderr } = await command('load', 'tensafe-server', ...args, '--name', NAME);
    assert.equal(code, 0, stderr);
  };
  const told = (name: string, state: Alert['status'], sinceMs = 0) =>
    until(
      `${name} is told as ${state}`,
      () =>
        taken
          .flatMap(({ alerts }) => alerts)
          .find(
            (alert) =>
              alert.labels['alertname'] === name && alert.status === state && Date.parse(alert.startsAt) >= sinceMs,
          ),
      60_000,
    );

  before(async () => {
    const { code, stdout, stderr } = await command('up', '--detach', '--with', 'alertmanager', '--name', NAME);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Alertmanager {2}http:\/\/127\.0\.0\.1:\d+/);
    status = await ready(NAME);
    const [host = '', port = ''] = status.webhook?.listen.split(':') ?? [];
    receiver.listen(Number(port), host);
    await once(receiver, 'listening');
  });
  after(async () => {
    receiver.close();
    receiver.closeAllConnections();
    await command('down', '--name', NAME);
  });

  it('come to the address of its environment within 30 s, and again where the receiver could not take them', async (test) => {
    const { stdout } = await command('env', '--name', NAME);
    assert.ok(stdout.includes(`export HEADROOM_WEBHOOK_LISTEN='${status.webhook?.listen}'`));
    assert.ok(stdout.includes(`export HEADROOM_WEBHOOK_BEARER_FILE='${status.webhook?.bearerFile}'`));
    const startedMs = Date.now();
    await load('--rps', FAR_TOO_MUCH);
    const { annotations, labels } = await told('TensafeEmergencyLatency', 'firing');
    const tookMs = Date.now() - startedMs;
    test.diagnostic(`told after ${tookMs} ms`);
    assert.ok(tookMs <= 30_000, `${tookMs} ms`);
    assert.equal(labels['severity'], 'critical');
    assert.match(annotations['description'] ?? '', /take up to \d+ ms/);
    assert.equal(refused.length, 2);
    for (const { labels: lost } of refused.flatMap(({ alerts }) => alerts))
      await told(lost['alertname'] ?? '', 'firing');
    assert.ok(taken.every(({ version }) => version === '4'));
    const token = readFileSync(status.webhook?.bearerFile ?? '', 'utf8').trim();
    assert.deepEqual([...tokens], [`/alerts/alertmanager Bearer ${token}`]);
  });

  it('are told as resolved, as the same firing, when the load is down', async () => {
    const fired = await told('TensafeEmergencyLatency', 'firing');
    await load('--rps', '100');
    const resolved = await told('TensafeEmergencyLatency', 'resolved');
    assert.deepEqual([resolved.fingerprint, resolved.startsAt], [fired.fingerprint, fired.startsAt]);
  });

  it('tell of errors that come without load, and of nothing else that is urgent', async () => {
    await until(
      'no alert but that of low load is left',
      async () => {
        const reply = await fetch(`${status.addresses.prometheus}/api/v1/alerts`);
        const { data } = (await reply.json()) as { readonly data: { readonly alerts: readonly Alert[] } };
        return data.alerts.every(({ labels }) => labels['severity'] === 'info') || undefined;
      },
      60_000,
    );
    const sinceMs = Date.now();
    await load('--rps', '100', '--errors', '20');
    const { annotations } = await told('TensafeErrorSpike', 'firing', sinceMs);
    assert.match(annotations['description'] ?? '', /^\d+\.\d % of the requests end as 5xx/);
    const urgent = taken
      .flatMap(({ alerts }) => alerts)
      .filter(({ labels, startsAt }) => labels['severity'] === 'critical' && Date.parse(startsAt) >= sinceMs);
    assert.deepEqual([...new Set(urgent.map(({ labels }) => labels['alertname']))], ['TensafeErrorSpike']);
  });
});
