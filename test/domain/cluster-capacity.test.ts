import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findClusterCapacity, type PlacedPod } from '../../domain/cluster-capacity.ts';
import { aContainer, aNode, aSpec } from './preflight-builders.ts';

function aPlacedPod(of: Partial<PlacedPod>): PlacedPod {
  return { node: 'n1', phase: 'Running', own: false, resources: aSpec(), ...of };
}

describe('adding up what is taken', () => {
  const nodes = [aNode(), aNode({ name: 'n2' })];

  it('counts each live pod on its node, with its overhead, and knows our own', () => {
    const pods = [
      aPlacedPod({ own: true }),
      aPlacedPod({ resources: aSpec({ overhead: { cpu: '1' } }) }),
      aPlacedPod({ node: 'n2' }),
    ];
    const { nodes: found } = findClusterCapacity({ nodes, pods });
    assert.deepEqual(
      found.map(({ requested, podCount, ownPods }) => ({ requested, podCount, ownPods })),
      [
        { requested: { cpu: '3', memory: '2Gi' }, podCount: 2, ownPods: 1 },
        { requested: { cpu: '1', memory: '1Gi' }, podCount: 1, ownPods: 0 },
      ],
    );
  });

  it('leaves out pods that are over', () => {
    const { nodes: found } = findClusterCapacity({
      nodes,
      pods: [aPlacedPod({ phase: 'Succeeded' }), aPlacedPod({ phase: 'Failed' })],
    });
    assert.deepEqual(
      found.map(({ podCount }) => podCount),
      [0, 0],
    );
  });

  it('rounds as the scheduler does: cpu to milli-units, all else to whole units', () => {
    const resources = aSpec({ containers: [aContainer({ requests: { cpu: '100u', memory: '1500m' } })] });
    const { nodes: found } = findClusterCapacity({ nodes, pods: [aPlacedPod({ resources })] });
    assert.deepEqual(found[0]?.requested, { cpu: '1m', memory: '2' });
  });

  it('counts our pods without a node', () => {
    const pods = [aPlacedPod({ node: '', own: true, phase: 'Pending' }), aPlacedPod({ node: '', phase: 'Pending' })];
    assert.equal(findClusterCapacity({ nodes, pods }).unplacedPods, 1);
  });
});
