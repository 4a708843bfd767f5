import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMERGENCY as run, isScaleInOff } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import { inLane } from '../harness/lane.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';
import { program } from '../harness/servers.ts';
import { startWebhook } from '../harness/webhook.ts';
import { everyWriteIsSound } from '../harness/witness.ts';

const policy = {
  alertRules: { EmergencyLatency: { procedure: 'emergencyScaleUp', workload: 'tensafe-server' } },
  emergencyScaleUp: { cooldown: '1s' },
};

describe('a Temporal that stands still, and takes connections all the same', () => {
  it('is 503 within three seconds for each alert; and what it had heard in its sleep and hears again is acted on once', () =>
    inLane({ governor: 'none', policy }, async (lane) => {
      await eventually('three pods are available', async () => (await lane.available()) === 3);
      const owners = await lane.snapshot();
      // so much that it is not quiet before it was looked at
      await lane.load(3_000);
      await lane.startWorker();
      const webhook = await startWebhook(lane);
      const alert = (n: number) => ({ name: 'EmergencyLatency', fingerprint: n.toString(16).padStart(16, '0') });
      try {
        const thaw = program('temporal').freeze();
        try {
          for (let n = 0; n < 3; n += 1) {
            const { status, tookMs } = await webhook.tell([alert(n)]);
            assert.equal(status, 503);
            assert.ok(tookMs < 3_000, `${tookMs} ms`);
          }
          assert.equal((await fetch(`${webhook.url}/readyz`)).status, 503);
        } finally {
          thaw();
        }
        for (let n = 0; n < 3; n += 1)
          await eventually(`alert ${n} is taken`, async () => (await webhook.tell([alert(n)])).status === 200, {
            withinMs: 60_000,
            everyMs: 1_000,
          });
        await untilPhase(lane, 'holding', { run });
        assert.equal((await lane.status(run)).status?.alerts?.heard, 3);
        assert.deepEqual([await lane.floor(), lane.floorsWritten()], [6, [6]]);
        assert.equal(await isScaleInOff(lane), false, 'there is nothing that could scale in');
        await lane.load(0);
        assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
        await untilHome(lane, owners);
        assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
        everyWriteIsSound(lane);
      } finally {
        await webhook.stop();
      }
    }));
});
