import { Client, Connection } from '@temporalio/client';
import { createAlertIntake } from '../adapters/alert-intake.ts';
import { loadPolicy, PolicyError } from '../adapters/policy-file.ts';
import { openAuth } from '../client/webhook/auth.ts';
import { readTls } from '../client/webhook/tls.ts';
import { createWebhook } from '../client/webhook/webhook.ts';
import { createLogger } from './logger.ts';
import { readWebhookConfig, type WebhookFlags } from './webhook-config.ts';

/**
 * The sender is who tries again, so it hears of an outage at once: the SDK's retries would go on past any deadline. And when Temporal is
 * back, it is found within a second; gRPC left to itself waits up to two minutes.
 */
const FAIL_FAST = {
  interceptors: [],
  channelArgs: { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 1_000 },
};

/**
 * Runs until it is told to stop (SIGINT, SIGTERM), and then finishes what is in flight. Exit code 2 with every fault of the settings,
 * 1 where the policy has faults or the address is taken. Temporal need not be there yet: until it is, alerts are answered with 503.
 */
export async function runWebhookProcess(flags: WebhookFlags): Promise<void> {
  const log = createLogger(process.env['HEADROOM_LOG_LEVEL'] ?? 'info');
  const faults: string[] = [];
  const { temporal, policyFiles, listen, tls: files, auth: settings } = readWebhookConfig(process.env, flags, faults);
  const auth = openAuth(settings, log, faults);
  const options = files === undefined ? undefined : readTls(files, faults);
  if (faults.length > 0) return fail(2, ['cannot start:', ...faults.map((fault) => `  - ${fault}`)].join('\n'));
  const { connectionOptions, namespace = 'default' } = temporal;
  const connection = Connection.lazy({ ...connectionOptions, ...FAIL_FAST });
  try {
    const policy = await loadPolicy(policyFiles);
    const intake = createAlertIntake(new Client({ connection, namespace }));
    const webhook = createWebhook({ policy: () => policy, auth, intake, log, nowMs: () => Date.now() });
    const tls = files === undefined || options === undefined ? {} : { tls: { files, options } };
    const listening = await webhook.listen({ ...listen, ...tls });
    log.info('webhook is ready', { url: listening.url, namespace });
    if (!isLocal(listen.host) && files === undefined)
      log.warn('secrets come in clear text; set HEADROOM_WEBHOOK_TLS_CERT_FILE and HEADROOM_WEBHOOK_TLS_KEY_FILE');
    await toldToStop();
    await listening.close();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    fail(1, error instanceof PolicyError ? message : `cannot listen on ${listen.host}:${listen.port} (${message})`);
  } finally {
    await connection.close();
  }
}

function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function fail(code: number, message: string): void {
  process.stderr.write(`headroom webhook: ${message}\n`);
  process.exitCode = code;
}
