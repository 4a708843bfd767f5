import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import type { Json } from '../../domain/json.ts';
import { call, changeOf, governorOf, idOf, type WorkloadWorld } from './workload-world.ts';

const PAUSED = 'autoscaling.keda.sh/paused';

/** What the port says of all autoscalers in a namespace, and of who serves their metrics. */
export function describeAutoscalers(world: () => WorkloadWorld): void {
  async function scaled(kind: 'horizontalPodAutoscaler' | 'scaledObject', name: string) {
    const ref = await world().addWorkload({ name, replicas: 3 });
    await world().addAutoscaler({ kind, name, target: ref, floor: 3, ceiling: 20 });
    const find = async () => {
      const all = await world().port.readAutoscalers(ref.namespace, call);
      return all.find((one) => one.kind === kind && one.name === name) ?? assert.fail(`${name} is not listed`);
    };
    return { ref, id: idOf(kind, ref), find };
  }

  describe('listing the autoscalers of a namespace', () => {
    for (const kind of ['horizontalPodAutoscaler', 'scaledObject'] as const) {
      it(`tells of a ${kind} its target, its bounds and what it says of itself`, async () => {
        const { ref, find } = await scaled(kind, `listed-${kind.toLowerCase()}`);
        const one = await find();
        assert.deepEqual(
          [one.target, one.fields, one.marks],
          [{ kind: 'Deployment', name: ref.name }, { floor: 3, ceiling: 20 }, {}],
        );
        assert.deepEqual([one.stops, one.madeFor], [[], undefined]);
        assert.notEqual(one.uid, '');
        await eventually('it says how it is', async () => {
          const { conditions, metricsFrom } = await find();
          const wanted = kind === 'scaledObject' ? 'Ready' : 'AbleToScale';
          return conditions.some(({ type, status }) => type === wanted && status !== '') && metricsFrom.length > 0;
        });
      });
    }

    it('knows whose the HPA is that KEDA made', async () => {
      const { ref } = await scaled('scaledObject', 'listed-made');
      const made = { kind: 'horizontalPodAutoscaler', name: 'keda-hpa-listed-made', target: ref, ceiling: 20 } as const;
      await world().addAutoscaler({ ...made, ownedBy: 'listed-made' });
      const all = await world().port.readAutoscalers(ref.namespace, call);
      assert.equal(all.find(({ name }) => name === made.name)?.madeFor, 'listed-made');
    });

    it('says what stops a ScaledObject, who set it, and when at the latest', async () => {
      const { id, find } = await scaled('scaledObject', 'listed-paused');
      await world().annotate(id, PAUSED, 'true');
      const { stops } = await find();
      assert.deepEqual(
        stops.map(({ key, value, by }) => [key, value, by?.manager]),
        [[PAUSED, 'true', 'somebody']],
      );
      assert.ok(Math.abs(Date.now() - (stops[0]?.by?.atMs ?? 0)) < 60_000);
    });

    it('says of an HPA that somebody has turned its scale-in off', async () => {
      const { id, find } = await scaled('horizontalPodAutoscaler', 'listed-frozen');
      await world().setField(id, 'freeze', { scaleDown: { selectPolicy: 'Disabled' } }, 'bob');
      const { stops } = await find();
      assert.deepEqual(
        stops.map(({ key, value, by }) => [key, value, by?.manager]),
        [['spec.behavior.scaleDown.selectPolicy', 'Disabled', 'bob']],
      );
    });
  });

  describe('changing the rest of an autoscaler’s spec', () => {
    const metrics: Json = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 55 } } },
    ];
    const rows = [
      { kind: 'horizontalPodAutoscaler', key: 'metrics', to: metrics },
      { kind: 'scaledObject', key: 'pollingInterval', to: 45 },
    ] as const;
    for (const { kind, key, to } of rows)
      it(`is guarded key by key, together with its fields (${kind})`, async () => {
        const { ref, find } = await scaled(kind, `spec-${kind.toLowerCase()}`);
        const change = async (edit: { readonly from: Json | undefined; readonly to: Json | undefined }) => {
          const governor = governorOf(await world().port.readWorkload(ref, call), kind);
          const bounds = changeOf(governor, { ceiling: 21 }, governor.marks);
          return world().port.changeGovernor({ ...bounds, spec: [{ key, ...edit }] }, call);
        };
        const { [key]: from } = (await find()).spec;
        assert.equal(await change({ from: 7, to }), 'raced');
        assert.deepEqual([(await find()).fields.ceiling, (await find()).spec[key]], [20, from]);
        assert.equal(await change({ from, to }), 'written');
        assert.deepEqual([(await find()).fields.ceiling, (await find()).spec[key]], [21, to]);
        // who thinks that it is absent is behind
        assert.equal(await change({ from: undefined, to: from }), 'raced');
        assert.equal(await change({ from: to, to: from }), 'written');
        assert.deepEqual((await find()).spec[key], from);
      });
  });

  describe('listing who serves metrics', () => {
    it('tells whether they answer', async () => {
      const apis = await world().port.readMetricsApis(call);
      const found = apis.find(({ group }) => group === 'metrics.k8s.io');
      assert.ok(found, apis.map(({ group }) => group).join());
      assert.equal(found.reason === '', found.available);
    });
  });
}
