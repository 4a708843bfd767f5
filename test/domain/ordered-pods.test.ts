import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groupTroubles } from '../../domain/diagnosis.ts';
import { describeTrouble } from '../../domain/troubles.ts';
import { condition } from './availability-builders.ts';
import { aPod, unschedulable } from './diagnosis-builders.ts';

const ready = (name: string) => aPod({ name, phase: 'Running', conditions: [condition('Ready', 'True', '')] });
const stuck = (name: string) => aPod({ name, conditions: unschedulable, containers: [] });
const told = (pods: Parameters<typeof groupTroubles>[0], wantedReplicas: number) =>
  groupTroubles(pods, [], { ordered: { wantedReplicas } }).map(describeTrouble);

describe('finding the pod behind which the rest of a StatefulSet waits', () => {
  it('names it and counts those that wait, before it says what is wrong with it', () => {
    assert.deepEqual(told([ready('db-0'), stuck('db-1')], 5), [
      '3 pods not created yet: OrderedReady: no further pod is created before db-1 is ready',
      '1 pod without a node: Unschedulable: 0/5 nodes are available: 5 Insufficient cpu. (db-1)',
    ]);
  });
  it('takes the lowest ordinal by number, not by letter', () => {
    assert.match(told([stuck('db-10'), stuck('db-9')], 12)[0] ?? '', /^10 pods .* before db-9 is ready$/);
  });
  it('takes a pod that is going for one that blocks, although it is still ready', () => {
    assert.match(told([{ ...ready('db-0'), terminating: true }], 2)[0] ?? '', /before db-0 is ready/);
  });
  it('says nothing when all pods exist, when all that exist are ready, or when pods come in parallel', () => {
    assert.equal(told([ready('db-0'), stuck('db-1')], 2).length, 1);
    assert.deepEqual(told([ready('db-0')], 2), []);
    assert.deepEqual(told([], 2), []);
    assert.equal(groupTroubles([stuck('db-0')], []).length, 1);
  });
});
