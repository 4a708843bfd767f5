import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createActivities } from '../../activities/index.ts';
import type { HoldReport } from '../../activities/ledger.ts';
import type { Ports, WorkloadPort } from '../../activities/ports.ts';
import { readPolicy } from '../../adapters/policy-file.ts';
import type { Claim } from '../../domain/claim.ts';
import { standingKey, type HoldStanding } from '../../domain/hold-standing.ts';
import type { GovernorChange } from '../../domain/workload.ts';
import { NO_CLOUD } from '../fakes/no-cloud.ts';
import { FakeDrains } from '../fakes/drains.ts';
import { FakeMetrics } from '../fakes/metrics.ts';
import { FakeNodes } from '../fakes/nodes.ts';
import { anActivity } from '../harness/activity.ts';
import { eventually } from '../harness/eventually.ts';
import { openRealCluster } from './real-cluster.ts';

const CALM = { fresh: true, reappliedAtMs: [], silent: false, cluster: null, skipSteps: true };
const PAUSED = 'autoscaling.keda.sh/paused';
const TRIGGER = {
  type: 'cron',
  metadata: { timezone: 'UTC', start: '0 0 1 1 *', end: '1 0 1 1 *', desiredReplicas: '1' },
};

/** Each row of the domain's readiness table, and each sentence about KEDA, against the real one. */
describe('a hold on a ScaledObject that KEDA reconciles', { concurrency: true }, () => {
  let cluster: Awaited<ReturnType<typeof openRealCluster>>;
  before(async () => {
    cluster = await openRealCluster();
  });
  after(() => cluster.close());

  /** A workload of three pods under a ScaledObject of its own, and the ledger's activities over it. */
  async function held(
    name: string,
    given: {
      readonly floor?: number;
      readonly idleReplicas?: number;
      readonly spec?: object;
      readonly port?: WorkloadPort;
    } = {},
  ) {
    const { port = cluster.port, ...rest } = given;
    const target = await cluster.addWorkload({ name, replicas: 3 });
    await cluster.addAutoscaler({ kind: 'scaledObject', name, target, floor: 3, ceiling: 10, ...rest });
    const id = { kind: 'scaledObject', namespace: cluster.namespace, name } as const;
    const metrics = new FakeMetrics();
    const { activities, run } = activitiesOver({ name, namespace: cluster.namespace, port, metrics });
    let generation = 0;
    const apply = async (claims: readonly Claim[], more: Partial<typeof CALM> = {}): Promise<HoldReport> => {
      generation += 1;
      return run.act(() => activities.applyHold({ workload: name, claims, generation, ...CALM, ...more }));
    };
    return {
      id,
      metrics,
      apply,
      owners: await cluster.snapshot(id),
      snapshot: () => cluster.snapshot(id),
      annotate: (key: string, value: string | undefined) => cluster.annotate(id, key, value),
      facts: async () => (await cluster.port.readWorkload(target, CALL)).autoscalers[0]?.autoscaler,
      replicas: async () => (await cluster.port.readWorkload(target, CALL)).wantedReplicas,
      /** What the guard sees, which has waited for as long as it takes. */
      guard: (claims: readonly Claim[], standing: HoldStanding, silent = false) =>
        run.act(() =>
          activities.guardHold({
            workload: name,
            claims,
            generation,
            ...CALM,
            silent,
            fresh: false,
            stands: standingKey(standing),
          }),
        ),
    };
  }

  it('has floor, maximum and freeze on KEDA’s HPA from one patch, and leaves no trace', async () => {
    const hold = await held('one-patch');
    const standing = standingOf(await hold.apply([claim({ floor: 6, freezeScaleIn: true })]));
    assert.deepEqual([standing.floor, standing.ceiling, standing.frozen], [6, 12, true]);
    const { inForce } = await eventually('KEDA has followed', async () => {
      const facts = await hold.facts();
      return facts?.inForce?.floor === 6 && facts;
    });
    assert.deepEqual(inForce, { floor: 6, ceiling: 12, frozen: true });
    await eventually('six are asked for', async () => (await hold.replicas()) === 6);
    assert.equal(standingOf(await hold.apply([])).held, false);
    assert.deepEqual(await hold.snapshot(), hold.owners);
    await eventually('KEDA has followed back', async () => {
      const facts = await hold.facts();
      return facts?.inForce?.floor === 3 && !facts.inForce.frozen;
    });
  });

  it('goes through although KEDA rewrites the object at every poll: its resourceVersion guards nothing', async () => {
    const spec = {
      pollingInterval: 1,
      triggers: [{ type: 'kubernetes-workload', metadata: { podSelector: 'app=polled', value: '10' } }],
    };
    const { port } = cluster;
    const polled: WorkloadPort = {
      ...port,
      async changeGovernor(change, call) {
        const { resourceVersion } = (await cluster.read({ kind: 'scaledObject', ...nameOf(change) })).metadata;
        await eventually('KEDA has written between the read and the write', async () => {
          const { metadata } = await cluster.read({ kind: 'scaledObject', ...nameOf(change) });
          return metadata.resourceVersion !== resourceVersion;
        });
        return port.changeGovernor(change, call);
      },
    };
    const hold = await held('polled', { spec, port: polled });
    assert.equal(standingOf(await hold.apply([claim({ floor: 6 })])).floor, 6);
    assert.equal(standingOf(await hold.apply([])).held, false);
    assert.deepEqual(await hold.snapshot(), hold.owners);
  });

  it('stands at an idle count: scale-in is frozen with the floor, and the workload lifted', async () => {
    const hold = await held('idle', { idleReplicas: 0, spec: { pollingInterval: 1 } });
    await eventually('KEDA has gone to its idle count', async () => (await hold.replicas()) === 0);
    const standing = standingOf(await hold.apply([claim({ floor: 6 })]));
    assert.deepEqual([standing.frozen, standing.unprotected], [true, undefined]);
    await staysAt(6, hold.replicas);
    const patient = { skipSteps: false };
    assert.match(standingOf(await hold.apply([], patient)).waitingFor ?? '', /pods may be at work .*no data/);
    hold.metrics.say('sum(queue)', 1);
    await eventually('it is given back', async () => !standingOf(await hold.apply([], patient)).held);
    assert.deepEqual(await hold.snapshot(), hold.owners);
    await eventually('KEDA goes to its idle count again', async () => (await hold.replicas()) === 0);
  });

  for (const [name, key, value] of [
    ['stopped', PAUSED, 'true'],
    ['counted', 'autoscaling.keda.sh/paused-replicas', '2'],
  ] as const) {
    it(`is said to protect nothing while a person has it paused by ${key}, and protects when they let go`, async () => {
      const hold = await held(`paused-before-${name}`);
      await hold.annotate(key, value);
      await eventually('KEDA’s HPA is gone', async () => (await hold.facts())?.inForce === null);
      const claims = [claim({ floor: 6 })];
      const { unprotected, ...standing } = standingOf(await hold.apply(claims));
      assert.deepEqual(unprotected, { kind: 'paused', reason: `it is paused by ${key}=${value}` });
      await hold.annotate(key, undefined);
      await hold.guard(claims, { ...standing, ...(unprotected !== undefined && { unprotected }) });
      assert.equal(standingOf(await hold.apply(claims)).unprotected, undefined);
      await eventually('six are asked for', async () => (await hold.replicas()) === 6);
      await hold.apply([]);
      assert.deepEqual(await hold.snapshot(), hold.owners);
    });

    it(`is said to protect nothing any more when a person pauses it by ${key} meanwhile, and leaves their pause alone`, async () => {
      const hold = await held(`paused-during-${name}`);
      const claims = [claim({ floor: 6 })];
      const standing = standingOf(await hold.apply(claims));
      await eventually('six are asked for', async () => (await hold.replicas()) === 6);
      const watching = hold.guard(claims, standing);
      await hold.annotate(key, value);
      assert.deepEqual(await watching, { lost: [], silent: false });
      assert.equal(standingOf(await hold.apply(claims)).unprotected?.kind, 'paused');
      assert.equal(standingOf(await hold.apply([])).held, false);
      assert.equal((await cluster.read(hold.id)).metadata.annotations?.[key], value);
      await hold.annotate(key, undefined);
      assert.deepEqual(await hold.snapshot(), hold.owners);
    });
  }

  it('is said to be unheard while KEDA does not follow, and not any more when it does', async () => {
    const hold = await held('silent');
    const startingAt = (start: string) =>
      cluster.patch(hold.id, { spec: { triggers: [{ ...TRIGGER, metadata: { ...TRIGGER.metadata, start } }] } });
    // no time that a clock knows: KEDA gives the object up, as it would with its operator gone
    await startingAt('never');
    const claims = [claim({ floor: 6 })];
    const standing = standingOf(await hold.apply(claims));
    assert.equal(standing.unprotected, undefined, 'it needs a moment');
    assert.deepEqual(await hold.guard(claims, standing), { lost: [], silent: true });
    const late = standingOf(await hold.apply(claims, { silent: true }));
    assert.deepEqual(late.unprotected, {
      kind: 'silent',
      reason: "its floor is 6, but KEDA's HPA still has 3",
    });
    await startingAt(TRIGGER.metadata.start);
    assert.deepEqual(await hold.guard(claims, late, true), { lost: [], silent: false });
    assert.equal(standingOf(await hold.apply(claims)).unprotected, undefined);
    await eventually('six are asked for', async () => (await hold.replicas()) === 6);
  });

  it('gives a minimum of 0 back only when the load is low, because KEDA goes there at once', async () => {
    const hold = await held('to-none', { floor: 0, spec: { pollingInterval: 1 } });
    await eventually('KEDA has gone to none', async () => (await hold.replicas()) === 0);
    await hold.apply([claim({ floor: 4 })]);
    await eventually('KEDA lifts it to the floor', async () => (await hold.replicas()) === 4);
    const patient = { skipSteps: false };
    const kept = standingOf(await hold.apply([], patient));
    assert.deepEqual([kept.held, kept.floor], [true, 4]);
    assert.match(kept.waitingFor ?? '', /pods may be at work .*no data/);
    await staysAt(4, hold.replicas);
    hold.metrics.say('sum(queue)', 1);
    await eventually('it is back', async () => !standingOf(await hold.apply([], patient)).held);
    assert.deepEqual(await hold.snapshot(), hold.owners);
    await eventually('KEDA goes to none', async () => (await hold.replicas()) === 0);
  });

  it('waits for the end of a conflict to be given back, with its marks in place', async () => {
    const hold = await held('torn');
    await hold.apply([claim({ floor: 6 })]);
    const before = await hold.snapshot();
    const rival = await addRival('torn');
    const blocked = await hold.apply([]);
    assert.match(
      blocked.kind === 'blocked' ? blocked.reason : blocked.kind,
      /torn-hpa and .*torn target the same workload/,
    );
    assert.deepEqual(await hold.snapshot(), before);
    await cluster.remove(rival);
    await eventually('it is given back', async () => {
      const report = await hold.apply([]).catch(() => undefined);
      return report?.kind === 'standing' && !report.standing.held;
    });
    assert.deepEqual(await hold.snapshot(), hold.owners);
  });

  it('hears of a conflict from KEDA’s webhook where the HPA came between its read and its write', async () => {
    const { port } = overtaken({ write: 2, name: 'late' });
    const hold = await held('late', { port });
    await assert.rejects(hold.apply([claim({ floor: 6 })]), {
      type: 'stateConflict',
      message: /already managed by the hpa 'late-hpa'; leave one autoscaler in charge/,
    });
    assert.deepEqual(await hold.snapshot(), hold.owners);
  });

  it('names both where the HPA came after what is remembered: it looks again when the webhook refuses', async () => {
    const { port, writes } = overtaken({ write: 1, name: 'later' });
    const hold = await held('later', { port });
    const report = await hold.apply([claim({ floor: 6 })]);
    assert.match(report.kind === 'blocked' ? report.reason : report.kind, /later-hpa and .*ScaledObject .*later/);
    assert.equal(writes(), 1);
    assert.deepEqual(await hold.snapshot(), hold.owners);
  });

  /** A rival comes just before that write; those before it, decided on what is remembered, lose a race. */
  function overtaken({ write, name }: { readonly write: number; readonly name: string }) {
    let writes = 0;
    const port: WorkloadPort = {
      ...cluster.port,
      async changeGovernor(change, call) {
        writes += 1;
        if (writes < write) return 'raced';
        if (writes === write) await addRival(name);
        return cluster.port.changeGovernor(change, call);
      },
    };
    return { port, writes: () => writes };
  }

  /** An HPA on a workload that a ScaledObject scales; answers when KEDA's webhook refuses for it. */
  async function addRival(name: string) {
    const target = { name, namespace: cluster.namespace, kind: 'Deployment', object: name } as const;
    const rival = { kind: 'horizontalPodAutoscaler', namespace: cluster.namespace, name: `${name}-hpa` } as const;
    await cluster.addAutoscaler({ ...rival, target, floor: 1, ceiling: 20 });
    const scaledObject = { kind: 'scaledObject', namespace: cluster.namespace, name } as const;
    await eventually('KEDA’s webhook knows of the HPA', () =>
      cluster.patch(scaledObject, { spec: { maxReplicaCount: 10 } }).then(
        () => false,
        () => true,
      ),
    );
    return rival;
  }
});

const CALL = { signal: new AbortController().signal, caller: 'cluster/keda' };

const claim = (asked: Pick<Claim, 'floor' | 'freezeScaleIn'>): Claim => ({
  id: 'pre-scale.web.sale/r1',
  reason: 'sale',
  ...asked,
});

const nameOf = ({ namespace, name }: GovernorChange) => ({ namespace, name });

function standingOf(report: HoldReport): HoldStanding {
  assert.ok(report.kind === 'standing', JSON.stringify(report));
  return report.standing;
}

/** KEDA polls every second here: in three seconds it would have gone down, had it been free to. */
async function staysAt(count: number, ask: () => Promise<number>): Promise<void> {
  const untilMs = Date.now() + 3_000;
  await eventually(`${count} are asked for`, async () => (await ask()) === count);
  const seen = new Set<number>();
  await eventually('three seconds have passed', async () => {
    seen.add(await ask());
    return Date.now() > untilMs;
  });
  assert.deepEqual([...seen], [count]);
}

function activitiesOver({
  name,
  namespace,
  port,
  metrics,
}: {
  readonly name: string;
  readonly namespace: string;
  readonly port: WorkloadPort;
  readonly metrics: FakeMetrics;
}) {
  const text = `
cluster: { name: here }
prometheus: { url: http://prometheus:9090 }
workloads:
  ${name}:
    namespace: ${namespace}
    kind: Deployment
    limits: { min: 1, max: 12 }
    load:
      queue: { query: sum(queue), unit: requests, scaleUpAbove: 50, scaleDownBelow: 10, perPod: false }
windDown: { percent: 100, every: 1s }
preScale: { quiet: { window: 30s, every: 1s, step: 1s } }
ledger: { ownerCheckEvery: 5s, guardEvery: 5s }
`;
  const reading = readPolicy([{ name: 'headroom.yaml', text }]);
  if (reading.kind === 'faults') throw new Error(JSON.stringify(reading.faults));
  const { policy } = reading;
  const ports: Ports = {
    workloads: port,
    metrics,
    ledger: { claim: async () => {}, release: async () => {}, wake: async () => {} },
    ...NO_CLOUD,
    runs: { isRunning: async () => true, find: async () => null, countSince: async () => 0 },
    policy: { policy: () => policy },
    nodes: new FakeNodes(),
    evictions: new FakeNodes(),
    drains: new FakeDrains(),
  };
  return { activities: createActivities(ports), run: anActivity() };
}
