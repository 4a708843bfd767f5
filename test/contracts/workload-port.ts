import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { frozen, isFrozen, thawed } from '../../domain/freeze.ts';
import {
  findGovernor,
  type Governor,
  type GovernorChange,
  type GovernorField,
  type GovernorMarks,
  type WorkloadRef,
} from '../../domain/workload.ts';
import { eventually } from '../harness/eventually.ts';
import { describeAutoscalers } from './autoscalers.ts';
import { describeScaledObjects } from './scaled-objects.ts';
import { call, ceiling, changeOf, governorOf, idOf, MARKED, type Texts, type WorkloadWorld } from './workload-world.ts';

/** What every WorkloadPort promises; run against the fake and against a real API server, so that the fake cannot lie. */
export function describeWorkloadPort(title: string, open: () => Promise<WorkloadWorld>): void {
  describe(title, () => {
    let world: WorkloadWorld;
    before(async () => {
      world = await open();
    });
    after(() => world.close());
    describeReading(() => world);
    describeChanging(() => world);
    describeScaledObjects(() => world);
    describeAutoscalers(() => world);
  });
}

function describeReading(world: () => WorkloadWorld): void {
  const read = (ref: WorkloadRef) => world().port.readWorkload(ref, call);

  describe('finding holds', () => {
    it('names the workloads that bear one, on themselves or on their autoscaler, and no others', async () => {
      const marked = { labels: { 'headroom.dev/held': 'true' } };
      const own = await world().addWorkload({ name: 'held-self', replicas: 1, ...marked });
      const set = await world().addWorkload({ name: 'held-set', kind: 'StatefulSet', replicas: 1, ...marked });
      const scaled = await world().addWorkload({ name: 'held-hpa', replicas: 1 });
      const free = await world().addWorkload({
        name: 'held-not',
        replicas: 1,
        labels: { 'headroom.dev/held': 'false' },
      });
      await world().addAutoscaler({
        kind: 'horizontalPodAutoscaler',
        name: 'held-hpa',
        target: scaled,
        floor: 1,
        ceiling: 2,
        ...marked,
      });
      assert.deepEqual(await world().port.findHeld([own, free, scaled, set], call), [own.name, scaled.name, set.name]);
      assert.deepEqual(await world().port.findHeld([], call), []);
    });
  });

  describe('reading a workload', () => {
    it('tells the cluster by one uid', async () => {
      const refs = [
        await world().addWorkload({ name: 'here-a', replicas: 1 }),
        await world().addWorkload({ name: 'here-b', replicas: 1 }),
      ];
      const [one, other] = await Promise.all(refs.map(read));
      assert.ok(one?.clusterUid !== undefined && one.clusterUid !== '');
      assert.equal(one.clusterUid, other?.clusterUid);
    });

    it('finds the workload itself in charge when nothing scales it', async () => {
      const ref = await world().addWorkload({ name: 'plain', replicas: 2 });
      const state = await read(ref);
      assert.deepEqual(state.autoscalers, []);
      assert.deepEqual(state.self.fields, { floor: 2 });
      assert.equal(state.wantedReplicas, 2);
      assert.equal(state.self.uid, state.uid);
      assert.notEqual(state.uid, '');
      assert.equal(state.selector, 'app=plain');
      assert.deepEqual(findGovernor(state), { kind: 'governed', governor: state.self });
    });

    it('reads a StatefulSet, and tells it from a Deployment of the same name', async () => {
      const deployment = await world().addWorkload({ name: 'twin', replicas: 1 });
      const statefulSet = await world().addWorkload({ name: 'twin', kind: 'StatefulSet', replicas: 2 });
      await world().addAutoscaler({
        kind: 'horizontalPodAutoscaler',
        name: 'twin-set',
        target: statefulSet,
        floor: 2,
        ceiling: 4,
      });
      const [one, other] = [await read(deployment), await read(statefulSet)];
      assert.deepEqual([one.wantedReplicas, one.autoscalers.length], [1, 0]);
      assert.deepEqual([other.wantedReplicas, other.autoscalers.length], [2, 1]);
      assert.deepEqual([one.self.workloadKind, other.self.workloadKind], ['Deployment', 'StatefulSet']);
      assert.notEqual(one.uid, other.uid);
    });

    it('has of what is remembered the same, moments later', async () => {
      const ref = await world().addWorkload({ name: 'recalled', replicas: 2 });
      const target = {
        kind: 'horizontalPodAutoscaler',
        name: 'recalled-hpa',
        target: ref,
        floor: 2,
        ceiling: 4,
      } as const;
      await world().addAutoscaler(target);
      const fresh = await read(ref);
      const remembered = await eventually('it is remembered', async () => {
        const state = await world().port.readWorkload(ref, call, { remembered: true });
        return state.autoscalers.length === 1 && state;
      });
      assert.deepEqual(
        remembered.autoscalers.map(({ uid, fields }) => [uid, fields]),
        fresh.autoscalers.map(({ uid, fields }) => [uid, fields]),
      );
    });

    it('tells of a StatefulSet what scaling does to it besides, and of a Deployment nothing', async () => {
      const labels = { 'app.kubernetes.io/name': 'postgresql' };
      const stateful = {
        images: ['docker.io/bitnami/postgresql:17'],
        ordered: false,
        whenScaled: 'Delete',
        claims: ['data', 'wal'],
        firstOrdinal: 5,
      } as const;
      const database = await world().addWorkload({ name: 'db', kind: 'StatefulSet', replicas: 0, labels, stateful });
      const plain = await world().addWorkload({ name: 'plain-set', kind: 'StatefulSet', replicas: 0 });
      const deployment = await world().addWorkload({ name: 'no-set', replicas: 0 });
      assert.deepEqual((await read(database)).stateful, { ...stateful, labels: { app: 'db', ...labels } });
      const { ordered, whenScaled, claims, firstOrdinal } = (await read(plain)).stateful ?? assert.fail();
      assert.deepEqual([ordered, whenScaled, claims, firstOrdinal], [true, 'Retain', [], 0], "the API's defaults");
      assert.equal('stateful' in (await read(deployment)), false);
    });

    it('finds the HPA in charge, with its floor and ceiling, and not that of another workload', async () => {
      const ref = await world().addWorkload({ name: 'scaled', replicas: 3 });
      const other = await world().addWorkload({ name: 'scaled-other', replicas: 1 });
      await world().addAutoscaler({
        kind: 'horizontalPodAutoscaler',
        name: 'hpa-a',
        target: ref,
        floor: 3,
        ceiling: 20,
      });
      await world().addAutoscaler({
        kind: 'horizontalPodAutoscaler',
        name: 'hpa-b',
        target: other,
        floor: 1,
        ceiling: 2,
      });
      const [governor, ...others] = (await read(ref)).autoscalers;
      assert.deepEqual(others, []);
      assert.equal(governor?.name, 'hpa-a');
      assert.deepEqual(governor.fields, { floor: 3, ceiling: 20 });
    });

    it('finds a ScaledObject in charge and leaves an absent minimum absent', async () => {
      const ref = await world().addWorkload({ name: 'keda', replicas: 1 });
      await world().addAutoscaler({ kind: 'scaledObject', name: 'keda-so', target: ref, ceiling: 8 });
      const [governor] = (await read(ref)).autoscalers;
      assert.equal(governor?.kind, 'scaledObject');
      assert.deepEqual(governor.fields, { ceiling: 8 });
    });

    it("does not take KEDA's own HPA for a governor", async () => {
      const ref = await world().addWorkload({ name: 'owned', replicas: 1 });
      await world().addAutoscaler({ kind: 'scaledObject', name: 'owned-so', target: ref, floor: 1, ceiling: 8 });
      await world().addAutoscaler({
        kind: 'horizontalPodAutoscaler',
        name: 'keda-hpa-owned-so',
        target: ref,
        floor: 1,
        ceiling: 8,
        ownedBy: 'owned-so',
      });
      assert.deepEqual(
        (await read(ref)).autoscalers.map(({ name }) => name),
        ['owned-so'],
      );
    });

    for (const second of ['horizontalPodAutoscaler', 'scaledObject'] as const) {
      it(`names both sides of a conflict between an HPA and a second ${second}`, async () => {
        const ref = await world().addWorkload({ name: `torn-${second.toLowerCase()}`, replicas: 2 });
        // beside an HPA that is there, KEDA's webhook lets no ScaledObject in; nothing stops an HPA that comes later (R20)
        await world().addAutoscaler({ kind: second, name: `${ref.object}-2`, target: ref, floor: 2, ceiling: 5 });
        await world().addAutoscaler({
          kind: 'horizontalPodAutoscaler',
          name: `${ref.object}-1`,
          target: ref,
          floor: 2,
          ceiling: 4,
        });
        const found = findGovernor(await read(ref));
        assert.equal(found.kind, 'conflict');
        assert.deepEqual(found.governors.map(({ name }) => name).toSorted(), [`${ref.object}-1`, `${ref.object}-2`]);
      });
    }

    it('says whether headroom.dev/ignore stands on the governor, the workload or its own namespace', async () => {
      const ref = await world().addWorkload({ name: 'ignored', replicas: 1 });
      const workload = idOf('workload', ref);
      const autoscaler = { kind: 'horizontalPodAutoscaler', namespace: ref.namespace, name: 'ignored-hpa' } as const;
      await world().addAutoscaler({ ...autoscaler, target: ref, floor: 1, ceiling: 3 });
      const ignored = async () => {
        const { self, autoscalers } = await read(ref);
        return [self.ignored, autoscalers[0]?.ignored];
      };
      assert.deepEqual(await ignored(), [false, false]);
      await world().annotate(autoscaler, 'headroom.dev/ignore', 'true');
      assert.deepEqual(await ignored(), [false, true], 'on the autoscaler');
      await world().annotate(autoscaler, 'headroom.dev/ignore', 'false');
      assert.deepEqual(await ignored(), [false, false], 'only "true" counts');
      await world().annotate(workload, 'headroom.dev/ignore', 'true');
      assert.deepEqual(await ignored(), [true, true], 'on the workload');
      await world().annotate(workload, 'headroom.dev/ignore', undefined);
      await world().ignoreEverything(true);
      assert.deepEqual(await ignored(), [true, true], "on headroom's namespace");
      await world().ignoreEverything(false);
      assert.deepEqual(await ignored(), [false, false]);
    });

    for (const kind of ['workload', 'horizontalPodAutoscaler', 'scaledObject'] as const) {
      it(`tells who wrote a field of a ${kind} last`, async () => {
        const ref = await world().addWorkload({ name: `written-${kind.toLowerCase()}`, replicas: 3 });
        const id = idOf(kind, ref);
        if (kind !== 'workload')
          await world().addAutoscaler({ kind, name: ref.object, target: ref, floor: 3, ceiling: 9 });
        const writer = async (field: GovernorField) =>
          governorOf(await read(ref), kind).writers?.findLast((one) => one.field === field)?.manager;
        await world().setField(id, 'floor', 4, 'kubectl-edit');
        assert.equal(await writer('floor'), 'kubectl-edit');
        const found = governorOf(await read(ref), kind);
        await world().port.changeGovernor(changeOf(found, { floor: 6 }, MARKED), call);
        assert.equal(await writer('floor'), 'headroom');
        await world().setField(id, 'floor', 5, 'argocd-controller');
        assert.equal(await writer('floor'), 'argocd-controller');
        if (kind === 'workload') return;
        const value = kind === 'scaledObject' ? 'true' : { scaleDown: { selectPolicy: 'Disabled' } };
        await world().setField(id, 'freeze', value, 'k9s');
        assert.deepEqual([await writer('freeze'), await writer('floor')], ['k9s', 'argocd-controller']);
      });
    }

    it('tells whose manifest the governor and the workload come from, by what the tools write on them', async () => {
      const flux = {
        'kustomize.toolkit.fluxcd.io/name': 'shop',
        'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
      };
      const ref = await world().addWorkload({ name: 'from-git', replicas: 1, labels: flux });
      const id = { kind: 'horizontalPodAutoscaler', namespace: ref.namespace, name: 'from-git-hpa' } as const;
      const tracking = `web:autoscaling/HorizontalPodAutoscaler:${ref.namespace}/from-git-hpa`;
      const annotations = { 'argocd.argoproj.io/tracking-id': tracking };
      await world().addAutoscaler({ ...id, target: ref, floor: 1, ceiling: 3, annotations });
      const found = async () => {
        const { self, autoscalers } = await read(ref);
        return [self.gitOps, autoscalers[0]?.gitOps];
      };
      const label = 'label kustomize.toolkit.fluxcd.io/name';
      const kustomization = { tool: 'fluxKustomization', name: 'flux-system/shop', evidence: label };
      const application = { tool: 'argoCd', name: 'web', evidence: 'annotation argocd.argoproj.io/tracking-id' };
      assert.deepEqual(await found(), [kustomization, application]);
      await world().annotate(id, 'argocd.argoproj.io/tracking-id', tracking.replace('from-git-hpa', 'another'));
      assert.deepEqual(await found(), [kustomization, undefined], 'a copied annotation says nothing');
      await world().setField(id, 'ceiling', 4, 'helm-controller');
      const release = { tool: 'fluxHelmRelease', name: '', evidence: 'field manager helm-controller' };
      assert.deepEqual(await found(), [kustomization, release]);
    });

    it('fails as targetNotFound with the names that exist, for every read', async () => {
      const ref = await world().addWorkload({ name: 'here', replicas: 1 });
      const missing = { ...ref, object: 'not-here' };
      const refused = { type: 'targetNotFound', nonRetryable: true, message: /not-here does not exist.*here/ };
      await assert.rejects(world().port.readWorkload(missing, call), refused);
      await assert.rejects(world().port.readTroubles(missing, call), refused);
      await assert.rejects(world().port.readCapacity(missing, call), refused);
    });

    it('fails as targetNotFound naming a namespace that does not exist', async () => {
      const missing: WorkloadRef = { name: 'x', namespace: 'no-such-namespace', kind: 'Deployment', object: 'x' };
      await assert.rejects(read(missing), {
        type: 'targetNotFound',
        message: /there is no namespace no-such-namespace/,
      });
    });

    it('stops with the reason of the signal when the caller gives up', async () => {
      const ref = await world().addWorkload({ name: 'given-up', replicas: 1 });
      const reason = new Error('given up');
      await assert.rejects(world().port.readWorkload(ref, { ...call, signal: AbortSignal.abort(reason) }), reason);
    });
  });
}

function describeChanging(world: () => WorkloadWorld): void {
  const write = (change: GovernorChange) => world().port.changeGovernor(change, call);
  /** A fresh workload with a governor of each kind, as it stands now. */
  async function governed(
    kind: Governor['kind'],
    name: string,
    maps: { readonly annotations?: Texts; readonly labels?: Texts } = {},
  ) {
    const ref = await world().addWorkload({ name, replicas: 3, ...(kind === 'workload' && maps) });
    if (kind !== 'workload') await world().addAutoscaler({ kind, name, target: ref, floor: 3, ceiling: 20, ...maps });
    const id = idOf(kind, ref);
    const read = async () => governorOf(await world().port.readWorkload(ref, call), kind);
    return { id, ref, read, before: await world().snapshot(id) };
  }

  for (const kind of ['workload', 'horizontalPodAutoscaler', 'scaledObject'] as const) {
    describe(`changing a ${kind}`, () => {
      const word = kind.toLowerCase();

      it('changes what is remembered only while nothing of the object has changed since', async () => {
        const { id, ref, before } = await governed(kind, `remembered-${word}`);
        const remembered = async () =>
          governorOf(await world().port.readWorkload(ref, call, { remembered: true }), kind);
        const old = await eventually('it is remembered', () => remembered().catch(() => false as const));
        assert.equal(await write(changeOf(old, { floor: 6 }, MARKED)), 'written');
        assert.equal(await write(changeOf(old, { floor: 6 }, MARKED)), 'raced');
        const own = await eventually('our own write is remembered', async () => {
          const found = await remembered();
          return found.fields.floor === 6 && found;
        });
        await world().annotate(id, 'example.com/of-another', '1');
        assert.equal(await write(changeOf(own, { floor: 3 }, {})), 'raced');
        await world().annotate(id, 'example.com/of-another', undefined);
        const { version: _, ...now } = own;
        assert.equal(await write(changeOf(now, { floor: 3 }, {})), 'written', 'without its version the fields guard');
        assert.deepEqual(await world().snapshot(id), before);
      });

      for (const [title, maps] of [
        ['without annotations and labels', {}],
        [
          "among other people's annotations and labels",
          { annotations: { 'example.com/owner': 'team-a', 'example.com/with_dots.in-it': '1' }, labels: { team: 'a' } },
        ],
      ] as const) {
        it(`writes fields and marks in one change and takes them back without a trace, ${title}`, async () => {
          const { id, read, before } = await governed(
            kind,
            `trace-${word}-${'labels' in maps ? 'full' : 'bare'}`,
            maps,
          );
          const found = await read();
          assert.equal(await write(changeOf(found, { floor: 6, ...ceiling(kind, 23) }, MARKED)), 'written');
          const held = await read();
          assert.deepEqual(held.fields, { floor: 6, ...ceiling(kind, 23) });
          assert.deepEqual(held.marks, MARKED);
          assert.equal(await write(changeOf(held, { floor: 3, ...ceiling(kind, 20) }, {})), 'written');
          assert.deepEqual(await world().snapshot(id), before);
        });
      }

      it('changes and removes single marks and leaves the others', async () => {
        const { read } = await governed(kind, `marks-${word}`);
        await write(changeOf(await read(), {}, MARKED));
        const next: GovernorMarks = { baseline: MARKED.baseline ?? '', claims: '["x"]', generation: '2', held: 'true' };
        assert.equal(await write(changeOf(await read(), {}, next)), 'written');
        assert.deepEqual((await read()).marks, next);
      });

      it('refuses, and writes nothing, when a field is not what was read', async () => {
        const { id, read } = await governed(kind, `field-raced-${word}`);
        const found = await read();
        await world().setField(id, 'floor', 5);
        const before = await world().snapshot(id);
        assert.equal(await write(changeOf(found, { floor: 6 }, MARKED)), 'raced');
        assert.deepEqual(await world().snapshot(id), before);
      });

      it('lets one of 20 writers through that have read the same', async () => {
        const { read } = await governed(kind, `crowd-${word}`);
        const found = await read();
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            write(changeOf(found, { floor: 4 + (index % 5) }, { ...MARKED, generation: String(index) })),
          ),
        );
        assert.equal(answers.filter((answer) => answer === 'written').length, 1);
        const winner = answers.indexOf('written');
        const { fields, marks } = await read();
        assert.deepEqual([fields.floor, marks.generation], [4 + (winner % 5), String(winner)]);
      });

      it('refuses when a mark is not what was read, changed or appeared meanwhile', async () => {
        const { read } = await governed(kind, `mark-raced-${word}`);
        const bare = await read();
        await write(changeOf(bare, {}, { ...MARKED, generation: '7' }));
        const held = await read();
        assert.equal(await write(changeOf(bare, { floor: 6 }, MARKED)), 'raced');
        await write(changeOf(held, {}, { ...MARKED, generation: '8' }));
        assert.equal(await write(changeOf(held, { floor: 6 }, { ...MARKED, generation: '9' })), 'raced');
        assert.deepEqual([(await read()).marks.generation, (await read()).fields.floor], ['8', 3]);
      });

      it('checks a mark that it does not change', async () => {
        const { read } = await governed(kind, `mark-kept-${word}`);
        await write(changeOf(await read(), {}, { generation: '2' }));
        const held = await read();
        const guard = (from: string) =>
          ({ ...changeOf(held, { floor: 6 }, held.marks), marks: [{ mark: 'generation', from, to: from }] }) as const;
        assert.equal(await write(guard('1')), 'raced');
        assert.equal(await write(guard('2')), 'written');
        assert.equal((await read()).marks.generation, '2');
      });

      it('refuses another object of the same name', async () => {
        const { read } = await governed(kind, `uid-raced-${word}`);
        const found = await read();
        assert.equal(
          await write({ ...changeOf(found, { floor: 6 }, {}), uid: '00000000-0000-0000-0000-000000000000' }),
          'raced',
        );
        assert.equal((await read()).fields.floor, 3);
      });

      it('refuses when the object is gone', async () => {
        const { id, read } = await governed(kind, `gone-${word}`);
        const found = await read();
        await world().remove(id);
        assert.equal(await write(changeOf(found, { floor: 6 }, {})), 'raced');
      });

      it("is not disturbed by a change of somebody's own annotation", async () => {
        const { id, read } = await governed(kind, `undisturbed-${word}`, {
          annotations: { 'example.com/owner': 'team-a' },
        });
        const found = await read();
        await world().annotate(id, 'example.com/owner', 'team-b');
        assert.equal(await write(changeOf(found, { floor: 6 }, MARKED)), 'written');
      });

      it('lets exactly one of twenty concurrent writers through', async () => {
        const { read } = await governed(kind, `rush-${word}`);
        const found = await read();
        const writers = Array.from({ length: 20 }, (_, index) =>
          write(changeOf(found, { floor: 4 }, { generation: String(index) })),
        );
        const outcomes = await Promise.all(writers);
        assert.deepEqual(outcomes.toSorted().slice(-1), ['written']);
        assert.equal(outcomes.filter((one) => one === 'written').length, 1);
        assert.equal((await read()).marks.generation, String(outcomes.indexOf('written')));
      });

      it('compares literally: a text is not the number that it spells', async () => {
        const { read } = await governed(kind, `literal-${word}`);
        const found = await read();
        assert.equal(
          await write({ ...changeOf(found, {}, {}), fields: [{ field: 'floor', from: '3', to: 6 }] }),
          'raced',
        );
      });
    });
  }

  it('changes a StatefulSet, and takes it back without a trace, where there is no annotation at all', async () => {
    const ref = await world().addWorkload({ name: 'bare-set', kind: 'StatefulSet', replicas: 2 });
    const read = async () => governorOf(await world().port.readWorkload(ref, call), 'workload');
    const before = await world().snapshot(idOf('workload', ref));
    const bare = await read();
    assert.equal(bare.hasAnnotations, false);
    await world().annotate(idOf('workload', ref), 'example.com/owner', 'team-a');
    assert.equal(await write(changeOf(bare, { floor: 4 }, MARKED)), 'raced', 'the map appeared meanwhile');
    await world().annotate(idOf('workload', ref), 'example.com/owner', undefined);
    assert.equal(await write(changeOf(bare, { floor: 4 }, MARKED)), 'written');
    assert.equal(await write(changeOf(await read(), { floor: 2 }, {})), 'written');
    assert.deepEqual(await world().snapshot(idOf('workload', ref)), before);
  });

  it('adds a floor where the key was absent, and removes the key again', async () => {
    const ref = await world().addWorkload({ name: 'no-floor', replicas: 1 });
    await world().addAutoscaler({ kind: 'scaledObject', name: 'no-floor', target: ref, ceiling: 8 });
    const id = idOf('scaledObject', ref);
    const read = async () => governorOf(await world().port.readWorkload(ref, call), 'scaledObject');
    const before = await world().snapshot(id);
    assert.equal(await write(changeOf(await read(), { floor: 6 }, {})), 'written');
    const held = await read();
    assert.deepEqual(held.fields, { floor: 6, ceiling: 8 });
    await world().setField(id, 'floor', undefined);
    assert.equal(
      await write({ ...changeOf(held, {}, {}), fields: [{ field: 'floor', from: 6, to: undefined }] }),
      'raced',
    );
    await world().setField(id, 'floor', 6);
    assert.equal(
      await write({ ...changeOf(held, {}, {}), fields: [{ field: 'floor', from: 6, to: undefined }] }),
      'written',
    );
    assert.deepEqual(await world().snapshot(id), before);
  });

  for (const kind of ['horizontalPodAutoscaler', 'scaledObject'] as const) {
    it(`freezes a ${kind} with its floor in one write, reads back what was written, and thaws without a trace`, async () => {
      const { id, read, before } = await governed(kind, `frozen-${kind.toLowerCase()}`);
      const value = frozen(await read());
      assert.ok(value !== undefined);
      assert.equal(await write(changeOf(await read(), { floor: 6, freeze: value }, MARKED)), 'written');
      const held = await read();
      assert.deepEqual(held.fields.freeze, value, 'the server fills nothing in');
      assert.ok(isFrozen(held));
      const back = thawed(held, { set: value });
      assert.equal(await write(changeOf(held, { floor: 3, freeze: back }, {})), 'written');
      assert.deepEqual(await world().snapshot(id), before);
    });

    it(`lets no freeze of a ${kind} through that somebody changed since it was read`, async () => {
      const { id, read } = await governed(kind, `thawed-${kind.toLowerCase()}`);
      const value = frozen(await read());
      assert.ok(value !== undefined);
      assert.equal(await write(changeOf(await read(), { freeze: value }, {})), 'written');
      const held = await read();
      const theirs = kind === 'scaledObject' ? 'false' : { scaleDown: { selectPolicy: 'Min' } };
      await world().setField(id, 'freeze', theirs);
      assert.equal(await write(changeOf(held, { freeze: undefined }, {})), 'raced');
      assert.ok(!isFrozen(await read()));
    });

    it(`fails as invalidRequest when the floor of a ${kind} would be above its ceiling, and writes nothing`, async () => {
      const { id, read, before } = await governed(kind, `over-${kind.toLowerCase()}`);
      await assert.rejects(write(changeOf(await read(), { floor: 21 }, MARKED)), {
        type: 'invalidRequest',
        nonRetryable: true,
      });
      assert.deepEqual(await world().snapshot(id), before);
    });
  }

  it('fails as invalidRequest when a workload is asked for a ceiling, which it does not have', async () => {
    const { read } = await governed('workload', 'no-ceiling');
    await assert.rejects(write(changeOf(await read(), { ceiling: 9 }, {})), {
      type: 'invalidRequest',
      message: /has no ceiling/,
    });
  });
}
