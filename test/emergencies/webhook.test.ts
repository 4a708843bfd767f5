import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { EMERGENCY, isScaleInOff, STEPS } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import { openLane, type Lane } from '../harness/lane.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { startWebhook, type ToldAlert } from '../harness/webhook.ts';
import { everyWriteIsSound } from '../harness/witness.ts';

const run = EMERGENCY;
const policy = {
  emergencyScaleUp: { cooldown: '20s', budget: { perHour: 2, perDay: 7 } },
  triggers: {
    'low-load': { workload: 'tensafe-server', metric: 'queue-depth', below: 30, for: '1s', pods: -1, cooldown: '1s' },
  },
  alertRules: {
    EmergencyLatency: { procedure: 'emergencyScaleUp', workload: 'tensafe-server' },
    LowLoad: { procedure: 'stepScale', trigger: 'low-load' },
  },
};
const alert = (n: number, over: Partial<ToldAlert> = {}): ToldAlert => ({
  name: 'EmergencyLatency',
  fingerprint: n.toString(16).padStart(16, '0'),
  ...over,
});
/** Of each kind how many. */
const kinds = ({ alerts }: { readonly alerts: readonly { readonly disposition: string }[] }) =>
  Object.entries(Object.groupBy(alerts, ({ disposition }) => disposition)).map(
    ([kind, all]) => [kind, all?.length] as const,
  );

describe('the alert webhook before a real Temporal', () => {
  let lane: Lane;
  let webhook: Awaited<ReturnType<typeof startWebhook>>;
  before(async () => {
    lane = await openLane({ policy });
    await lane.load(3_000);
    await lane.startWorker();
    webhook = await startWebhook(lane);
  });
  after(async () => {
    await webhook.stop();
    await lane.close();
  });

  it('starts nothing for whoever does not know the secret, nor for what is not allowed, over, or only takes back', async () => {
    assert.equal((await webhook.tell([alert(1)], { token: 'a-token-that-is-not-right' })).status, 401);
    const answer = await webhook.tell([
      alert(1, { name: 'Unknown', labels: { workload: '../../etc', namespace: '$(reboot)\r\nX: y' } }),
      alert(2, { name: 'LowLoad' }),
      alert(3, { status: 'resolved' }),
    ]);
    assert.equal(answer.status, 200);
    assert.deepEqual(
      answer.alerts.map(({ disposition }) => disposition),
      ['not allowed', 'suppressed', 'suppressed'],
    );
    for (const id of [run, STEPS]) await assert.rejects(lane.temporal.workflow.getHandle(id).describe());
    assert.equal(lane.writes().length, 0);
  });

  it('makes one run and one doubling of 500 alerts at once, a tenth of them twice, and accounts for each', async () => {
    const owners = await lane.snapshot();
    const told = await Promise.all(
      Array.from({ length: 100 }, (_, batch) =>
        webhook.tell(Array.from({ length: 5 }, (_, i) => alert((batch * 5 + i) % 450))),
      ),
    );
    assert.deepEqual(
      [...new Set(told.map(({ status }) => status))],
      [200],
      told.find(({ status }) => status !== 200)?.body,
    );
    const all = told.flatMap(({ alerts }) => alerts);
    assert.equal(all.length, 500);
    const counts = Object.fromEntries(kinds({ alerts: all }));
    assert.equal((counts['started'] ?? 0) + (counts['joined'] ?? 0), 500, JSON.stringify(counts));
    await untilPhase(lane, 'holding', { run });
    assert.deepEqual([await lane.floor(), await isScaleInOff(lane)], [6, true]);
    assert.ok(lane.writes().length <= 3, `${lane.writes().length} writes`);
    assert.equal((await lane.status(run)).status?.alerts?.heard, 450);
    const events = (await lane.temporal.workflow.getHandle(run).fetchHistory()).events?.length ?? 0;
    assert.ok(events <= 200, `${events} events`);

    await lane.load(0);
    await webhook.tell(Array.from({ length: 450 }, (_, n) => alert(n, { status: 'resolved' })));
    await untilPhase(lane, 'cooling down', { run, withinMs: 60_000 });
    await untilHome(lane, owners);
    everyWriteIsSound(lane);
  });

  it('answers an alert that was answered with the rule that keeps it, also after a restart of its own', async () => {
    await webhook.stop();
    webhook = await startWebhook(lane);
    const again = await webhook.tell([alert(7)]);
    assert.deepEqual(kinds(again), [['suppressed', 1]]);
    assert.match(again.body, /the cooldown of 20s until/);
    assert.equal(await lane.floor(), 3);
  });

  it('starts another run for another firing, and no more of them than policy allows in an hour', async () => {
    const other = await webhook.tell([alert(7, { startsAt: '2099-01-02T00:00:00Z' })]);
    assert.deepEqual(kinds(other), [['started', 1]]);
    await untilPhase(lane, 'cooling down', { run, withinMs: 60_000 });
    const third = await webhook.tell([alert(7, { startsAt: '2099-01-03T00:00:00Z' })]);
    assert.deepEqual(kinds(third), [['suppressed', 1]], third.body);
    assert.match(third.body, /2 emergencies of tensafe-server in the last hour, of 2 that policy allows/);
    assert.equal((await lane.status(run)).result?.outcome, 'refused');
    assert.equal(await lane.floor(), 3);
  });

  it('says 503 within a second while Temporal is away, so that the sender tries again, and nothing is lost', async () => {
    const away = await startWebhook(lane, { TEMPORAL_ADDRESS: '127.0.0.1:9' });
    try {
      const answer = await away.tell([alert(8)]);
      assert.equal(answer.status, 503);
      assert.ok(answer.tookMs < 1_000, `${answer.tookMs} ms`);
    } finally {
      await away.stop();
    }
  });

  it('is 503 while no worker takes the alert, and acts once when one is back', async () => {
    await lane.killWorker();
    await eventually('the third run is over', async () => (await untilClosed(lane, { run })) !== 'RUNNING');
    const nobody = await webhook.tell([alert(9, { startsAt: '2099-01-04T00:00:00Z' })]);
    assert.equal(nobody.status, 503);
    await lane.startWorker();
    await eventually(
      'the alert is taken, told again and again',
      async () => (await webhook.tell([alert(9, { startsAt: '2099-01-04T00:00:00Z' })])).status === 200,
      { everyMs: 1_000 },
    );
    const { status } = await lane.status(run);
    assert.equal(status?.alerts?.heard, 1);
  });
});
