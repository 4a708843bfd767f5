import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { createDoor, type Door } from '../../../client/webhook/door.ts';
import { aBatch, anAlert, aWebhook, BEARER, FakeIntake } from './world.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const ALERTMANAGER = '/alerts/alertmanager';

const rows = [
  { given: 'no credentials', headers: JSON_TYPE, status: 401 },
  { given: 'wrong credentials', headers: { ...JSON_TYPE, authorization: 'Bearer wrong' }, status: 401 },
  { given: 'wrong credentials and another type', headers: { authorization: 'Bearer wrong' }, status: 401 },
  { given: 'a path that is not there', path: '/alerts/nagios', headers: JSON_TYPE, status: 404 },
  {
    given: 'the path of another spelling',
    path: '/alerts//alertmanager',
    headers: { ...JSON_TYPE, ...BEARER },
    status: 404,
  },
  { given: 'another method', method: 'PUT', headers: { ...JSON_TYPE, ...BEARER }, status: 405 },
  { given: 'another type', headers: { ...BEARER, 'content-type': 'text/plain' }, status: 415 },
];

describe('the door of the webhook', () => {
  let intake: FakeIntake;
  let webhook: Awaited<ReturnType<typeof aWebhook>>;
  before(async () => {
    intake = new FakeIntake();
    webhook = await aWebhook({ intake });
  });
  after(() => webhook.close());

  for (const { given, path = ALERTMANAGER, method = 'POST', headers, status } of rows) {
    it(`answers ${given} with ${status}, the same whether or not the end of the body is known`, async () => {
      const text = JSON.stringify(aBatch(anAlert()));
      const said = await fetch(webhook.url + path, { method, headers, body: text });
      const stream = new Blob([text]).stream();
      const unsaid = await fetch(webhook.url + path, { method, headers, body: stream, duplex: 'half' });
      const seen = async (answer: Response) => [
        answer.status,
        answer.headers.get('content-type'),
        answer.headers.get('allow'),
        await answer.text(),
      ];
      const first = await seen(said);
      assert.equal(first[0], status);
      assert.deepEqual(await seen(unsaid), first);
      assert.equal(intake.offers.length, 0);
    });
  }

  it('counts each that it turns away once, by the sender whose path it asked for', async () => {
    const of = async (status: number) => {
      const text = await (await fetch(`${webhook.url}/metrics`)).text();
      const line = new RegExp(`^headroom_webhook_requests_total\\{sender="grafana",status="${status}"\\} (\\d+)$`, 'm');
      return Number(line.exec(text)?.[1] ?? 0);
    };
    const before = await of(401);
    await webhook.post('/alerts/grafana', aBatch(), {});
    await webhook.post('/alerts/grafana', 'x'.repeat(100_000), {});
    assert.equal((await of(401)) - before, 2);
  });

  it('keeps the connection of whom it turned away, and hears the next request on it', async () => {
    const answers: number[] = [];
    for (const headers of [{}, BEARER, {}]) answers.push((await webhook.post(ALERTMANAGER, aBatch(), headers)).status);
    assert.deepEqual(answers, [401, 200, 401]);
  });
});

describe('judging the head of a request', () => {
  const asked: string[] = [];
  const door: Door = createDoor({
    auth: {
      judge({ headers }) {
        asked.push(String(headers.authorization));
        return headers.authorization === 'right' ? { kind: 'trusted' } : { kind: 'refused' };
      },
    },
    limits: { bodyBytes: 100 },
    metrics: { answered: () => {} },
    nowMs: () => 0,
  });
  const judge = (url: string, headers: Record<string, string>, method = 'POST') =>
    door.judge({ url, method, headers, socket: {} } as unknown as IncomingMessage);

  it('lets in with what is trusted, and never without it where alerts are told', () => {
    assert.deepEqual(judge(`${ALERTMANAGER}?x=1`, { ...JSON_TYPE, authorization: 'right' }), {
      kind: 'let in',
      trust: { kind: 'trusted' },
    });
    for (const path of [ALERTMANAGER, '/alerts/grafana', `${ALERTMANAGER}?token=right`])
      assert.equal(judge(path, JSON_TYPE).kind, 'turned away', path);
  });

  it('asks for no credentials at the pages of the probes, and gives nobody trust there', () => {
    const before = asked.length;
    for (const path of ['/healthz', '/readyz', '/metrics'])
      assert.deepEqual(judge(path, { authorization: 'right' }, 'GET'), { kind: 'let in' });
    assert.equal(asked.length, before);
  });

  it('says to nobody but who is trusted how much is accepted', () => {
    const large = { ...JSON_TYPE, 'content-length': '101' };
    const statusOf = (headers: Record<string, string>) => {
      const admission = judge(ALERTMANAGER, headers);
      return admission.kind === 'turned away' && admission.status;
    };
    assert.deepEqual([statusOf(large), statusOf({ ...large, authorization: 'right' })], [401, 413]);
  });
});
