import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { standingKey } from '../../domain/hold-standing.ts';
import type { FakeCluster } from '../fakes/cluster.ts';
import { aWorld, HPA, REF } from './world.ts';

const SELF = { kind: 'workload', namespace: 'shop', name: 'web' } as const;
const CALM = { fresh: true, reappliedAtMs: [], silent: false, cluster: null };
const claim = (floor: number) => ({ id: 'pre-scale.web.sale/r1', floor, reason: 'sale' });
const request = (generation: number, floors: readonly number[]) => ({
  workload: 'web',
  claims: floors.map(claim),
  generation,
  skipSteps: true,
  ...CALM,
});

async function floorOf(cluster: FakeCluster) {
  const { fields } = cluster.snapshot(HPA) as { readonly fields: { readonly floor: number } };
  return fields.floor;
}

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
    assert.equal(report.kind === 'standing' && report.wrote, true, 'the write is told all the same');
    assert.equal(cluster.written.length, 1);
    const later = await run.act(() => activities.applyHold(request(2, [6])));
    assert.equal(later.kind === 'standing' && later.wrote, false);
  });

  it('answers raced when somebody wrote in between, and writes nothing', async () => {
    const { cluster, activities, run } = aWorld();
    for (const floor of [4, 5]) cluster.raceNextWrite((other) => other.setField(HPA, 'floor', floor));
    assert.deepEqual(await run.act(() => activities.applyHold(request(1, [6]))), { kind: 'raced' });
    assert.equal(cluster.written.length, 0);
  });

  it('decides on what is remembered, and anew on what stands when the write proves that to be old', async () => {
    const { cluster, activities, run } = aWorld();
    cluster.lagBehind(REF);
    cluster.setField(HPA, 'floor', 4);
    const report = await run.act(() => activities.applyHold(request(1, [6])));
    assert.equal(report.kind === 'standing' && report.standing.floor, 6);
    assert.equal(cluster.written.length, 1);
    await run.act(() => activities.applyHold(request(2, [])));
    assert.deepEqual(await floorOf(cluster), 4, 'what somebody had set meanwhile is the owner’s');
  });

  it('lets go of what stands, whatever the API server remembers', async () => {
    const { cluster, activities, run } = aWorld();
    cluster.lagBehind(REF);
    await run.act(() => activities.applyHold(request(1, [6])));
    const report = await run.act(() => activities.applyHold(request(2, [])));
    assert.equal(report.kind === 'standing' && report.standing.held, false, 'it is not taken for idle');
    assert.equal(await floorOf(cluster), 3);
  });

  it('is blocked by a second autoscaler of which the API server does not know yet, where nothing is to be written', async () => {
    const { cluster, activities, run } = aWorld();
    await run.act(() => activities.applyHold(request(1, [6])));
    cluster.lagBehind(REF);
    cluster.addAutoscaler({ kind: 'horizontalPodAutoscaler', name: 'other-hpa', target: REF, floor: 1, ceiling: 2 });
    const report = await run.act(() => activities.applyHold(request(1, [6])));
    assert.equal(report.kind, 'blocked');
  });

  it('brings no maximum back under pods that it has not seen', async () => {
    const { cluster, activities, run } = aWorld({ autoscaler: false });
    cluster.addAutoscaler({ kind: 'scaledObject', name: 'web-so', target: REF, floor: 3, ceiling: 7 });
    await run.act(() => activities.applyHold(request(1, [6])));
    cluster.setField(SELF, 'floor', 7);
    cluster.lagBehind(REF);
    // KEDA's HPA scales: nothing of the ScaledObject changes
    cluster.setField(SELF, 'floor', 9);
    const report = await run.act(() => activities.applyHold(request(2, [])));
    assert.equal(report.kind === 'standing' && report.standing.held, true);
    assert.deepEqual((cluster.snapshot(SELF) as { readonly fields: object }).fields, { floor: 9 });
  });

  it('leaves no hold for an autoscaler that is no more', async () => {
    const { cluster, activities, run } = aWorld({ autoscaler: false });
    const before = cluster.snapshot(SELF);
    await run.act(() => activities.applyHold(request(1, [6])));
    cluster.addAutoscaler({ kind: 'horizontalPodAutoscaler', name: 'web-hpa', target: REF, floor: 2, ceiling: 20 });
    cluster.lagBehind(REF);
    cluster.remove(HPA);
    await run.act(() => activities.applyHold(request(2, [])));
    assert.deepEqual(cluster.snapshot(SELF), before);
  });

  it('names a second autoscaler that nobody had seen when KEDA’s webhook refuses the write', async () => {
    const { cluster, activities, run } = aWorld({ autoscaler: false });
    cluster.addAutoscaler({ kind: 'scaledObject', name: 'web-so', target: REF, floor: 3, ceiling: 10 });
    cluster.lagBehind(REF);
    cluster.addAutoscaler({ kind: 'horizontalPodAutoscaler', name: 'web-hpa', target: REF, floor: 2, ceiling: 20 });
    const report = await run.act(() => activities.applyHold(request(1, [6])));
    assert.match(report.kind === 'blocked' ? report.reason : report.kind, /web-so and .*web-hpa/);
  });

  it('writes nothing late: an attempt that had read before a newer one wrote loses the race', async () => {
    const { cluster, activities, run } = aWorld();
    await run.act(() => activities.applyHold(request(1, [6])));
    const newer = run.act(() => activities.applyHold(request(3, [8])));
    // it has read, and sleeps past its timeout while the newer one writes
    cluster.raceNextWrite((other) => other.annotate(HPA, 'headroom.dev/generation', '4'));
    assert.deepEqual(await newer, { kind: 'fenced', generation: 4 });
    assert.deepEqual(await run.act(() => activities.applyHold(request(3, [8]))), { kind: 'fenced', generation: 4 });
    assert.equal(cluster.written.length, 1);
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

  it('is blocked in another cluster than the one it knows', async () => {
    const { cluster, activities, run } = aWorld();
    const report = await run.act(() => activities.applyHold({ ...request(1, [6]), cluster: 'uid-of-another' }));
    assert.match(report.kind === 'blocked' ? report.reason : '', /another cluster \(uid-of-the-fake\).*uid-of-another/);
    assert.equal(cluster.written.length, 0);
  });

  it('lifts a workload that KEDA left at its idle count, with scale-in frozen in the same write as the floor', async () => {
    const { cluster, activities, run } = aWorld({ autoscaler: false });
    cluster.followsFloors = false;
    cluster.setField(SELF, 'floor', 1);
    cluster.addAutoscaler({
      kind: 'scaledObject',
      name: 'web-so',
      target: REF,
      floor: 3,
      ceiling: 20,
      idleReplicas: 1,
    });
    await run.act(() => activities.applyHold(request(1, [6])));
    assert.deepEqual(
      cluster.written.map(({ kind, fields }) => [kind, fields.map(({ field, to }) => [field, to])]),
      [
        [
          'scaledObject',
          [
            ['floor', 6],
            ['freeze', 'true'],
          ],
        ],
        ['workload', [['floor', 6]]],
      ],
    );
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

describe('letting go of jobs', () => {
  const rows: readonly (readonly [name: string, load: number | undefined, floor: number, waiting: RegExp])[] = [
    ['waits while the load is high', 40, 6, /pods may be at work .*queue/],
    ['waits while there is no data', undefined, 6, /pods may be at work .*no data/],
    ['goes down by its steps when it is low', 1, 5, /^the next step down$/],
  ];
  for (const [name, load, floor, waiting] of rows) {
    it(name, async () => {
      const { metrics, activities, run } = aWorld({ jobs: true });
      await run.act(() => activities.applyHold(request(1, [6])));
      if (load !== undefined) metrics.say('sum(queue)', load);
      const report = await run.act(() => activities.applyHold({ ...request(2, []), skipSteps: false }));
      assert.ok(report.kind === 'standing');
      assert.equal(report.standing.floor, floor);
      assert.match(report.standing.waitingFor ?? '', waiting);
      assert.ok((report.standing.nextCheckAtMs ?? 0) > Date.now());
    });
  }
});

describe('letting go of what KEDA would take at once', () => {
  const rows: readonly (readonly [name: string, given: { readonly floor: number; readonly idleReplicas?: number }])[] =
    [
      ['waits for low load before a minimum of 0', { floor: 0 }],
      ['waits for low load before an idle count', { floor: 2, idleReplicas: 0 }],
    ];
  for (const [name, given] of rows) {
    it(name, async () => {
      const { cluster, metrics, activities, run } = aWorld({ autoscaler: false });
      cluster.addAutoscaler({ kind: 'scaledObject', name: 'web-so', target: REF, ceiling: 20, ...given });
      await run.act(() => activities.applyHold(request(1, [6])));
      const letGo = async (generation: number) => {
        const report = await run.act(() => activities.applyHold({ ...request(generation, []), skipSteps: false }));
        assert.ok(report.kind === 'standing');
        return report.standing;
      };
      const kept = await letGo(2);
      assert.deepEqual([kept.held, kept.floor], [true, 6]);
      assert.match(kept.waitingFor ?? '', /pods may be at work .*no data/);
      metrics.say('sum(queue)', 1);
      assert.equal((await letGo(3)).floor, 5);
    });
  }
});

describe('watching over a hold', () => {
  const guarded = (stands: string) => ({ ...request(3, [6]), fresh: false, stands });
  /** Holds, and answers with what the last decision said of it. */
  async function held() {
    const world = aWorld();
    const report = await world.run.act(() => world.activities.applyHold(request(2, [6])));
    assert.ok(report.kind === 'standing');
    return { ...world, stands: standingKey(report.standing) };
  }
  const after = (turns: number, act: () => void) => {
    let left = turns;
    const wait = () => ((left -= 1) > 0 ? setImmediate(wait) : act());
    setImmediate(wait);
  };

  it('answers with the claims whose run is gone, beating often enough meanwhile', async () => {
    const { activities, run, gone, stands } = await held();
    const watching = run.act(() => activities.guardHold(guarded(stands)));
    gone.add('pre-scale.web.sale/r1');
    assert.deepEqual((await watching).lost, ['pre-scale.web.sale/r1']);
    assert.ok(run.slept.every((ms) => ms <= 2_000));
    assert.ok(run.beats.length >= run.slept.length);
  });

  const edits: readonly (readonly [name: string, edit: (cluster: FakeCluster) => void])[] = [
    ['a lowered floor', (cluster) => cluster.setField(HPA, 'floor', 3)],
    ['a raised floor', (cluster) => cluster.setField(HPA, 'floor', 8)],
    ['a replaced governor', (cluster) => cluster.remove(HPA)],
    [
      'a second autoscaler',
      (cluster) => cluster.addAutoscaler({ kind: HPA.kind, name: 'other', target: REF, floor: 1, ceiling: 2 }),
    ],
    ['headroom.dev/ignore', (cluster) => cluster.annotate(HPA, 'headroom.dev/ignore', 'true')],
    ['claims edited away', (cluster) => cluster.annotate(HPA, 'headroom.dev/claims', '[]')],
    ['that the workload has vanished', (cluster) => cluster.remove(SELF)],
  ];
  for (const [name, edit] of edits) {
    it(`answers when it finds ${name}`, async () => {
      const { cluster, activities, run, stands } = await held();
      const watching = run.act(() => activities.guardHold(guarded(stands)));
      after(20, () => edit(cluster));
      assert.deepEqual(await watching, { lost: [], silent: false });
      assert.equal(cluster.written.length, 1, 'the guard writes nothing');
    });
  }

  it('goes on through an outage, and does not take it for a difference', async () => {
    const { cluster, activities, run, gone, stands } = await held();
    for (let call = 1; call < 8; call += 1) cluster.brew({ method: 'readWorkload', call, type: 'apiUnavailable' });
    const watching = run.act(() => activities.guardHold(guarded(stands)));
    after(60, () => gone.add('pre-scale.web.sale/r1'));
    assert.deepEqual((await watching).lost, ['pre-scale.web.sale/r1']);
  });
});
