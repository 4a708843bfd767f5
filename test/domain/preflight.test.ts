import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { NodeCapacity } from '../../domain/cluster-capacity.ts';
import type { PodFacts, SpreadRule } from '../../domain/pod-facts.ts';
import { judgePreflight } from '../../domain/preflight.ts';
import { aNode, aPod, aQuota, fitting, HOSTNAME, judge, ZONE } from './preflight-builders.ts';

const milli = fc.integer({ min: 0, max: 6_000 });
const anyNode = fc
  .record({
    zone: fc.constantFrom('a', 'b', 'c'),
    cpu: milli,
    memory: milli,
    pods: fc.nat(8),
    usedCpu: milli,
    usedMemory: milli,
    podCount: fc.nat(8),
    ownPods: fc.nat(2),
    schedulable: fc.boolean(),
    ready: fc.boolean(),
    tainted: fc.boolean(),
  })
  .map(({ zone, cpu, memory, pods, usedCpu, usedMemory, podCount, ownPods, schedulable, ready, tainted }) =>
    aNode({
      labels: { [ZONE]: zone },
      allocatable: { cpu: `${cpu}m`, memory: `${memory}Mi`, pods: String(pods) },
      requested: { cpu: `${Math.floor(usedCpu / 3)}m`, memory: `${Math.floor(usedMemory / 3)}Mi` },
      podCount: Math.floor(podCount / 2),
      ownPods: Math.min(ownPods, Math.floor(podCount / 2)),
      schedulable: schedulable || cpu > 2_000,
      ready: ready || cpu > 2_000,
      taints: tainted && cpu < 3_000 ? [{ key: 'x', value: '', effect: 'NoSchedule' }] : [],
    }),
  );
const anyNodes = fc
  .array(anyNode, { maxLength: 6 })
  .map((nodes) => nodes.map((node, index) => ({ ...node, name: `n${index}` })));
const anyPod = fc
  .record({
    cpu: fc.integer({ min: 1, max: 2_000 }),
    memory: fc.integer({ min: 1, max: 2_000 }),
    apart: fc.constantFrom([], [HOSTNAME], [ZONE]),
  })
  .map(({ cpu, memory, apart }) => aPod({ requests: { cpu: `${cpu}m`, memory: `${memory}Mi` }, apart }));
const spreads = fc.constantFrom<readonly SpreadRule[]>(
  [],
  [{ topologyKey: ZONE, maxSkew: 1, minDomains: 1, honorsNodeAffinity: true, honorsTaints: false }],
  [{ topologyKey: ZONE, maxSkew: 2, minDomains: 2, honorsNodeAffinity: true, honorsTaints: true }],
);

function number(text = '0'): number {
  return Number.parseInt(text, 10);
}

/** A scheduler of its own, in plain numbers, that takes the first node it may: what it places is what can be placed. */
function placeNaively(nodes: readonly NodeCapacity[], pod: PodFacts, wanted: number): number {
  const placedOn = nodes.map(() => 0);
  const countIn = (key: string, node: NodeCapacity, of: (n: NodeCapacity, index: number) => boolean) =>
    nodes.reduce((sum, other, index) => {
      const same = key === HOSTNAME ? other.name === node.name : other.labels[key] === node.labels[key];
      return same && of(other, index) ? sum + other.ownPods + (placedOn[index] ?? 0) : sum;
    }, 0);
  for (let placed = 0; placed < wanted; placed += 1) {
    const index = nodes.findIndex((node, at) => {
      const count = placedOn[at] ?? 0;
      const hasRoom = (['cpu', 'memory'] as const).every(
        (resource) =>
          number(node.requested[resource]) + (count + 1) * number(pod.requests[resource]) <=
          number(node.allocatable[resource]),
      );
      const isOpen = node.schedulable && node.ready && node.taints.length === 0;
      const isApart = pod.apart.every((key) => countIn(key, node, () => true) === 0);
      const isSpread = pod.spread.every(({ topologyKey, maxSkew, minDomains, honorsTaints }) => {
        const counted = (other: NodeCapacity) => !honorsTaints || other.taints.length === 0;
        const counts = nodes.filter(counted).map((other) => countIn(topologyKey, other, counted));
        const domains = new Set(nodes.filter(counted).map(({ labels }) => labels[topologyKey]));
        const fewest = domains.size < minDomains ? 0 : Math.min(...counts);
        return countIn(topologyKey, node, counted) + 1 - fewest <= maxSkew;
      });
      return isOpen && hasRoom && node.podCount + count < number(node.allocatable['pods']) && isApart && isSpread;
    });
    if (index === -1) return placed;
    placedOn[index] = (placedOn[index] ?? 0) + 1;
  }
  return wanted;
}

describe('judging whether so many more pods fit', () => {
  it('has nothing to say when no pod is to be added', () => {
    assert.deepEqual(judge(0, { nodes: [], quotas: [aQuota({ pods: '0' }, { pods: '5' })] }).reasons, []);
  });
});

describe('the number that fits, whatever the cluster', () => {
  it('really packs, and is not less than a scheduler places', () => {
    let some = 0;
    fc.assert(
      fc.property(anyNodes, anyPod, spreads, fc.integer({ min: 1, max: 20 }), (nodes, pod, spread, wanted) => {
        const fits = fitting(wanted, { pod: { ...pod, spread }, nodes });
        some += fits > 0 ? 1 : 0;
        assert.equal(fits, placeNaively(nodes, { ...pod, spread }, wanted));
      }),
      { numRuns: 500 },
    );
    assert.ok(some > 100);
  });

  it('does not go down when a node is added, nor up when another pod runs', () => {
    fc.assert(
      fc.property(anyNodes, anyPod, anyNode, fc.nat(5), milli, (nodes, pod, extra, at, cpu) => {
        const before = fitting(20, { pod, nodes });
        assert.ok(fitting(20, { pod, nodes: [...nodes, { ...extra, name: 'extra', ownPods: 0 }] }) >= before);
        const busier = nodes.map((node, index) =>
          index === at
            ? {
                ...node,
                podCount: node.podCount + 1,
                requested: { ...node.requested, cpu: `${Number.parseInt(node.requested['cpu'] ?? '0', 10) + cpu}m` },
              }
            : node,
        );
        assert.ok(fitting(20, { pod, nodes: busier }) <= before);
      }),
    );
  });

  it('does not go down with a spread when a node is added in a zone that is there, nor up when another pod runs', () => {
    fc.assert(
      fc.property(anyNodes, anyPod, spreads, anyNode, fc.nat(5), (nodes, anyPod, spread, extra, at) => {
        const pod = { ...anyPod, apart: [], spread };
        const before = fitting(20, { pod, nodes });
        const zones = nodes.filter(({ taints }) => taints.length === 0).map(({ labels }) => labels[ZONE]);
        if (zones.includes(extra.labels[ZONE])) {
          assert.ok(fitting(20, { pod, nodes: [...nodes, { ...extra, name: 'extra', ownPods: 0 }] }) >= before);
        }
        const busier = nodes.map((node, index) => (index === at ? { ...node, podCount: node.podCount + 1 } : node));
        assert.ok(fitting(20, { pod, nodes: busier }) <= before);
      }),
    );
  });

  it('does not go up with larger pods, more pods waiting, or a fuller quota', () => {
    fc.assert(
      fc.property(
        anyNodes,
        milli,
        fc.integer({ min: 1, max: 2_000 }),
        fc.nat(9),
        fc.nat(9),
        (nodes, more, cpu, waiting, used) => {
          const of = (cpu: number, unplacedPods: number, used: number) =>
            fitting(20, {
              nodes,
              unplacedPods,
              pod: aPod({ requests: { cpu: `${cpu}m` } }),
              quotas: [aQuota({ pods: '12' }, { pods: String(used) })],
            });
          const before = of(cpu, 0, 0);
          assert.ok(of(cpu + more, waiting, used) <= before);
          assert.ok(before <= 12);
        },
      ),
    );
  });

  it('is none where it is called impossible, and all where it fits', () => {
    fc.assert(
      fc.property(anyNodes, anyPod, fc.integer({ min: 1, max: 9 }), (nodes, pod, wanted) => {
        const verdict = judgePreflight({ podsToAdd: wanted, pod, quotas: [], cluster: { nodes, unplacedPods: 0 } });
        if (verdict.kind === 'fits') return;
        assert.ok(verdict.fits < wanted);
        assert.equal(verdict.reasons.length, 1);
        if (verdict.impossible) assert.equal(verdict.fits, 0);
      }),
    );
  });
});
