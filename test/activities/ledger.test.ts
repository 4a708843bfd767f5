import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aWorld, HPA, REF } from './world.ts';

const SELF = { kind: 'workload', namespace: 'shop', name: 'web' } as const;
const claim = (floor: number) => ({ id: 'pre-scale.web.sale/r1', floor, reason: 'sale' });
const request = (generation: number, floors: readonly number[]) => ({
  workload: 'web',
  claims: floors.map(claim),
  generation,
  skipSteps: true,
});

describe('making the governor follow the claims', () => {
  it('raises floor and maximum in one write, and gives the owner’s values back in one', async () => {
    const { cluster, activities, run } = aWorld();
    const before = cluster.snapshot(HPA);
    await run.act(() => activities.applyHold(request(1, [6])));
    assert.deepEqual(
      cluster.written.at(-1)?.fields.map(({ field, from, to }) => [field, from, to]),
      [
        ['floor', 3, 6],
        ['ceiling', 10, 12],
      ],
    );
    const report = await run.act(() => activities.applyHold(request(2, [])));
    assert.equal(report.kind === 'standing' && report.standing.held, false);
    assert.equal(cluster.written.length, 2);
    assert.deepEqual(cluster.snapshot(HPA), before);
  });

  it('writes nothing the second time, after an answer that was lost', async () => {
    const { cluster, activities, run } = aWorld();
    cluster.brew({ method: 'changeGovernor', call: 1, type: 'apiUnavailable', afterwards: true });
    await assert.rejects(
      run.act(() => activities.applyHold(request(1, [6]))),
      { type: 'apiUnavailable' },
    );
    const report = await run.act(() => activities.applyHold(request(1, [6])));
    assert.equal(report.kind, 'standing');
    assert.equal(cluster.written.length, 1);
  });

  it('answers raced when somebody wrote in between, and writes nothing', async () => {
    const { cluster, activities, run } = aWorld();
    cluster.raceNextWrite((other) => other.setField(HPA, 'floor', 4));
    assert.deepEqual(await run.act(() => activities.applyHold(request(1, [6]))), { kind: 'raced' });
    assert.equal(cluster.written.length, 0);
  });

  it('is fenced by a newer generation on the object', async () => {
    const { cluster, activities, run } = aWorld();
    await run.act(() => activities.applyHold(request(7, [6])));
    assert.deepEqual(await run.act(() => activities.applyHold(request(6, [8]))), { kind: 'fenced', generation: 7 });
    assert.equal(cluster.written.length, 1);
  });

  it('is blocked by two autoscalers, and names both', async () => {
    const { cluster, activities, run } = aWorld();
    cluster.addAutoscaler({ kind: 'horizontalPodAutoscaler', name: 'other-hpa', target: REF, floor: 1, ceiling: 2 });
    const report = await run.act(() => activities.applyHold(request(1, [6])));
    assert.match(report.kind === 'blocked' ? report.reason : '', /web-hpa.*other-hpa/);
  });

  it('is blocked by a ScaledObject, which this version does not hold', async () => {
    const { cluster, activities, run } = aWorld({ autoscaler: false });
    cluster.addAutoscaler({ kind: 'scaledObject', name: 'web-so', target: REF, floor: 1, ceiling: 20 });
    const report = await run.act(() => activities.applyHold(request(1, [6])));
    assert.match(report.kind === 'blocked' ? report.reason : '', /web-so are not built yet/);
    assert.equal(cluster.written.length, 0);
  });

  it('takes its marks off a workload for which an autoscaler was made meanwhile, and leaves its count', async () => {
    const { cluster, activities, run } = aWorld({ autoscaler: false });
    await run.act(() => activities.applyHold(request(1, [6])));
    cluster.addAutoscaler({ kind: 'horizontalPodAutoscaler', name: 'web-hpa', target: REF, floor: 2, ceiling: 20 });
    await run.act(() => activities.applyHold(request(2, [6])));
    const { annotations, labels, fields } = cluster.snapshot(SELF) as Record<string, unknown>;
    assert.deepEqual({ annotations, labels, fields }, { annotations: null, labels: null, fields: { floor: 6 } });
  });
});

describe('remembering without a history', () => {
  it('reads claims and generation off the object', async () => {
    const { activities, run } = aWorld();
    await run.act(() => activities.applyHold(request(5, [6])));
    assert.deepEqual(await run.act(() => activities.readHold('web')), { claims: [claim(6)], generation: 5 });
  });

  it('forgets no claim in a conflict, and waits rather than guesses when the claims were edited', async () => {
    const { cluster, activities, run } = aWorld();
    await run.act(() => activities.applyHold(request(5, [6])));
    cluster.addAutoscaler({ kind: 'horizontalPodAutoscaler', name: 'other-hpa', target: REF, floor: 1, ceiling: 2 });
    assert.equal((await run.act(() => activities.readHold('web'))).claims.length, 1);
    cluster.annotate(HPA, 'headroom.dev/claims', '[{');
    await assert.rejects(
      run.act(() => activities.readHold('web')),
      { type: 'stateConflict', nonRetryable: false },
    );
  });
});

describe('watching the owners of claims', () => {
  it('answers with those that are gone, beating often enough meanwhile', async () => {
    const { activities, run, gone } = aWorld();
    const watching = run.act(() => activities.watchOwners({ workload: 'web', claimIds: ['a/1', 'b/1'] }));
    setImmediate(() => gone.add('b/1'));
    assert.deepEqual(await watching, ['b/1']);
    assert.ok(run.slept.every((ms) => ms <= 2_000));
    assert.equal(run.beats.length, run.slept.length);
  });
});
