import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { groupTroubles } from '../../domain/diagnosis.ts';
import type { PodObservation } from '../../domain/pod-diagnosis.ts';
import { condition } from './availability-builders.ts';
import { aContainer, anEvent, aPod, pulling, unschedulable } from './diagnosis-builders.ts';

function stuck(name: string, message: string): PodObservation {
  return aPod({ name, conditions: [condition('PodScheduled', 'False', 'Unschedulable', message)] });
}
function crashed(name: string, code: number, restarts: number): PodObservation {
  return aPod({
    name,
    containers: [
      aContainer({ state: 'waiting', reason: 'CrashLoopBackOff', restarts, lastExit: { code, reason: 'Error' } }),
    ],
  });
}
const replicaSet = { kind: 'ReplicaSet', name: 'web' };

describe('grouping what keeps pods from being available', () => {
  it('gives the reason of most pods first among those of one kind', () => {
    const troubles = groupTroubles([stuck('a', 'x'), stuck('b', 'y'), stuck('c', 'y')], []);
    assert.deepEqual(
      troubles.map(({ message }) => message),
      ['y', 'x'],
    );
  });

  it('keeps crashes with different exits apart, and those with different numbers of restarts together', () => {
    const troubles = groupTroubles([crashed('a', 1, 2), crashed('b', 1, 3), crashed('c', 2, 2)], []);
    assert.deepEqual(
      troubles.map(({ count }) => count),
      [2, 1],
    );
  });

  it('counts equal reasons together and names five of the pods', () => {
    const pods = ['g', 'f', 'e', 'd', 'c', 'b', 'a'].map((name) => aPod({ name, conditions: unschedulable }));
    const [trouble, ...others] = groupTroubles(pods, []);
    assert.equal(others.length, 0);
    assert.equal(trouble?.count, 7);
    assert.deepEqual(trouble?.examples, ['a', 'b', 'c', 'd', 'e']);
  });

  it('takes the two reasons of one failing pull for one, and keeps the message that says more', () => {
    const troubles = groupTroubles(
      [pulling('a', 'ImagePullBackOff', 'Back-off'), pulling('b', 'ErrImagePull', 'failed to pull app:1: not found')],
      [],
    );
    assert.deepEqual(troubles, [
      {
        kind: 'image',
        reason: 'ImagePullBackOff',
        message: 'container app: failed to pull app:1: not found',
        count: 2,
        examples: ['a', 'b'],
      },
    ]);
  });

  it('counts probe failures together although each message has its own address', () => {
    const pods = ['a', 'b'].map((name) => aPod({ name, phase: 'Running' }));
    const events = pods.map(({ name }) =>
      anEvent({ object: { kind: 'Pod', name }, reason: 'Unhealthy', message: `dial ${name}: refused` }),
    );
    assert.deepEqual(
      groupTroubles(pods, events).map(({ count }) => count),
      [2],
    );
  });

  it('reports refused creations, for which there is no pod, without the name each would have had', () => {
    const refused = (name: string, object = replicaSet) =>
      anEvent({
        object,
        reason: 'FailedCreate',
        message: `Error creating: pods "${name}" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3`,
      });
    assert.deepEqual(groupTroubles([], [refused('web-a'), refused('web-b')]), [
      {
        kind: 'notCreated',
        reason: 'FailedCreate',
        message: 'exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3',
        count: 2,
        examples: [],
      },
    ]);
    const set = anEvent({
      object: { kind: 'StatefulSet', name: 'db' },
      reason: 'FailedCreate',
      message: 'create Pod db-3 in StatefulSet db failed error: pods "db-3" is forbidden: exceeded quota: q',
    });
    assert.deepEqual(groupTroubles([], [set])[0]?.message, 'exceeded quota: q');
  });

  it('forgets a refusal once the same owner has created a pod since', () => {
    const failed = anEvent({ object: replicaSet, reason: 'FailedCreate', message: 'no', atMs: 1_000 });
    const created = (atMs: number, object = replicaSet) => anEvent({ object, reason: 'SuccessfulCreate', atMs });
    assert.deepEqual(groupTroubles([], [failed, created(2_000)]), []);
    assert.equal(groupTroubles([], [failed, created(500)]).length, 1);
    assert.equal(groupTroubles([], [failed, created(2_000, { kind: 'ReplicaSet', name: 'other' })]).length, 1);
  });

  it('gives the earliest source first', () => {
    const pods = [
      aPod({ name: 'a', terminating: true }),
      aPod({ name: 'b', phase: 'Running' }),
      aPod({ name: 'c', conditions: unschedulable }),
    ];
    const events = [anEvent({ object: replicaSet, reason: 'FailedCreate', message: 'no' })];
    assert.deepEqual(
      groupTroubles(pods, events).map(({ kind }) => kind),
      ['notCreated', 'unschedulable', 'notReady', 'terminating'],
    );
  });

  it('counts every pod that is not ready exactly once', () => {
    const pod = fc.record({
      terminating: fc.boolean(),
      conditions: fc.constantFrom(unschedulable, [], [condition('Ready', 'False', 'ContainersNotReady')]),
      containers: fc.array(
        fc.record({
          state: fc.constantFrom('waiting' as const, 'running' as const, 'terminated' as const),
          reason: fc.constantFrom('', 'ContainerCreating', 'CrashLoopBackOff', 'ErrImagePull', 'Odd'),
          ready: fc.boolean(),
        }),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(fc.array(pod, { maxLength: 8 }), (given) => {
        const pods = given.map((of, index) =>
          aPod({ ...of, name: `p${index}`, containers: of.containers.map(aContainer) }),
        );
        const troubles = groupTroubles(pods, []);
        assert.equal(
          troubles.reduce((sum, { count }) => sum + count, 0),
          pods.length,
        );
      }),
    );
  });
});
