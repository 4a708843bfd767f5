import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { aBatch, anAlert, aWebhook, BEARER, FakeIntake, signatureOf, someFiles, NOW_MS } from './world.ts';

const ALERTMANAGER = '/alerts/alertmanager';

describe('telling alerts', () => {
  let intake: FakeIntake;
  let webhook: Awaited<ReturnType<typeof aWebhook>>;
  before(async () => {
    intake = new FakeIntake();
    webhook = await aWebhook({ intake });
  });
  after(() => webhook.close());

  it('answers what became of each, in their order', async () => {
    const { status, answer } = await webhook.post(ALERTMANAGER, {
      ...aBatch(
        anAlert({ fingerprint: 'a1' }),
        anAlert({ fingerprint: 'a2', name: 'Unknown' }),
        anAlert({ fingerprint: 'a3', startsAt: '2026-11-20T09:00:00Z' }),
        anAlert({ fingerprint: 'a4', name: 'HighCpu', status: 'resolved' }),
      ),
      truncatedAlerts: 7,
    });
    assert.equal(status, 200);
    assert.deepEqual(answer, {
      alerts: [
        { fingerprint: 'a1', name: 'Latency', status: 'firing', disposition: 'started', run: 'emergencyScaleUp.web' },
        {
          fingerprint: 'a2',
          name: 'Unknown',
          status: 'firing',
          disposition: 'not allowed',
          reason: 'not in the allow-list; alertRules of headroom.yaml says what is',
        },
        { fingerprint: 'a3', name: 'Latency', status: 'firing', disposition: 'suppressed', by: 'older than 24h' },
        { fingerprint: 'a4', name: 'HighCpu', status: 'resolved', disposition: 'started', run: 'stepScale.web' },
      ],
      truncatedAlerts: 7,
    });
    assert.deepEqual(
      intake.offers.map(({ route, notices }) => [route.procedure, notices.map(({ key }) => key)]),
      [
        ['emergencyScaleUp', ['a1@2026-11-27T09:00:00.123Z']],
        ['stepScale', ['a4@2026-11-27T09:00:00.123Z']],
      ],
    );
  });

  it('takes what Grafana says, by POST and PUT', async () => {
    const alert = {
      ...anAlert({ fingerprint: 'b1' }),
      values: { B: 22 },
      silenceURL: '',
      dashboardURL: '',
      panelURL: '',
    };
    const body = { ...aBatch(alert), version: '1', orgId: 1, title: '[FIRING:1]', state: 'alerting', message: 'x' };
    assert.equal((await webhook.post('/alerts/grafana', body)).status, 200);
    const put = await fetch(`${webhook.url}/alerts/grafana`, {
      method: 'PUT',
      body: JSON.stringify(body),
      headers: { ...BEARER, 'content-type': 'application/json; charset=utf-8' },
    });
    assert.equal(put.status, 200);
    assert.equal(((await put.json()) as { alerts: { disposition: string }[] }).alerts[0]?.disposition, 'joined');
  });

  const hostile = ['../../etc/passwd', '$(reboot)', 'a\r\nX-Evil: 1', 'x'.repeat(100_000), '__proto__', '\u202egnp'];
  it('answers what is not in the list with 2xx, says so in the log, and touches nothing', async () => {
    const before = intake.offers.length;
    const { status, answer, text } = await webhook.post(
      ALERTMANAGER,
      aBatch(...hostile.map((name) => anAlert({ name, labels: { namespace: name, workload: name } }))),
    );
    assert.equal(status, 200);
    assert.deepEqual(new Set(answer.alerts?.map(({ disposition }) => disposition)), new Set(['not allowed']));
    assert.equal(intake.offers.length, before);
    assert.ok(text.length < 3_000, 'names are cut');
    const { details } = webhook.lines.findLast(({ message }) => message === 'alerts told') ?? assert.fail();
    const told = JSON.stringify(details['notAllowed']);
    assert.match(told, /\.\.\/\.\.\/etc\/passwd: not in the allow-list/);
    assert.ok(told.length < 2_000 && !told.includes('\\r') && !told.includes('\u202e'));
  });

  it('sends no label on', async () => {
    await webhook.post(ALERTMANAGER, aBatch(anAlert({ fingerprint: 'c1', labels: { pod: '$(reboot)' } })));
    assert.ok(!JSON.stringify(intake.offers).includes('reboot'));
  });

  it('tells its figures', async () => {
    const text = await (await fetch(`${webhook.url}/metrics`)).text();
    assert.match(text, /headroom_webhook_alerts_total\{sender="alertmanager",disposition="not allowed"\} \d/);
    assert.match(text, /headroom_webhook_requests_total\{sender="grafana",status="200"\} 2/);
    assert.match(text, /headroom_webhook_ack_seconds_count\{sender="grafana"\} 2/);
  });

  it('is alive always, and ready while Temporal answers', async () => {
    const statusOf = async (path: string) => (await fetch(webhook.url + path)).status;
    assert.deepEqual([await statusOf('/healthz'), await statusOf('/readyz')], [200, 200]);
    intake.isReady = false;
    assert.deepEqual([await statusOf('/healthz'), await statusOf('/readyz')], [200, 503]);
    intake.isReady = true;
  });

  it('asks Temporal once for all who want to know at the same time', async () => {
    const answer = Promise.withResolvers<boolean>();
    let asked = 0;
    const ready = () => {
      asked += 1;
      return answer.promise;
    };
    const crowded = await aWebhook({ intake: { offer: async () => [], ready } });
    const statuses = Promise.all(Array.from({ length: 10 }, async () => (await fetch(`${crowded.url}/readyz`)).status));
    // the slowest of ten local requests is there long before
    await sleep(50);
    answer.resolve(true);
    assert.deepEqual(new Set(await statuses), new Set([200]));
    assert.ok(asked < 5, `asked ${asked} times`);
    await crowded.close();
  });

  it('names what there is to a stranger path or method', async () => {
    assert.equal((await webhook.post('/alerts', {})).status, 404);
    const put = await fetch(webhook.url + ALERTMANAGER, { method: 'PUT', body: '{}' });
    assert.deepEqual([put.status, put.headers.get('allow')], [405, 'POST']);
  });
});

describe('bad input', () => {
  let intake: FakeIntake;
  let webhook: Awaited<ReturnType<typeof aWebhook>>;
  before(async () => {
    intake = new FakeIntake();
    webhook = await aWebhook({ intake, limits: { headersMs: 200, requestMs: 300 } });
  });
  after(() => webhook.close());

  const large = Buffer.alloc(10_000_000, ' ');
  const rows: readonly {
    readonly given: string;
    readonly body?: string | Uint8Array<ArrayBuffer> | object;
    readonly headers?: Record<string, string>;
    readonly status: number;
    readonly says: RegExp;
  }[] = [
    { given: 'no credentials', headers: {}, status: 401, says: /^\{"error":"unauthorized"\}$/ },
    {
      given: 'wrong credentials',
      headers: { authorization: 'Bearer wrong' },
      status: 401,
      says: /^\{"error":"unauthorized"\}$/,
    },
    { given: 'malformed JSON', body: '{"version":', status: 400, says: /not JSON/ },
    { given: 'an empty body', body: '', status: 400, says: /not JSON/ },
    { given: 'a depth of 10,000', body: '['.repeat(10_000), status: 400, says: /at most 32 levels/ },
    { given: 'bytes that are not UTF-8', body: Buffer.from([0x22, 0xc3, 0x28, 0x22]), status: 400, says: /UTF-8/ },
    { given: '10 MB', body: large, status: 413, says: /at most 1048576 bytes/ },
    { given: '10 MB of a stranger', body: large, headers: {}, status: 401, says: /unauthorized/ },
    { given: '1,001 alerts', body: aBatch(...Array(1_001).fill(anAlert())), status: 400, says: /at most 1000/ },
    { given: 'a form', headers: { ...BEARER, 'content-type': 'text/plain' }, status: 415, says: /application\/json/ },
    {
      given: 'another encoding',
      headers: { ...BEARER, 'content-type': 'application/json; charset=latin1' },
      status: 415,
      says: /UTF-8/,
    },
    { given: 'a compressed body', headers: { ...BEARER, 'content-encoding': 'gzip' }, status: 415, says: /encoding/ },
  ];
  for (const { given, body = aBatch(anAlert()), headers, status, says } of rows) {
    it(`answers ${given} with ${status} and starts nothing`, async () => {
      const { text, ...answer } = await webhook.post(ALERTMANAGER, body, headers);
      assert.equal(answer.status, status);
      assert.match(text, says);
      assert.equal(intake.offers.length, 0);
    });
  }

  it('answers a body whose length nobody said with 413', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        if (sent > 10_000_000) controller.close();
        else controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
    const init = { method: 'POST', body, headers: { ...BEARER, 'content-type': 'application/json' }, duplex: 'half' };
    assert.equal((await fetch(webhook.url + ALERTMANAGER, init as RequestInit)).status, 413);
  });

  const answerTo = (words: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(webhook.url);
      let text = '';
      const socket = connect(Number(port), hostname, () => socket.write(words));
      socket.on('data', (data) => (text += data.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });

  it('hangs up on who is slow with the head or the body', async () => {
    const head = `POST ${ALERTMANAGER} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
    const [slowHead, slowBody] = await Promise.all([
      answerTo(head),
      answerTo(`${head}Authorization: ${BEARER.authorization}\r\nContent-Length: 100\r\n\r\n{`),
    ]);
    assert.match(slowHead, /^HTTP\/1\.1 408/);
    assert.match(slowBody, /^HTTP\/1\.1 408/);
  });

  it('takes so many connections and no more', async () => {
    const crowded = await aWebhook({ limits: { connections: 1 } });
    const { hostname, port } = new URL(crowded.url);
    const held = connect(Number(port), hostname);
    await new Promise((resolve) => held.once('connect', resolve));
    await assert.rejects(crowded.post(ALERTMANAGER, aBatch()));
    held.destroy();
    await crowded.close();
  });
});

describe('bad weather', () => {
  it('answers 503 when an offer fails, and says which alerts were taken', async () => {
    const intake = new FakeIntake();
    intake.weather = async ({ workload }) => {
      if (workload === 'web') throw new Error('14 UNAVAILABLE: 10.0.0.7:7233');
    };
    const webhook = await aWebhook({ intake });
    const batch = aBatch(anAlert({ fingerprint: 'a1' }), anAlert({ fingerprint: 'a2', name: 'ApiLatency' }));
    const { status, answer, text } = await webhook.post(ALERTMANAGER, batch);
    assert.equal(status, 503);
    assert.deepEqual(
      answer.alerts?.map(({ disposition }) => disposition),
      ['not taken', 'started'],
    );
    assert.ok(!text.includes('10.0.0.7'), 'addresses are for the log');
    assert.match(JSON.stringify(webhook.lines), /14 UNAVAILABLE/);

    intake.weather = async () => {};
    const again = await webhook.post(ALERTMANAGER, batch);
    assert.equal(again.status, 200);
    assert.deepEqual(
      again.answer.alerts?.map(({ disposition }) => disposition),
      ['started', 'joined'],
    );
    await webhook.close();
  });

  it('answers 503 when an offer takes too long', async () => {
    const intake = new FakeIntake();
    intake.weather = () => new Promise(() => {});
    const webhook = await aWebhook({ intake, limits: { offerMs: 50 } });
    const { status, answer } = await webhook.post(ALERTMANAGER, aBatch(anAlert()));
    assert.deepEqual([status, answer.alerts?.[0]?.disposition], [503, 'not taken']);
    await webhook.close();
  });

  for (const answers of [0, 2])
    it(`answers 503 when ${answers} answers come to one alert`, async () => {
      const offer = async () => Array.from({ length: answers }, () => ({ kind: 'started' as const, run: 'r' }));
      const webhook = await aWebhook({ intake: { offer, ready: async () => true } });
      assert.equal((await webhook.post(ALERTMANAGER, aBatch(anAlert()))).status, 503);
      await webhook.close();
    });

  it('accounts for each of 500 alerts that come at once for one workload, with few offers', async () => {
    const intake = new FakeIntake();
    intake.weather = async () => sleep(20);
    const webhook = await aWebhook({ intake });
    const answers = await Promise.all(
      // a hundred notifications of five, and one alert in ten is told twice
      Array.from({ length: 100 }, (_, i) => {
        const five = Array.from({ length: 5 }, (_, j) => ((i * 5 + j) % 450).toString(16));
        return webhook.post(ALERTMANAGER, aBatch(...five.map((fingerprint) => anAlert({ fingerprint }))));
      }),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    const kinds = answers.flatMap(({ answer }) => answer.alerts?.map(({ disposition }) => disposition) ?? []);
    assert.equal(kinds.length, 500);
    assert.ok(kinds.every((kind) => kind === 'started' || kind === 'joined'));
    const keys = intake.offers.flatMap(({ notices }) => notices.map(({ key }) => key));
    assert.equal(new Set(keys).size, 450);
    assert.ok(intake.offers.length < 50, `${intake.offers.length} offers`);
    await webhook.close();
  });

  it('finishes what is in flight when it is told to stop', async () => {
    const intake = new FakeIntake();
    const taken = Promise.withResolvers<void>();
    const offered = Promise.withResolvers<void>();
    intake.weather = () => {
      offered.resolve();
      return taken.promise;
    };
    const webhook = await aWebhook({ intake });
    const answer = webhook.post(ALERTMANAGER, aBatch(anAlert()));
    await offered.promise;
    const closed = webhook.close();
    await assert.rejects(fetch(`${webhook.url}/healthz`), 'takes no more');
    taken.resolve();
    assert.equal((await answer).status, 200);
    await closed;
  });
});

describe('signed requests', () => {
  const SECRET = 'a-secret-of-the-tests';
  const body = JSON.stringify(aBatch(anAlert()));
  const stamp = String(NOW_MS / 1_000);
  const signed = (over: string, header?: string) => ({
    'x-grafana-alerting-signature': signatureOf(SECRET, over),
    ...(header !== undefined && { 'x-grafana-alerting-signature-timestamp': header }),
  });

  it('are heard once, and again only when the first was not carried out', async () => {
    const files = someFiles();
    const intake = new FakeIntake();
    const webhook = await aWebhook({ intake, auth: { hmacFile: files.write('hmac', SECRET) } });
    const say = async () => (await webhook.post('/alerts/grafana', body, signed(`${stamp}:${body}`, stamp))).status;
    intake.weather = () => Promise.reject(new Error('down'));
    assert.equal(await say(), 503);
    intake.weather = async () => {};
    assert.equal(await say(), 200);
    assert.equal(await say(), 401);
    assert.equal((await webhook.post('/alerts/grafana', `${body} `, signed(body))).status, 401, 'another body');
    assert.equal(intake.offers.length, 2);
    await webhook.close();
    files.remove();
  });
});
