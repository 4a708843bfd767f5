import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { GOVERNORS, inLane, KEDAS_HPA, type Lane, type LaneOptions } from '../harness/lane.ts';
import { askLedger } from '../harness/owners.ts';
import { RUN, startSale, untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

const SCALED_OBJECT = GOVERNORS.keda.name;

const underKeda = (options: LaneOptions, act: (lane: Lane) => Promise<void>): Promise<void> =>
  inLane({ governor: 'keda', ...options }, async (lane) => {
    await lane.startWorker();
    await act(lane);
  });

const asHpa = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'tensafe-server' };

describe('a pre-scale under KEDA', { concurrency: true }, () => {
  it('never writes the HPA that KEDA made, which follows by itself, there and back', () =>
    underKeda({}, async (lane) => {
      const owners = await lane.snapshot();
      const hpa = async () => (await lane.admin.get('HorizontalPodAutoscaler', KEDAS_HPA)).spec;
      const before = await hpa();
      await startSale(lane);
      await untilPhase(lane, 'holding');
      const { minReplicas, maxReplicas } = await hpa();
      assert.deepEqual([minReplicas, maxReplicas], [6, 12]);
      await lane.headroom('skip', RUN);
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await untilHome(lane, owners, { withinMs: 1 });
      await eventually('KEDA has followed home', async () => {
        assert.deepEqual(await hpa(), before);
        return true;
      });
      const written = new Set(lane.writes().map(({ objectRef }) => `${objectRef.resource} ${objectRef.name}`));
      assert.deepEqual([...written], [`scaledobjects ${SCALED_OBJECT}`]);
    }));

  it('stays pending while an HPA made later stands in the way, says so, and is given back when that is gone', () =>
    underKeda({}, async (lane) => {
      const owners = await lane.snapshot();
      await startSale(lane);
      await untilPhase(lane, 'holding');
      await lane.admin.create('HorizontalPodAutoscaler', {
        metadata: { name: 'rival-hpa' },
        spec: { scaleTargetRef: asHpa, minReplicas: 1, maxReplicas: 20 },
      });
      await lane.headroom('skip', RUN);
      const told = await eventually(
        'the ledger says what is in the way',
        async () => (await askLedger(lane)).trouble ?? undefined,
      );
      assert.match(told, /tensafe-scaledobject.* target the same workload/);
      assert.equal(await lane.floor(), 6);
      assert.equal((await lane.snapshot()).labels['headroom.dev/held'], 'true');
      await lane.admin.remove('HorizontalPodAutoscaler', 'rival-hpa');
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await untilHome(lane, owners, { withinMs: 1 });
    }));

  it('is told that it protects nothing while a person has KEDA paused, and goes on when they let go', () =>
    underKeda({}, async (lane) => {
      const owners = await lane.snapshot();
      await startSale(lane);
      await untilPhase(lane, 'holding');
      const pause = (value: string | null) =>
        lane.admin.patch('ScaledObject', SCALED_OBJECT, {
          metadata: { annotations: { 'autoscaling.keda.sh/paused': value } },
        });
      await pause('true');
      await eventually(
        'the ledger knows',
        async () => (await askLedger(lane)).standing?.unprotected?.kind === 'paused',
      );
      await pause(null);
      await eventually('the ledger knows', async () => {
        const { standing } = await askLedger(lane);
        return standing?.held === true && standing.unprotected === undefined;
      });
      await lane.headroom('skip', RUN);
      assert.equal(await untilClosed(lane), 'COMPLETED');
      await untilHome(lane, owners, { withinMs: 1 });
    }));
});
