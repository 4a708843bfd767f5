import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { frozen } from '../../domain/freeze.ts';
import type { AutoscalerFacts, Governor } from '../../domain/workload.ts';
import { eventually } from '../harness/eventually.ts';
import { call, changeOf, governorOf, idOf, MARKED, type Texts, type WorkloadWorld } from './workload-world.ts';

const KEDAS_VERSION = 'app.kubernetes.io/version';
const PAUSED = 'autoscaling.keda.sh/paused';
const PAUSED_REPLICAS = 'autoscaling.keda.sh/paused-replicas';

/** What the port says of KEDA, which needs a moment to do what its object says. */
export function describeScaledObjects(world: () => WorkloadWorld): void {
  async function scaled(
    name: string,
    given: { readonly labels?: Texts; readonly idleReplicas?: number; readonly floor?: number } = {},
  ) {
    const ref = await world().addWorkload({ name, replicas: 3 });
    await world().addAutoscaler({ kind: 'scaledObject', name, target: ref, floor: 3, ceiling: 20, ...given });
    const read = async (): Promise<Governor> => governorOf(await world().port.readWorkload(ref, call), 'scaledObject');
    const untilFacts = (what: string, isSo: (facts: AutoscalerFacts) => boolean) =>
      eventually(what, async () => {
        const { autoscaler = {} } = await read();
        return isSo(autoscaler) && autoscaler;
      });
    return { ref, id: idOf('scaledObject', ref), read, untilFacts };
  }
  const write = (change: Parameters<WorkloadWorld['port']['changeGovernor']>[0]) =>
    world().port.changeGovernor(change, call);

  describe('what acts for a ScaledObject', () => {
    it('is the HPA that KEDA made of it, and tells KEDA’s version', async () => {
      const { untilFacts } = await scaled('acts');
      const { inForce, version = '', ...rest } = await untilFacts('the HPA', ({ inForce: hpa }) => hpa !== null);
      assert.deepEqual(inForce, { floor: 3, ceiling: 20, frozen: false });
      assert.match(version, /^2\.\d+\.\d+$/);
      assert.deepEqual(rest, {});
    });

    it('follows floor, maximum and freeze of one write, and the way back', async () => {
      const { read, untilFacts } = await scaled('follows');
      const found = await read();
      assert.equal(await write(changeOf(found, { floor: 6, ceiling: 23, freeze: frozen(found) }, MARKED)), 'written');
      const held = await untilFacts('KEDA has followed', ({ inForce }) => inForce?.floor === 6);
      assert.deepEqual(held.inForce, { floor: 6, ceiling: 23, frozen: true });
      const back = { floor: 3, ceiling: 20, freeze: undefined };
      assert.equal(await write(changeOf(await read(), back, {})), 'written');
      const home = await untilFacts('KEDA has followed back', ({ inForce }) => inForce?.floor === 3);
      assert.deepEqual(home.inForce, { floor: 3, ceiling: 20, frozen: false });
    });

    it('has at least one replica, as HPAs do, where the minimum is 0 or absent', async () => {
      const { untilFacts } = await scaled('none', { floor: 0 });
      const { inForce } = await untilFacts('the HPA', ({ inForce: hpa }) => hpa !== null);
      assert.equal(inForce?.floor, 1);
    });

    it('tells no version where the label is the owner’s, whatever a chart wrote there', async () => {
      const { untilFacts } = await scaled('chart', { labels: { [KEDAS_VERSION]: '1.4.2' } });
      const facts = await untilFacts('the HPA', ({ inForce }) => inForce !== null);
      assert.equal(facts.version, undefined);
    });

    it('says to which count KEDA goes while nothing is to be done', async () => {
      const { untilFacts } = await scaled('idle', { idleReplicas: 0 });
      assert.equal((await untilFacts('the HPA', ({ inForce }) => inForce !== null)).idleReplicas, 0);
    });
  });

  describe('a ScaledObject that a person pauses', () => {
    const pauses: readonly (readonly [name: string, annotations: Texts, paused: string | undefined])[] = [
      ['by a word', { [PAUSED]: 'true' }, `${PAUSED}=true`],
      ['by any other word', { [PAUSED]: 'please' }, `${PAUSED}=please`],
      ['at a count', { [PAUSED_REPLICAS]: '4' }, `${PAUSED_REPLICAS}=4`],
      ['at a count, which wins', { [PAUSED]: 'false', [PAUSED_REPLICAS]: '4' }, `${PAUSED_REPLICAS}=4`],
      ['not at all', { [PAUSED]: 'false' }, undefined],
      ['not at all, in Go’s own words', { [PAUSED]: 'F' }, undefined],
    ];
    for (const [index, [name, annotations, paused]] of pauses.entries()) {
      it(`says so, and that nothing acts any more: ${name}`, async () => {
        const { id, untilFacts } = await scaled(`paused-${index}`);
        for (const [key, value] of Object.entries(annotations)) await world().annotate(id, key, value);
        const facts = await untilFacts(
          'KEDA has heard',
          ({ inForce }) => (inForce === null) === (paused !== undefined),
        );
        assert.equal(facts.paused, paused);
      });
    }

    it('has its floor and freeze acting once it is let go on', async () => {
      const { id, read, untilFacts } = await scaled('let-go');
      await world().annotate(id, PAUSED, 'true');
      await untilFacts('KEDA’s HPA is gone', ({ inForce }) => inForce === null);
      assert.equal(await write(changeOf(await read(), { floor: 6 }, {})), 'written');
      assert.equal((await read()).autoscaler?.inForce, null);
      await world().annotate(id, PAUSED, undefined);
      const { inForce } = await untilFacts('it is back', ({ inForce: hpa }) => hpa !== null);
      assert.equal(inForce?.floor, 6);
    });
  });

  describe('an HPA made later on the workload of a ScaledObject', () => {
    it('makes every write a conflict, and none once it is gone', async () => {
      const { ref, id, read } = await scaled('rival');
      const rival = { kind: 'horizontalPodAutoscaler', namespace: ref.namespace, name: 'rival-hpa' } as const;
      const found = await read();
      await world().addAutoscaler({ ...rival, target: ref, floor: 1, ceiling: 2 });
      const before = await world().snapshot(id);
      await eventually('KEDA’s webhook knows of the HPA', async () => {
        try {
          await write(changeOf(found, { floor: 3 }, {}));
          return false;
        } catch {
          return true;
        }
      });
      const conflict = { type: 'stateConflict', message: /already managed by/ };
      await assert.rejects(write(changeOf(found, { floor: 6 }, MARKED)), conflict);
      assert.deepEqual(await world().snapshot(id), before);
      await world().remove(rival);
      await eventually('the write goes through', async () => {
        const answer = write(changeOf(found, { floor: 6 }, MARKED));
        return answer.then(
          (said) => said === 'written',
          (error: unknown) => {
            assert.match(String(error), /already managed by/);
            return false;
          },
        );
      });
    });
  });

  describe('the copy of our marks on KEDA’s HPA', () => {
    it('is no hold', async () => {
      const { ref, untilFacts } = await scaled('copied');
      await untilFacts('the HPA', ({ inForce }) => inForce !== null);
      await world().addAutoscaler({
        kind: 'horizontalPodAutoscaler',
        name: 'keda-hpa-copied',
        target: ref,
        floor: 3,
        ceiling: 20,
        labels: { 'headroom.dev/held': 'true' },
        ownedBy: 'copied',
      });
      assert.deepEqual(await world().port.findHeld([ref], call), []);
    });
  });
}
