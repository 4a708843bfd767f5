import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { readPayload } from '../../client/webhook/payload.ts';
import { firingAlerts, tellStorm } from '../../sandbox/demo-storm.ts';

describe('an alert storm as a pair of Alertmanagers sends it', () => {
  const firings = firingAlerts(20, Date.parse('2026-11-28T17:00:00Z'));
  const bodies: Buffer[] = [];
  let server: Server;
  let url = '';
  /** How the next request is answered; 200 when there is nothing left. */
  let statuses: number[] = [];
  let always: object = {};

  before(async () => {
    server = createServer((request, reply) => {
      void request.toArray().then((chunks) => {
        const status = request.headers.authorization === 'Bearer secret' ? (statuses.shift() ?? 200) : 401;
        if (status === 200) bodies.push(Buffer.concat(chunks as Buffer[]));
        const disposition = bodies.length === 1 ? 'started' : 'joined';
        reply.writeHead(status, { 'content-type': 'application/json' });
        reply.end(JSON.stringify(status === 200 ? { alerts: [{ disposition, ...always }] } : { error: 'no' }));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const read = () =>
    bodies.map((body) => {
      const payload = readPayload(body, 'alertmanager', { depth: 32, alerts: 1_000 });
      assert.equal(payload.kind, 'batch', JSON.stringify(payload));
      return payload.kind === 'batch' ? payload.batch.alerts : [];
    });

  it('is a notification of its own for each alert, each told twice, as the webhook reads them', async () => {
    bodies.length = 0;
    const answers = await tellStorm({ url, token: 'secret' }, firings, 'firing');
    assert.deepEqual(
      { ...answers, tookMs: 0 },
      {
        notifications: 40,
        started: 1,
        joined: 39,
        kept: 0,
        unanswered: 0,
        tookMs: 0,
      },
    );
    assert.ok(read().every((alerts) => alerts.length === 1 && alerts[0]?.status === 'firing'));
    const told = Map.groupBy(read().flat(), ({ fingerprint }) => fingerprint);
    assert.deepEqual([...new Set([...told.values()].map((those) => those.length))], [2]);
    assert.equal(told.size, 20);
  });

  it('tells again what is not taken, until it is', async () => {
    bodies.length = 0;
    statuses = [503, 503, 503];
    const answers = await tellStorm({ url, token: 'secret' }, firings, 'resolved');
    assert.deepEqual([answers.started + answers.joined, answers.unanswered, bodies.length], [40, 0, 40]);
    assert.ok(
      read()
        .flat()
        .every(({ status }) => status === 'resolved'),
    );
  });

  it('names the rule that keeps an alert from starting anything', async () => {
    always = { disposition: 'suppressed', by: 'the budget is spent' };
    const answers = await tellStorm({ url, token: 'secret' }, firings, 'firing');
    assert.deepEqual([answers.kept, answers.keptBy, answers.unanswered], [40, 'the budget is spent', 0]);
  });
});
