import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { inLane } from '../harness/lane.ts';
import { RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

describe('giving a hold back by hand', { concurrency: 3 }, () => {
  it('drops every claim at once and tells the runs by whom, while Temporal answers', () =>
    inLane({}, async (lane) => {
      const owners = await lane.snapshot();
      await lane.startWorker();
      await startSale(lane);
      await untilPhase(lane, 'holding');
      const offline = await lane.headroom('ledger', 'tensafe-server', 'restore', '--offline');
      assert.equal(offline.code, 3);
      assert.match(offline.stderr, /the ledger of tensafe-server runs: it would hold again/);
      const restored = await lane.headroom(
        'ledger',
        'tensafe-server',
        'restore',
        '--as',
        'alice',
        '--note',
        'wrong day',
      );
      assert.equal(restored.code, 0, restored.stderr);
      await untilHome(lane, owners);
      assert.deepEqual(lane.floorsWritten(), [6, 3]);
      await eventually('the run is told', async () =>
        /given back by alice \(wrong day\)/.test((await lane.status(RUN)).status?.claim?.reason ?? ''),
      );
      await lane.headroom('skip', RUN);
      assert.equal(await untilClosed(lane), 'COMPLETED');
      assert.deepEqual(await lane.snapshot(), owners);
    }));

  it('works from the annotation alone while Temporal is away, and leaves what a person set', () =>
    inLane({}, async (lane) => {
      const owners = await lane.snapshot();
      await lane.startWorker();
      await startSale(lane);
      await untilPhase(lane, 'holding');
      await lane.killWorker();
      await lane.admin.patch('HorizontalPodAutoscaler', 'tensafe-hpa', { spec: { maxReplicas: 11 } });
      const away = { TEMPORAL_ADDRESS: '127.0.0.1:9' };
      const command = ['ledger', 'tensafe-server', 'restore', '--offline'];
      const restored = await lane.headroomIn(away, ...command);
      assert.equal(restored.code, 0, restored.stderr);
      assert.match(restored.stdout, /floor 6 → 3/);
      const { spec, annotations, labels } = await lane.snapshot();
      assert.deepEqual(
        { spec, annotations, labels },
        { spec: { ...owners.spec, maxReplicas: 11 }, annotations: {}, labels: {} },
      );
      assert.match((await lane.headroomIn(away, ...command)).stdout, /bears no hold/);
    }));
});
