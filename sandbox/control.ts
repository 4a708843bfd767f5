import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** Takes the request's JSON body (undefined when there was none) and answers what is sent back as JSON. */
export type Route = (body: unknown) => unknown;

/** Keyed `METHOD /path`, for example `POST /load`. */
export type Routes = Map<string, Route>;

/** A request that cannot work as it stands: answered 400 with its message. */
export class BadRequest extends Error {}

const MAX_BODY_BYTES = 1_000_000;

/** The supervisor's own loopback endpoint. */
export function createControlServer(routes: Routes): Server {
  return createServer((incoming, reply) => {
    void respond(routes, incoming, reply);
  });
}

async function respond(routes: Routes, incoming: IncomingMessage, reply: ServerResponse): Promise<void> {
  const { status, body } = await answer(routes, incoming);
  reply.writeHead(status, { 'content-type': 'application/json' });
  reply.end(`${JSON.stringify(body)}\n`);
}

async function answer(
  routes: Routes,
  incoming: IncomingMessage,
): Promise<{ readonly status: number; readonly body: unknown }> {
  // a page in the user's browser can reach loopback too, but not without an Origin or a name of its own
  if (incoming.headers.origin !== undefined || !/^(127\.0\.0\.1|localhost):\d+$/.test(incoming.headers.host ?? '')) {
    return { status: 403, body: { error: 'this endpoint is for programs on this machine, not for web pages' } };
  }
  const key = `${incoming.method} ${incoming.url?.split('?')[0]}`;
  const route = routes.get(key);
  if (route === undefined)
    return { status: 404, body: { error: `no route ${key}; there are: ${[...routes.keys()].join(', ')}` } };
  try {
    return { status: 200, body: (await route(await readBody(incoming))) ?? {} };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { status: error instanceof BadRequest ? 400 : 500, body: { error: message } };
  }
}

async function readBody(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new BadRequest(`the body has more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString().trim();
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new BadRequest('the body is not JSON');
  }
}
