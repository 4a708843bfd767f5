import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { openFaultProxy, type FaultProxy, type Weather } from '../harness/fault-proxy.ts';
import { openLane, type Lane } from '../harness/lane.ts';
import { endSale, RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { servers } from '../harness/servers.ts';
import { everyWriteIsSound } from '../harness/witness.ts';

/** The API server's whole word for a JSON Patch whose `test` failed. */
const FAILED_TEST = JSON.stringify({
  kind: 'Status',
  status: 'Failure',
  message: 'the server rejected our request due to an error in our request',
  reason: 'Invalid',
  details: {},
  code: 422,
});

const weathers: readonly { readonly name: string; readonly weather: Weather; readonly times: number }[] = [
  { name: 'a conflict (409)', weather: { kind: 'status', status: 409 }, times: 3 },
  { name: 'a failed guard (422)', weather: { kind: 'status', status: 422, body: FAILED_TEST }, times: 3 },
  {
    name: 'throttling with Retry-After (429)',
    weather: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    times: 3,
  },
  { name: 'an internal error (500)', weather: { kind: 'status', status: 500 }, times: 3 },
  { name: 'an unavailable server (503)', weather: { kind: 'status', status: 503 }, times: 3 },
  { name: 'a connection that breaks', weather: { kind: 'reset' }, times: 3 },
  { name: 'an answer that is lost after the change was made', weather: { kind: 'lost answer' }, times: 1 },
  { name: 'a connection that hangs', weather: { kind: 'hang' }, times: 1 },
];

describe('bad weather between headroom and the API server', () => {
  let lane: Lane;
  let proxy: FaultProxy;
  before(async () => {
    lane = await openLane();
    proxy = await openFaultProxy(servers().kubeconfig.worker ?? '', join(lane.directory, 'through-the-proxy'));
    await lane.startWorker({ HEADROOM_KUBECONFIG: proxy.kubeconfig });
  });
  after(async () => {
    await lane.close();
    await proxy.close();
  });

  for (const { name, weather, times } of weathers) {
    it(`waits out ${name} on the write that holds, and writes once`, async () => {
      const owners = await lane.snapshot();
      const [metBefore, writesBefore] = [proxy.met(), lane.writes().length];
      proxy.expect({ method: 'PATCH', path: /horizontalpodautoscalers/ }, weather, times);
      await startSale(lane, { words: ['--replicas', '4'] });
      await untilPhase(lane, 'holding', { withinMs: 60_000 });
      assert.equal(proxy.met() - metBefore, times, 'the weather was met');
      assert.equal(await lane.floor(), 4);
      await lane.headroom('skip', RUN);
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await untilHome(lane, owners);
      assert.equal(lane.writes().length - writesBefore, 2, 'one write to hold, one to give back');
    });
  }

  it('shows in `show` what it waits for while the server is away, and goes on when it is back', async () => {
    const owners = await lane.snapshot();
    await startSale(lane);
    await untilPhase(lane, 'holding');
    proxy.expect({ path: /./ }, { kind: 'status', status: 503 }, 100);
    await lane.headroom('skip', RUN);
    await eventually('the outage is shown', async () => {
      const { pending } = await lane.status(RUN);
      return pending.some(({ activity, lastFailure }) => activity === 'awaitReleased' && /503/.test(lastFailure ?? ''));
    });
    assert.equal(await untilClosed(lane), 'COMPLETED');
    await untilHome(lane, owners);
  });
});

describe('an API server that is away for ten seconds', () => {
  it('delays a plan and a wind-down, and nothing is written twice', async () => {
    const lane = await openLane();
    const proxy = await openFaultProxy(servers().kubeconfig.worker ?? '', join(lane.directory, 'through-the-proxy'));
    try {
      const owners = await lane.snapshot();
      await lane.startWorker({ HEADROOM_KUBECONFIG: proxy.kubeconfig });
      await Promise.all([proxy.away(10_000), startSale(lane, { startsIn: 15 })]);
      await untilPhase(lane, 'holding', { withinMs: 60_000 });
      await lane.headroom('skip', RUN);
      await eventually('the first step is made', async () => (await lane.floor()) < 6);
      await proxy.away(10_000);
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await untilHome(lane, owners, { withinMs: 1 });
      assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
      everyWriteIsSound(lane);
    } finally {
      await lane.close();
      await proxy.close();
    }
  });
});

describe('the end of an event', () => {
  let lane: Lane;
  before(async () => {
    // an autoscaler would answer to this load too
    lane = await openLane({ governor: 'none' });
  });
  after(() => lane.close());

  it('keeps the capacity while Prometheus is away and says why; lets go by itself once it has seen quiet', async () => {
    const owners = await lane.snapshot();
    await eventually('the load is set', () => lane.load(30).then(() => true));
    await lane.startWorker({ HEADROOM_PROMETHEUS_URL: 'http://127.0.0.1:9' });
    await startSale(lane);
    await untilPhase(lane, 'holding');
    await endSale(lane);
    const reason = await eventually(
      'the reason is shown',
      async () =>
        (await lane.status(RUN)).pending.find(({ activity }) => activity === 'awaitQuiet')?.lastFailure ?? undefined,
    );
    assert.match(reason, /127\.0\.0\.1:9/);
    assert.equal(await lane.floor(), 6);

    await lane.killWorker();
    await lane.startWorker();
    assert.equal(await untilClosed(lane), 'COMPLETED');
    assert.equal((await lane.status(RUN)).result?.outcome, 'done');
    await untilHome(lane, owners);
  });

  it('waits for the load to fall, however long the event has been over', async () => {
    const owners = await lane.snapshot();
    await lane.load(3_000);
    await startSale(lane);
    await untilPhase(lane, 'holding');
    await endSale(lane);
    await eventually(
      'the load is named',
      async () => {
        const waiting = (await lane.status(RUN)).pending.find(({ activity }) => activity === 'awaitQuiet');
        return /queue-depth/.test(waiting?.lastFailure ?? '') && (waiting?.attempt ?? 0) > 4;
      },
      { withinMs: 40_000 },
    );
    assert.equal(await lane.floor(), 6);
    await lane.load(30);
    assert.equal(await untilClosed(lane), 'COMPLETED');
    await untilHome(lane, owners);
  });
});
