import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failure } from '../../activities/failure.ts';
import { createWorkloadActivities } from '../../activities/workloads.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { aWorld, HPA, POLICY, REF } from './world.ts';

describe('surveying a workload', () => {
  it('answers with what is missing, as a reason', async () => {
    const { activities, run } = aWorld();
    const survey = await run.act(() => activities.surveyWorkload({ ...REF, object: 'wep' }));
    assert.equal(survey.kind, 'missing');
  });
  it('leaves an outage to the retries', async () => {
    const { activities, run, cluster } = aWorld();
    cluster.brew({ method: 'readWorkload', call: 1, type: 'apiUnavailable' });
    await assert.rejects(
      run.act(() => activities.surveyWorkload(REF)),
      { type: 'apiUnavailable', nonRetryable: false },
    );
  });
});

describe('waiting until pods are available', () => {
  const soon = { ref: REF, deadlineMs: Date.now() + 60_000 };
  const late = { ref: REF, deadlineMs: 0 };

  it('answers once they are, and held', async () => {
    const { activities, run, cluster } = aWorld();
    cluster.setField(HPA, 'floor', 6);
    assert.deepEqual(await run.act(() => activities.awaitAvailable({ ...soon, target: 6 })), {
      kind: 'available',
      replicas: 6,
      reasons: [],
    });
  });
  it('does not take pods that the autoscaler may take away again', async () => {
    const { activities, run } = aWorld();
    await assert.rejects(
      run.act(() => activities.awaitAvailable({ ...soon, target: 3 + 1 })),
      { type: 'notReady', message: /floor of HorizontalPodAutoscaler shop\/web-hpa is 3 and not yet 4/ },
    );
  });
  it('is short at the deadline, with what came and why not more', async () => {
    const { activities, run, cluster } = aWorld();
    cluster.startsPods = false;
    cluster.setField(HPA, 'floor', 6);
    cluster.setAvailable(REF, 4);
    cluster.troubles.set('web', [
      {
        kind: 'unschedulable',
        reason: 'Unschedulable',
        message: '0/3 nodes are available',
        count: 2,
        examples: ['web-1'],
      },
    ]);
    const report = await run.act(() => activities.awaitAvailable({ ...late, target: 6 }));
    assert.deepEqual({ kind: report.kind, replicas: report.replicas }, { kind: 'short', replicas: 4 });
    assert.match(report.reasons.join(), /0\/3 nodes are available/);
  });
  it('sees whether a hold stands whose count was there before', async () => {
    const { activities, run, cluster } = aWorld();
    const claim = { workload: 'web', claim: { id: 'hold-capacity.web/r1', pin: 3, reason: 'x' }, sequence: 4 };
    const look = (hold?: 'freeze' | 'pause') =>
      run.act(() => activities.awaitAvailable({ ...soon, target: 3, claim, ...(hold !== undefined && { hold }) }));
    assert.equal((await look()).kind, 'available');
    await assert.rejects(look('pause'), { type: 'notReady', message: /the claim does not stand on .*web-hpa yet/ });
    cluster.annotate(HPA, 'headroom.dev/claims', JSON.stringify([claim.claim]));
    assert.equal((await look('pause')).kind, 'available');
    await assert.rejects(look('freeze'), { type: 'notReady', message: /scale-in of .*web-hpa is not off/ });
    cluster.setField(HPA, 'freeze', { scaleDown: { selectPolicy: 'Disabled' } });
    assert.equal((await look('freeze')).kind, 'available');
  });
  it('says the claim again from time to time, in the same words: its ledger may have been terminated', async () => {
    const claim = { workload: 'web', claim: { id: 'pre-scale.web.sale/r1', floor: 6, reason: 'sale' }, sequence: 4 };
    for (const [attempt, said] of [
      [1, []],
      [15, [claim]],
    ] as const) {
      const { activities, run, told } = aWorld({ attempt });
      await assert.rejects(
        run.act(() => activities.awaitAvailable({ ...soon, target: 6, claim })),
        { type: 'notReady' },
      );
      assert.deepEqual(told, said);
    }
  });
  it('outlasts a permission that is gone, and names it at the deadline', async () => {
    const { activities, run, cluster } = aWorld();
    for (const call of [1, 2]) cluster.brew({ method: 'readWorkload', call, type: 'permissionDenied' });
    await assert.rejects(
      run.act(() => activities.awaitAvailable({ ...soon, target: 6 })),
      { type: 'permissionDenied', nonRetryable: false },
    );
    assert.equal((await run.act(() => activities.awaitAvailable({ ...late, target: 6 }))).kind, 'short');
  });
});

describe('keeping a claim that was not seen to stand', () => {
  const claim = { workload: 'web', claim: { id: 'pre-scale.web.sale/r1', floor: 6, reason: 'sale' }, sequence: 4 };

  it('says it at each attempt, in the same words, and comes again in half a minute', async () => {
    for (const attempt of [1, 2, 3]) {
      const { activities, run, told } = aWorld({ attempt });
      await assert.rejects(
        run.act(() => activities.keepClaimed(claim)),
        { type: 'notReady', nonRetryable: false, nextRetryDelay: 30_000 },
      );
      assert.deepEqual(told, [claim]);
    }
  });
  it('outlasts a ledger that refuses it', async () => {
    const { run } = aWorld();
    const { keepClaimed } = createWorkloadActivities({
      workloads: new FakeCluster(),
      ledger: {
        claim: async () => {
          throw failure('invalidRequest', 'claim refused');
        },
        release: async () => {},
        wake: async () => {},
      },
    });
    await assert.rejects(
      run.act(() => keepClaimed(claim)),
      { type: 'invalidRequest', nonRetryable: false },
    );
  });
});

describe('waiting until a claim is off the object', () => {
  const id = 'pre-scale.web.sale/r1';
  it('says what still stands, and reminds the ledger from time to time', async () => {
    const { activities, run, told } = aWorld({ attempt: 15 });
    await run.act(() =>
      activities.applyHold({
        workload: 'web',
        claims: [{ id, floor: 6, reason: 'sale' }],
        generation: 1,
        skipSteps: false,
        fresh: true,
        reappliedAtMs: [],
        silent: false,
        cluster: null,
      }),
    );
    await assert.rejects(
      run.act(() => activities.awaitReleased({ ref: REF, claimId: id, sequence: 2 })),
      { type: 'notReady', message: /still stands/ },
    );
    assert.deepEqual(told, [{ workload: 'web', claimId: id, sequence: 2, now: false }]);
  });
  it('answers with the owner’s values once they are back', async () => {
    const { activities, run, told } = aWorld();
    const report = await run.act(() => activities.awaitReleased({ ref: REF, claimId: id, sequence: 2 }));
    assert.deepEqual(report.kind === 'released' && [report.restored, report.counts.floor, report.counts.ceiling], [
      true,
      3,
      10,
    ]);
    assert.deepEqual(told, []);
  });
});

describe('waiting for a claim to leave a workload that is deleted meanwhile', () => {
  it('answers that it is not there any more', async () => {
    const { activities, run } = aWorld();
    const report = await run.act(() =>
      activities.awaitReleased({ ref: { ...REF, object: 'wep' }, claimId: 'a/b', sequence: 2 }),
    );
    assert.equal(report.kind, 'vanished');
  });
});

describe('waiting for quiet', () => {
  const since = (ms: number) => ({ policy: POLICY, sinceMs: Date.now() - ms, baselinePods: 3 });
  const minutes = 60_000;

  it('answers when the load was low for the whole window', async () => {
    const { activities, run, metrics } = aWorld();
    metrics.say('sum(queue)', 4);
    await run.act(() => activities.awaitQuiet(since(5 * minutes)));
  });
  it('says how long it has been quiet while the window is not over', async () => {
    const { activities, run, metrics } = aWorld();
    metrics.say('sum(queue)', 4);
    await assert.rejects(
      run.act(() => activities.awaitQuiet(since(1 * minutes))),
      { type: 'notReady', message: /quiet for 1m of 3m/ },
    );
  });
  it('names the load that is too high', async () => {
    const { activities, run, metrics } = aWorld();
    metrics.say('sum(queue)', 40);
    await assert.rejects(
      run.act(() => activities.awaitQuiet(since(5 * minutes))),
      { type: 'notReady', message: /queue 40/ },
    );
  });
  it('never takes no data for quiet', async () => {
    const { activities, run } = aWorld();
    await assert.rejects(
      run.act(() => activities.awaitQuiet(since(5 * minutes))),
      { type: 'metricsUnavailable', nonRetryable: false },
    );
  });
  it('goes on waiting, whatever cannot be read', async () => {
    const { activities, run, metrics, cluster } = aWorld();
    metrics.say('sum(queue)', 4);
    cluster.brew({ method: 'readWorkload', call: 1, type: 'permissionDenied' });
    await assert.rejects(
      run.act(() => activities.awaitQuiet(since(5 * minutes))),
      { type: 'metricsUnavailable', nonRetryable: false },
    );
  });
});
