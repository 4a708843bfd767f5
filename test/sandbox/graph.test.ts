import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { componentsWith } from '../../sandbox/components.ts';
import { EXTRAS } from '../../sandbox/extras.ts';
import { runGraph } from '../../sandbox/graph.ts';
import { stepsWith } from '../../sandbox/steps.ts';

const recorded = (seen: string[], name: string, needs: readonly string[]) => ({
  name,
  needs,
  run: async () => void seen.push(name),
});

describe('running tasks by their needs', () => {
  it('starts a task only after everything it needs, whatever their order in the list', async () => {
    const seen: string[] = [];
    await runGraph([recorded(seen, 'roof', ['wall']), recorded(seen, 'wall', ['floor']), recorded(seen, 'floor', [])]);
    assert.deepEqual(seen, ['floor', 'wall', 'roof']);
  });

  it('starts nothing that needs a failed task, and fails as that did', async () => {
    const seen: string[] = [];
    const broken = { name: 'floor', needs: [], run: () => Promise.reject(new Error('no floor')) };
    await assert.rejects(runGraph([recorded(seen, 'wall', ['floor']), broken]), /no floor/);
    assert.deepEqual(seen, []);
  });

  it('refuses an unknown need and a circle', async () => {
    await assert.rejects(runGraph([recorded([], 'roof', ['wall'])]), /no task wall/);
    await assert.rejects(runGraph([recorded([], 'a', ['b']), recorded([], 'b', ['a'])]), /needs itself/);
  });

  for (const extras of [[], EXTRAS]) {
    it(`reaches every component and step of the sandbox with ${extras.join(', ') || 'nothing besides'}`, async () => {
      const all = [...componentsWith(extras), ...stepsWith(extras)];
      const seen: string[] = [];
      await runGraph(all.map(({ name, needs }) => recorded(seen, name, needs)));
      assert.equal(new Set(seen).size, all.length);
    });
  }

  it('asks for no program of KEDA where nobody asked for KEDA', () => {
    const names = componentsWith([]).map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => name.startsWith('keda')),
      [],
    );
    assert.deepEqual(
      componentsWith(['keda'])
        .map(({ name }) => name)
        .filter((name) => name.startsWith('keda')),
      ['keda-operator', 'keda-webhooks', 'keda-adapter'],
    );
  });
});
