import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSettled, judgeRollout } from '../../domain/rollout.ts';
import type { WorkloadState } from '../../domain/workload.ts';
import { aState, condition } from './availability-builders.ts';

describe('judging a rollout', () => {
  const progressing = (reason: string) => [condition('Progressing', 'True', reason)];
  const rows: readonly {
    name: string;
    of: Partial<WorkloadState>;
    kind: 'settled' | 'inProgress' | 'paused';
    settled: boolean;
  }[] = [
    { name: 'is settled when all is of the newest template', of: {}, kind: 'settled', settled: true },
    {
      name: 'is no rollout to scale up',
      of: { wantedReplicas: 9, conditions: progressing('NewReplicaSetAvailable') },
      kind: 'settled',
      settled: false,
    },
    { name: 'is no rollout to scale down', of: { wantedReplicas: 3 }, kind: 'settled', settled: false },
    { name: 'is under way while old pods are left', of: { updatedReplicas: 5 }, kind: 'inProgress', settled: false },
    {
      name: 'is under way until the newest ReplicaSet is complete',
      of: { availableReplicas: 5, conditions: progressing('ReplicaSetUpdated') },
      kind: 'inProgress',
      settled: false,
    },
    { name: 'is under way while surge pods are left', of: { replicas: 7 }, kind: 'inProgress', settled: false },
    {
      name: 'is stuck past its deadline',
      of: { conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')] },
      kind: 'inProgress',
      settled: false,
    },
    { name: 'is paused by spec.paused', of: { paused: true, updatedReplicas: 2 }, kind: 'paused', settled: false },
    {
      name: 'is not settled while pods are unavailable',
      of: { availableReplicas: 5 },
      kind: 'settled',
      settled: false,
    },
    {
      name: 'is not settled before the controller has seen it',
      of: { generation: 8 },
      kind: 'settled',
      settled: false,
    },
    {
      name: 'is not settled before the newest template has all pods',
      of: { replicas: 4, updatedReplicas: 4, availableReplicas: 4 },
      kind: 'settled',
      settled: false,
    },
  ];
  for (const reason of ['NewReplicaSetCreated', 'FoundNewReplicaSet', 'ReplicaSetUpdated']) {
    it(`is under way with Progressing ${reason}`, () => {
      assert.equal(judgeRollout(aState({ conditions: progressing(reason) })).kind, 'inProgress');
    });
  }
  for (const { name, of, kind, settled } of rows) {
    it(name, () => {
      assert.equal(judgeRollout(aState(of)).kind, kind);
      assert.equal(isSettled(aState(of)), settled);
    });
  }
});
