import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMERGENCY as run } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import { inLane, KEDAS_HPA } from '../harness/lane.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

describe('an emergency that pauses a ScaledObject', () => {
  it('holds exactly its target under the HPA that was there, puts back who scales by hand, and ends by steps', () =>
    inLane({ governor: 'keda' }, async (lane) => {
      const owners = await lane.snapshot();
      const [deployment, hpa] = [
        ['Deployment', 'tensafe-server'],
        ['HorizontalPodAutoscaler', KEDAS_HPA],
      ] as const;
      const wanted = async () => Number((await lane.admin.get(...deployment)).spec['replicas']);
      const { uid } = (await lane.admin.get(...hpa)).metadata;
      await lane.startWorker();
      await lane.load(3_000);
      const began = await lane.headroom('emergency', 'tensafe-server', '--mode', 'pause', '--json');
      assert.equal(began.code, 0, began.stderr);
      await untilPhase(lane, 'holding', { run });
      await eventually('KEDA’s HPA leaves no room', async () => {
        const { spec } = await lane.admin.get(...hpa);
        return spec['minReplicas'] === 6 && spec['maxReplicas'] === 6;
      });
      for (const replicas of [9, 4]) {
        await lane.admin.patch(...deployment, { spec: { replicas } });
        await eventually(`${replicas} are put back to 6`, async () => (await wanted()) === 6, { withinMs: 40_000 });
      }
      await lane.load(0);
      assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
      await untilHome(lane, owners);
      assert.deepEqual(lane.floorsWritten(), [6, 5, 4, 3]);
      assert.equal((await lane.admin.get(...hpa)).metadata.uid, uid);
      assert.deepEqual((await lane.status(run)).result?.drift, []);
    }));
});
