import { getRequestListener } from '@hono/node-server';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Policy } from '../../domain/policy.ts';
import { createApp } from './app.ts';
import type { Auth } from './auth.ts';
import { createCoalescer } from './coalesce.ts';
import { createDoor } from './door.ts';
import type { AlertIntake } from './intake.ts';
import { WEBHOOK_LIMITS, type WebhookLimits } from './limits.ts';
import type { WebhookLog } from './log.ts';
import { createWebhookMetrics } from './metrics.ts';
import { renewTls, type TlsFiles, type TlsOptions } from './tls.ts';

export interface Webhook {
  listen(at: ListenAt): Promise<ListeningWebhook>;
}

export interface ListenAt {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  readonly tls?: { readonly files: TlsFiles; readonly options: TlsOptions };
}

export interface ListeningWebhook {
  /** `http://127.0.0.1:9098` */
  readonly url: string;
  /** Takes no more, finishes what is in flight, and cuts what takes too long. */
  close(): Promise<void>;
}

/** The alert webhook: from a TCP socket to the intake behind which Temporal is. */
export function createWebhook({
  limits: otherLimits = {},
  auth,
  ...rest
}: {
  readonly policy: () => Policy;
  readonly auth: Auth;
  readonly intake: AlertIntake;
  readonly log: WebhookLog;
  readonly nowMs: () => number;
  readonly limits?: Partial<WebhookLimits>;
}): Webhook {
  const limits = { ...WEBHOOK_LIMITS, ...otherLimits };
  let isStopping = false;
  const metrics = createWebhookMetrics();
  const door = createDoor({ auth, limits, metrics, nowMs: rest.nowMs });
  const app = createApp({
    ...rest,
    door,
    limits,
    coalescer: createCoalescer(rest.intake, limits, rest.log),
    metrics,
    isStopping: () => isStopping,
  });
  const letIn = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const listener: RequestListener = (incoming, outgoing) => {
    if (!door.turnAway(incoming, outgoing)) void letIn(incoming, outgoing);
  };
  const options = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    // the two deadlines above are looked at this often; the default of 30 s would be theirs as well
    connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
  };
  return {
    async listen({ host, port, tls }) {
      const [server, renewal] = listening();
      server.maxConnections = limits.connections;
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, resolve);
      });
      const address = server.address() as AddressInfo;
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      return {
        url: `${tls === undefined ? 'http' : 'https'}://${name}:${address.port}`,
        async close() {
          isStopping = true;
          renewal?.stop();
          await closed(server, limits.stopMs);
        },
      };

      function listening() {
        if (tls === undefined) return [createServer(options, listener), undefined] as const;
        // whoever has no certificate of ours is heard as well: another way in, or the probes of the kubelet, may be theirs
        const asked = { requestCert: tls.options.ca !== undefined, rejectUnauthorized: false };
        const server = createTlsServer({ ...options, ...tls.options, ...asked }, listener);
        return [server, renewTls(server, tls.files, rest.log)] as const;
      }
    },
  };
}

function closed(server: Server, withinMs: number): Promise<void> {
  // a connection that was busy is kept alive by its last answer, and nobody closes it again
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), withinMs);
  return new Promise((resolve) => {
    server.close(() => {
      clearInterval(idle);
      clearTimeout(cut);
      resolve();
    });
  });
}
