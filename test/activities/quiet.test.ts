import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aWorld, POLICY } from './world.ts';

const MINUTE = 60_000;
const QUEUE = 'sum(queue)';
const request = (sinceMinutes = 10, askAtMs?: number) => ({
  policy: POLICY,
  sinceMs: Date.now() - sinceMinutes * MINUTE,
  baselinePods: 3,
  ...(askAtMs !== undefined && { askAtMs }),
});
const past = () => Date.now() - 1;
const future = () => Date.now() + MINUTE;

describe('waiting for quiet', () => {
  it('answers once the load has been low for the window', async () => {
    const { activities, metrics, run } = aWorld();
    metrics.say(QUEUE, 3);
    assert.deepEqual(await run.act(() => activities.awaitQuiet(request())), { kind: 'quiet' });
  });

  it('waits while the window has not passed, and says how much of it has', async () => {
    const { activities, metrics, run } = aWorld();
    metrics.say(QUEUE, 3);
    await assert.rejects(
      run.act(() => activities.awaitQuiet(request(1))),
      { type: 'notReady', message: 'quiet for 1m of 3m', category: 'BENIGN' },
    );
  });

  it('waits for a high load before it is time to ask, and answers with the reasons from then on', async () => {
    const { activities, metrics, run } = aWorld();
    metrics.say(QUEUE, 70);
    await assert.rejects(
      run.act(() => activities.awaitQuiet(request(10, future()))),
      { type: 'notReady' },
    );
    const report = await run.act(() => activities.awaitQuiet(request(10, past())));
    assert.match(report.kind === 'not quiet' ? report.reasons.join() : '', /queue 70 requests, must stay under 10/);
  });

  for (const [name, brew] of [
    ['Prometheus is down', ({ metrics }) => void metrics.answers.set(QUEUE, 'down')],
    ['the series is missing', () => undefined],
    [
      'the cluster does not answer',
      ({ cluster, metrics }) => {
        metrics.say(QUEUE, 3);
        cluster.brew({ method: 'readWorkload', call: 1, type: 'apiUnavailable' });
      },
    ],
  ] satisfies readonly (readonly [string, (world: ReturnType<typeof aWorld>) => void])[]) {
    it(`is never quiet when ${name}: it waits, and asks in its time`, async () => {
      const waiting = aWorld();
      brew(waiting);
      await assert.rejects(
        waiting.run.act(() => waiting.activities.awaitQuiet(request())),
        { type: 'metricsUnavailable', nonRetryable: false },
      );
      const asking = aWorld();
      brew(asking);
      const report = await asking.run.act(() => asking.activities.awaitQuiet(request(10, past())));
      assert.equal(report.kind, 'not quiet');
    });
  }
});

describe('watching for load that comes back', () => {
  it('answers when a metric was over its scale-up threshold for two samples', async () => {
    const { activities, metrics, run } = aWorld();
    metrics.say(QUEUE, 70);
    const { reasons } = await run.act(() => activities.awaitRegression(request(2)));
    assert.match(reasons.join(), /queue 70 requests .*over 50 requests/);
  });

  it('answers while the cluster does not, for load that is not counted per pod', async () => {
    const { activities, metrics, run, cluster } = aWorld();
    metrics.say(QUEUE, 70);
    cluster.brew({ method: 'readWorkload', call: 1, type: 'apiUnavailable' });
    const { reasons } = await run.act(() => activities.awaitRegression(request(2)));
    assert.match(reasons.join(), /queue 70 requests/);
  });

  it('does not answer for load per pod while it cannot count the pods', async () => {
    const { activities, metrics, run, cluster } = aWorld();
    metrics.say(QUEUE, 70);
    cluster.brew({ method: 'readWorkload', call: 1, type: 'apiUnavailable' });
    const { workload } = POLICY;
    const policy = {
      ...POLICY,
      workload: { ...workload, load: workload.load.map((one) => ({ ...one, perPod: true })) },
    };
    await assert.rejects(
      run.act(() => activities.awaitRegression({ ...request(2), policy })),
      { type: 'apiUnavailable' },
    );
  });

  it('does not take one sample, nor load between the thresholds, nor missing data for a regression', async () => {
    const { activities, metrics, run, cluster } = aWorld();
    const isWaiting = () =>
      assert.rejects(
        run.act(() => activities.awaitRegression(request(2))),
        (error: { readonly nonRetryable: boolean }) => !error.nonRetryable,
      );
    metrics.say(QUEUE, (atMs) => (atMs > Date.now() - 25_000 ? 70 : 20));
    await isWaiting();
    metrics.say(QUEUE, 30);
    await isWaiting();
    metrics.answers.set(QUEUE, 'down');
    await isWaiting();
    metrics.answers.set(QUEUE, 'badQuery');
    await isWaiting();
    cluster.brew({ method: 'readWorkload', call: 1, type: 'permissionDenied' });
    await isWaiting();
  });
});
