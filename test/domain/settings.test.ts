import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { changesBetween, describeChanges, putBack, type SettingChange, type Spec } from '../../domain/settings.ts';
import { canonicalJson } from '../../domain/json.ts';

const json = fc.letrec<{ value: never; record: Spec }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.integer({ min: 0, max: 3 }), fc.constantFrom('a', 'b'), tie('record')) as never,
  record: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }) as never,
}));
const spec = json.record;

/** The spec after those changes. */
function after(live: Spec, changes: readonly SettingChange[]): Spec {
  const gone = changes.map(({ key }) => key);
  const kept = Object.entries(live).filter(([key]) => !gone.includes(key));
  const set = changes.flatMap(({ key, set: value }) => (value === undefined ? [] : [[key, value] as const]));
  return Object.fromEntries([...kept, ...set]);
}

describe('changing settings', () => {
  it('says each value that differs, and nothing else', () => {
    const before: Spec = {
      minReplicas: 3,
      behavior: { scaleDown: { stabilizationWindowSeconds: 300, selectPolicy: 'Max' } },
      triggers: [
        { name: 'queue', metadata: { threshold: '50' } },
        { name: 'latency', metadata: { threshold: '1' } },
      ],
    };
    const wanted: Spec = {
      minReplicas: 5,
      maxReplicas: 20,
      behavior: { scaleDown: { stabilizationWindowSeconds: 600, selectPolicy: 'Max' } },
      triggers: [
        { name: 'queue', metadata: { threshold: '40' } },
        { name: 'latency', metadata: { threshold: '1' } },
      ],
    };
    assert.deepEqual(describeChanges(changesBetween(before, wanted)), [
      'minReplicas: 3 -> 5',
      'behavior.scaleDown.stabilizationWindowSeconds: 300 -> 600',
      'triggers.queue.metadata.threshold: "50" -> "40"',
      'maxReplicas: absent -> 20',
    ]);
  });

  it('gives back exactly what was there, whatever it was', () => {
    fc.assert(
      fc.property(spec, spec, (before, wanted) => {
        const changes = changesBetween(before, wanted);
        const live = after(before, changes);
        assert.equal(canonicalJson(live), canonicalJson(wanted));
        const back = putBack(live, changes);
        assert.deepEqual(back.left, []);
        assert.equal(canonicalJson(after(live, back.changes)), canonicalJson(before));
        // what is back already, or was never written, is not written again
        assert.deepEqual(putBack(before, changes), { changes: [], left: [] });
      }),
    );
  });

  it('leaves what somebody else has set meanwhile, value by value, and says so', () => {
    const changes = changesBetween(
      { minReplicas: 3, behavior: { scaleDown: { window: 300, selectPolicy: 'Max' } } },
      { minReplicas: 5, behavior: { scaleDown: { window: 600, selectPolicy: 'Max' } } },
    );
    const theirs = { minReplicas: 7, behavior: { scaleDown: { window: 600, selectPolicy: 'Min' } } };
    const back = putBack(theirs, changes);
    assert.deepEqual(after(theirs, back.changes), {
      minReplicas: 7,
      behavior: { scaleDown: { window: 300, selectPolicy: 'Min' } },
    });
    assert.deepEqual(back.left, ['minReplicas is 7, not 5: somebody else set it']);
  });

  it('takes what it added out of a record that others have written into', () => {
    const wanted = { advanced: { hpa: { behavior: { window: 600, policy: 'Max' } } } };
    const changes = changesBetween({}, wanted);
    const live = { advanced: { ...wanted.advanced, scalingModifiers: {} } };
    assert.deepEqual(putBack(live, changes), { changes: [{ key: 'advanced', was: live.advanced }], left: [] });
    const theirs = { advanced: { hpa: { behavior: { window: 60, policy: 'Max' }, name: 'web' } } };
    const back = putBack(theirs, changes);
    assert.deepEqual(after(theirs, back.changes), { advanced: { hpa: { behavior: { window: 60 }, name: 'web' } } });
    assert.deepEqual(back.left, ['advanced.hpa.behavior.window is 60, not 600: somebody else set it']);
  });

  it('never overwrites a value that is neither what was nor what was set', () => {
    fc.assert(
      fc.property(spec, spec, fc.constantFrom('a', 'b', 'c'), (before, wanted, key) => {
        const changes = changesBetween(before, wanted);
        const live = { ...after(before, changes), [key]: 'theirs' };
        assert.equal(after(live, putBack(live, changes).changes)[key], 'theirs');
      }),
    );
  });
});
