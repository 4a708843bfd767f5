import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createMetricsPort, type MetricsOptions } from '../../adapters/prometheus.ts';
import type { Call } from '../../activities/ports.ts';
import { startStandIn, type Reply, type StandInRequest } from './stand-in.ts';

const call: Call = { signal: new AbortController().signal, caller: 'pre-scale.web.sale/run-1' };
const window = { startMs: 1_000_000, endMs: 1_060_000, stepMs: 30_000 };

async function open(
  t: TestContext,
  reply: (request: StandInRequest, count: number) => Reply,
  options: Partial<MetricsOptions> = {},
) {
  const standIn = await startStandIn(reply);
  t.after(() => standIn.close());
  const port = createMetricsPort({ url: standIn.url, ...options });
  return { standIn, range: (query = 'up') => port.range(query, window, call) };
}
const success = (data: object, more: object = {}): Reply => ({
  status: 200,
  body: { status: 'success', data, ...more },
});
const matrix = (values: readonly (readonly [number, string])[]) =>
  success({ resultType: 'matrix', result: [{ metric: { job: 'x' }, values }] });

const unavailable = (message: RegExp, more: object = {}) => ({
  type: 'metricsUnavailable',
  nonRetryable: false,
  message,
  ...more,
});
const error = (status: number, errorType: string, text: string, headers = {}): Reply => ({
  status,
  headers,
  body: { status: 'error', errorType, error: text },
});

describe('asking Prometheus', () => {
  it('posts a form with the window in seconds and a timeout below its own deadline', async (t) => {
    const { standIn, range } = await open(t, () => matrix([]), {
      deadlineMs: 5_000,
      headers: { authorization: 'Bearer x' },
    });
    await range('sum(rate(x[1m])) & more');
    const [sent] = standIn.requests;
    assert.equal(`${sent?.method} ${sent?.path}`, 'POST /api/v1/query_range');
    assert.deepEqual(Object.fromEntries(new URLSearchParams(sent?.body)), {
      query: 'sum(rate(x[1m])) & more',
      start: '1000',
      end: '1060',
      step: '30',
      timeout: '4.5',
    });
    assert.match(sent?.headers['content-type'] ?? '', /^application\/x-www-form-urlencoded/);
    assert.equal(sent?.headers.authorization, 'Bearer x');
    assert.match(sent?.headers['user-agent'] ?? '', /pre-scale\.web\.sale\/run-1$/);
  });

  it('keeps a path prefix', async (t) => {
    const standIn = await startStandIn(() => matrix([]));
    t.after(() => standIn.close());
    await createMetricsPort({ url: `${standIn.url}/prometheus/` }).range('up', window, call);
    assert.equal(standIn.requests[0]?.path, '/prometheus/api/v1/query_range');
  });

  it('leaves out samples that are not finite numbers', async (t) => {
    const { range } = await open(t, () =>
      matrix([
        [1_000, '1.5'],
        [1_030, 'NaN'],
        [1_060, '+Inf'],
        [1_090, '-Inf'],
        [1_120, ''],
      ]),
    );
    assert.deepEqual(await range(), [{ labels: { job: 'x' }, samples: [{ atMs: 1_000_000, value: 1.5 }] }]);
  });

  it('reads a series of native histograms as one without samples', async (t) => {
    const { range } = await open(t, () => success({ resultType: 'matrix', result: [{ metric: {}, histograms: [] }] }));
    assert.deepEqual(await range(), [{ labels: {}, samples: [] }]);
  });

  for (const { name, reply, fails } of [
    {
      name: 'a query that it cannot read is invalidRequest, quoted',
      reply: error(400, 'bad_data', 'parse error: unexpected end'),
      fails: { type: 'invalidRequest', message: /cannot read the query up: parse error/ },
    },
    {
      name: 'a 400 of somebody in between is not the fault of the query',
      reply: { status: 400, body: '<html>' },
      fails: unavailable(/answers 400/),
    },
    {
      name: 'a query that cannot be executed is metricsUnavailable',
      reply: error(422, 'execution', 'many-to-many matching'),
      fails: unavailable(/answers 422 to up: many-to-many/),
    },
    {
      name: 'a timeout of its own is metricsUnavailable',
      reply: error(503, 'timeout', 'query timed out'),
      fails: unavailable(/query timed out/),
    },
    {
      name: 'a busy proxy is metricsUnavailable and keeps Retry-After',
      reply: error(429, '', 'busy', { 'retry-after': '9' }),
      fails: unavailable(/busy/, { nextRetryDelay: 9_000 }),
    },
    {
      name: 'a wrong address is metricsUnavailable',
      reply: { status: 404, body: 'not found' },
      fails: unavailable(/is the address right/),
    },
    {
      name: 'a page that is not JSON is metricsUnavailable',
      reply: { status: 200, body: '<html>' },
      fails: unavailable(/is the address right/),
    },
    {
      name: 'a warning is metricsUnavailable',
      reply: success({ resultType: 'matrix', result: [] }, { warnings: ['one store did not answer'] }),
      fails: unavailable(/one store did not answer/),
    },
    {
      name: 'anything but a matrix is metricsUnavailable',
      reply: success({ resultType: 'vector', result: [] }),
      fails: unavailable(/a vector instead of a matrix/),
    },
    {
      name: 'a hanging server is metricsUnavailable at the deadline',
      reply: 'hang',
      fails: unavailable(/127\.0\.0\.1:\d+: no answer within 0\.2 s/),
    },
    {
      name: 'a body that never ends is metricsUnavailable at the deadline',
      reply: 'hangInBody',
      fails: unavailable(/no answer within 0\.2 s/),
    },
  ] satisfies readonly { readonly name: string; readonly reply: Reply; readonly fails: object }[]) {
    it(name, async (t) => {
      const { range } = await open(t, () => reply, { deadlineMs: 200 });
      await assert.rejects(range(), fails);
    });
  }

  it('is metricsUnavailable naming host and port when the connection is refused', async () => {
    const standIn = await startStandIn(() => 'reset');
    await standIn.close();
    await assert.rejects(
      createMetricsPort({ url: standIn.url }).range('up', window, call),
      unavailable(new RegExp(`${standIn.host}: ECONNREFUSED`)),
    );
  });

  it('repeats once after a lost connection, and not after an answer', async (t) => {
    const flaky = await open(t, (_, count) => (count === 1 ? 'reset' : matrix([])));
    assert.equal((await flaky.range()).length, 1);
    const busy = await open(t, () => error(503, 'timeout', 'query timed out'));
    await assert.rejects(busy.range());
    assert.equal(busy.standIn.requests.length, 1);
  });

  it('ends with the reason of the signal when the caller gives up meanwhile', async (t) => {
    const standIn = await startStandIn(() => 'hang');
    t.after(() => standIn.close());
    const reason = new Error('the workflow was cancelled');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    await assert.rejects(
      createMetricsPort({ url: standIn.url }).range('up', window, { ...call, signal: controller.signal }),
      reason,
    );
  });
});
