import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAlertmanager, type TestAlert } from '../harness/alertmanager.ts';
import { EMERGENCY, isScaleInOff } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import { openLane, type Lane } from '../harness/lane.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { program, reviveThoseThatLeft } from '../harness/servers.ts';
import { startWebhook } from '../harness/webhook.ts';
import { everyWriteIsSound } from '../harness/witness.ts';

const run = EMERGENCY;
const NAME = 'EmergencyLatency';
const policy = {
  emergencyScaleUp: { cooldown: '5s' },
  alertRules: { [NAME]: { procedure: 'emergencyScaleUp', workload: 'tensafe-server' } },
};
const OUTAGE_MS = 120_000;

/** One firing, with the same labels and the same start from whoever tells it. */
const firing = (): TestAlert => ({ labels: { alertname: NAME }, startsAt: new Date().toISOString() });
const over = (alert: TestAlert): TestAlert => ({ ...alert, endsAt: new Date().toISOString() });

describe('a pair of Alertmanagers that cannot hear each other', () => {
  let lane: Lane;
  let webhook: Awaited<ReturnType<typeof startWebhook>>;
  let pair: readonly Awaited<ReturnType<typeof startAlertmanager>>[] = [];
  const both = <T>(each: (one: (typeof pair)[number]) => Promise<T>): Promise<readonly T[]> =>
    Promise.all(pair.map(each));

  before(async () => {
    await reviveThoseThatLeft();
    lane = await openLane({ policy, governor: 'keda' });
    await lane.load(3_000);
    await lane.startWorker();
    webhook = await startWebhook(lane);
    const { url, bearerFile } = webhook;
    pair = await Promise.all(
      ['first', 'second'].map((name) => startAlertmanager(lane, { name, webhook: url, bearerFile })),
    );
  });
  after(async () => {
    await both((one) => one.stop());
    await webhook.stop();
    await lane.close();
  });

  async function endsExactly(alert: TestAlert, owners: Awaited<ReturnType<Lane['snapshot']>>): Promise<void> {
    await lane.load(0);
    await both((one) => one.tell(over(alert)));
    assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
    await untilHome(lane, owners);
    everyWriteIsSound(lane);
  }

  it('tell the same firing twice and again, and it is acted on once', async () => {
    const owners = await lane.snapshot();
    const alert = firing();
    await both((one) => one.tell(alert));
    await untilPhase(lane, 'holding', { run });
    // the first time, and its repetition
    await eventually('each has told it twice', async () => (await both((one) => one.taken())).every((n) => n >= 2), {
      withinMs: 60_000,
    });
    const { status } = await lane.status(run);
    assert.deepEqual(status?.alerts, { firing: [NAME], heard: 1, resolved: 0 });
    assert.deepEqual([await lane.floor(), await isScaleInOff(lane), lane.floorsWritten()], [6, true, [6]]);
    await endsExactly(alert, owners);
    assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
  });

  it('are answered with 503 within a second while Temporal is away for two minutes, and by themselves tell it again: it is acted on once', async () => {
    const owners = await lane.snapshot();
    const earlier = lane.floorsWritten().length;
    const [taken, refused] = await Promise.all([both((one) => one.taken()), both((one) => one.refused())]);
    await lane.load(3_000);
    await program('temporal').kill();
    const awayUntilMs = Date.now() + OUTAGE_MS;
    const alert = firing();
    try {
      await both((one) => one.tell(alert));
      await eventually('each is refused, and tries again', async () =>
        (await both((one) => one.refused())).every((n, i) => n >= (refused[i] ?? 0) + 2),
      );
      while (Date.now() < awayUntilMs) {
        const { status, tookMs } = await webhook.tell([{ name: NAME, fingerprint: '1', startsAt: alert.startsAt }]);
        assert.equal(status, 503);
        assert.ok(tookMs < 1_000, `${tookMs} ms`);
        await sleep(5_000);
      }
    } finally {
      await program('temporal').start();
    }
    await untilPhase(lane, 'holding', { run, withinMs: 90_000 });
    assert.deepEqual(lane.floorsWritten().slice(earlier), [6]);
    await eventually(
      'each has told it',
      async () => (await both((one) => one.taken())).every((n, i) => n > (taken[i] ?? 0)),
      { withinMs: 60_000 },
    );
    assert.equal((await lane.status(run)).status?.alerts?.heard, 1);
    await endsExactly(alert, owners);
    assert.deepEqual(lane.floorsWritten().slice(earlier), [6, 5, 4, 3]);
  });
});
