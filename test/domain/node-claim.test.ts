import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { claimsOfNode, describeProgress, judgeClaimDeletion, type ClaimFacts } from '../../domain/node-claim.ts';
import { aClaim } from './drain-builders.ts';

const NODE = { name: 'n1', uid: 'uid-n1', instanceId: 'i-01' };
const REF = { name: 'gpu-a', uid: 'uid-gpu-a' };
const facts = (of: Partial<ClaimFacts> = {}): ClaimFacts => ({
  claim: aClaim(),
  nodeUid: 'uid-n1',
  schedulable: false,
  pods: [],
  ...of,
});
const judge = (of: Partial<ClaimFacts> = {}) => judgeClaimDeletion({ node: NODE, ref: REF, facts: facts(of) });

describe('whether a NodeClaim may be deleted', () => {
  const rows = [
    { name: 'of the node that was emptied', of: {}, kind: 'go' },
    { name: 'of a node that is gone already', of: { nodeUid: null, schedulable: true, pods: ['a/b'] }, kind: 'go' },
    { name: 'that tells no node of its own', of: { claim: aClaim({ nodeName: null }) }, kind: 'go' },
    { name: 'that goes', of: { claim: aClaim({ deleting: true }) }, kind: 'asked' },
    {
      name: 'that goes, of a node that works again',
      of: { claim: aClaim({ deleting: true }), pods: ['a/b'] },
      kind: 'asked',
    },
    { name: 'that is gone', of: { claim: null }, kind: 'gone' },
    { name: 'of that name, and another one', of: { claim: aClaim({ uid: 'another' }) }, kind: 'gone' },
    {
      name: 'of another instance',
      of: { claim: aClaim({ providerId: 'aws:///us-east-1a/i-02' }) },
      says: /is of aws.*i-02 by now, not of i-01/,
    },
    { name: 'of no instance', of: { claim: aClaim({ providerId: null }) }, says: /is of no instance by now/ },
    { name: 'of another node', of: { claim: aClaim({ nodeName: 'n2' }) }, says: /by now, not of/ },
    { name: 'that Karpenter does not guard', of: { claim: aClaim({ guarded: false }) }, says: /no finalizer/ },
    { name: 'where the name is another node’s', of: { nodeUid: 'uid-2' }, says: /n1 is another node’s by now/ },
    { name: 'where somebody uncordoned', of: { schedulable: true }, says: /made n1 schedulable again/ },
    { name: 'where pods came', of: { pods: ['ml/train-0'] }, says: /not empty any more: ml\/train-0/ },
  ] as const;
  for (const { name, of, ...expected } of rows)
    it(`${'says' in expected ? 'not one' : `one (${expected.kind})`} ${name}`, () => {
      const verdict = judge(of);
      if (!('says' in expected)) return assert.equal(verdict.kind, expected.kind);
      assert.equal(verdict.kind, 'refused');
      return assert.match(verdict.kind === 'refused' ? verdict.reason : '', expected.says);
    });

  it('only ever of this instance, of an empty node that is cordoned', () => {
    const one = fc.constantFrom('i-01', 'i-02');
    fc.assert(
      fc.property(one, fc.boolean(), fc.boolean(), fc.boolean(), (instance, schedulable, deleting, busy) => {
        const claim = aClaim({ providerId: `aws:///us-east-1a/${instance}`, deleting });
        const { kind } = judge({ claim, schedulable, pods: busy ? ['a/b'] : [] });
        if (kind === 'go') assert.ok(instance === 'i-01' && !schedulable && !deleting && !busy);
      }),
    );
  });
});

describe('whose a NodeClaim is', () => {
  it('is told by the instance, and nobody’s is one that has none', () => {
    const claims = [
      aClaim(),
      aClaim({ name: 'gpu-b', providerId: null }),
      aClaim({ name: 'gpu-c', providerId: 'kwok://n1' }),
    ];
    const own = (providerId: string | null) => claimsOfNode(claims, { name: 'n1', providerId }).map(({ name }) => name);
    assert.deepEqual(own('aws:///us-east-1a/i-01'), ['gpu-a']);
    assert.deepEqual([own('aws:///us-east-1a/i-02'), own(null), own('kwok://n1')], [[], [], []]);
  });
});

describe('how far Karpenter is', () => {
  const condition = (type: string, status: string, reason = '', message = '') => ({ type, status, reason, message });
  it('is told by its conditions of an end, in their order', () => {
    const conditions = [
      condition('InstanceTerminating', 'Unknown'),
      condition('Ready', 'True', 'Ready'),
      condition('Drained', 'False', 'Draining', '1 pod waits'),
    ];
    assert.equal(
      describeProgress({ conditions }),
      'Drained False (Draining: 1 pod waits), InstanceTerminating Unknown',
    );
  });
  it('is not told where Karpenter has not begun', () => {
    assert.match(
      describeProgress({ conditions: [condition('Ready', 'True', 'Ready')] }),
      /nothing of its end \(only Ready True\); look whether it runs/,
    );
    assert.equal(describeProgress({ conditions: [] }), 'Karpenter says nothing of its end; look whether it runs');
  });
});
