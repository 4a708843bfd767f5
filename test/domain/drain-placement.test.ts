import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { placeReplacements, type PendingPod, type Replacement } from '../../domain/drain-placement.ts';
import type { PodFacts } from '../../domain/pod-facts.ts';
import { aNode, aPod, gpuTaint, HOSTNAME, ZONE } from './preflight-builders.ts';

const GPU_NODE = { cpu: '96', memory: '1Ti', pods: '110', 'nvidia.com/gpu': '8' };
const gpuNode = (name: string, free = 8, of: Parameters<typeof aNode>[0] = {}) =>
  aNode({ name, allocatable: GPU_NODE, requested: { 'nvidia.com/gpu': String(8 - free) }, ...of });
const factsOf = (gpus: number, of: Partial<PodFacts> = {}) =>
  aPod({ requests: { cpu: '1', ...(gpus > 0 && { 'nvidia.com/gpu': String(gpus) }) }, ...of });
const ask = (uid: string, gpus: number, facts: Partial<PodFacts> = {}, of: Partial<Replacement> = {}): Replacement => {
  return { uid, owner: 'web', facts: factsOf(gpus, facts), waits: false, priority: 0, preempts: true, ...of };
};
const wait = (name: string, gpus: number, of: Partial<PendingPod> = {}): PendingPod => {
  const facts = factsOf(gpus);
  return {
    uid: `uid-${name}`,
    name: `ml/${name}`,
    owner: 'train',
    facts,
    priority: 0,
    createdAtMs: 0,
    gang: null,
    nominatedTo: null,
    ...of,
  };
};
const EVENLY = { topologyKey: ZONE, maxSkew: 1, minDomains: 1, honorsNodeAffinity: true, honorsTaints: false };

interface Given {
  readonly nodes: Parameters<typeof placeReplacements>[0]['nodes'];
  readonly replacements: readonly Replacement[];
  readonly pending?: readonly PendingPod[];
  readonly standing?: ReadonlyMap<string, ReadonlyMap<string, number>>;
}
const placeAll = ({ pending = [], standing = new Map(), ...given }: Given) =>
  placeReplacements({ drained: ['n1'], standing, pending, ...given });
function place(nodes: Given['nodes'], replacements: Given['replacements'], standing?: Given['standing']) {
  return found({ nodes, replacements, ...(standing && { standing }) });
}
const found = (given: Given) => Object.fromEntries([...placeAll(given)].map(([uid, { found }]) => [uid, found]));
const reasonOf = (given: Given) => placeAll(given).get('a')?.reason ?? '';

describe('placing the replacements of evicted pods', () => {
  it('never counts on the room of a node that is drained', () => {
    assert.deepEqual(place([gpuNode('n1')], [ask('a', 1)]), { a: false });
    assert.deepEqual(place([gpuNode('n1'), gpuNode('n2')], [ask('a', 1)]), { a: true });
    const two = { nodes: ['n1', 'n2', 'n3'].map((name) => gpuNode(name)), drained: ['n1', 'n2'] };
    const replacements = [ask('a', 8), ask('b', 8)];
    const places = placeReplacements({ ...two, standing: new Map(), pending: [], replacements });
    assert.deepEqual([places.get('a')?.found, places.get('b')?.found], [true, false]);
  });

  it('gives each free place once, to the largest first', () => {
    const nodes = [gpuNode('n1'), gpuNode('n2', 4)];
    assert.deepEqual(place(nodes, [ask('a', 2), ask('b', 4)]), { b: true, a: false });
    assert.deepEqual(place(nodes, [ask('a', 2), ask('b', 2)]), { a: true, b: true });
  });

  it('counts the number of pods too', () => {
    const nodes = [gpuNode('n1'), gpuNode('n2', 8, { podCount: 109 })];
    assert.deepEqual(place(nodes, [ask('a', 1), ask('b', 1)]), { a: true, b: false });
  });

  it('gives it to the one with the higher priority before the larger one', () => {
    const nodes = [gpuNode('n1'), gpuNode('n2', 4)];
    assert.deepEqual(place(nodes, [ask('a', 2, {}, { priority: 1 }), ask('b', 4)]), { b: false, a: true });
  });

  it('lets pods of a job that is waited for go last', () => {
    const nodes = [gpuNode('n1'), gpuNode('n2', 4)];
    const job = ask('job', 4, {}, { waits: true, priority: 5 });
    assert.deepEqual(place(nodes, [job, ask('web', 1)]), { web: true, job: false });
  });

  it('leaves GPU nodes to those that need them', () => {
    const nodes = [gpuNode('n1'), aNode({ name: 'n2', allocatable: { ...GPU_NODE, cpu: '2' } }), aNode({ name: 'n3' })];
    const heavy = ask('gpu', 1, { requests: { cpu: '2', 'nvidia.com/gpu': '1' } }, { waits: true });
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

  it('puts none where it may not stand: another of its zone is there', () => {
    const zone = (name: string, of: string, free: number) => gpuNode(name, free, { labels: { [ZONE]: of } });
    const nodes = [gpuNode('n1'), zone('n2', 'a', 0), zone('n3', 'a', 1), zone('n4', 'b', 1)];
    const replacements = [ask('a', 1, { apart: [ZONE] }), ask('b', 1, { nodeSelector: { [ZONE]: 'a' } })];
    const standing = new Map([['web', new Map([['n2', 1]])]]);
    assert.deepEqual(found({ nodes, replacements, standing }), { a: true, b: true });
  });

  it('puts those of one owner where fewest of it stand', () => {
    const nodes = [gpuNode('n1'), gpuNode('n2', 4), gpuNode('n3', 4)];
    const last = ask('c', 4, {}, { priority: -1 });
    assert.deepEqual(place(nodes, [ask('a', 2), ask('b', 2), last]), { a: true, b: true, c: false });
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

describe('placing replacements beside pods that wait for a node already', () => {
  const nodes = [gpuNode('n1'), gpuNode('n2', 4)];
  const rows: readonly (Partial<Given> & { readonly name: string; readonly found: boolean })[] = [
    { name: 'counts one of equal priority first', pending: [wait('t', 4)], found: false },
    { name: 'counts one of higher priority first', pending: [wait('t', 4, { priority: 9 })], found: false },
    { name: 'counts only what it takes', pending: [wait('t', 3)], found: true },
    { name: 'counts each of several', pending: [wait('t', 2), wait('u', 2)], found: false },
    {
      name: 'counts one of two that are alike where one finds room',
      pending: [wait('t', 4), wait('u', 4)],
      found: false,
    },
    { name: 'goes before one of lower priority', pending: [wait('t', 4, { priority: -1 })], found: true },
    {
      name: 'goes after one of lower priority that it may not preempt',
      replacements: [ask('a', 1, {}, { priority: 5, preempts: false })],
      pending: [wait('t', 4)],
      found: false,
    },
    {
      name: 'goes before one of lower priority although its job is waited for',
      replacements: [ask('a', 1, {}, { priority: 5, waits: true })],
      pending: [wait('t', 4)],
      found: true,
    },
    { name: 'minds none that no node could hold', pending: [wait('t', 9)], found: true },
    { name: 'minds none that finds no room now', pending: [wait('t', 5)], found: true },
    {
      name: 'minds none whose selector no node meets',
      pending: [wait('t', 4, { facts: factsOf(4, { nodeSelector: { pool: 'x' } }) })],
      found: true,
    },
    {
      name: 'minds none that a taint keeps off, where it tolerates that itself',
      nodes: [gpuNode('n1'), gpuNode('n2', 4, { taints: [gpuTaint] })],
      replacements: [ask('a', 1, { tolerations: [{ key: '', operator: 'Exists', value: '', effect: '' }] })],
      pending: [wait('t', 4)],
      found: true,
    },
    {
      name: 'minds none that its own kind keeps off',
      pending: [wait('t', 4, { facts: factsOf(4, { apart: [HOSTNAME] }) })],
      standing: new Map([['train', new Map([['n2', 1]])]]),
      found: true,
    },
    {
      name: 'counts another one of the same shape that its own kind does not keep off',
      pending: ['train', 'other'].map((owner) => wait(owner, 4, { owner, facts: factsOf(4, { apart: [HOSTNAME] }) })),
      standing: new Map([['other', new Map([['n2', 1]])]]),
      found: false,
    },
    {
      name: 'minds none for which there is room elsewhere besides',
      nodes: [...nodes, gpuNode('n3', 4)],
      pending: [wait('t', 4)],
      found: true,
    },
    { name: 'minds none of a gang that does not fit whole', pending: gang(2, 4), found: true },
    {
      name: 'counts a gang that fits whole',
      nodes: [...nodes, gpuNode('n3', 4)],
      pending: gang(2, 4),
      found: false,
    },
    {
      name: 'counts a gang whose pods are of different size',
      nodes: [...nodes, gpuNode('n3')],
      pending: [wait('g-0', 8, { gang: 'ml/g' }), wait('g-1', 4, { gang: 'ml/g' })],
      found: false,
    },
    {
      name: 'counts those that spread, each where it may be by then',
      nodes: [gpuNode('n1'), ...['n2', 'n3', 'n4'].map((name) => gpuNode(name, name === 'n2' ? 0 : 4, zoneOf(name)))],
      pending: ['t', 'u'].map((name) => wait(name, 4, { facts: factsOf(4, { spread: [EVENLY] }) })),
      standing: new Map([['train', new Map([['n2', 1]])]]),
      found: false,
    },
    { name: 'counts one alone beside a gang that does not fit', pending: [...gang(2, 4), wait('u', 4)], found: false },
    {
      name: 'counts one for which the scheduler keeps room, although it is not free yet',
      pending: [wait('t', 8, { nominatedTo: 'n2' })],
      found: false,
    },
    {
      name: 'goes before one of lower priority for which the scheduler keeps room',
      pending: [wait('t', 8, { nominatedTo: 'n2', priority: -1 })],
      found: true,
    },
    {
      name: 'leaves one its place where the scheduler keeps room for it',
      nodes: [...nodes, gpuNode('n3', 4)],
      pending: [wait('t', 4, { nominatedTo: 'n3' })],
      found: true,
    },
    {
      name: 'counts one that goes before another for which the scheduler keeps room',
      replacements: [ask('a', 1, {}, { priority: 1 })],
      pending: [wait('t', 4, { nominatedTo: 'n2' }), wait('u', 4, { priority: 9 })],
      found: false,
    },
    {
      name: 'lets one look elsewhere whose room was on a node that is drained',
      pending: [wait('t', 4, { nominatedTo: 'n1' })],
      found: false,
    },
    {
      name: 'lets one look elsewhere whose room was on a node that is cordoned',
      nodes: [...nodes, gpuNode('n3', 8, { schedulable: false })],
      pending: [wait('t', 4, { nominatedTo: 'n3' })],
      found: false,
    },
  ];
  for (const { name, found: is, ...given } of rows)
    it(name, () => assert.deepEqual(found({ nodes, replacements: [ask('a', 1)], ...given }), { a: is }));

  it('lets the one go first that was there first', () => {
    const pending = [wait('t', 4, { createdAtMs: 2 }), wait('u', 3, { createdAtMs: 1 })];
    assert.deepEqual(found({ nodes, pending, replacements: [ask('a', 1)] }), { a: true });
    const other = pending.map((pod) => ({ ...pod, createdAtMs: -pod.createdAtMs }));
    assert.deepEqual(found({ nodes, pending: other, replacements: [ask('a', 1)] }), { a: false });
  });

  it('counts the same room once where replacements of different priority go around one that waits', () => {
    const replacements = [ask('a', 4, {}, { priority: 5 }), ask('b', 4)];
    const three = [...nodes, gpuNode('n3', 4)];
    assert.deepEqual(found({ nodes: three, pending: [wait('t', 4)], replacements }), { a: true, b: false });
  });

  it('names those that are in its way, and only where nothing else is', () => {
    const pending = [wait('t', 4), wait('far', 1, { facts: factsOf(0, { nodeSelector: { pool: 'x' } }) })];
    const elsewhere = aNode({ name: 'n3', labels: { pool: 'x' } });
    assert.equal(
      reasonOf({ nodes: [...nodes, elsewhere], pending, replacements: [ask('a', 1)] }),
      'the nodes have room for 0 of 1 more pods (an estimate): room for 1 more is needed; of 3 nodes: 1 cordoned, 2 without room for nvidia.com/gpu; ml/t waits for a node already and goes first',
    );
    const many = ['t', 'u', 'v', 'w', 'x'].map((name) => wait(name, 1));
    const eight = [gpuNode('n1'), gpuNode('n2', 5)];
    assert.match(
      reasonOf({ nodes: eight, pending: many, replacements: [ask('a', 4)] }),
      /; ml\/t, ml\/u, ml\/v, 2 more wait for a node already and go first$/,
    );
    assert.doesNotMatch(reasonOf({ nodes, pending, replacements: [ask('a', 8)] }), /already/);
  });

  it('is the same in whatever order the pods are read, and promises nothing twice', () => {
    const pods = fc.array(
      fc.record({ gpus: fc.integer({ min: 1, max: 8 }), priority: fc.integer({ min: 0, max: 2 }) }),
      {
        maxLength: 6,
      },
    );
    const frees = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(pods, pods, frees, (waiting, going, free) => {
        const pending = waiting.map(({ gpus, priority }, i) => wait(`w${i}`, gpus, { priority }));
        const replacements = going.map(({ gpus, priority }, i) => ask(`p${i}`, gpus, {}, { priority }));
        const given = { nodes: [gpuNode('n1'), ...free.map((one, i) => gpuNode(`n${i + 2}`, one))], replacements };
        const places = found({ ...given, pending });
        const turned = { ...given, pending: pending.toReversed(), replacements: replacements.toReversed() };
        assert.deepEqual(found(turned), places);
        const promised = going.reduce((sum, { gpus }, i) => sum + (places[`p${i}`] === true ? gpus : 0), 0);
        assert.ok(promised <= free.reduce((sum, one) => sum + one, 0));
        // beside lower ones only it is as if nobody waited
        const lower = pending.map((pod) => ({ ...pod, priority: -1 }));
        assert.deepEqual(found({ ...given, pending: lower }), found(given));
      }),
    );
  });
});

describe('placing pods of a large cluster', () => {
  // the worker does nothing else meanwhile, and an activity is lost after 10 s without a heartbeat
  const BOUND_MS = 5_000;
  const spread = { spread: [{ ...EVENLY, topologyKey: HOSTNAME }] };
  const nodes = (free: number) => Array.from({ length: 300 }, (_, i) => gpuNode(`n${i + 1}`, free));
  const waiting = (owners: number, each: number, gpus: number) =>
    Array.from({ length: owners * each }, (_, i) =>
      wait(`t${i}`, gpus, { owner: `train-${i % owners}`, facts: factsOf(gpus, spread) }),
    );
  const rows: readonly (Given & { readonly name: string; readonly places: number })[] = [
    {
      name: '80 pods that spread, and no room',
      nodes: nodes(0),
      replacements: Array.from({ length: 80 }, (_, i) => ask(`a${i}`, 1, spread)),
      places: 0,
    },
    {
      name: 'the pods of 30 nodes, and no room',
      nodes: nodes(0),
      replacements: Array.from({ length: 3_000 }, (_, i) => ask(`a${i}`, 1)),
      places: 0,
    },
    {
      name: '100 owners whose pods wait, and no room',
      nodes: nodes(0),
      pending: waiting(100, 1, 1),
      replacements: [ask('a', 1)],
      places: 0,
    },
    {
      name: '30 owners with 200 pods each that find room before it',
      nodes: nodes(8),
      pending: waiting(30, 200, 0),
      replacements: [ask('a', 1)],
      places: 1,
    },
  ];
  for (const { name, places, ...given } of rows)
    it(`takes no longer than a worker can spare: ${name}`, () => {
      const startedMs = performance.now();
      assert.equal(Object.values(found(given)).filter((is) => is).length, places);
      assert.ok(performance.now() - startedMs < BOUND_MS);
    });
});

function zoneOf(name: string) {
  return { labels: { [ZONE]: name === 'n4' ? 'b' : 'a' } };
}

function gang(pods: number, gpus: number): readonly PendingPod[] {
  return Array.from({ length: pods }, (_, i) => wait(`g-${i}`, gpus, { gang: 'ml/g' }));
}
