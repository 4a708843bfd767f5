import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { placeReplacements, type Replacement } from '../../domain/drain-placement.ts';
import type { PodFacts } from '../../domain/pod-facts.ts';
import { aNode, aPod, HOSTNAME, ZONE } from './preflight-builders.ts';

const GPU_NODE = { cpu: '96', memory: '1Ti', pods: '110', 'nvidia.com/gpu': '8' };
const gpuNode = (name: string, free = 8) =>
  aNode({ name, allocatable: GPU_NODE, requested: { 'nvidia.com/gpu': String(8 - free) } });
const ask = (uid: string, gpus: number, of: Partial<PodFacts> = {}, waits = false): Replacement => {
  const requests = { cpu: '1', ...(gpus > 0 && { 'nvidia.com/gpu': String(gpus) }) };
  return { uid, owner: 'web', facts: aPod({ requests, ...of }), waits };
};

function place(
  nodes: Parameters<typeof placeReplacements>[0]['nodes'],
  replacements: readonly Replacement[],
  standing: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map(),
) {
  const places = placeReplacements({ nodes, drained: ['n1'], standing, replacements });
  return Object.fromEntries([...places].map(([uid, { found }]) => [uid, found]));
}

describe('placing the replacements of evicted pods', () => {
  it('never counts on the room of a node that is drained', () => {
    assert.deepEqual(place([gpuNode('n1')], [ask('a', 1)]), { a: false });
    assert.deepEqual(place([gpuNode('n1'), gpuNode('n2')], [ask('a', 1)]), { a: true });
  });

  it('gives each free place once, to the largest first', () => {
    const nodes = [gpuNode('n1'), gpuNode('n2', 4)];
    assert.deepEqual(place(nodes, [ask('a', 2), ask('b', 4)]), { b: true, a: false });
    assert.deepEqual(place(nodes, [ask('a', 2), ask('b', 2)]), { a: true, b: true });
  });

  it('lets pods of a job that is waited for go last', () => {
    const nodes = [gpuNode('n1'), gpuNode('n2', 4)];
    assert.deepEqual(place(nodes, [ask('job', 4, {}, true), ask('web', 1)]), { web: true, job: false });
  });

  it('leaves GPU nodes to those that need them', () => {
    const nodes = [gpuNode('n1'), aNode({ name: 'n2', allocatable: { ...GPU_NODE, cpu: '2' } }), aNode({ name: 'n3' })];
    const heavy = ask('gpu', 1, { requests: { cpu: '2', 'nvidia.com/gpu': '1' } }, true);
    assert.deepEqual(place(nodes, [ask('cpu', 0), heavy]), { cpu: true, gpu: true });
  });

  it('keeps pods of one owner apart from those that stand, but not from the ones that go', () => {
    const apart = { apart: [HOSTNAME] };
    const nodes = [gpuNode('n1'), gpuNode('n2'), gpuNode('n3')];
    const on = (node: string) => new Map([['web', new Map([[node, 1]])]]);
    assert.deepEqual(place(nodes, [ask('a', 1, apart), ask('b', 1, apart)], on('n2')), { a: true, b: false });
    assert.deepEqual(place(nodes, [ask('a', 1, apart), ask('b', 1, apart)], on('n1')), { a: true, b: true });
    assert.deepEqual(place(nodes.slice(0, 2), [ask('a', 1, { apart: [ZONE] })], on('n1')), { a: true });
  });

  it('never promises more GPUs than are free, in whatever order they are asked for', () => {
    const gpus = fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 8 });
    const frees = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(gpus, frees, (wanted, free) => {
        const nodes = [gpuNode('n1'), ...free.map((one, i) => gpuNode(`n${i + 2}`, one))];
        const asked = wanted.map((each, i) => ask(`p${i}`, each));
        const places = place(nodes, asked);
        assert.deepEqual(place(nodes, asked.toReversed()), places);
        const promised = wanted.reduce((sum, each, i) => sum + (places[`p${i}`] === true ? each : 0), 0);
        assert.ok(promised <= free.reduce((sum, one) => sum + one, 0));
      }),
    );
  });
});
