import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface StandInRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
/** What the stand-in does: answers, never answers, stops in the middle of the body, or drops the connection, at once or there. */
export type Reply = Spoken | 'hang' | 'hangInBody' | 'reset' | 'resetInBody';
export interface Spoken {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly afterMs?: number;
}

/** A server on loopback that says what it is told: for the weather that a real server cannot be asked for. */
export async function startStandIn(reply: (request: StandInRequest, count: number) => Reply) {
  const requests: StandInRequest[] = [];
  let connections = 0;
  const open = new Set<ServerResponse>();
  let mostOpen = 0;
  const server = createServer((incoming, response) => {
    open.add(response);
    mostOpen = Math.max(mostOpen, open.size);
    for (const end of ['finish', 'close']) response.on(end, () => open.delete(response));
    void serve(incoming, response);
  });
  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    requests.push(request);
    answer(response, reply(request, requests.length));
  }
  // else it asks its clients in a header to be gone after 5 s, which the API server does not
  server.keepAliveTimeout = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const host = `127.0.0.1:${address.port}`;
  return {
    host,
    url: `http://${host}`,
    requests,
    connections: () => connections,
    /** The most requests that were under way at one time. */
    mostOpen: () => mostOpen,
    /** Also when it is closed already. */
    async close() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<StandInRequest> {
  const url = new URL(incoming.url ?? '/', 'http://stand-in');
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body: await text(incoming),
  };
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return;
  if (reply === 'reset') {
    response.destroy();
    return;
  }
  if (reply === 'hangInBody' || reply === 'resetInBody') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"half":', () => reply === 'resetInBody' && response.destroy());
    return;
  }
  const { status, body = {}, headers = {}, afterMs = 0 } = reply;
  setTimeout(() => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }, afterMs);
}

/** A kubeconfig that leads to a server of ours, in a directory of its own. */
export function writeKubeconfig(server: string, user: object = { token: 'stand-in' }, skipTls = true) {
  const directory = mkdtempSync(join(tmpdir(), 'headroom-test-'));
  const path = join(directory, 'kubeconfig.json');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'stand-in',
    contexts: [{ name: 'stand-in', context: { cluster: 'stand-in', user: 'stand-in' } }],
    clusters: [{ name: 'stand-in', cluster: { server, 'insecure-skip-tls-verify': skipTls } }],
    users: [{ name: 'stand-in', user }],
  };
  writeFileSync(path, JSON.stringify(config));
  return { path, directory, remove: () => rmSync(directory, { recursive: true }) };
}
