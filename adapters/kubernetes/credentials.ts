import { RequestContext, type KubeConfig, type User } from '@kubernetes/client-node';
import { loadKubeConfig, type KubeConfigOptions } from './kube-config.ts';

/** A plugin asks its cloud, which takes a second or two; one that hangs must not keep every request waiting for ever. */
const RENEWAL_DEADLINE_MS = 30_000;

/** Who headroom is to the API server, by the kubeconfig; renewed when the server refuses it (R13). */
export interface Credentials {
  readonly server: string;
  /** Signs the request; fails with CredentialError, or with the reason of the signal. */
  sign(context: RequestContext, signal: AbortSignal): Promise<Signature>;
  /** After a 401: reads the kubeconfig, its token file and its plugin anew, once for all requests that were refused. */
  renew(refused: Signature, signal: AbortSignal): Promise<void>;
  /** Where the credentials come from, and what to do when fresh ones are refused as well. */
  describe(): string;
}

/** What a request was signed with, to tell whether somebody else has renewed it since. */
export type Signature = object;

/** The plugin of the kubeconfig fails, or a file that it names cannot be read. */
export class CredentialError extends Error {}

/**
 * The client keeps a plugin's token until the second it expires, a token file for a minute and a token of the
 * kubeconfig for ever, whatever the server says. So a refused one is replaced together with all that remembers it.
 */
export function createCredentials(options: KubeConfigOptions): Credentials {
  let config: KubeConfig = loadKubeConfig(options);
  let renewing: Promise<void> | undefined;
  const server = config.getCurrentCluster()?.server.replace(/\/$/, '') ?? '';

  async function fetchAnew(): Promise<void> {
    const fresh = loadKubeConfig(options);
    // the plugin is run now and once; at the first use it would be run by each of the waiting requests
    await apply(fresh, new RequestContext(server, 'GET'));
    config = fresh;
  }

  return {
    server,
    async sign(context, signal) {
      await orGivenUp(renewing ?? Promise.resolve(), signal);
      const used = config;
      await orGivenUp(apply(used, context), signal);
      return used;
    },
    async renew(refused, signal) {
      if (refused !== config) return;
      renewing ??= orGivenUp(fetchAnew(), AbortSignal.timeout(RENEWAL_DEADLINE_MS))
        // the old ones stay: the refusal of the second attempt says what is wrong
        .catch(() => undefined)
        .finally(() => {
          renewing = undefined;
        });
      await orGivenUp(renewing, signal);
    },
    describe: () => describeUser(config.getCurrentUser()),
  };
}

async function apply(config: KubeConfig, context: RequestContext): Promise<void> {
  try {
    await config.applySecurityAuthentication(context);
  } catch (error) {
    const why = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').trim() : String(error);
    const plugin = pluginOf(config.getCurrentUser());
    throw new CredentialError(
      plugin === undefined
        ? `the credentials of the kubeconfig cannot be read: ${why}`
        : `the credential plugin '${plugin}' fails: ${why === '' ? 'without a word' : why}; run it by hand as the worker would`,
      { cause: error },
    );
  }
}

/** A plugin knows no deadline. */
function orGivenUp<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

function describeUser(user: User | null): string {
  const plugin = pluginOf(user);
  if (plugin !== undefined)
    return `the credential plugin '${plugin}' was asked again, and its new token is refused too: see that its identity may enter this cluster (on EKS: an access entry, or aws-auth)`;
  const tokenFile: unknown = user?.authProvider?.config?.tokenFile;
  if (typeof tokenFile === 'string')
    return `the token of ${tokenFile} was read again and is refused too: see that the ServiceAccount still exists and that the token is for this cluster`;
  if (user?.certFile != null || user?.certData != null)
    return 'renew the client certificate of the kubeconfig: it may have expired, or be from another authority';
  return 'the kubeconfig was read again and its token is refused too: renew the token';
}

function pluginOf(user: User | null): string | undefined {
  const command: unknown = user?.exec?.command;
  if (typeof command !== 'string') return undefined;
  const given: unknown = user?.exec?.args;
  return [command, ...(Array.isArray(given) ? given : [])].map(String).join(' ');
}
