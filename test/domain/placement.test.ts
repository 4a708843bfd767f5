import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeCapacity } from '../../domain/cluster-capacity.ts';
import type { PodFacts, SpreadRule } from '../../domain/pod-facts.ts';
import { aNode, aPod, fitting, gpuTaint, HOSTNAME, judge, ZONE } from './preflight-builders.ts';

describe('judging a pod against the nodes', () => {
  const rows: readonly { name: string; pod?: Partial<PodFacts>; nodes: readonly NodeCapacity[]; fits: number }[] = [
    { name: 'fills a node', nodes: [aNode()], fits: 4 },
    {
      name: 'never sums what is free on several nodes',
      nodes: [1, 2, 3].map((n) => aNode({ name: `n${n}`, requested: { cpu: '3500m' } })),
      fits: 0,
    },
    { name: 'counts what is taken', nodes: [aNode({ requested: { cpu: '1500m' } })], fits: 2 },
    { name: 'is bound by the scarcest resource', nodes: [aNode({ requested: { memory: '14Gi' } })], fits: 2 },
    { name: 'is bound by the number of pods', nodes: [aNode({ podCount: 107 })], fits: 3 },
    {
      name: 'needs the number of pods to be known',
      nodes: [aNode({ allocatable: { cpu: '4', memory: '16Gi' } })],
      fits: 0,
    },
    { name: 'passes over cordoned nodes', nodes: [aNode({ schedulable: false })], fits: 0 },
    { name: 'passes over nodes that are not ready', nodes: [aNode({ ready: false })], fits: 0 },
    {
      name: 'gives devices whole',
      pod: { requests: { 'nvidia.com/gpu': '3' } },
      nodes: [aNode({ allocatable: { 'nvidia.com/gpu': '8', pods: '9' } })],
      fits: 2,
    },
    {
      name: 'minds ephemeral storage',
      pod: { requests: { 'ephemeral-storage': '10Gi' } },
      nodes: [aNode({ allocatable: { 'ephemeral-storage': '25Gi', pods: '9' } })],
      fits: 2,
    },
    {
      name: 'does not mind an overdrawn resource that the pod does not ask for',
      pod: { requests: { memory: '8Gi' } },
      nodes: [aNode({ requested: { cpu: '5' } })],
      fits: 2,
    },
    {
      name: 'does not mind it either when the pod asks for none of it by name',
      pod: { requests: { cpu: '0', memory: '8Gi' } },
      nodes: [aNode({ requested: { cpu: '5' } })],
      fits: 2,
    },
    { name: 'takes nothing from an overdrawn node', nodes: [aNode({ requested: { cpu: '5' } })], fits: 0 },
    {
      name: 'makes no room of a text that is no quantity',
      nodes: [
        aNode({ requested: { cpu: '?' } }),
        aNode({ name: 'n2', allocatable: { cpu: '?', memory: '1Ti', pods: '9' } }),
      ],
      fits: 0,
    },
    {
      name: 'puts one on each node when they keep apart by host',
      pod: { apart: [HOSTNAME] },
      nodes: [aNode(), aNode({ name: 'n2' }), aNode({ name: 'n3', ownPods: 1 })],
      fits: 2,
    },
    {
      name: 'puts one in each zone when they keep apart by zone',
      pod: { apart: [ZONE] },
      nodes: [aNode(), aNode({ name: 'n2' }), aNode({ name: 'n3', labels: { [ZONE]: 'b' } })],
      fits: 2,
    },
  ];
  for (const { name, pod = {}, nodes, fits } of rows) {
    it(name, () => assert.equal(fitting(9, { pod: aPod(pod), nodes }), fits));
  }

  const spread: SpreadRule = {
    topologyKey: ZONE,
    maxSkew: 1,
    minDomains: 1,
    honorsNodeAffinity: true,
    honorsTaints: false,
  };
  const zone = (name: string, of: Partial<NodeCapacity> = {}) => aNode({ name, labels: { [ZONE]: name }, ...of });
  const spreads: readonly {
    name: string;
    pod?: Partial<PodFacts>;
    rule?: Partial<SpreadRule>;
    nodes: readonly NodeCapacity[];
    fits: number;
  }[] = [
    { name: 'fills zones evenly', nodes: [zone('a'), zone('b')], fits: 8 },
    { name: 'stops one above the fullest zone', nodes: [zone('a'), zone('b', { requested: { cpu: '3' } })], fits: 3 },
    {
      name: 'stops further on with a larger skew',
      rule: { maxSkew: 3 },
      nodes: [zone('a'), zone('b', { requested: { cpu: '3' } })],
      fits: 5,
    },
    {
      name: 'starts from the pods that are there',
      nodes: [zone('a', { ownPods: 2 }), zone('b', { requested: { cpu: '2' } })],
      fits: 3,
    },
    { name: 'counts a zone whose nodes are cordoned', nodes: [zone('a'), zone('b', { schedulable: false })], fits: 1 },
    { name: 'counts a tainted zone, by default', nodes: [zone('a'), zone('b', { taints: [gpuTaint] })], fits: 1 },
    {
      name: 'leaves a tainted zone out where taints are honoured',
      rule: { honorsTaints: true },
      nodes: [zone('a'), zone('b', { taints: [gpuTaint] })],
      fits: 4,
    },
    {
      name: 'leaves a zone outside the node selector out',
      pod: { nodeSelector: { pool: 'x' } },
      nodes: [zone('a', { labels: { [ZONE]: 'a', pool: 'x' } }), zone('b')],
      fits: 4,
    },
    {
      name: 'counts it where affinity is ignored',
      pod: { nodeSelector: { pool: 'x' } },
      rule: { honorsNodeAffinity: false },
      nodes: [zone('a', { labels: { [ZONE]: 'a', pool: 'x' } }), zone('b')],
      fits: 1,
    },
    { name: 'uses no node without the zone label', nodes: [zone('a'), aNode({ name: 'x', labels: {} })], fits: 4 },
    { name: 'takes too few zones for an empty one', rule: { minDomains: 3 }, nodes: [zone('a'), zone('b')], fits: 2 },
    {
      name: 'keeps apart by host and spreads by zone at once',
      pod: { apart: [HOSTNAME] },
      nodes: [zone('a'), zone('b'), aNode({ name: 'a2' }), aNode({ name: 'a3' })],
      fits: 3,
    },
  ];
  for (const { name, pod = {}, rule = {}, nodes, fits } of spreads) {
    it(`${name} (topology spread)`, () => {
      assert.equal(fitting(9, { pod: aPod({ ...pod, spread: [{ ...spread, ...rule }] }), nodes }), fits);
    });
  }

  it('counts for a spread only nodes that have the labels of all spreads', () => {
    const rack = { ...spread, topologyKey: 'rack' };
    const racked = (name: string) => zone(name, { labels: { [ZONE]: name, rack: name } });
    const nodes = [racked('a'), racked('b'), zone('c')];
    assert.equal(fitting(9, { pod: aPod({ spread: [spread, rack] }), nodes }), 8);
  });

  it('lets our pods that wait for a node take room first', () => {
    const { fits, reasons } = judge(4, { nodes: [aNode()], unplacedPods: 3 });
    assert.equal(fits, 1);
    assert.ok(reasons[0]?.includes('besides 3 that wait for a node already'));
    assert.equal(fitting(4, { nodes: [aNode()], unplacedPods: 9 }), 0);
    assert.equal(fitting(1, { nodes: [aNode()], unplacedPods: 3 }), 1);
  });

  it('says how many fit, how many need room, that it is an estimate, and what is wrong with the nodes', () => {
    const nodes = [
      aNode(),
      aNode({ name: 'n2', schedulable: false }),
      aNode({ name: 'n3', ready: false }),
      aNode({ name: 'n4', taints: [gpuTaint] }),
      aNode({ name: 'n5', labels: {} }),
      aNode({ name: 'n6', requested: { memory: '15.5Gi' } }),
    ];
    assert.deepEqual(judge(6, { pod: aPod({ nodeSelector: { [ZONE]: 'a' } }), nodes }), {
      kind: 'short',
      fits: 4,
      impossible: false,
      reasons: [
        'the nodes have room for 4 of 6 more pods (an estimate): room for 2 more is needed; of 6 nodes: 1 cordoned, 1 not ready, 1 outside the node selector or affinity, 1 tainted nvidia.com/gpu:NoSchedule, 1 without room for cpu, 1 without room for memory',
      ],
    });
    assert.ok(
      judge(6, { pod: aPod({ apart: [HOSTNAME] }), nodes: [aNode()] }).reasons[0]?.includes(
        '1 barred by anti-affinity',
      ),
    );
    assert.ok(judge(6, { nodes: [] }).reasons[0]?.includes('there is no node'));
  });

  it('says that a pod can never fit when no node could hold it even when empty', () => {
    const pod = aPod({ requests: { cpu: '64', memory: '1Gi' } });
    const nodes = [aNode(), aNode({ name: 'n2', allocatable: { cpu: '48', memory: '1Ti', pods: '9' } })];
    assert.deepEqual(judge(2, { pod, nodes }), {
      kind: 'short',
      fits: 0,
      impossible: true,
      reasons: [
        'no node can ever hold such a pod, even when empty (an estimate): it asks for cpu 64, the largest node that matches has 48',
      ],
    });
  });

  it('does not call it impossible when the node that could hold it is full, cordoned, unready, or not there yet', () => {
    const pod = aPod({ requests: { cpu: '8' } });
    const large = { name: 'n2', allocatable: { cpu: '16', memory: '1Ti', pods: '9' } };
    const cordoned = {
      schedulable: false,
      taints: [{ key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' }],
    };
    for (const state of [{ requested: { cpu: '16' } }, cordoned, { ready: false }]) {
      const { fits, impossible } = judge(1, { pod, nodes: [aNode(), aNode({ ...large, ...state })] });
      assert.deepEqual({ fits, impossible }, { fits: 0, impossible: false });
    }
    assert.equal(judge(1, { pod, nodes: [] }).impossible, false);
    assert.equal(judge(1, { pod, nodes: [aNode(), aNode({ ...large, taints: [gpuTaint] })] }).impossible, true);
  });

  it('says it plainly when each node lacks something else', () => {
    const pod = aPod({ requests: { cpu: '8', memory: '32Gi' } });
    const nodes = [
      aNode({ allocatable: { cpu: '4', memory: '1Ti', pods: '9' } }),
      aNode({ name: 'n2', allocatable: { cpu: '64', memory: '1Gi', pods: '9' } }),
    ];
    assert.deepEqual(judge(1, { pod, nodes }).reasons, [
      'no node can ever hold such a pod, even when empty (an estimate): each node that matches has too little of something it asks for',
    ]);
  });
});
