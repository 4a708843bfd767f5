import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { makeCertificates } from '../../sandbox/certificates.ts';
import { createKubeClient } from '../../sandbox/kube.ts';

describe('the sandbox’s own client of the API server', () => {
  it('sends the body of a delete, and is understood in the next request on the same connection', async (t) => {
    const { ca, apiserver, admin } = await makeCertificates();
    const server = createServer({ key: apiserver.key, cert: apiserver.certificate }, async (incoming, reply) => {
      reply.end(JSON.stringify([incoming.method, await text(incoming), incoming.socket.remotePort]));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const kube = createKubeClient(url, { authority: ca.certificate, admin });
    t.after(() => kube.close());
    const uid = { preconditions: { uid: 'é' } };
    const answers = [await kube.send('DELETE', '/api/v1/nodes/n1', uid), await kube.send('GET', '/api/v1/nodes')];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
      answers.map(({ text: said }) => said).join(),
    );
    const [first, second] = answers.map(({ text: said }) => JSON.parse(said) as readonly unknown[]);
    assert.deepEqual(
      [first?.slice(0, 2), second?.slice(0, 2)],
      [
        ['DELETE', JSON.stringify(uid)],
        ['GET', ''],
      ],
    );
    assert.equal(first?.[2], second?.[2]);
  });
});
