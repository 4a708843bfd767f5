import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMERGENCY, isScaleInOff } from '../harness/emergency.ts';
import { eventually } from '../harness/eventually.ts';
import { eventOf, GOVERNORS, inLane, type Lane } from '../harness/lane.ts';
import { untilClosed, untilHome, untilPhase } from '../harness/pre-scale.ts';

const run = EMERGENCY;
const KEDA = ['ScaledObject', GOVERNORS.keda.name] as const;
const HPA = ['HorizontalPodAutoscaler', GOVERNORS.hpa.name] as const;

/**
 * The runbook's own cluster: an HPA of 3 to 10 and a ScaledObject of 1 to 5 on one Deployment of three pods. Without load, of
 * which the HPA would make more pods once it is alone, nothing lets go for ten minutes but the test.
 */
const torn = (
  act: (lane: Lane) => Promise<void>,
  { maxReplicaCount = 5, window = '10m' }: { readonly maxReplicaCount?: number; readonly window?: string } = {},
): Promise<void> => {
  const scaledObject = { minReplicaCount: 1, maxReplicaCount };
  const policy = { preScale: { quiet: { window, askAfter: '20m' } } };
  return inLane({ governor: 'hpa', rival: true, scaledObject, policy }, async (lane) => {
    await lane.startWorker();
    await act(lane);
  });
};

const wanted = async (lane: Lane) => Number((await lane.admin.get('Deployment', 'tensafe-server')).spec['replicas']);

async function startEmergency(lane: Lane): Promise<void> {
  const began = await lane.headroom('emergency', 'tensafe-server', '--reason', 'checkout is slow', '--json');
  assert.equal(began.code, 0, began.stderr);
  await eventually('five pods are available', async () => (await lane.available()) === 5);
}

/** Several syncs of both autoscalers: a floor above the maximum of one of them would show as another count. */
async function staysAt(lane: Lane, count: number): Promise<void> {
  const untilMs = Date.now() + 8_000;
  const seen = new Set<number>();
  await eventually('eight seconds have passed', async () => {
    seen.add(await wanted(lane));
    return Date.now() > untilMs;
  });
  assert.deepEqual([...seen], [count]);
}

describe('an emergency on a workload with an HPA and a ScaledObject', { concurrency: true }, () => {
  it('holds on the HPA as far as the other lets it, says so, and gives everything back while both are still there', () =>
    torn(
      async (lane) => {
        const [owners, others] = [await lane.snapshot(), (await lane.admin.get(...KEDA)).spec];
        const plan = await lane.headroom('plan', 'emergency', 'tensafe-server');
        assert.equal(plan.code, 0, plan.stderr);
        assert.match(plan.stdout, /replicas +5 .*clamped from 6/);
        assert.match(plan.stdout, /CONFLICT .*only HorizontalPodAutoscaler .*never above 5.*the repair: delete one/);
        const sale = await lane.headroom('plan', 'pre-scale', 'tensafe-server', ...eventOf(), '--factor', '2');
        assert.equal(sale.code, 3);
        assert.match(sale.stderr, /2 autoscalers target tensafe-server/);

        await lane.load(3_000);
        await startEmergency(lane);
        assert.deepEqual([await lane.floor(), await isScaleInOff(lane), lane.writes().length], [5, true, 1]);
        await untilPhase(lane, 'holding', { run });
        await staysAt(lane, 5);
        const { stdout } = await lane.headroom('show', run);
        assert.match(stdout, /asked +5 replicas, applied .*the repair/);
        assert.match(stdout, /\d  HorizontalPodAutoscaler .* target the same workload/);

        await lane.load(0);
        assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
        await untilHome(lane, owners);
        const { result } = await lane.status(run);
        assert.deepEqual([result?.outcome, result?.restored, result?.drift], ['done', true, []]);
        assert.deepEqual([await wanted(lane), (await lane.admin.get(...KEDA)).spec], [3, others]);
        assert.ok(lane.writes().every(({ objectRef }) => objectRef.name === GOVERNORS.hpa.name));
        await lane.record('emergency-conflict');
      },
      { window: '3s' },
    ));

  it('comes home although its ledger and then its run were terminated', () =>
    torn(async (lane) => {
      const owners = await lane.snapshot();
      await startEmergency(lane);
      await untilPhase(lane, 'holding', { run });
      await lane.temporal.workflow.getHandle('capacity.tensafe-server').terminate('by the test');
      await lane.temporal.workflow.getHandle(run).terminate('by the test');
      await untilHome(lane, owners, { withinMs: 90_000 });
      assert.equal(await wanted(lane), 3);
    }));

  it('goes on alone when somebody deletes the ScaledObject, and gives back', () =>
    torn(async (lane) => {
      const owners = await lane.snapshot();
      await startEmergency(lane);
      await untilPhase(lane, 'holding', { run });
      await lane.admin.remove(...KEDA);
      await eventually('it is told', async () => {
        const { status } = await lane.status(run);
        return status?.claim?.state === 'applied' && status.claim.reason === '';
      });
      const amended = await lane.headroom('amend', run, '--floor', '7');
      assert.equal(amended.code, 0, amended.stderr);
      await eventually('seven pods are available', async () => (await lane.available()) === 7);
      await lane.headroom('skip', run);
      assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
      await untilHome(lane, owners);
    }));

  it('moves to the ScaledObject when somebody deletes the HPA, and gives back', () =>
    torn(async (lane) => {
      const others = (await lane.admin.get(...KEDA)).spec;
      await startEmergency(lane);
      await untilPhase(lane, 'holding', { run });
      await lane.admin.remove(...HPA);
      await eventually(
        'the ScaledObject has it',
        async () => (await lane.admin.get(...KEDA)).spec['minReplicaCount'] === 5,
      );
      await lane.headroom('skip', run);
      assert.equal(await untilClosed(lane, { run }), 'COMPLETED');
      const { metadata, spec } = await lane.admin.get(...KEDA);
      assert.deepEqual([spec, metadata.labels?.['headroom.dev/held']], [others, undefined]);
    }));

  it('is refused with the reason and the repair where the other lets no more stand than there is', () =>
    torn(
      async (lane) => {
        const { code, stderr } = await lane.headroom('emergency', 'tensafe-server', '--reason', 'checkout is slow');
        assert.equal(code, 3);
        assert.match(stderr, /of more than the 3 replicas of now nothing would stay.*delete or retarget one/);
        assert.deepEqual(lane.writes(), []);
      },
      { maxReplicaCount: 3 },
    ));
});
