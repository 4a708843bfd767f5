import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ConfigurationPlan } from '../../domain/configuration.ts';
import type { Json } from '../../domain/json.ts';
import { asText, changesBetween, type Spec } from '../../domain/settings.ts';
import { aWorld, HPA, REF } from './world.ts';

const BEHAVIOR: Json = {
  scaleUp: { selectPolicy: 'Max' },
  scaleDown: { selectPolicy: 'Max', stabilizationWindowSeconds: 300 },
};
const CALMER: Json = {
  scaleUp: { selectPolicy: 'Max' },
  scaleDown: { selectPolicy: 'Max', stabilizationWindowSeconds: 600 },
};
const FROZEN: Json = {
  scaleUp: { selectPolicy: 'Max' },
  scaleDown: { selectPolicy: 'Disabled', stabilizationWindowSeconds: 600 },
};
const METRICS: Json = [{ type: 'Resource', resource: { name: 'cpu' } }];
const BEFORE: Spec = { minReplicas: 3, maxReplicas: 10, behavior: BEHAVIOR };
const AFTER: Spec = { minReplicas: 4, maxReplicas: 12, behavior: CALMER, metrics: METRICS };

/** A world in which the HPA has a behavior, and the plan from there to these settings. */
function aConfiguredWorld(after: Spec = AFTER) {
  const world = aWorld();
  const { cluster, run, activities } = world;
  cluster.setField(HPA, 'freeze', BEHAVIOR);
  const uid = asText((cluster.snapshot(HPA) as Spec)['uid']);
  const changes = changesBetween(BEFORE, after);
  const governor = { kind: HPA.kind, name: HPA.name, uid };
  const plan = { procedure: 'configureAutoscaler', governor, changes, ailing: [] } as unknown as ConfigurationPlan;
  const request = { ref: REF, plan };
  const spec = async () => {
    const { autoscalers } = await run.act(() => activities.readScaling('web'));
    return autoscalers[0]?.spec ?? {};
  };
  const hold = (claims: readonly object[], generation: number) =>
    run.act(() =>
      activities.applyHold({
        workload: 'web',
        claims: claims.map((claim) => ({ id: 'a/b', reason: '', ...claim })),
        generation,
        skipSteps: true,
        fresh: true,
        reappliedAtMs: [],
        silent: false,
        cluster: null,
      }),
    );
  return {
    ...world,
    request,
    spec,
    hold,
    write: () => run.act(() => activities.writeSettings(request)),
    restore: () => run.act(() => activities.restoreSettings(request)),
  };
}

describe('writing new settings', () => {
  it('is one guarded write, and none the second time', async () => {
    const { cluster, write, spec } = aConfiguredWorld();
    assert.deepEqual(await write(), { kind: 'written' });
    assert.deepEqual(await spec(), AFTER);
    assert.equal(cluster.written.length, 1);
    assert.deepEqual(await write(), { kind: 'written' });
    assert.equal(cluster.written.length, 1);
  });

  it('goes on from an answer that was lost', async () => {
    const { cluster, write } = aConfiguredWorld();
    cluster.brew({ method: 'changeGovernor', call: 1, type: 'apiUnavailable', afterwards: true });
    await assert.rejects(write(), { type: 'apiUnavailable', nonRetryable: false });
    assert.deepEqual(await write(), { kind: 'written' });
    assert.equal(cluster.written.length, 1);
  });

  it('is refused where somebody has changed it since the plan, or replaced it, or keeps headroom away', async () => {
    const edited = aConfiguredWorld();
    edited.cluster.setField(HPA, 'floor', 5);
    assert.deepEqual(await edited.write(), {
      kind: 'refused',
      reasons: ['minReplicas of web-hpa was changed since the plan was made'],
    });
    const replaced = aConfiguredWorld();
    replaced.cluster.remove(HPA);
    assert.match(JSON.stringify(await replaced.write()), /is gone, or was replaced/);
    const ignored = aConfiguredWorld();
    ignored.cluster.annotate(HPA, 'headroom.dev/ignore', 'true');
    assert.match(JSON.stringify(await ignored.write()), /ignore=true is set by now/);
    for (const { cluster } of [edited, replaced, ignored]) assert.deepEqual(cluster.written, []);
  });

  it('is refused by what the API server refuses, in its words', async () => {
    const { write, cluster } = aConfiguredWorld({ ...BEFORE, minReplicas: 11 });
    assert.match(JSON.stringify(await write()), /refused.*the floor 11 is above the ceiling 10/);
    assert.deepEqual(cluster.written, []);
  });

  it('reads again after a race, and overwrites nothing', async () => {
    const { cluster, write, spec } = aConfiguredWorld();
    cluster.raceNextWrite((one) => one.setSpec(HPA, 'metrics', ['theirs']));
    await assert.rejects(write(), { type: 'stateConflict', nonRetryable: false });
    assert.match(JSON.stringify(await write()), /metrics of web-hpa was changed/);
    assert.deepEqual(await spec(), { ...BEFORE, metrics: ['theirs'] });
  });
});

describe('giving old settings back', () => {
  it('is exact, is one write, and is none where nothing was written', async () => {
    const { cluster, write, restore } = aConfiguredWorld();
    const before = cluster.snapshot(HPA);
    assert.deepEqual(await restore(), { left: [] });
    assert.deepEqual(cluster.written, []);
    await write();
    assert.deepEqual(await restore(), { left: [] });
    assert.deepEqual(cluster.snapshot(HPA), { ...(before as Spec), spec: {} });
    assert.deepEqual(await restore(), { left: [] });
    assert.equal(cluster.written.length, 2);
  });

  it('leaves what somebody else has set, and says so', async () => {
    const { cluster, write, restore, spec } = aConfiguredWorld();
    await write();
    cluster.setField(HPA, 'floor', 6);
    const { left } = await restore();
    assert.deepEqual(left, ['minReplicas is 6, not 4: somebody else set it']);
    assert.deepEqual(await spec(), { ...BEFORE, minReplicas: 6 });
  });

  it('waits while an annotation keeps headroom away, and lets a workload go that is gone', async () => {
    const { cluster, write, restore } = aConfiguredWorld();
    await write();
    cluster.annotate(HPA, 'headroom.dev/ignore', 'true');
    await assert.rejects(restore(), { type: 'notReady', nonRetryable: false });
    cluster.remove({ kind: 'workload', namespace: 'shop', name: 'web' });
    assert.match((await restore()).left.join(), /does not exist/);
  });

  it('tries for as long as it takes', async () => {
    const { cluster, restore } = aConfiguredWorld();
    cluster.brew({ method: 'readWorkload', call: 1, type: 'permissionDenied' });
    await assert.rejects(restore(), { type: 'permissionDenied', nonRetryable: false });
  });
});

describe('new settings under a hold', () => {
  it('leave the floor to the claims, and are what the hold gives back', async () => {
    const { cluster, write, spec, hold } = aConfiguredWorld();
    await hold([{ floor: 8 }], 1);
    assert.equal((await spec())['minReplicas'], 8);
    assert.deepEqual(await write(), { kind: 'written' });
    const { minReplicas, metrics } = await spec();
    assert.deepEqual([minReplicas, metrics], [8, METRICS]);
    const report = await hold([{ floor: 8 }], 2);
    assert.ok(report.kind === 'standing' && report.standing.drift.length === 0 && report.standing.baselineFloor === 4);
    assert.equal((await spec())['minReplicas'], 8);
    await hold([], 3);
    assert.deepEqual(await spec(), AFTER);
    assert.equal((cluster.snapshot(HPA) as Spec)['annotations'], null);
  });

  it('raise the floor where the owner wants more than is claimed', async () => {
    const { write, spec, hold } = aConfiguredWorld({ ...BEFORE, minReplicas: 9 });
    await hold([{ floor: 8 }], 1);
    await write();
    await hold([{ floor: 8 }], 2);
    assert.equal((await spec())['minReplicas'], 9);
  });

  it('leave a freeze on, under the new rules, and come to be whole at its end', async () => {
    const { write, spec, hold } = aConfiguredWorld();
    await hold([{ freezeScaleIn: true }], 1);
    await write();
    assert.deepEqual((await spec())['behavior'], FROZEN);
    const report = await hold([{ freezeScaleIn: true }], 2);
    assert.ok(report.kind === 'standing' && report.standing.frozen === true && report.standing.drift.length === 0);
    await hold([], 3);
    assert.deepEqual(await spec(), AFTER);
  });

  it('come back from under it too, whichever ended first', async () => {
    const begun = aConfiguredWorld();
    await begun.write();
    await begun.hold([{ floor: 8, freezeScaleIn: true }], 1);
    await begun.restore();
    assert.equal((await begun.spec())['minReplicas'], 8);
    await begun.hold([], 2);
    assert.deepEqual(await begun.spec(), BEFORE);

    const ended = aConfiguredWorld();
    await ended.hold([{ floor: 8, freezeScaleIn: true }], 1);
    await ended.write();
    await ended.hold([], 2);
    assert.deepEqual(await ended.spec(), AFTER);
    await ended.restore();
    assert.deepEqual(await ended.spec(), BEFORE);
  });

  it('and claims never disturb each other, in whatever order both come and go', async () => {
    const word = fc.oneof(
      fc.constantFrom('write' as const, 'restore' as const, 'release' as const),
      fc.record({ floor: fc.integer({ min: 2, max: 12 }), freezeScaleIn: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 10 }), async (words) => {
        const { cluster, write, restore, spec, hold } = aConfiguredWorld();
        let claims: readonly { readonly floor: number; readonly freezeScaleIn: boolean }[] = [];
        let isWritten = false;
        let generation = 0;
        for (const one of words) {
          if (one === 'write') await write();
          else if (one === 'restore') assert.deepEqual(await restore(), { left: [] });
          else claims = one === 'release' ? [] : [one];
          if (one === 'write' || one === 'restore') isWritten = one === 'write';
          await hold(claims, (generation += 1));
          const now = await spec();
          const floors = claims.map(({ floor }) => floor);
          const owners: Spec = isWritten ? AFTER : BEFORE;
          assert.equal(now['minReplicas'], Math.max(Number(owners['minReplicas']), ...floors));
          assert.deepEqual(now['metrics'], owners['metrics']);
        }
        await hold([], generation + 1);
        // the maximum comes back when the count is under it
        cluster.setField({ kind: 'workload', namespace: 'shop', name: 'web' }, 'floor', 4);
        await hold([], generation + 2);
        assert.deepEqual(await spec(), isWritten ? AFTER : BEFORE);
      }),
    );
  });

  it('wait for a hold that begins, changes or ends in the same moment', async () => {
    const { cluster, write, hold } = aConfiguredWorld();
    await hold([{ floor: 8 }], 1);
    cluster.raceNextWrite((one) => one.annotate(HPA, 'headroom.dev/generation', '2'));
    await assert.rejects(write(), { type: 'stateConflict' });
  });

  it('are refused for a field that a person has changed under the hold', async () => {
    const { cluster, write, hold } = aConfiguredWorld();
    await hold([{ floor: 8 }], 1);
    cluster.setField(HPA, 'floor', 7, 'kubectl-edit');
    assert.match(JSON.stringify(await write()), /minReplicas is held, and kubectl-edit has set it to 7/);
  });
});

describe('looking whether new settings work', () => {
  const look = async ({ writtenAgoMs, leftMs, ill }: { writtenAgoMs: number; leftMs: number; ill: boolean }) => {
    const { cluster, run, activities, write, request } = aConfiguredWorld();
    await write();
    const said = { type: 'ScalingActive', status: ill ? 'False' : 'True', reason: 'X', message: 'no metrics' };
    cluster.setConditions(HPA, [said]);
    if (ill) cluster.setField(HPA, 'floor', 5);
    const now = Date.now();
    const times = { writtenAtMs: now - writtenAgoMs, deadlineMs: now + leftMs };
    return run.act(() => activities.awaitSettings({ ...request, ...times }));
  };

  it('is done when they stand, nobody complains, and it has been looked at once more', async () => {
    assert.deepEqual(await look({ writtenAgoMs: 21_000, leftMs: 9, ill: false }), { kind: 'verified' });
    await assert.rejects(look({ writtenAgoMs: 5_000, leftMs: 9_000, ill: false }), { type: 'notReady' });
  });
  it('says at the deadline what speaks against them, and goes on looking before', async () => {
    await assert.rejects(look({ writtenAgoMs: 21_000, leftMs: 9_000, ill: true }), { type: 'notReady' });
    const verdict = await look({ writtenAgoMs: 61_000, leftMs: -1, ill: true });
    assert.ok(verdict.kind === 'not verified');
    assert.equal(verdict.reasons[0], 'minReplicas is 5, not 4');
    assert.match(verdict.reasons[1] ?? '', /no metrics/);
  });
});
