import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COMPONENTS } from '../../sandbox/components.ts';
import { runGraph } from '../../sandbox/graph.ts';
import { STEPS } from '../../sandbox/steps.ts';

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

  it('reaches every component and step of the sandbox', async () => {
    const seen: string[] = [];
    await runGraph([...COMPONENTS, ...STEPS].map(({ name, needs }) => recorded(seen, name, needs)));
    assert.equal(new Set(seen).size, COMPONENTS.length + STEPS.length);
  });
});
