import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aWorld, HPA } from './world.ts';

const CLAIM = 'pre-scale.web.sale/r1';
const claims = JSON.stringify([{ id: CLAIM, floor: 6, reason: 'sale' }]);

describe('reading how a workload is autoscaled', () => {
  it('tells of the workload, of its autoscaler, and of those besides that something stops', async () => {
    const { activities, run, cluster } = aWorld();
    for (const name of ['calm', 'paused']) {
      const ref = cluster.addWorkload({ name, namespace: 'shop', replicas: 1 });
      cluster.addAutoscaler({ kind: 'scaledObject', name, target: ref, floor: 1, ceiling: 5 });
    }
    cluster.annotate({ kind: 'scaledObject', namespace: 'shop', name: 'paused' }, 'autoscaling.keda.sh/paused', 'true');
    const { state, autoscalers, metricsApis } = await run.act(() => activities.readScaling('web'));
    assert.equal(state.ref.name, 'web');
    assert.deepEqual(autoscalers.map(({ name }) => name).toSorted(), ['paused', HPA.name]);
    assert.equal(metricsApis.kind, 'read');
    assert.deepEqual(cluster.written, []);
  });
  it('asks whether the run of each claim still lives', async () => {
    for (const isGone of [false, true]) {
      const { activities, run, cluster, gone } = aWorld();
      cluster.annotate(HPA, 'headroom.dev/claims', claims);
      if (isGone) gone.add(CLAIM);
      const { owners } = await run.act(() => activities.readScaling('web'));
      assert.deepEqual(owners, { [CLAIM]: !isGone });
    }
  });
  it('is told without the right to see who serves metrics, and says so', async () => {
    const { activities, run, cluster } = aWorld();
    cluster.brew({ method: 'readMetricsApis', call: 1, type: 'permissionDenied' });
    const { metricsApis } = await run.act(() => activities.readScaling('web'));
    assert.equal(metricsApis.kind, 'unread');
  });
  it('leaves an outage to the retries', async () => {
    for (const method of ['readWorkload', 'readAutoscalers', 'readMetricsApis'] as const) {
      const { activities, run, cluster } = aWorld();
      cluster.brew({ method, call: 1, type: 'apiUnavailable' });
      await assert.rejects(
        run.act(() => activities.readScaling('web')),
        { type: 'apiUnavailable', nonRetryable: false },
      );
    }
  });
  it('names the workloads that there are to whoever asks for another', async () => {
    const { activities, run } = aWorld();
    await assert.rejects(
      run.act(() => activities.readScaling('wep')),
      { type: 'invalidRequest', message: /wep is not in headroom.yaml; known are web/ },
    );
  });
});
