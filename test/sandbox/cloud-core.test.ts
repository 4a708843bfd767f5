import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readPolicy } from '../../adapters/policy-file.ts';
import { readFileSync } from 'node:fs';
import { CloudCore } from '../../sandbox/cloud/core.ts';
import { EXAMPLE_CLUSTER, exampleGroups } from '../../sandbox/cloud/example.ts';
import type { GroupSpec } from '../../sandbox/cloud/group.ts';
import { NODE_FATES, Refusal, type NodeEvent } from '../../sandbox/cloud/model.ts';

const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const NAME = 'gpu-workers';
/** Longer than any of the stand-in's own times. */
const LONG_MS = 60_000;

function aCore(spec: Partial<GroupSpec> = {}): CloudCore {
  const sizes = { min: 1, max: 8, desired: 4 };
  const group = { name: NAME, instanceTypes: ['p5.48xlarge'], sizes, zones: ZONES, subnet: '10.9.1.', ...spec };
  return new CloudCore({ cluster: 'prod', groups: [group] });
}

const group = (core: CloudCore) => core.nodeGroups.find(NAME);
const idsOf = (core: CloudCore): readonly string[] => core.fleet.instances().map(({ id }) => id);
const staying = (core: CloudCore): readonly string[] =>
  core.fleet.instances().flatMap(({ id, lifecycle }) => (lifecycle === 'Terminating:Wait' ? [] : [id]));

/** What anybody may do, refused or not. */
type Step = (core: CloudCore, nowMs: number) => void;

const index = fc.nat(9);
const size = fc.nat(10);
const at = <T>(all: readonly T[], place: number): T | undefined => all[place % Math.max(1, all.length)];

const step: fc.Arbitrary<{ readonly afterMs: number; readonly act: Step }> = fc.record({
  afterMs: fc.nat(9_000),
  act: fc.oneof(
    fc.record({ place: index, decrement: fc.boolean() }).map(
      ({ place, decrement }): Step =>
        (core, nowMs) =>
          core.fleet.terminate(at(idsOf(core), place) ?? 'i-0', { decrement, nowMs }),
    ),
    size.map(
      (desired): Step =>
        (core, nowMs) =>
          core.fleet.setDesired(group(core), desired, nowMs),
    ),
    fc
      .record({ min: size, max: size, desired: size }, { requiredKeys: [] })
      .chain((sizes) => fc.nat(5).map((token) => ({ sizes, token: String(token) })))
      .map(
        ({ sizes, token }): Step =>
          (core, nowMs) =>
            core.nodeGroups.configure(NAME, { sizes, token, nowMs }),
      ),
    fc.option(fc.nat(2)).map(
      (capacity): Step =>
        (core) =>
          void (group(core).capacity = capacity),
    ),
    fc.constantFrom(...NODE_FATES).map(
      (fate): Step =>
        (core) =>
          void (group(core).fate = fate),
    ),
    index.map(
      (place): Step =>
        (core, nowMs) =>
          core.fleet.lose(at(idsOf(core), place) ?? 'i-0', nowMs),
    ),
    fc.constant<Step>((core) => void group(core).suspended.add('AZRebalance')),
  ),
});

/** Runs the steps, and tells what the cluster heard of. */
function play(
  core: CloudCore,
  steps: readonly { readonly afterMs: number; readonly act: Step }[],
  see: (core: CloudCore) => void,
) {
  const events: NodeEvent[] = [];
  let nowMs = 0;
  for (const { afterMs, act } of steps) {
    nowMs += afterMs;
    events.push(...core.advance(nowMs));
    try {
      act(core, nowMs);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    see(core);
  }
  group(core).capacity = null;
  nowMs += LONG_MS;
  events.push(...core.advance(nowMs));
  see(core);
  return events;
}

describe('the stand-in for AWS, whatever is done to it', () => {
  it('keeps its sizes in their order, and comes to the size that was asked for', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const core = aCore();
        play(core, steps, () => {
          for (const { min, max, desired } of [group(core).live, group(core).stored])
            assert.ok(min <= desired && desired <= max, `${min} ${desired} ${max}`);
          assert.equal(new Set(idsOf(core)).size, idsOf(core).length);
        });
        assert.equal(staying(core).length, group(core).live.desired);
      }),
    );
  });

  it('never has two nodes of one name, and tells the life of each in its order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const core = aCore();
        const seeded = core.fleet.instances().map(({ id, address }) => [address, id] as const);
        const named = new Map(seeded);
        const whole = new Set(seeded.map(([, id]) => id));
        for (const { kind, instance } of play(core, steps, () => {})) {
          if (kind === 'joined') {
            assert.equal(named.has(instance.address), false, `${instance.address} is taken`);
            named.set(instance.address, instance.id);
          } else assert.equal(named.get(instance.address), instance.id, kind);
          if (kind === 'gpus registered') {
            assert.equal(whole.has(instance.id), false);
            whole.add(instance.id);
          }
          if (kind === 'left') named.delete(instance.address);
        }
      }),
    );
  });

  it('loses by one terminate with decrement that instance and no other, unless zones are kept in balance', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.constantFrom(1, 2, 3), fc.boolean(), (place, zones, balanced) => {
        const suspended = balanced ? ['AZRebalance'] : [];
        const core = aCore({ zones: ZONES.slice(0, zones), suspended });
        const before = idsOf(core);
        const gone = before[place] ?? '';
        core.fleet.terminate(gone, { decrement: true, nowMs: 0 });
        core.advance(LONG_MS);
        const lost = before.filter((id) => !idsOf(core).includes(id));
        if (balanced || zones === 1) assert.deepEqual(lost, [gone]);
        assert.ok(lost.includes(gone));
        assert.equal(group(core).live.desired, 3);
      }),
    );
  });

  it('does the same at the same times, however often one looks', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.array(fc.nat(LONG_MS), { maxLength: 20 }), (steps, looks) => {
        const [seldom, often] = [aCore(), aCore()];
        const [one, other] = [play(seldom, steps, () => {}), play(often, steps, () => {})];
        assert.deepEqual(
          other.map(({ kind, instance: { id } }) => [kind, id]),
          one.map(({ kind, instance: { id } }) => [kind, id]),
        );
        const endMs = steps.reduce((sum, { afterMs }) => sum + afterMs, LONG_MS);
        seldom.advance(endMs + LONG_MS);
        for (const look of looks.toSorted((a, b) => a - b)) often.advance(endMs + look);
        often.advance(endMs + LONG_MS);
        assert.deepEqual(often.fleet.instances(), seldom.fleet.instances());
      }),
    );
  });
});

describe('an instance', () => {
  it('joins, registers its GPUs later, and leaves some time after it was told to', () => {
    const core = aCore({ sizes: { min: 0, max: 2, desired: 0 } });
    core.fleet.setDesired(group(core), 1, 0);
    const seen = [1_000, 4_000, 7_000, 10_000].map((nowMs) => core.advance(nowMs).map(({ kind }) => kind));
    assert.deepEqual(seen, [[], [], ['joined'], ['gpus registered']]);
    core.fleet.terminate(idsOf(core)[0] ?? '', { decrement: true, nowMs: 10_000 });
    assert.deepEqual([core.advance(13_999), core.advance(14_000).map(({ kind }) => kind)], [[], ['left']]);
  });

  for (const [fate, expected] of [
    ['never join', []],
    ['without GPUs', ['joined']],
  ] as const)
    it(`with the fate "${fate}" is in service all the same, and its node has it`, () => {
      const core = aCore({ sizes: { min: 0, max: 2, desired: 0 } });
      group(core).fate = fate;
      core.fleet.setDesired(group(core), 1, 0);
      assert.deepEqual(
        core.advance(LONG_MS).map(({ kind }) => kind),
        expected,
      );
      assert.equal(core.fleet.instances()[0]?.lifecycle, 'InService');
    });

  it('has the address of one that is gone, and so the name of its node (R46)', () => {
    const core = aCore();
    const [first] = core.fleet.instances();
    assert.ok(first !== undefined);
    core.fleet.terminate(first.id, { decrement: false, nowMs: 0 });
    core.advance(4_000);
    core.fleet.setDesired(group(core), 5, 4_000);
    core.advance(LONG_MS);
    const heir = core.fleet.instances().find(({ address }) => address === first.address);
    assert.ok(heir !== undefined && heir.id !== first.id);
  });

  it('that is lost without a word is replaced', () => {
    const core = aCore();
    const [id = ''] = idsOf(core);
    core.fleet.lose(id, 0);
    assert.deepEqual(
      core.advance(0).map(({ kind, instance }) => [kind, instance.id]),
      [['left', id]],
    );
    core.advance(LONG_MS);
    assert.equal(staying(core).length, 4);
  });
});

describe('new sizes of a node group', () => {
  const ask = (core: CloudCore, desired: number, token: string, nowMs: number) =>
    core.nodeGroups.configure(NAME, { sizes: { min: 1, max: 8, desired }, token, nowMs });
  const timed = (updateMs: number, applyMs: number) => {
    const core = aCore();
    group(core).timings = { ...group(core).timings, updateMs, applyMs };
    return core;
  };

  it('come to the Auto Scaling group some time after EKS has answered, with the update under way until then', () => {
    const core = timed(100, 500);
    const { id } = ask(core, 6, 'one', 0);
    const seen = [0, 499, 500].map((nowMs) => {
      core.advance(nowMs);
      return [group(core).stored.desired, group(core).live.desired, core.nodeGroups.update(NAME, id).status];
    });
    assert.deepEqual(seen, [
      [6, 4, 'InProgress'],
      [6, 4, 'InProgress'],
      [6, 6, 'Successful'],
    ]);
  });

  it('come before the update ends, where it takes longer', () => {
    const core = timed(900, 500);
    const { id } = ask(core, 6, 'one', 0);
    core.advance(500);
    assert.deepEqual([group(core).live.desired, core.nodeGroups.update(NAME, id).status], [6, 'InProgress']);
    assert.equal(ask(core, 6, 'one', 600).id, id);
    core.advance(900);
    assert.equal(core.nodeGroups.status(group(core)), 'ACTIVE');
  });

  it('are those that were asked for, whatever others have set meanwhile (R60)', () => {
    const core = timed(500, 500);
    ask(core, 5, 'one', 0);
    core.fleet.setDesired(group(core), 7, 100);
    core.advance(500);
    assert.equal(group(core).live.desired, 5);
  });

  it('never come where EKS gives the update up', () => {
    const core = timed(500, 500);
    group(core).nextUpdateError = { errorCode: 'AccessDenied', errorMessage: '' };
    const { id } = ask(core, 6, 'one', 0);
    core.advance(LONG_MS);
    assert.deepEqual(
      [group(core).live.desired, group(core).stored.desired, core.nodeGroups.update(NAME, id).status],
      [4, 4, 'Failed'],
    );
  });
});

describe('what the sandbox plays', () => {
  it('is the cluster of the example, with its nodes and policy', () => {
    const text = readFileSync('examples/tensafe/headroom.yaml', 'utf8');
    const reading = readPolicy([{ name: 'headroom.yaml', text }]);
    assert.ok(reading.kind === 'policy');
    assert.equal(reading.policy.cluster.eks?.name ?? reading.policy.cluster.name, EXAMPLE_CLUSTER);
    const groups = exampleGroups(true);
    for (const name of Object.keys(reading.policy.nodeGroups))
      assert.ok(
        groups.some((spec) => spec.name === name),
        name,
      );
    assert.deepEqual(
      groups.map(({ name, sizes, instances = [] }) => [name, sizes.desired, instances.length]),
      [
        ['general', 3, 3],
        [NAME, 4, 4],
        ['gpu-inference', 16, 16],
      ],
    );
    // nothing happens by itself: what is there is what was asked for
    assert.equal(new CloudCore({ cluster: EXAMPLE_CLUSTER, groups }).nextMs(), null);
    assert.deepEqual(
      exampleGroups(false).map(({ sizes }) => sizes.desired),
      [0, 0, 0],
    );
  });
});
