import type { Command } from 'commander';
import type { AskCloudAccess } from './setup-cloud.ts';
import type { WebhookFlags } from './webhook-config.ts';

/** Commands that need the worker's surroundings: cluster, policy file, Temporal. */
export function registerWorkerCommands(program: Command, askCloudAccess: AskCloudAccess): void {
  program
    .command('worker')
    .description('run the worker process: all procedures and the capacity ledgers')
    .option('--config <file...>', 'headroom.yaml and its overlays (default: HEADROOM_CONFIG)')
    .action(async ({ config }: { readonly config?: readonly string[] }) => {
      const { runWorkerProcess } = await import('./process.ts');
      await runWorkerProcess(config);
    });
  program
    .command('webhook')
    .description(
      'run the alert webhook: what Alertmanager and Grafana tell, and headroom.yaml allows, starts procedures',
    )
    .option('--config <file...>', 'headroom.yaml and its overlays (default: HEADROOM_CONFIG)')
    .option('--listen <host:port>', 'where it listens (HEADROOM_WEBHOOK_LISTEN; default: 127.0.0.1:9098)')
    .option('--bearer-file <file>', 'tokens, one a line (HEADROOM_WEBHOOK_BEARER_FILE)')
    .option('--basic-file <file>', 'user:password, one a line (HEADROOM_WEBHOOK_BASIC_FILE)')
    .option('--hmac-file <file>', 'secrets of signatures, one a line (HEADROOM_WEBHOOK_HMAC_FILE)')
    .option(
      '--hmac-timestamp-header <name>',
      'refuse signatures without a time stamp in this header (HEADROOM_WEBHOOK_HMAC_TIMESTAMP_HEADER)',
    )
    .option('--tls-cert-file <file>', 'certificate of the listener, PEM (HEADROOM_WEBHOOK_TLS_CERT_FILE)')
    .option('--tls-key-file <file>', 'its key, PEM (HEADROOM_WEBHOOK_TLS_KEY_FILE)')
    .option('--client-ca-file <file>', 'whose client certificates are let in, PEM (HEADROOM_WEBHOOK_CLIENT_CA_FILE)')
    .action(async (flags: WebhookFlags) => {
      const { runWebhookProcess } = await import('./webhook.ts');
      await runWebhookProcess(flags);
    });
  program
    .command('setup')
    .description('register search attributes, check permissions and versions, name what is missing')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const { setup } = await import('./setup.ts');
      await setup({ json, askCloudAccess });
    });
}
