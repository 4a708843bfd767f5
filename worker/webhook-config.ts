import type { AuthSettings } from '../client/webhook/auth.ts';
import type { TlsFiles } from '../client/webhook/tls.ts';
import { readWorkerConfig, type WorkerConfig } from './config.ts';

/** What the command line may say in place of the environment. */
export interface WebhookFlags {
  readonly config?: readonly string[];
  readonly listen?: string;
  readonly bearerFile?: string;
  readonly basicFile?: string;
  readonly hmacFile?: string;
  readonly hmacTimestampHeader?: string;
  readonly tlsCertFile?: string;
  readonly tlsKeyFile?: string;
  readonly clientCaFile?: string;
}

export interface WebhookConfig extends Pick<WorkerConfig, 'temporal' | 'policyFiles'> {
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls?: TlsFiles;
  readonly auth: AuthSettings;
}

/** By flag: the variable that says the same, and what a fault is called by. */
const VARIABLES = {
  listen: 'HEADROOM_WEBHOOK_LISTEN',
  bearerFile: 'HEADROOM_WEBHOOK_BEARER_FILE',
  basicFile: 'HEADROOM_WEBHOOK_BASIC_FILE',
  hmacFile: 'HEADROOM_WEBHOOK_HMAC_FILE',
  hmacTimestampHeader: 'HEADROOM_WEBHOOK_HMAC_TIMESTAMP_HEADER',
  tlsCertFile: 'HEADROOM_WEBHOOK_TLS_CERT_FILE',
  tlsKeyFile: 'HEADROOM_WEBHOOK_TLS_KEY_FILE',
  clientCaFile: 'HEADROOM_WEBHOOK_CLIENT_CA_FILE',
} as const;

/** On the same machine only, unless somebody says otherwise. */
const LISTEN = '127.0.0.1:9098';

/** Where the webhook finds its surroundings; what is wrong goes to `faults`, all of it. The files are opened by whoever uses them. */
export function readWebhookConfig(
  env: Readonly<Record<string, string | undefined>>,
  flags: WebhookFlags,
  faults: string[],
): WebhookConfig {
  // an empty variable is how a manifest says "not this one"
  const said = (name: keyof typeof VARIABLES) => flags[name] ?? (env[VARIABLES[name]] || undefined);
  const { temporal, policyFiles } = readWorkerConfig(env);
  const [certFile, keyFile, clientCaFile] = [said('tlsCertFile'), said('tlsKeyFile'), said('clientCaFile')];
  if ((certFile === undefined) !== (keyFile === undefined))
    faults.push(`${VARIABLES.tlsCertFile} and ${VARIABLES.tlsKeyFile} go together; only one of them is set`);
  if (clientCaFile !== undefined && certFile === undefined && keyFile === undefined)
    faults.push(
      `${VARIABLES.clientCaFile} needs a TLS listener; set ${VARIABLES.tlsCertFile} and ${VARIABLES.tlsKeyFile} too`,
    );
  const [bearerFile, basicFile, hmacFile] = [said('bearerFile'), said('basicFile'), said('hmacFile')];
  const hmacTimestampHeader = said('hmacTimestampHeader');
  if (hmacTimestampHeader !== undefined && !/^[A-Za-z0-9-]+$/.test(hmacTimestampHeader))
    faults.push(
      `${VARIABLES.hmacTimestampHeader} is ${JSON.stringify(hmacTimestampHeader)}; accepted is the name of a header, such as X-Grafana-Alerting-Signature-Timestamp`,
    );
  if (hmacTimestampHeader !== undefined && hmacFile === undefined)
    faults.push(`${VARIABLES.hmacTimestampHeader} is of no use without ${VARIABLES.hmacFile}`);
  return {
    temporal,
    policyFiles: flags.config ?? policyFiles,
    listen: readListen(said('listen') ?? LISTEN, faults),
    ...(certFile !== undefined &&
      keyFile !== undefined && { tls: { certFile, keyFile, ...(clientCaFile !== undefined && { clientCaFile }) } }),
    auth: {
      clientCertificates: clientCaFile !== undefined,
      ...(bearerFile !== undefined && { bearerFile }),
      ...(basicFile !== undefined && { basicFile }),
      ...(hmacFile !== undefined && { hmacFile }),
      ...(hmacTimestampHeader !== undefined && { hmacTimestampHeader }),
    },
  };
}

function readListen(text: string, faults: string[]): WebhookConfig['listen'] {
  const [, host = '', port = ''] = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === '' || Number(port) > 65_535)
    faults.push(
      `${VARIABLES.listen} is ${JSON.stringify(text)}; accepted is host:port, such as ${LISTEN}, 0.0.0.0:9098 or [::1]:9098`,
    );
  return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) };
}
