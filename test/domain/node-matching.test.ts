import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeCapacity } from '../../domain/cluster-capacity.ts';
import type { PodFacts } from '../../domain/pod-facts.ts';
import { aNode, aPod, fitting, gpuTaint, ZONE } from './preflight-builders.ts';

function expressions(operator: string, ...values: string[]) {
  return [{ key: ZONE, operator, values }];
}
function inZone(operator: string, ...values: string[]) {
  return [{ matchExpressions: expressions(operator, ...values), matchFields: [] }];
}

describe('judging whether a pod may go to a node at all', () => {
  const rows: readonly { name: string; pod?: Partial<PodFacts>; nodes: readonly NodeCapacity[]; fits: number }[] = [
    { name: 'passes over a NoSchedule taint', nodes: [aNode({ taints: [gpuTaint] })], fits: 0 },
    {
      name: 'passes over a NoExecute taint',
      nodes: [aNode({ taints: [{ ...gpuTaint, effect: 'NoExecute' }] })],
      fits: 0,
    },
    {
      name: 'does not mind a PreferNoSchedule taint',
      nodes: [aNode({ taints: [{ ...gpuTaint, effect: 'PreferNoSchedule' }] })],
      fits: 4,
    },
    {
      name: 'tolerates by value',
      pod: { tolerations: [{ ...gpuTaint, operator: 'Equal' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 4,
    },
    {
      name: 'does not tolerate another value',
      pod: { tolerations: [{ ...gpuTaint, operator: '', value: 'x' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 0,
    },
    {
      name: 'tolerates by existence, any effect',
      pod: { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', value: '', effect: '' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 4,
    },
    {
      name: 'does not tolerate another effect',
      pod: { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', value: '', effect: 'NoExecute' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 0,
    },
    {
      name: 'does not tolerate another key',
      pod: { tolerations: [{ key: 'other', operator: 'Exists', value: '', effect: '' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 0,
    },
    {
      name: 'tolerates everything',
      pod: { tolerations: [{ key: '', operator: 'Exists', value: '', effect: '' }] },
      nodes: [aNode({ taints: [gpuTaint] })],
      fits: 4,
    },
    {
      name: 'must tolerate every taint',
      pod: { tolerations: [{ ...gpuTaint, operator: 'Equal' }] },
      nodes: [aNode({ taints: [gpuTaint, { ...gpuTaint, key: 'other' }] })],
      fits: 0,
    },
    {
      name: 'follows the node selector',
      pod: { nodeSelector: { [ZONE]: 'b' } },
      nodes: [aNode(), aNode({ name: 'n2', labels: { [ZONE]: 'b' }, requested: { cpu: '1' } })],
      fits: 3,
    },
    { name: 'follows affinity In', pod: { nodeTerms: inZone('In', 'b', 'c') }, nodes: [aNode()], fits: 0 },
    { name: 'follows affinity NotIn', pod: { nodeTerms: inZone('NotIn', 'b', 'c') }, nodes: [aNode()], fits: 4 },
    { name: 'follows affinity DoesNotExist', pod: { nodeTerms: inZone('DoesNotExist') }, nodes: [aNode()], fits: 0 },
    {
      name: 'takes any one of the affinity terms',
      pod: { nodeTerms: [...inZone('In', 'b'), ...inZone('Exists')] },
      nodes: [aNode()],
      fits: 4,
    },
    {
      name: 'needs all of a term',
      pod: {
        nodeTerms: [
          {
            matchExpressions: expressions('Exists'),
            matchFields: [{ key: 'metadata.name', operator: 'In', values: ['other'] }],
          },
        ],
      },
      nodes: [aNode()],
      fits: 0,
    },
    {
      name: 'takes an empty term for no node',
      pod: { nodeTerms: [{ matchExpressions: [], matchFields: [] }] },
      nodes: [aNode()],
      fits: 0,
    },
    {
      name: 'compares with Gt',
      pod: { nodeTerms: [{ matchExpressions: [{ key: 'gen', operator: 'Gt', values: ['4'] }], matchFields: [] }] },
      nodes: [aNode({ labels: { gen: '10' } })],
      fits: 4,
    },
    {
      name: 'compares with Lt',
      pod: { nodeTerms: [{ matchExpressions: [{ key: 'gen', operator: 'Lt', values: ['4'] }], matchFields: [] }] },
      nodes: [aNode({ labels: { gen: '10' } })],
      fits: 0,
    },
    {
      name: 'does not compare what is no number',
      pod: { nodeTerms: [{ matchExpressions: [{ key: 'gen', operator: 'Gt', values: ['4'] }], matchFields: [] }] },
      nodes: [aNode({ labels: { gen: 'x' } })],
      fits: 0,
    },
    {
      name: 'needs every expression of a term',
      pod: {
        nodeTerms: [{ matchExpressions: [...expressions('Exists'), ...expressions('In', 'b')], matchFields: [] }],
      },
      nodes: [aNode()],
      fits: 0,
    },
    {
      name: 'takes a term with fields alone',
      pod: {
        nodeTerms: [{ matchExpressions: [], matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
      },
      nodes: [aNode(), aNode({ name: 'n2' })],
      fits: 4,
    },
    {
      name: 'matches nothing by an operator that is not known',
      pod: { nodeTerms: inZone('Near', 'a') },
      nodes: [aNode()],
      fits: 0,
    },
  ];
  for (const { name, pod = {}, nodes, fits } of rows) {
    it(name, () => assert.equal(fitting(9, { pod: aPod(pod), nodes }), fits));
  }

  for (const [operator, value, fits] of [
    ['Gt', '4', 0],
    ['Gt', '5', 4],
    ['Lt', '4', 0],
    ['Lt', '3', 4],
  ] as const) {
    it(`takes ${fits === 0 ? 'no' : 'a'} node labelled ${value} for ${operator} 4`, () => {
      const nodeTerms = [{ matchExpressions: [{ key: 'gen', operator, values: ['4'] }], matchFields: [] }];
      assert.equal(fitting(9, { pod: aPod({ nodeTerms }), nodes: [aNode({ labels: { gen: value } })] }), fits);
    });
  }
});
