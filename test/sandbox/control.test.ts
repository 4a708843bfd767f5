import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type Server } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { BadRequest, createControlServer, type Routes } from '../../sandbox/control.ts';

const routes: Routes = new Map<string, (body: unknown) => unknown>([
  ['POST /echo', (body) => ({ body })],
  [
    'POST /refuse',
    () => {
      throw new BadRequest('not like this');
    },
  ],
]);
let server: Server;

before(async () => {
  server = createControlServer(routes).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => server.close());

async function send(method: string, path: string, body = '', headers: Record<string, string> = {}) {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;
  const outgoing = request({ method, path, port, host: '127.0.0.1', headers, agent: false }).end(body);
  const [reply] = await once(outgoing, 'response');
  const text = (await reply.toArray()).join('');
  return { status: reply.statusCode, body: JSON.parse(text) };
}

describe('calling the control endpoint', () => {
  it('hands the JSON body to the route and answers JSON', async () => {
    assert.deepEqual(await send('POST', '/echo', '{"load":0.9}'), { status: 200, body: { body: { load: 0.9 } } });
  });

  it('names the routes there are when there is no such one', async () => {
    const { status, body } = await send('GET', '/nothing');
    assert.equal(status, 404);
    assert.match(body.error, /no route GET \/nothing; there are: POST \/echo/);
  });

  it('answers 400 to a body that is not JSON and to what a route refuses', async () => {
    assert.deepEqual(await send('POST', '/echo', '{load'), { status: 400, body: { error: 'the body is not JSON' } });
    assert.deepEqual(await send('POST', '/refuse'), { status: 400, body: { error: 'not like this' } });
  });

  it('answers no web page, neither by its origin nor by a name that leads here', async () => {
    assert.equal((await send('POST', '/echo', '{}', { origin: 'https://example.com' })).status, 403);
    assert.equal((await send('POST', '/echo', '{}', { host: 'evil.example.com' })).status, 403);
  });
});
