import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  gpuPercent,
  heLoraQueueDepth,
  LATENCY_BUCKETS,
  p95Ms,
  queueDepth,
  startLoad,
  step,
  utilisation,
  withLoad,
  type LoadModel,
  type ReadyPod,
} from '../../sandbox/load-model.ts';

const largePods = (count: number): readonly ReadyPod[] =>
  Array.from({ length: count }, (_, index) => ({ name: `pod-${index}`, cpuCores: 8 }));

/** A minute in steps of a second, as the sandbox takes them. */
function afterMinute(rps: number, pods: readonly ReadyPod[], start = startLoad(rps, pods)): LoadModel {
  return Array.from({ length: 60 }).reduce<LoadModel>((model) => step(model, pods, 1_000), start);
}

/** By the autoscaler's formula, at 70 % of a request of 4 cores. */
function wantedPods(rps: number, count: number): number {
  const cpu = afterMinute(rps, largePods(count)).pods[0]?.cpu ?? 0;
  return Math.ceil((count * (cpu / 4)) / 0.7);
}

const cpuPercent = ({ pods }: LoadModel): number => (100 * (pods[0]?.cpu ?? 0)) / 8;

describe('the load on pods of profile Large', () => {
  const cases = [
    { rps: 100, count: 3, cpu: [0, 30], memory: [0, 40], p95: [0, 50], queue: [0, 10], heLora: [0, 5], gpu: [0, 30] },
    { rps: 100, count: 6, cpu: [0, 15], memory: [0, 40], p95: [0, 50], queue: [0, 10], heLora: [0, 5], gpu: [0, 15] },
    {
      rps: 100,
      count: 50,
      cpu: [0, 1.8],
      memory: [0, 40],
      p95: [0, 50],
      queue: [0, 10],
      heLora: [0, 5],
      gpu: [0, 1.8],
    },
    {
      rps: 400,
      count: 6,
      cpu: [30, 70],
      memory: [0, 40],
      p95: [0, 100],
      queue: [0, 50],
      heLora: [0, 20],
      gpu: [0, 80],
    },
    { rps: 400, count: 8, cpu: [30, 35], memory: [0, 40], p95: [0, 50], queue: [0, 10], heLora: [0, 5], gpu: [0, 80] },
    {
      rps: 400,
      count: 3,
      cpu: [85, 95],
      memory: [40, 50],
      p95: [200, 300],
      queue: [20, 50],
      heLora: [20, 50],
      gpu: [80, 95],
    },
    {
      rps: 600,
      count: 3,
      cpu: [99, 100],
      memory: [40, 50],
      p95: [1_000, 10_000],
      queue: [1_000, 3_000],
      heLora: [900, 3_000],
      gpu: [99, 100],
    },
  ] as const;
  for (const { rps, count, ...expected } of cases) {
    it(`is as expected at ${rps} requests/s on ${count} pods`, () => {
      const model = afterMinute(rps, largePods(count));
      const seen = {
        cpu: cpuPercent(model),
        memory: 100 * model.memory,
        p95: p95Ms(model),
        queue: queueDepth(model),
        heLora: heLoraQueueDepth(model),
        gpu: gpuPercent(model),
      };
      for (const [metric, value] of Object.entries(seen)) {
        const [low, high] = new Map<string, readonly [number, number]>(Object.entries(expected)).get(metric) ?? [0, 0];
        assert.ok(value >= low && value <= high, `${metric} is ${value}, expected ${low} to ${high}`);
      }
    });
  }

  it('asks the autoscaler for eight pods at 400 requests/s, and is content with them', () => {
    assert.equal(wantedPods(400, 3), 8);
    assert.equal(wantedPods(400, 8), 8);
  });

  it('drains the queue once there are pods enough', () => {
    const drowned = afterMinute(600, largePods(3));
    assert.ok(drowned.backlog > 1_000);
    const drained = afterMinute(600, largePods(10), drowned);
    assert.equal(drained.backlog, 0);
    assert.ok(p95Ms(drained) < 50);
  });

  it('turns requests away instead of queueing without end', () => {
    const { backlog, turnedAway } = afterMinute(2_000, largePods(1));
    assert.equal(backlog, 2_000);
    assert.ok(turnedAway > 100_000);
  });

  it('follows a new load with CPU at once and with memory slowly', () => {
    const pods = largePods(3);
    const settled = afterMinute(100, pods);
    const raised = step(withLoad(settled, 400), pods, 1_000);
    assert.ok(cpuPercent(raised) > 85);
    assert.ok(raised.memory - settled.memory < 0.02);
    assert.ok(afterMinute(400, pods, raised).memory - settled.memory > 0.15);
  });

  it('serves nothing without pods or without traffic', () => {
    assert.equal(afterMinute(100, []).served, 0);
    assert.equal(afterMinute(0, largePods(3)).served, 0);
    assert.ok(Number.isFinite(p95Ms(afterMinute(100, []))));
  });

  it('counts each pod from its own start', () => {
    const two = afterMinute(100, largePods(2));
    const three = step(two, largePods(3), 1_000);
    assert.ok((three.pods[0]?.cpuSeconds ?? 0) > 60 * (three.pods[2]?.cpuSeconds ?? Number.POSITIVE_INFINITY));
  });
});

describe('any course of load and pods', () => {
  const moments = fc.array(
    fc.record({
      rps: fc.double({ min: 0, max: 5_000, noNaN: true }),
      pods: fc.integer({ min: 0, max: 60 }),
      cores: fc.constantFrom(0.1, 1, 8, 16),
      dtMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
    }),
    { minLength: 1, maxLength: 30 },
  );

  it('never lets a counter fall, nor a figure leave its range', () => {
    fc.assert(
      fc.property(moments, (course) => {
        let model = startLoad(0, []);
        for (const { rps, pods, cores, dtMs } of course) {
          const ready = largePods(pods).map((pod) => ({ ...pod, cpuCores: cores }));
          const next = step(withLoad(model, rps), ready, dtMs);
          assertGrew(model, next);
          for (const { name, cpuSeconds, cpu } of next.pods) {
            assert.ok(cpuSeconds >= (model.pods.find((pod) => pod.name === name)?.cpuSeconds ?? 0));
            assert.ok(cpu > 0 && cpu <= cores * 1.000_001);
          }
          assert.ok(next.memory > 0 && next.memory < 0.5);
          assert.ok(next.backlog >= 0 && next.backlog <= 2_000);
          for (const figure of [p95Ms(next), queueDepth(next), gpuPercent(next)])
            assert.ok(Number.isFinite(figure) && figure >= 0);
          model = next;
        }
      }),
    );
  });

  it('loses no request: each is served, turned away or waits', () => {
    fc.assert(
      fc.property(moments, (course) => {
        let model = startLoad(0, []);
        let asked = 0;
        for (const { rps, pods, dtMs } of course) {
          model = step(withLoad(model, rps), largePods(pods), dtMs);
          asked += (rps * dtMs) / 1_000;
        }
        const accounted = model.served + model.turnedAway + model.backlog;
        assert.ok(Math.abs(accounted - asked) <= 1e-6 * Math.max(1, asked), `${accounted} of ${asked}`);
      }),
    );
  });

  it('never gives a pod more to do when there are more pods', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 5_000, noNaN: true }),
        fc.integer({ min: 1, max: 59 }),
        fc.double({ min: 0, max: 2_000, noNaN: true }),
        (rps, pods, backlog) => {
          const start = { ...startLoad(rps, []), backlog };
          const [few, more] = [step(start, largePods(pods), 1_000), step(start, largePods(pods + 1), 1_000)];
          assert.ok((more.pods[0]?.cpu ?? 0) <= (few.pods[0]?.cpu ?? 0) + 1e-9);
          assert.ok(p95Ms(more) <= p95Ms(few) + 1e-9);
          assert.ok(utilisation(more) <= utilisation(few));
          assert.ok(more.backlog <= few.backlog);
        },
      ),
    );
  });
});

function assertGrew(before: LoadModel, after: LoadModel): void {
  for (const counter of ['served', 'turnedAway', 'latencySumSeconds'] as const) {
    assert.ok(after[counter] >= before[counter], `${counter} fell from ${before[counter]} to ${after[counter]}`);
  }
  const bounds = [...after.latencyBuckets, after.served];
  for (const [index, count] of bounds.entries()) {
    assert.ok(count >= (before.latencyBuckets[index] ?? 0), `bucket ${LATENCY_BUCKETS[index]} fell`);
    assert.ok(count >= (bounds[index - 1] ?? 0), `bucket ${LATENCY_BUCKETS[index]} has fewer than the one below`);
  }
}
