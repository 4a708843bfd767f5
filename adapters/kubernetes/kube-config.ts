import { KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { Agent } from 'undici';
import { failure } from '../../activities/failure.ts';

export interface KubeConfigOptions {
  /** Without one the usual rules hold: KUBECONFIG, ~/.kube/config, the pod's own ServiceAccount. */
  readonly kubeconfigPath?: string;
  readonly context?: string;
}

export function loadKubeConfig({ kubeconfigPath, context }: KubeConfigOptions): KubeConfig {
  const kubeConfig = new PooledKubeConfig();
  try {
    if (kubeconfigPath === undefined) kubeConfig.loadFromDefault();
    else kubeConfig.loadFromFile(kubeconfigPath);
  } catch (error) {
    const file = kubeconfigPath ?? process.env['KUBECONFIG'] ?? '~/.kube/config';
    throw failure(
      'invalidRequest',
      `the kubeconfig ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  if (context !== undefined) kubeConfig.setCurrentContext(context);
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) {
    const known = kubeConfig.getContexts().map(({ name }) => name);
    throw failure(
      'invalidRequest',
      `the kubeconfig has no usable context '${kubeConfig.getCurrentContext()}'; its contexts are: ${known.join(', ') || 'none'}`,
    );
  }
  // what the client falls back to where there is no kubeconfig at all: http://localhost:8080
  if (!URL.canParse(cluster.server) || (cluster.server.startsWith('http:') && !cluster.skipTLSVerify)) {
    throw failure(
      'invalidRequest',
      `the API server ${cluster.server} is not an https address; name a kubeconfig, for example in KUBECONFIG`,
    );
  }
  return kubeConfig;
}

/**
 * The guard looks every 5 s, and undici keeps an idle connection for 4: each look would begin with a handshake. The API
 * server keeps one for 90 s; who ends first should be us, or a write goes out on a connection that is being closed.
 */
const KEEP_IDLE_MS = 60_000;

type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;
type DispatcherOptions = ReturnType<KubeConfig['createDispatcherOptions']>;

/**
 * Keeps one dispatcher: the client makes a new one, and with it a new TLS connection, for every request (R2).
 * A renewed CA or client certificate gets a new one.
 */
class PooledKubeConfig extends KubeConfig {
  #pooled: { readonly credentials: string; readonly dispatcher: Dispatcher } | undefined;
  #credentials = '';
  #options: DispatcherOptions = { type: 'none' };

  override createDispatcherOptions(...parameters: Parameters<KubeConfig['createDispatcherOptions']>) {
    const { ca, cert, key } = parameters[1];
    this.#credentials = [ca, cert, key].map(String).join('\n');
    this.#options = super.createDispatcherOptions(...parameters);
    return this.#options;
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const set = context.setDispatcher.bind(context);
    // called in the same turn as createDispatcherOptions, so the credentials are those of this dispatcher
    context.setDispatcher = (made) => set(this.#pool(made));
    await super.applySecurityAuthentication(context);
  }

  #pool(made: Dispatcher): Dispatcher {
    if (this.#pooled?.credentials === this.#credentials) return this.#pooled.dispatcher;
    const old = this.#pooled?.dispatcher;
    const dispatcher = keptLonger(this.#options) ?? made;
    this.#pooled = { credentials: this.#credentials, dispatcher };
    // ends its connections once their requests are answered
    void old?.close();
    return dispatcher;
  }
}

/** Undefined through a proxy, which has an idle time of its own. */
function keptLonger(options: DispatcherOptions): Dispatcher | undefined {
  if (options.type !== 'agent') return undefined;
  // the two packages differ only in whether an absent option may be written as undefined
  const connect = options.connect as NonNullable<Agent.Options['connect']>;
  return new Agent({ connect, keepAliveTimeout: KEEP_IDLE_MS });
}
