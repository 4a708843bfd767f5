import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request } from 'node:https';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';

/**
 * What a request meets instead of the API server; 'lost answer' is applied there and never heard of, 'late' reaches it
 * after so long, whether or not somebody still waits.
 */
export type Weather =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | { readonly kind: 'hang' }
  | { readonly kind: 'late'; readonly ms: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'lost answer' };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly userAgent: string;
}

export interface FaultProxy {
  /** A kubeconfig that leads through the proxy. */
  readonly kubeconfig: string;
  /** The next requests that match meet this weather, then the sky is clear again. */
  expect(matching: { readonly method?: string; readonly path: RegExp }, weather: Weather, times: number): void;
  /** How many requests met it so far. */
  met(): number;
  /** What the API server said to requests that came late. */
  lateAnswers(): readonly number[];
  /** Nobody listens any more, and what was open breaks; resolves when it is back. */
  away(ms: number): Promise<void>;
  /** Every request so far, in its order. */
  requests(): readonly SeenRequest[];
  close(): Promise<void>;
}

/** Stands between one worker and the real API server. */
export async function openFaultProxy(kubeconfigPath: string, kubeconfig: string): Promise<FaultProxy> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const upstream = new URL(config.getCurrentCluster()?.server ?? '');
  let rules: { readonly method?: string; readonly path: RegExp; readonly weather: Weather; left: number }[] = [];
  let met = 0;
  const lateAnswers: number[] = [];
  const seen: SeenRequest[] = [];
  const ca = caOf(config);

  const server = createServer((incoming, reply) => {
    const { method = '', url = '', headers } = incoming;
    seen.push({ method, path: url, userAgent: headers['user-agent'] ?? '' });
    const rule = rules.find(
      ({ method, path, left }) =>
        left > 0 && path.test(incoming.url ?? '') && (method === undefined || method === incoming.method),
    );
    if (rule === undefined) return forward(incoming, reply);
    rule.left -= 1;
    met += 1;
    rules = rules.filter(({ left }) => left > 0);
    switch (rule.weather.kind) {
      case 'hang':
        return;
      case 'reset':
        return void incoming.socket.destroy();
      case 'lost answer':
        return forward(incoming, reply, true);
      case 'late':
        return void holdBack(incoming, rule.weather.ms);
      case 'status': {
        const {
          status,
          headers = {},
          body = JSON.stringify({
            kind: 'Status',
            status: 'Failure',
            code: status,
            message: `weather: ${status}`,
            reason: 'Weather',
          }),
        } = rule.weather;
        incoming.resume();
        reply.writeHead(status, { 'content-type': 'application/json', ...headers });
        return void reply.end(body);
      }
    }
  });

  function forward(incoming: IncomingMessage, reply: ServerResponse, loseAnswer = false): void {
    const onward = request(
      {
        host: upstream.hostname,
        port: upstream.port,
        path: incoming.url,
        method: incoming.method,
        headers: { ...incoming.headers, host: upstream.host },
        ca,
      },
      (answer) => {
        if (loseAnswer) {
          answer.resume();
          answer.once('end', () => incoming.socket.destroy());
          return;
        }
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(reply);
      },
    );
    onward.once('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  }

  async function holdBack(incoming: IncomingMessage, ms: number): Promise<void> {
    const { url, method, headers } = incoming;
    const body = Buffer.concat(await incoming.toArray());
    await sleep(ms);
    const { hostname, port } = upstream;
    const onward = request(
      { host: hostname, port, path: url, method, headers: { ...headers, host: upstream.host }, ca },
      (answer) => {
        lateAnswers.push(answer.statusCode ?? 0);
        answer.resume();
      },
    );
    onward.once('error', () => lateAnswers.push(0));
    onward.end(body);
  }

  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const through = JSON.parse(config.exportConfig()) as { clusters: { cluster: Record<string, unknown> }[] };
  for (const { cluster } of through.clusters) {
    cluster['server'] = `http://127.0.0.1:${port}`;
    cluster['insecure-skip-tls-verify'] = true;
    delete cluster['certificate-authority-data'];
    delete cluster['certificate-authority'];
  }
  writeFileSync(kubeconfig, JSON.stringify(through));
  return {
    kubeconfig,
    expect: (matching, weather, times) => void rules.push({ ...matching, weather, left: times }),
    met: () => met,
    lateAnswers: () => lateAnswers,
    async away(ms) {
      await close();
      await sleep(ms);
      await listen(port);
    },
    requests: () => seen,
    close,
  };
}

function caOf(config: KubeConfig): string {
  const data = config.getCurrentCluster()?.caData;
  if (data === undefined) throw new Error('the kubeconfig of the sandbox carries its CA inline');
  return Buffer.from(data, 'base64').toString();
}
