import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { freezeFault, frozen, isFrozen, thawed } from '../../domain/freeze.ts';
import type { Json } from '../../domain/json.ts';

const hpa = (freeze?: Json) => ({
  kind: 'horizontalPodAutoscaler' as const,
  fields: { floor: 3, ...(freeze !== undefined && { freeze }) },
});
const scaledObject = (freeze?: Json, version?: string) => ({
  kind: 'scaledObject' as const,
  fields: freeze === undefined ? {} : { freeze },
  ...(version !== undefined && { autoscaler: { version } }),
});
const percent = { type: 'Percent', value: 10, periodSeconds: 60 };
const careful = { scaleDown: { stabilizationWindowSeconds: 300, selectPolicy: 'Max', policies: [percent] } };

describe('freezing scale-in', () => {
  it('turns only selectPolicy of an HPA that has a behavior', () => {
    assert.deepEqual(frozen(hpa(careful)), { scaleDown: { ...careful.scaleDown, selectPolicy: 'Disabled' } });
  });

  it('writes a whole behavior where there was none, as the API server would fill it in', () => {
    const written = frozen(hpa()) as {
      readonly scaleUp: unknown;
      readonly scaleDown: { readonly selectPolicy: string };
    };
    assert.equal(written.scaleDown.selectPolicy, 'Disabled');
    assert.ok(written.scaleUp !== undefined, 'scale-out stays as it would be by default');
    assert.ok(isFrozen(hpa(written as Json)));
  });

  it('is an annotation on a ScaledObject', () => {
    assert.equal(frozen(scaledObject()), 'true');
    assert.ok(isFrozen(scaledObject('true')));
    for (const off of ['0', 'f', 'F', 'false', 'False', 'FALSE']) assert.ok(!isFrozen(scaledObject(off)), off);
    for (const on of ['1', 'True', 'yes', '']) assert.ok(isFrozen(scaledObject(on)), `KEDA takes "${on}" for true`);
  });

  it('is nothing on a workload without an autoscaler', () => {
    assert.equal(frozen({ kind: 'workload', fields: { floor: 3 } }), undefined);
  });

  const versions: readonly (readonly [version: string | undefined, can: boolean])[] = [
    ['2.17.9', false],
    ['2.18.0', true],
    ['v2.20.2', true],
    ['3.0.0', true],
    ['1.99.0', false],
    ['main', true],
    [undefined, true],
  ];
  for (const [version, can] of versions) {
    it(`${can ? 'works with' : 'is beyond'} KEDA ${version ?? 'of an unknown version'}`, () => {
      const governor = scaledObject(undefined, version);
      assert.equal(frozen(governor), can ? 'true' : undefined);
      assert.equal(freezeFault(governor) === undefined, can);
    });
  }
});

describe('ending a freeze', () => {
  it('gives back exactly what was there, or nothing where nothing was', () => {
    for (const was of [careful, undefined]) {
      const set = frozen(hpa(was));
      assert.ok(set !== undefined);
      assert.deepEqual(thawed(hpa(set), { set, ...(was !== undefined && { was }) }), was);
    }
    assert.equal(thawed(scaledObject('true'), { set: 'true' }), undefined);
    assert.equal(thawed(scaledObject('true'), { set: 'true', was: 'false' }), 'false');
  });

  it('keeps what somebody edited meanwhile, without our freeze', () => {
    const set = frozen(hpa(careful));
    assert.ok(set !== undefined);
    const edited = { scaleDown: { stabilizationWindowSeconds: 600, selectPolicy: 'Disabled', policies: [percent] } };
    assert.deepEqual(thawed(hpa(edited), { was: careful, set }), {
      scaleDown: { ...edited.scaleDown, selectPolicy: 'Max' },
    });
    const theirs = { scaleDown: { ...edited.scaleDown, selectPolicy: 'Min' } };
    assert.deepEqual(thawed(hpa(theirs), { was: careful, set }), theirs);
    assert.equal(thawed(hpa(), { was: careful, set }), undefined);
    assert.equal(thawed(scaledObject('false'), { set: 'true' }), 'false');
  });

  it('never leaves a freeze behind that the owner did not have, whatever stands there', () => {
    const policies = fc.constantFrom('Max', 'Min', 'Disabled');
    const behavior = fc.record(
      {
        scaleDown: fc.record({ selectPolicy: policies, stabilizationWindowSeconds: fc.nat(900) }),
        scaleUp: fc.record({ selectPolicy: policies }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.option(behavior, { nil: undefined }), fc.option(behavior, { nil: undefined }), (before, live) => {
        const was = before as Json | undefined;
        const set = frozen(hpa(was));
        const held = { ...(was !== undefined && { was }), ...(set !== undefined && { set }) };
        const after = thawed(hpa(live), held);
        if (!isFrozen(hpa(was))) assert.ok(!isFrozen(hpa(after)), JSON.stringify({ was, live, after }));
      }),
      { numRuns: 500 },
    );
  });
});
