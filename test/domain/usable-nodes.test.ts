import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeState } from '../../domain/gpu-node.ts';
import { describeOrder, judgeOrder, usableOf } from '../../domain/usable-nodes.ts';
import { aGpuNode, aGroup, anInstance, P5 } from './addition-builders.ts';

const INSTANCES_BEFORE = ['i-01', 'i-02', 'i-03', 'i-04'];
const withNew = (lifecycle = 'InService') =>
  aGroup({ instances: [...aGroup().instances, anInstance('i-05', { lifecycle })] });
const judge = (node: NodeState | undefined, group = withNew()) =>
  judgeOrder({
    group,
    nodes: node === undefined ? [] : [node],
    activities: [],
    instancesBefore: INSTANCES_BEFORE,
    expected: [P5],
  });

describe('a new GPU node', () => {
  it('counts when its instance is in service, and it is Ready with all its GPUs and no startup taint', () => {
    assert.deepEqual(
      usableOf(judge(aGpuNode('i-05'))).map(({ instanceId }) => instanceId),
      ['i-05'],
    );
  });
  for (const [name, node, group, missing] of [
    ['has not joined', undefined, withNew(), 'its node has not joined'],
    ['is not Ready', aGpuNode('i-05', { ready: false }), withNew(), 'it is not Ready'],
    ['has no GPUs yet', aGpuNode('i-05', { allocatable: {} }), withNew(), '0 of 8 GPUs are registered'],
    [
      'has lost a GPU',
      aGpuNode('i-05', { allocatable: { 'nvidia.com/gpu': '7' } }),
      withNew(),
      '7 of 8 GPUs are registered',
    ],
    ['is cordoned', aGpuNode('i-05', { schedulable: false }), withNew(), 'it is cordoned'],
    [
      'has a startup taint',
      aGpuNode('i-05', { taints: [{ key: 'ebs.csi.aws.com/agent-not-ready', value: '', effect: 'NoExecute' }] }),
      withNew(),
      'taint ebs.csi.aws.com/agent-not-ready is still there',
    ],
    ['is still launching', aGpuNode('i-05'), withNew('Pending'), 'instance i-05 is Pending'],
  ] as const)
    it(`does not while it ${name}`, () => {
      const standing = judge(node, group);
      assert.deepEqual(
        standing.nodes.map((one) => one.missing),
        [[missing]],
      );
      assert.match(describeOrder(standing, 1), new RegExp(`^0 of 1 new nodes are usable; .*${missing}`));
    });
  it('is not one that was there before, nor one that goes', () => {
    const group = aGroup({ instances: [...aGroup().instances, anInstance('i-05', { lifecycle: 'Terminating' })] });
    assert.deepEqual(judge(aGpuNode('i-01'), group).nodes, []);
  });
  it('is told of with the words of AWS when its launch failed', () => {
    const failed = {
      id: 'a1',
      status: 'Failed',
      message: 'no p5.48xlarge capacity',
      description: 'Launching',
      cause: '',
      startedAtMs: 1,
      endedAtMs: 2,
    };
    const standing = judgeOrder({
      group: aGroup(),
      nodes: [],
      activities: [failed, { ...failed, id: 'a2', status: 'Successful' }],
      instancesBefore: INSTANCES_BEFORE,
      expected: [P5],
    });
    assert.deepEqual(standing.failures, [{ id: 'a1', why: 'no p5.48xlarge capacity' }]);
  });
});
